"""An order in the ledger: written before it is sent, and its outcome after, whatever happens in between."""

from types import TracebackType
from typing import Literal, Self

import gevent

from loadtests.environment.ceilings import CeilingReachedError
from loadtests.results.ledger import Line, OrderReply
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts.page import Page

OUT_OF_STOCK = "out_of_stock"


class RefusedError(Exception):
    """The shop refused what was asked, as a shop may; `reason` says what for, and `page` is the reply."""

    def __init__(self, reason: str, page: Page) -> None:
        super().__init__(reason)
        self.reason, self.page = reason, page


class UnsettledOrderError(Exception):
    """An order's block ended without `accepted(...)` and without a refusal: a mistake of the storefront's."""


class Order:
    """One order attempt, as the block of `with self.order(...) as order`.

    `key` is its idempotency key. The block ends in one of three ways: `accepted` was called; a refusal was raised,
    which is recorded and goes no further; or anything else, which is an order of unknown outcome. `placed` says
    afterwards whether it was accepted, `refusal` why it was not.
    """

    def __init__(
        self, session: Session, lines: tuple[Line, ...], amount_cents: int, key: str | None, together_s: float | None
    ) -> None:
        self.placed, self.order_id, self.refusal = False, "", None
        self.key = key or ""
        self._session, self._lines, self._amount_cents = session, lines, amount_cents
        self._given_key, self._together_s = key, together_s
        self._reply: OrderReply | None = None

    refusal: str | None

    def accepted(self, order_id: object, cents: int | None = None, status: int = 200) -> None:
        """Say that the shop accepted it under `order_id`; `cents` is the total that the shop named, if it did."""
        self.order_id = str(order_id)
        self._reply = OrderReply(status=status, order_id=self.order_id, total_cents=cents)

    def __enter__(self) -> Self:
        """Wait for the others if it is placed together, and write the attempt."""
        if self._together_s is not None:
            self._session.wait_until(self._session.next_round(self._together_s))
        self.key = self._session.begin_order(self._lines, self._amount_cents, self._given_key)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[True] | None:
        """Write the outcome."""
        if self._reply is not None:
            self.placed, self._session.lacked = True, None
            self._session.end_order(self.key, "accepted", self._reply)
            return None
        if isinstance(error, RefusedError):
            self.refusal = error.reason
            self._session.lacked = OUT_OF_STOCK if error.reason == OUT_OF_STOCK else self._session.lacked
            reply = OrderReply(status=error.page.status, reason=error.reason)
            self._session.end_order(self.key, "refused", reply)
            return True
        reason = str(error) if isinstance(error, SessionFailedError | CeilingReachedError) else ""
        reason = reason or ("cut_off" if isinstance(error, gevent.GreenletExit) else "storefront")
        self._session.end_order(self.key, "unknown", OrderReply(status=0, reason=reason))
        if error is None:
            raise UnsettledOrderError("the order's block ended without accepted(...) and without a refusal")
        return None
