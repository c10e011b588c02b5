"""An order that a locustfile places: one line around its request, and the audit has a row to compare."""

import uuid
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Literal, Self

import gevent

from loadtests.environment.ceilings import CeilingReachedError
from loadtests.locustfiles.about_a_reply import ABOUT_A_REPLY
from loadtests.locustfiles.exceptions import VisitEndedError
from loadtests.locustfiles.visit import CURRENT, Visit
from loadtests.results.ledger import Line, OrderReply, OutcomeWord

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_TOO_MANY = 429
OUT_OF_STOCK = "out_of_stock"


class OrderBlockError(Exception):
    """The block of an order is used as it can't be: a mistake of the locustfile's."""


class LocustfileOrder:
    """One order attempt, as the block of `with peakproof.order(...)`.

    Its outcome is what the last request in the block ended as: accepted with a 2xx or 3xx, refused with a 4xx, unknown
    with anything else, or when the task says by `failure()`, or by what it raises, that an answer isn't what it needs.
    `accepted` and `refused` say it in the task's own words. `key` is its idempotency key. Played by Locust itself it
    does nothing.
    """

    def __init__(self, lines: tuple[Line, ...], cents: int, key: str | None, number: str | None) -> None:
        self._key = key
        self._lines, self._cents, self._given_key, self._number = lines, cents, key, number
        self._said: tuple[OutcomeWord, OrderReply] | None = None
        self._visit: Visit | None = None

    @property
    def key(self) -> str:
        """Its idempotency key; raises OrderBlockError before the block, where there is none yet."""
        if self._key is None:
            raise OrderBlockError("the key of an order is there within its block: with peakproof.order(...) as order:")
        return self._key

    def accepted(self, order_id: object, cents: int | None = None) -> None:
        """Say that the shop accepted it under `order_id`, and the total that it named, if it did."""
        self._said = "accepted", OrderReply(status=self._status(), order_id=str(order_id), total_cents=cents)

    def refused(self, reason: str) -> None:
        """Say that the shop refused it, and why: `out_of_stock`, `payment_declined`."""
        self._said = "refused", OrderReply(status=self._status(), reason=reason)

    def __enter__(self) -> Self:
        """Write the attempt."""
        visit = self._visit = CURRENT.get()
        if visit is None:
            self._key = self._given_key or str(uuid.uuid4())
            return self
        try:
            self._key = visit.session.begin_order(self._lines, self._cents, self._given_key)
        except CeilingReachedError as error:
            raise VisitEndedError(error) from error
        visit.last_reply = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        """Write the outcome; what the block raised goes on."""
        visit = self._visit
        if visit is None:
            return False
        outcome, reply = self._said or self._outcome(visit, error)
        visit.session.end_order(self.key, outcome, reply)
        if outcome == "accepted":
            visit.session.lacked = None
        elif reply.reason == OUT_OF_STOCK:
            visit.session.lacked = OUT_OF_STOCK
        if error is None and self._said is None and visit.last_reply is None:
            raise OrderBlockError(
                "the block of peakproof.order asked for nothing: put it around the request that orders"
            )
        return False

    def _outcome(self, visit: Visit, error: BaseException | None) -> tuple[OutcomeWord, OrderReply]:
        answer, wrong = visit.last_reply, visit.last_error
        if answer is None or isinstance(error, gevent.GreenletExit | VisitEndedError):
            reason = "cut_off" if isinstance(error, gevent.GreenletExit) else "locustfile"
            return "unknown", OrderReply(status=0, reason=str(error) if isinstance(error, VisitEndedError) else reason)
        status: int = answer.status_code
        if _CLIENT_ERROR <= status < _SERVER_ERROR and status != _TOO_MANY and wrong != "blocked":
            return "refused", OrderReply(status=status, reason=f"http_{status}")
        if isinstance(error, ABOUT_A_REPLY):
            return "unknown", OrderReply(status=status, reason=wrong or "wrong_reply")
        if wrong is None and 0 < status < _CLIENT_ERROR:
            return "accepted", OrderReply(status=status, order_id=self._order_id(answer))
        return "unknown", OrderReply(status=status, reason=wrong or "locustfile")

    def _order_id(self, answer: Any) -> str | None:  # noqa: ANN401 - a response
        if self._number is None:
            return None
        try:
            value = answer.json()
            for name in self._number.split("."):
                value = value[int(name)] if isinstance(value, list) else value[name]
        except (ValueError, LookupError, TypeError):
            return None
        return str(value)

    def _status(self) -> int:
        answer = None if self._visit is None else self._visit.last_reply
        return 200 if answer is None else int(answer.status_code)


def order(
    lines: Mapping[str, int] | Iterable[Any],
    cents: int,
    *,
    key: object = None,
    number: str | None = None,
    location: str = "warehouse",
) -> LocustfileOrder:
    """Return the block in which a locustfile's task places an order: `with peakproof.order({"SKU-1": 2}, 3998):`.

    `lines` are quantities by SKU, or (sku, quantity) pairs, or SKUs; `cents` is what the shopper expects to pay. Both
    go into the ledger before the request is sent. `key` is the shop's own key of it, such as a cart's id; without one
    it is new, and may be sent as the idempotency key. `number` is where the order's number stands in the JSON of the
    reply: "order.number".
    """
    pairs = lines.items() if isinstance(lines, Mapping) else lines
    made = tuple(one if isinstance(one, Line) else _line(one, location) for one in pairs)
    if not _is_whole(cents) or cents < 0:
        raise OrderBlockError(f"peakproof.order: cents are a whole number from 0 on, found {cents!r}: 1999 is 19.99")
    return LocustfileOrder(made, cents, None if key is None else str(key), number)


def _line(one: Any, location: str) -> Line:  # noqa: ANN401 - a SKU, or a pair
    sku, quantity = one if isinstance(one, tuple | list) else (one, 1)
    if not _is_whole(quantity) or quantity < 1:
        raise OrderBlockError(f"peakproof.order: a quantity is a whole number from 1 on, found {quantity!r} of {sku!r}")
    return Line(sku=str(sku), quantity=quantity, location=location)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
