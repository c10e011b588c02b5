"""What a request is about, by the words of its path or operation: whether it changes something, or places an order."""

from loadtests.har.operations import operation_of
from loadtests.har.visit import Request
from loadtests.har.words import words

_PLACING = {
    "place": 3, "order": 2, "orders": 2, "complete": 3, "purchase": 3, "checkout": 1, "pay": 2, "payment": 2, "buy": 2,
    "confirm": 2, "submit": 1, "finalize": 3, "finalise": 3, "preview": 1, "success": 1, "bestellen": 3, "kaufen": 3,
}  # fmt: skip
_OTHERS = frozenset(
    {"add", "coupon", "voucher", "address", "addresses", "shipping", "login", "register", "estimate", "session"}
    | {"sessions", "collection", "collections", "methods", "method", "intent", "track", "customer", "newsletter"}
)
CARTS = frozenset({"cart", "carts", "basket", "bag", "trolley", "warenkorb", "panier"})


def changes(one: Request) -> bool:
    """Whether a request changes something at the shop."""
    operation = operation_of(one.first)
    return operation.is_mutation if operation else one.method not in ("GET", "HEAD")


def named(one: Request) -> tuple[str, ...]:
    """Return the words of a request's path, or of its operation's name."""
    operation = operation_of(one.first)
    return words(operation.name if operation else one.first.parts.path)


def places_order(one: Request) -> int:
    """Return how much a request looks like one that places an order, 0 for not at all."""
    if not changes(one) or one.last.status >= 400:  # noqa: PLR2004 - an error places nothing
        return 0
    operation = operation_of(one.first)
    own = set(named(one))
    paying = operation is not None and bool({"payment", "pay"} & own)
    if _OTHERS & own and not ({"place", "complete", "confirm"} & own or paying):
        return 0
    return sum(points for word, points in _PLACING.items() if word in own)
