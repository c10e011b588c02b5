"""Hosted payments over HTTP: the page that shoppers return to, and the webhook that tells what they did."""

import time
from http import HTTPStatus

from flask import Flask, Response, jsonify, request

from staging.derived_keys import is_signature
from staging.shop.funnel import Step
from staging.shop.hosted.news import News, NewsType
from staging.shop.hosted.provider_pages import RETURN_PATH, WEBHOOK_PATH
from staging.shop.html.order_pages import order_page
from staging.shop.html.render import wants_html
from staging.shop.orders import Order, Status, find_order
from staging.shop.routes.order_json import order_json, payment_refused
from staging.shop.routes.return_routes import may_return
from staging.shop.sessions import session
from staging.shop.storefront import Storefront
from staging.web import RefusedError, not_found, read_body

SIGNATURE_HEADER = "Webhook-Signature"
SIGNATURE_LASTS_S = 300


def add_hosted(app: Flask, shop: Storefront) -> None:
    """Add the pages to the public application."""

    @app.get(RETURN_PATH)
    def checkout_return() -> tuple[Response, HTTPStatus]:
        order = find_order(shop.database, request.args.get("order", ""))
        if order is None or not order.hosted or order.session != session():
            raise not_found("no such order")
        return _answer(shop, order)

    @app.post(WEBHOOK_PATH)
    def webhook() -> Response:
        _require_signature(shop)
        news = read_body(News)
        order = find_order(shop.database, news.reference)
        if order is None or not order.hosted:
            raise not_found("no such order")
        if news.amount_cents != order.total_cents:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error="another_amount")
        shop.release.get().behaviour.news.apply(shop.database, order, news)
        if news.type is NewsType.CAPTURED:
            shop.funnel.saw(Step.ORDER, order.session)
        return jsonify(received=True)


def _answer(shop: Storefront, order: Order) -> tuple[Response, HTTPStatus]:
    status = HTTPStatus.ACCEPTED if order.status is Status.PENDING else HTTPStatus.OK
    name = shop.release.get().behaviour.name_shown(order)
    refusal = payment_refused(order, order_id=order.order_id) if order.status is Status.DECLINED else None
    if wants_html():
        error = str(refusal.body["error"]) if refusal else ""
        status = refusal.status if refusal else status
        return order_page(order, may_return=may_return(shop, order), status=status, error=error, name=name), status
    if refusal is not None:
        raise refusal
    return jsonify(order_json(order, name)), status


def _require_signature(shop: Storefront) -> None:
    """Refuse with 401 a webhook that isn't signed, or was signed more than five minutes ago."""
    parts = dict(part.partition("=")[::2] for part in request.headers.get(SIGNATURE_HEADER, "").split(","))
    at, sent = parts.get("t", ""), parts.get("v1", "")
    body = request.get_data().decode("utf-8", "replace")
    is_recent = at.isdecimal() and len(at) <= 12 and abs(time.time() - int(at)) <= SIGNATURE_LASTS_S  # noqa: PLR2004 - digits of a time
    if not (is_recent and is_signature(shop.keys.webhook, f"{at}.{body}", sent)):
        raise RefusedError(HTTPStatus.UNAUTHORIZED, error="unauthorized", detail="another signature")
