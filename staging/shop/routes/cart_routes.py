"""The cart over HTTP: replaced as a whole, added to, given codes, shown."""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, jsonify

from staging.shop.carts import Cart, CartLine, find_cart, replace_cart, unknown_designs
from staging.shop.funnel import Step
from staging.shop.html.order_pages import cart_page, checkout_page
from staging.shop.html.render import is_form, see_other, wants_html
from staging.shop.offers.vouchers import CodeRefusedError, Codes, discount
from staging.shop.payloads import MOST_LINES, CartBody, CodesBody, LineBody
from staging.shop.routes.reading import body_or_form, conflict, required_session
from staging.shop.sessions import note
from staging.shop.storefront import Storefront
from staging.web import RefusedError, bad_request, not_found, read_body


def add_cart(app: Flask, shop: Storefront) -> None:
    """Add the pages to the public application."""

    @app.post("/cart")
    def cart() -> Response:
        body = read_body(CartBody)
        lines = [_line(line) for line in body.lines]
        return jsonify(_kept(shop, Cart(lines=lines, codes=_codes(body))))

    @app.post("/cart/lines")
    def add_line() -> Response:
        line = _line(body_or_form(LineBody, "sku", "quantity"))
        there = find_cart(shop.database, required_session())
        shown = _kept(shop, replace(there, lines=_with(there.lines, line)))
        return see_other("/cart") if is_form() else jsonify(shown)

    @app.post("/cart/codes")
    def codes() -> Response:
        given = _codes(body_or_form(CodesBody, "coupon", "gift_card"))
        there = find_cart(shop.database, required_session())
        shown = _kept(shop, replace(there, codes=given))
        return see_other("/cart") if is_form() else jsonify(shown)

    @app.get("/cart")
    def show_cart() -> Response:
        shown = _shown(shop, find_cart(shop.database, required_session()))
        return cart_page(shown) if wants_html() else jsonify(shown)

    @app.get("/checkout")
    def checkout_form() -> Response:
        if not wants_html():
            raise not_found("a page only: POST /checkout orders")
        return checkout_page(_shown(shop, find_cart(shop.database, required_session())))


def code_refused(refused: CodeRefusedError) -> RefusedError:
    """Return the refusal of a code: 409 for one that is used, 422 for one that isn't known."""
    error = str(refused)
    return conflict(error) if error.endswith("_used") else RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error=error)


def _line(body: LineBody) -> CartLine:
    return CartLine(sku=body.sku, quantity=body.quantity, design_id=body.design_id)


def _codes(body: CodesBody) -> Codes:
    return Codes(coupon=body.coupon, gift_card=body.gift_card)


def _with(lines: Sequence[CartLine], added: CartLine) -> list[CartLine]:
    if len(lines) >= MOST_LINES:
        raise bad_request(f"lines: at most {MOST_LINES}")
    return [*lines, added]


def _kept(shop: Storefront, cart: Cart) -> dict[str, Any]:
    """Keep a cart, and return it as its shopper sees it."""
    name = required_session()
    shown = _shown(shop, cart)
    if unknown_designs(shop.database, cart.lines):
        raise bad_request("lines: no such design")
    replace_cart(shop.database, name, cart.lines, cart.codes)
    note(shop.funnel, Step.CART)
    return shown


def _shown(shop: Storefront, cart: Cart) -> dict[str, Any]:
    lines = [{"sku": line.sku, "quantity": line.quantity, "unit_cents": _price(shop, line)} for line in cart.lines]
    subtotal_cents = sum(line.quantity * _price(shop, line) for line in cart.lines)
    try:
        taken_off = discount(shop.database, cart.codes, subtotal_cents, shop.release.get().behaviour.vouchers)
    except CodeRefusedError as refused:
        raise code_refused(refused) from None
    if taken_off is None or not cart.lines:
        return {"lines": lines, "total_cents": subtotal_cents}
    return {
        "lines": lines,
        "subtotal_cents": subtotal_cents,
        "discount_cents": taken_off.discount_cents,
        "gift_card_cents": taken_off.gift_card_cents,
        "total_cents": subtotal_cents - taken_off.cents,
    }


def _price(shop: Storefront, line: CartLine) -> int:
    style = shop.catalogue.find_sku(line.sku)
    if style is None:
        raise bad_request("lines: no such SKU")
    if (drop := shop.drops.not_open(style.style)) is not None:
        raise conflict("not_open", style=drop.style, opens_at=drop.opens_at)
    return style.price_cents
