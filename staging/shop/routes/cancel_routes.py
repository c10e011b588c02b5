"""The admin interface to what shouldn't have been: orders cancelled and paid back, customers forgotten."""

from http import HTTPStatus

from flask import Flask, Response, jsonify

from staging.shop.orders import Status, find_order
from staging.shop.routes.reading import conflict
from staging.shop.storefront import Storefront
from staging.web import RefusedError, not_found

_ENDED = frozenset({Status.DECLINED, Status.FAILED})


def add_cancelling(app: Flask, shop: Storefront) -> None:
    """Add the pages to the admin application."""

    @app.post("/admin/orders/<order_id>/cancel")
    def cancel(order_id: str) -> Response:
        order = find_order(shop.database, order_id)
        if order is None:
            raise not_found("no such order")
        changed = shop.returns.cancel(order)
        if order.status not in _ENDED and not shop.returns.pay_back(order):
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, error="not_refunded", detail="ask again")
        if not changed:
            raise conflict("not_cancellable", status=order.status.value)
        return jsonify(order_id=order_id, cancelled=True)

    @app.delete("/admin/customers/<user>")
    def forget(user: str) -> Response:
        known = shop.customers.named(user)
        if known is None:
            raise not_found("no such customer")
        if shop.customers.has_orders(known):
            raise conflict("has_orders")
        shop.customers.forget(known)
        return Response(status=HTTPStatus.NO_CONTENT)
