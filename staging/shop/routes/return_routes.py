"""Returns over HTTP: requested for an order, looked at until the money is back."""

from http import HTTPStatus

from flask import Flask, Response, jsonify

from staging.shop.customers.current import find_customer
from staging.shop.html.order_pages import return_page
from staging.shop.html.render import is_form, see_other, wants_html
from staging.shop.orders import Order, Status, find_order
from staging.shop.payloads import ReturnBody
from staging.shop.returns.returns import Return
from staging.shop.routes.reading import body_or_form, conflict
from staging.shop.sessions import session
from staging.shop.storefront import Storefront
from staging.web import not_found


def add_returns(app: Flask, shop: Storefront) -> None:
    """Add the pages to the public application."""

    @app.post("/orders/<order_id>/returns")
    def request_return(order_id: str) -> tuple[Response, HTTPStatus]:
        from_form, body = is_form(), body_or_form(ReturnBody, "reason")
        order = _own_order(shop, order_id)
        known = shop.returns.of_order(order_id)
        if known is None and order.status is not Status.ACCEPTED:
            raise conflict("not_returnable", status=order.status.value)
        one, is_new = (known, False) if known else shop.returns.request(order, body.reason or "")
        if from_form:
            return see_other(f"/returns/{one.return_id}"), HTTPStatus.SEE_OTHER
        return jsonify(_json(one, order)), HTTPStatus.CREATED if is_new else HTTPStatus.OK

    @app.get("/returns/<return_id>")
    def show_return(return_id: str) -> Response:
        one = shop.returns.find(return_id)
        if one is None:
            raise not_found("no such return")
        order = _own_order(shop, one.order_id)
        return return_page(one) if wants_html() else jsonify(_json(one, order))


def may_return(shop: Storefront, order: Order) -> bool:
    """Whether the request's sender may return an order."""
    return order.status is Status.ACCEPTED and _is_own(shop, order)


def _own_order(shop: Storefront, order_id: str) -> Order:
    order = find_order(shop.database, order_id)
    if order is None or not _is_own(shop, order):
        raise not_found("no such order")
    return order


def _is_own(shop: Storefront, order: Order) -> bool:
    if order.session == session():
        return True
    if order.customer is None:
        return False
    customer = find_customer(shop)
    return customer is not None and customer.customer_id == order.customer


def _json(one: Return, order: Order) -> dict[str, object]:
    return {
        "return_id": one.return_id,
        "order_id": one.order_id,
        "status": one.status,
        "refund_cents": order.total_cents,
    }
