"""The payments as they are followed: each counted once, when it has ended."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass

from exporters.serving.source import Unreadable
from exporters.subjects.orders.day import PaymentsOfDay, day_of
from exporters.subjects.orders.order_book import MOST_FOLLOWED, PENDING_NS
from loadtests.audit.shop_records import Payment

_ENDS = {
    "captured": "captured",
    "refunded": "captured",
    "declined": "declined",
    "failed": "failed",
    "cancelled": "cancelled",
}


@dataclass(slots=True)
class _Followed:
    """What is known of a payment."""

    created_at: int
    has_ended: bool = False
    is_open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsView:
    """The payments of the day that ended, at one moment."""

    read_at: int
    day: PaymentsOfDay


class PaymentBook:
    """The payments since `since` (ns)."""

    def __init__(self, since: int) -> None:
        self.since = since
        self._payments: dict[str, _Followed] = {}
        self._newest = since
        self._day = PaymentsOfDay(since=day_of(since))

    def begin(self, now: int) -> None:
        """Begin a read at `now` (ns): after midnight, a new day."""
        if day_of(now) > self._day.since:
            self._day = PaymentsOfDay(since=day_of(now))

    def begins_again(self, _now: int) -> bool:
        """Return False: what a payment waits for is known from the start."""
        return False

    def take(self, payment: Payment, now: int) -> bool:
        """Count a payment when it has ended; return whether it may still change. Raises Unreadable."""
        known = self._payments.get(payment.payment_id)
        if known is None:
            if payment.created_at < self.since:
                return False
            if len(self._payments) >= MOST_FOLLOWED:
                raise Unreadable(f"payments: more than {MOST_FOLLOWED} to follow at once")
            known = self._payments[payment.payment_id] = _Followed(created_at=payment.created_at)
        if known.created_at != payment.created_at:
            raise Unreadable(f"payments: {payment.payment_id[:80]!r} stands twice, with different created_at")
        self._newest = max(self._newest, min(payment.created_at, now))
        status = _ENDS.get(payment.status)
        if status is not None and not known.has_ended:
            known.has_ended = True
            if payment.created_at >= self._day.since:
                self._day.end(payment.provider, status)
        known.is_open = not known.has_ended and now - payment.created_at < PENDING_NS
        return known.is_open

    def forget(self, payment_ids: Iterable[str]) -> None:
        """Forget payments that won't be read again."""
        for payment_id in payment_ids:
            self._payments.pop(payment_id, None)

    def resume_from(self, overlap_ns: int) -> int:
        """Forget what is closed and old, and return the created_at (ns) from which payments must be read again."""
        oldest_open = min((one.created_at for one in self._payments.values() if one.is_open), default=self._newest)
        self.since = max(self.since, min(oldest_open, self._newest - overlap_ns))
        self.forget([name for name, one in self._payments.items() if one.created_at < self.since])
        return self.since

    def view(self, now: int) -> PaymentsView:
        """Return the payments as they are, a copy that doesn't change any more."""
        return PaymentsView(read_at=now, day=copy.deepcopy(self._day))
