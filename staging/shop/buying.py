"""The public pages that sell: cart, checkout, order."""

from http import HTTPStatus

from flask import Flask, Response, jsonify, request

from staging.shop.carts import CartLine, replace_cart, unknown_designs
from staging.shop.catalogue import WAREHOUSE
from staging.shop.checkout import CheckoutRequest, EmptyCartError, KeyReusedError, Placed
from staging.shop.funnel import Step
from staging.shop.orders import Order, Status, find_order
from staging.shop.payloads import CartBody, CheckoutBody, Collect
from staging.shop.sessions import note, session
from staging.shop.stock import OutOfStockError
from staging.shop.storefront import Storefront
from staging.shop.tracking import address_of
from staging.web import RefusedError, bad_request, not_found, read_body

KEY_HEADER = "Idempotency-Key"
RUN_HEADER = "X-Peakproof-Run"
LONGEST_NAME = 200


def add_buying(app: Flask, shop: Storefront) -> None:
    """Add the pages to the public application."""

    @app.post("/cart")
    def cart() -> Response:
        return _fill_cart(shop)

    @app.post("/checkout")
    def checkout() -> tuple[Response, HTTPStatus]:
        return _check_out(shop)

    @app.get("/orders/<order_id>")
    def order(order_id: str) -> Response:
        found = find_order(shop.database, order_id)
        if found is None:
            raise not_found("no such order")
        return jsonify(order_json(found))

    @app.get("/orders/<order_id>/events")
    def events(order_id: str) -> Response:
        found = find_order(shop.database, order_id)
        if found is None or found.session != session():
            raise not_found("no such order")
        until = shop.release.get().behaviour.pushed_until
        return shop.tracking.stream(found, request.headers.get("Last-Event-ID", ""), until)


def order_json(order: Order) -> dict[str, object]:
    """Return an order as the shopper sees it."""
    return {
        "order_id": order.order_id,
        "status": order.status,
        "total_cents": order.total_cents,
        "lines": lines_json(order),
        "events_url": address_of(order),
    }


def lines_json(order: Order) -> list[dict[str, str | int]]:
    """Return an order's lines as JSON."""
    return [{"sku": line.sku, "quantity": line.quantity, "location": order.location} for line in order.lines]


def _fill_cart(shop: Storefront) -> Response:
    body, name = read_body(CartBody), _session()
    lines = [CartLine(sku=line.sku, quantity=line.quantity, design_id=line.design_id) for line in body.lines]
    priced: list[tuple[CartLine, int]] = []
    for line in lines:
        style = shop.catalogue.find_sku(line.sku)
        if style is None:
            raise bad_request("lines: no such SKU")
        priced.append((line, style.price_cents))
    if unknown_designs(shop.database, lines):
        raise bad_request("lines: no such design")
    replace_cart(shop.database, name, lines)
    note(shop.funnel, Step.CART)
    shown = [{"sku": line.sku, "quantity": line.quantity, "unit_cents": cents} for line, cents in priced]
    return jsonify(lines=shown, total_cents=sum(line.quantity * cents for line, cents in priced))


def _check_out(shop: Storefront) -> tuple[Response, HTTPStatus]:
    body, name, key = read_body(CheckoutBody), _session(), _header(KEY_HEADER)
    if not key:
        raise bad_request(f"{KEY_HEADER}: missing")
    checkout_request = CheckoutRequest(
        key=key,
        session=name,
        run=_header(RUN_HEADER) or None,
        location=body.delivery.location if isinstance(body.delivery, Collect) else WAREHOUSE,
        card_token=body.payment.card_token,
    )
    note(shop.funnel, Step.CHECKOUT)
    placed = _place(shop, checkout_request)
    if placed.order.status is Status.ACCEPTED:
        note(shop.funnel, Step.ORDER)
    return _answer(placed)


def _place(shop: Storefront, checkout_request: CheckoutRequest) -> Placed:
    try:
        return shop.checkout.place(checkout_request, shop.release.get().behaviour)
    except EmptyCartError:
        raise bad_request("the cart is empty") from None
    except KeyReusedError:
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error="idempotency_key_reused") from None
    except OutOfStockError as gone:
        shop.funnel.refused_out_of_stock(checkout_request.key)
        raise RefusedError(HTTPStatus.CONFLICT, error="out_of_stock", sku=gone.sku) from None


def _answer(placed: Placed) -> tuple[Response, HTTPStatus]:
    match placed.order.status:
        case Status.ACCEPTED:
            return jsonify(order_json(placed.order)), HTTPStatus.CREATED if placed.new else HTTPStatus.OK
        case Status.DECLINED:
            return jsonify(error="payment_declined"), HTTPStatus.PAYMENT_REQUIRED
        case status:
            return jsonify(error="payment_unavailable", status=status), HTTPStatus.SERVICE_UNAVAILABLE


def _session() -> str:
    name = session()
    if name is None:
        raise bad_request("cookie sid: missing; GET / sets it")
    return name


def _header(name: str) -> str:
    value = request.headers.get(name, "")
    if len(value) > LONGEST_NAME or not value.isprintable():
        raise bad_request(f"{name}: at most {LONGEST_NAME} printable characters")
    return value
