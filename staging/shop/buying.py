"""The public pages that sell: checkout, order."""

from collections.abc import Callable
from http import HTTPStatus

from flask import Flask, Response, jsonify, request

from staging.shop.catalogue import WAREHOUSE
from staging.shop.checkout import CheckoutRequest, EmptyCartError, KeyReusedError, Placed
from staging.shop.customers.current import find_customer
from staging.shop.funnel import Step
from staging.shop.html.order_pages import order_page
from staging.shop.html.render import is_form, see_other, wants_html
from staging.shop.offers.vouchers import CodeRefusedError
from staging.shop.orders import Order, Status, find_order
from staging.shop.payloads import CheckoutBody, Collect
from staging.shop.routes.cart_routes import code_refused
from staging.shop.routes.order_json import order_json, payment_refused
from staging.shop.routes.reading import KEY_HEADER, RUN_HEADER, checked, header, of_form, required_session
from staging.shop.routes.return_routes import may_return
from staging.shop.sessions import note, session
from staging.shop.stock import OutOfStockError
from staging.shop.storefront import Storefront
from staging.web import RefusedError, bad_request, not_found, read_body


def add_buying(app: Flask, shop: Storefront) -> None:
    """Add the pages to the public application."""

    @app.post("/checkout")
    def checkout() -> tuple[Response, HTTPStatus]:
        return _check_out(shop)

    @app.get("/orders/<order_id>")
    def order(order_id: str) -> Response:
        found = find_order(shop.database, order_id)
        if found is None:
            raise not_found("no such order")
        name = shop.release.get().behaviour.name_shown(found)
        if wants_html():
            return order_page(found, may_return=may_return(shop, found), name=name)
        return jsonify(order_json(found, name))

    @app.get("/orders/<order_id>/events")
    def events(order_id: str) -> Response:
        found = find_order(shop.database, order_id)
        if found is None or found.session != session():
            raise not_found("no such order")
        until = shop.release.get().behaviour.pushed_until
        return shop.tracking.stream(found, request.headers.get("Last-Event-ID", ""), until)


def _check_out(shop: Storefront) -> tuple[Response, HTTPStatus]:
    from_form = is_form()
    body, name, key = (
        _body_and_key() if from_form else (read_body(CheckoutBody), required_session(), header(KEY_HEADER))
    )
    if not key:
        raise bad_request(f"{KEY_HEADER}: missing")
    customer = find_customer(shop)
    checkout_request = CheckoutRequest(
        key=key,
        session=name,
        run=header(RUN_HEADER) or None,
        location=body.delivery.location if isinstance(body.delivery, Collect) else WAREHOUSE,
        card_token=body.payment.card_token,
        customer=customer.customer_id if customer else None,
        recipient=body.delivery.name,
        origin=shop.origin() if body.payment.hosted else None,
    )
    note(shop.funnel, Step.CHECKOUT)
    placed = _place(shop, checkout_request)
    if placed.order.status is Status.ACCEPTED:
        note(shop.funnel, Step.ORDER)
    reply, status = _answer(placed, shop.release.get().behaviour.name_shown)
    if from_form:
        return see_other(placed.payment_url or f"/orders/{placed.order.order_id}"), HTTPStatus.SEE_OTHER
    return reply, status


def _body_and_key() -> tuple[CheckoutBody, str, str]:
    """Return a form's checkout, its session, and the key that came with its page."""
    sent = {name: request.form.get(name, "") for name in ("method", "location", "name", "payment", "card_token", "key")}
    named = {"method": sent["method"], **({"name": sent["name"]} if sent["name"] else {})}
    delivery = {**named, "location": sent["location"]} if sent["method"] == "collect" else named
    payment = {"hosted": True} if sent["payment"] == "hosted" else {"card_token": sent["card_token"]}
    body = of_form(CheckoutBody, {"delivery": delivery, "payment": payment})
    return body, required_session(), header(KEY_HEADER) or checked("key", sent["key"])


def _place(shop: Storefront, checkout_request: CheckoutRequest) -> Placed:
    try:
        return shop.checkout.place(checkout_request, shop.release.get().behaviour)
    except EmptyCartError:
        raise bad_request("the cart is empty") from None
    except KeyReusedError:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error="idempotency_key_reused") from None
    except CodeRefusedError as refused:
        raise code_refused(refused) from None
    except OutOfStockError as gone:
        shop.funnel.refused_out_of_stock(checkout_request.key)
        raise RefusedError(HTTPStatus.CONFLICT, error="out_of_stock", sku=gone.sku) from None


def _answer(placed: Placed, name_shown: Callable[[Order], str | None]) -> tuple[Response, HTTPStatus]:
    order = placed.order
    match order.status:
        case Status.ACCEPTED | Status.RETURNED:
            return jsonify(order_json(order, name_shown(order))), HTTPStatus.CREATED if placed.new else HTTPStatus.OK
        case Status.DECLINED:
            raise payment_refused(order)
        case Status.PENDING if placed.payment_url is not None:
            return jsonify(
                {**order_json(order, name_shown(order)), "payment_url": placed.payment_url}
            ), HTTPStatus.ACCEPTED
        case status:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, error="payment_unavailable", status=status.value)
