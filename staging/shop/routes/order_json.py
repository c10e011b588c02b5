"""An order as its shopper sees it, and the refusal of one that wasn't paid."""

from http import HTTPStatus

from staging.shop.orders import Decline, Order
from staging.shop.tracking import address_of
from staging.web import RefusedError


def order_json(order: Order, name: str | None = None) -> dict[str, object]:
    """Return an order as JSON; with the `name` that it is for, and what its codes took off, when it has some."""
    shown: dict[str, object] = {
        "order_id": order.order_id,
        "status": order.status,
        "total_cents": order.total_cents,
        "lines": lines_json(order),
        "events_url": address_of(order),
    }
    if name is not None:
        shown["name"] = name
    if order.discount is not None:
        shown["subtotal_cents"] = order.total_cents + order.discount.cents
        shown["discount_cents"] = order.discount.discount_cents
        shown["gift_card_cents"] = order.discount.gift_card_cents
    return shown


def lines_json(order: Order) -> list[dict[str, str | int]]:
    """Return an order's lines as JSON."""
    return [{"sku": line.sku, "quantity": line.quantity, "location": order.location} for line in order.lines]


def payment_refused(order: Order, **body: object) -> RefusedError:
    """Return the 402 of a declined order."""
    word = "payment_cancelled" if order.decline is Decline.CANCELLED else "payment_declined"
    return RefusedError(HTTPStatus.PAYMENT_REQUIRED, error=word, **body)
