"""Pages of what a shopper buys and has bought: cart, checkout, order, return, account."""

import secrets
from collections.abc import Iterable, Mapping
from html import escape
from http import HTTPStatus
from typing import Any

from flask import Response

from staging import forms
from staging.shop.catalogue import STORES
from staging.shop.customers.customers import Customer
from staging.shop.html.render import render, shop_form
from staging.shop.orders import Order
from staging.shop.returns.returns import Return


def cart_page(cart: Mapping[str, Any]) -> Response:
    """Return the page of a cart, from its JSON."""
    listed = "".join(
        f'<li data-sku="{escape(line["sku"])}" data-quantity="{line["quantity"]}">{line["quantity"]} × '
        f"{escape(line['sku'])}: {_pounds(line['unit_cents'])}</li>"
        for line in cart["lines"]
    )
    codes = forms.field("coupon", "Coupon") + forms.field("gift_card", "Gift card")
    body = f"<ul>{listed}</ul>{_total(cart['total_cents'])}" + shop_form("codes", "/cart/codes", codes, button="Use")
    return render("Your cart", body + '<p><a href="/checkout">Checkout</a></p>')


def checkout_page(cart: Mapping[str, Any]) -> Response:
    """Return the page that orders a cart; the order's key is new with each page."""
    fields = (
        forms.hidden({"key": f"web-{secrets.token_hex(16)}"})
        + forms.select("method", "Delivery", [("ship", "by post", True), ("collect", "from a store", True)])
        + forms.select("location", "Store", [(store, store.removeprefix("store-"), True) for store in STORES])
        + forms.field("name", "Name")
        + forms.select("payment", "Payment", [("card", "card", True), ("hosted", "at our bank's page", True)])
        + forms.field("card_token", "Card")
    )
    return render("Checkout", _total(cart["total_cents"]) + shop_form("checkout", "/checkout", fields, button="Order"))


def order_page(
    order: Order, *, may_return: bool, status: HTTPStatus = HTTPStatus.OK, error: str = "", name: str | None = None
) -> Response:
    """Return the page of an order, for whom it is; with `error`, the word of why it wasn't paid."""
    lines = "".join(
        f'<li data-sku="{escape(line.sku)}" data-quantity="{line.quantity}">{line.quantity} × {escape(line.sku)}</li>'
        for line in order.lines
    )
    body = (
        (forms.error(error, error.replace("_", " ")) if error else "")
        + f'<article id="order" data-order="{order.order_id}" data-status="{order.status}"'
        + f' data-total-cents="{order.total_cents}"><p>{order.status}</p>'
        + (f"<p data-name>{escape(name)}</p>" if name else "")
        + f"<ul>{lines}</ul></article>"
    )
    if may_return:
        reason = forms.field("reason", "Reason")
        body += shop_form("return", f"/orders/{order.order_id}/returns", reason, button="Return it")
    return render("Your order", body, status)


def return_page(one: Return) -> Response:
    """Return the page of a return."""
    body = (
        f'<article id="return" data-return="{one.return_id}" data-status="{one.status}"><p>{one.status}</p></article>'
        f'<p><a href="/orders/{one.order_id}">Its order</a></p>'
    )
    return render("Your return", body)


def account_page(customer: Customer) -> Response:
    """Return the page of a customer."""
    body = (
        f'<p id="customer" data-customer="{escape(customer.customer_id)}">{escape(customer.name)}</p>'
        '<p><a href="/account/orders">Orders</a></p>'
    )
    return render("Your account", body + shop_form("logout", "/logout", "", button="Log out"))


def orders_page(listed: Iterable[Order], following: int | None) -> Response:
    """Return the page of a customer's orders, the newest first."""
    rows = "".join(
        f'<li data-order="{order.order_id}" data-status="{order.status}">'
        f'<a href="/orders/{order.order_id}">{_pounds(order.total_cents)}</a></li>'
        for order in listed
    )
    more = f'<p><a id="more" href="/account/orders?before={following}">More</a></p>' if following is not None else ""
    return render("Your orders", f"<ul>{rows}</ul>{more}")


def drops_page(drops: Iterable[Mapping[str, Any]]) -> Response:
    """Return the page of the drops, each with a link to its product."""
    rows = "".join(
        f'<li data-style="{escape(drop["style"])}" data-open="{str(drop["open"]).lower()}"'
        f' data-opens-at="{drop["opens_at"]}">'
        f'<a href="/products/{escape(drop["style"])}">{escape(drop["name"])}</a></li>'
        for drop in drops
    )
    return render("Drops", f"<ul>{rows}</ul>")


def _total(cents: int) -> str:
    return f'<p id="total" data-cents="{cents}">{_pounds(cents)}</p>'


def _pounds(cents: int) -> str:
    return f"£{cents / 100:.2f}"
