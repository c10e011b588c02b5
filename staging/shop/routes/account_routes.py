"""A customer's own pages: who they are, and what they ordered."""

from flask import Flask, Response, jsonify, request

from staging.shop.customers.current import require_customer
from staging.shop.html.order_pages import account_page, orders_page
from staging.shop.html.render import wants_html
from staging.shop.orders import Order, count_of_customer, orders_of_customer
from staging.shop.routes.order_json import lines_json
from staging.shop.storefront import Storefront
from staging.shop.tracking import stage_of
from staging.web import bad_request

ORDERS_PATH = "/account/orders"
MOST_ORDERS = 100
USUAL_ORDERS = 20


def add_account(app: Flask, shop: Storefront) -> None:
    """Add the pages to the public application."""

    @app.get("/account")
    def account() -> Response:
        customer = require_customer(shop)
        if wants_html():
            return account_page(customer)
        return jsonify(
            customer_id=customer.customer_id,
            user=customer.user,
            name=customer.name,
            orders=count_of_customer(shop.database, customer.customer_id),
            orders_url=ORDERS_PATH,
        )

    @app.get(ORDERS_PATH)
    def account_orders() -> Response:
        customer = require_customer(shop)
        before, limit = _number("before", None, 1 << 62), _number("limit", USUAL_ORDERS, MOST_ORDERS)
        page, following = orders_of_customer(shop.database, customer.customer_id, before, limit or USUAL_ORDERS)
        if wants_html():
            return orders_page(page, following)
        return jsonify(orders=[_order(order) for order in page], next=following)


def _number(name: str, default: int | None, most: int) -> int | None:
    sent = request.args.get(name)
    if sent is None:
        return default
    if not (sent.isdecimal() and len(sent) <= 19 and 1 <= int(sent) <= most):  # noqa: PLR2004 - the digits of `most`
        raise bad_request(f"{name}: 1 to {most}")
    return int(sent)


def _order(order: Order) -> dict[str, object]:
    return {
        "order_id": order.order_id,
        "status": order.status,
        "created_at": order.created_at,
        "total_cents": order.total_cents,
        "lines": lines_json(order),
        "stage": stage_of(order),
    }
