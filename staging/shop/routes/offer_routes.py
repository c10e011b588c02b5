"""Drops, and the consent to cookies."""

import time
from http import HTTPStatus

from flask import Flask, Response, jsonify, request

from staging.shop.catalogue import WAREHOUSE
from staging.shop.html.order_pages import drops_page
from staging.shop.html.render import CHOICES, CONSENT_COOKIE, is_form, own_path, see_other, wants_html
from staging.shop.offers.drops import Drop
from staging.shop.payloads import ConsentBody
from staging.shop.routes.reading import body_or_form
from staging.shop.stock import stock_of_style
from staging.shop.storefront import Storefront

HALF_A_YEAR_S = 182 * 86_400


def add_offers(app: Flask, shop: Storefront) -> None:
    """Add the pages to the public application."""

    @app.get("/drops")
    def drops() -> Response:
        listed = [_drop_json(shop, drop) for drop in shop.drops.all()]
        return drops_page(listed) if wants_html() else jsonify(drops=listed)

    @app.post("/consent")
    def consent() -> Response:
        from_form, choice = is_form(), body_or_form(ConsentBody, "choice").choice
        given = request.cookies.get(CONSENT_COOKIE)
        following = own_path(request.form.get("next", ""), "/") if from_form else ""
        if given in CHOICES:
            return see_other(following) if from_form else jsonify(choice=given)
        reply = see_other(following) if from_form else Response(status=HTTPStatus.NO_CONTENT)
        reply.set_cookie(CONSENT_COOKIE, choice, max_age=HALF_A_YEAR_S, path="/", samesite="Lax")
        return reply


def _drop_json(shop: Storefront, drop: Drop) -> dict[str, object]:
    style = shop.catalogue.find(drop.style)
    if style is None:
        raise LookupError(drop.style)
    left = stock_of_style(shop.database, drop.style)
    return {
        "style": style.style,
        "name": style.name,
        "price_cents": style.price_cents,
        "opens_at": drop.opens_at,
        "open": drop.is_open(time.time_ns()),
        "skus": [{"sku": sku.sku, "left": left.get(sku.sku, {}).get(WAREHOUSE, 0)} for sku in style.skus],
    }
