"""The orders as they are followed: each event counted once, what is still open looked at again, the rest forgotten.

Memory holds the orders that may still change and those that may be read again, never the shop's whole past.
"""

import copy
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from exporters.serving.source import Unreadable
from exporters.subjects.orders.day import Durations, OrdersOfDay, bounds_s, day_of
from loadtests.audit.shop_records import Order

MOST_FOLLOWED = 500_000
PENDING_NS = 3600 * 10**9
HOUR_NS = 3600 * 10**9
DAY_H, WEEK_H = 24, 168
_CLOCKS_APART_NS = 60 * 10**9
_KEPT = frozenset({"accepted", "invoiced", "returned", "refunded"})
_ACCEPTED = frozenset({"accepted", "invoiced"})
_UNPAID = frozenset({"declined", "failed", "cancelled"})
_SHIPMENT = frozenset({"shipped_at", "due_at"})
_AWAITED = _SHIPMENT | {"printed_at"}
_PLACED, _ENDED, _SHIPPED, _LEFT_OUT = 1, 2, 4, 8
FIELDS = ("run", "decline", "printed_at", "shipped_at", "due_at")


@dataclass(slots=True)
class _Followed:
    """What is known of an order: which of its events were counted, and what it waits for."""

    created_at: int
    counted: int = 0
    is_open: bool = True
    is_pending: bool = False
    waits_for_press_since: int | None = None
    waits_for_shipment: bool = False
    due_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersView:
    """The orders at one moment: the counts of the day, and what waits; None where the shop doesn't tell.

    `overdue` is None where nothing is promised, `expected_per_s` where the records don't reach back a week.
    """

    read_at: int
    day: OrdersOfDay
    pending: int
    queue_depth: int | None
    queue_oldest: int | None
    overdue: int | None
    newest: int | None
    expected_per_s: float | None
    gives: frozenset[str] = field(default_factory=frozenset)


class OrderBook:
    """The orders since `since` (ns); `promise_ns` is promised where an order doesn't say when it is due."""

    def __init__(self, since: int, follow_ns: int, promise_ns: int | None, *, include_tests: bool) -> None:
        self.since, self._follow_ns, self._promise_ns = since, follow_ns, promise_ns
        self._include_tests = include_tests
        self._bounds_s = bounds_s(None if promise_ns is None else promise_ns / 1e9)
        self._orders: dict[str, _Followed] = {}
        self._gives: set[str] = set()
        self._gave_up = self._was_wrong_to = False
        self._by_hour: Counter[int] = Counter()
        self._oldest: int | None = None
        self._newest: int | None = None
        self._day = self._new_day(since)

    def _new_day(self, now: int) -> OrdersOfDay:
        return OrdersOfDay(since=day_of(now), time_to_ship=Durations(self._bounds_s))

    def begin(self, now: int) -> None:
        """Begin a read at `now` (ns): after midnight, a new day."""
        if day_of(now) > self._day.since:
            self._day = self._new_day(now)
        for hour in [hour for hour in self._by_hour if hour < now // HOUR_NS - WEEK_H]:
            del self._by_hour[hour]

    def begins_again(self, now: int) -> bool:
        """Return whether all must be read again, and begin that.

        So it is when orders were given up before one told what they wait for: their pages aren't asked for any more.
        """
        if not self._was_wrong_to:
            return False
        self._gave_up = self._was_wrong_to = False
        self._orders.clear()
        self._by_hour.clear()
        self._oldest = self._newest = None
        self._day, self.since = self._new_day(now), now - self._follow_ns
        return True

    def take(self, order: Order, now: int) -> bool:
        """Count what is new of an order; return whether it may still change. Raises Unreadable for a contradiction."""
        known = self._orders.get(order.order_id)
        if known is None:
            if order.created_at < self.since:
                return False
            if len(self._orders) >= MOST_FOLLOWED:
                raise Unreadable(f"orders: more than {MOST_FOLLOWED} to follow at once")
            known = self._orders[order.order_id] = _Followed(created_at=order.created_at)
        if known.created_at != order.created_at:
            raise Unreadable(f"orders: {order.order_id[:80]!r} stands twice, with different created_at")
        self._note_what_is_given(order)
        if known.counted & _LEFT_OUT:
            return False
        if (reason := self._left_out(order, now)) is not None:
            known.is_open = False
            self._day.left_out[reason] += self._is_new(known, _LEFT_OUT, order.created_at)
            return False
        self._count(order, known, now)
        return known.is_open

    def _left_out(self, order: Order, now: int) -> str | None:
        if order.created_at > now + _CLOCKS_APART_NS:
            return "in_the_future"
        if order.total_cents < 0:
            return "negative_total"
        return "test" if order.run is not None and not self._include_tests else None

    def _note_what_is_given(self, order: Order) -> None:
        if order.names_run:
            self._gives.add("run")
        new = {name for name in FIELDS[1:] if getattr(order, name) is not None} - self._gives
        self._gives |= new
        self._was_wrong_to |= self._gave_up and not new.isdisjoint(_AWAITED)

    def _count(self, order: Order, known: _Followed, now: int) -> None:
        if not known.counted & _PLACED:
            self._place(order)
        if self._is_new(known, _PLACED, order.created_at):
            self._day.placed += 1
        if order.status in _KEPT:
            if self._is_new(known, _ENDED, order.paid_at or order.created_at):
                self._day.accept(order.total_cents, {line.location for line in order.lines})
        elif order.status in _UNPAID and self._is_new(known, _ENDED, order.created_at):
            self._day.end(order.status, order.decline)
        due_at = self._due_at(order)
        shipped = order.shipped_at is not None and order.shipped_at <= now and order.status in _KEPT
        if shipped and order.shipped_at is not None and self._is_new(known, _SHIPPED, order.shipped_at):
            self._day.time_to_ship.add(max(0, order.shipped_at - order.created_at))
            self._day.shipped_late += due_at is not None and order.shipped_at > due_at
        self._follow(order, known, now, shipped=shipped)
        known.due_at = due_at

    def _place(self, order: Order) -> None:
        self._newest = max(order.created_at, self._newest or order.created_at)
        self._oldest = min(order.created_at, self._oldest or order.created_at)
        self._by_hour[order.created_at // HOUR_NS] += 1

    def _follow(self, order: Order, known: _Followed, now: int, *, shipped: bool) -> None:
        printed = shipped or (order.printed_at is not None and order.printed_at <= now)
        accepted = order.status in _ACCEPTED and now - order.created_at < self._follow_ns
        known.is_pending = order.status == "pending" and now - order.created_at < PENDING_NS
        known.waits_for_shipment = accepted and not shipped and bool(self._gives & _SHIPMENT)
        known.waits_for_press_since = (order.paid_at or order.created_at) if accepted and not printed else None
        waits_for_press = known.waits_for_press_since is not None and "printed_at" in self._gives
        known.is_open = known.is_pending or known.waits_for_shipment or waits_for_press
        self._gave_up |= accepted and not shipped and not known.is_open

    def _due_at(self, order: Order) -> int | None:
        if order.due_at is not None:
            return order.due_at
        return None if self._promise_ns is None else order.created_at + self._promise_ns

    def _is_new(self, known: _Followed, event: int, at: int) -> bool:
        """Note an event of an order's; return whether it counts: not yet counted, and of this day."""
        if known.counted & event:
            return False
        known.counted |= event
        return at >= self._day.since

    def forget(self, order_ids: Iterable[str]) -> None:
        """Forget orders that won't be read again."""
        for order_id in order_ids:
            self._orders.pop(order_id, None)

    def resume_from(self, overlap_ns: int) -> int:
        """Forget what is closed and old, and return the created_at (ns) from which orders must be read again."""
        newest = self._newest or self.since
        oldest_open = min((one.created_at for one in self._orders.values() if one.is_open), default=newest)
        self.since = max(self.since, min(oldest_open, newest - overlap_ns))
        self.forget([name for name, one in self._orders.items() if one.created_at < self.since])
        return self.since

    def view(self, now: int) -> OrdersView:
        """Return the orders as they are, a copy that doesn't change any more."""
        orders = self._orders.values()
        waiting = [one.waits_for_press_since for one in orders if one.waits_for_press_since is not None]
        ships, prints = "shipped_at" in self._gives, "printed_at" in self._gives
        overdue = sum(one.waits_for_shipment and one.due_at is not None and one.due_at < now for one in orders)
        promised = self._promise_ns is not None or "due_at" in self._gives
        return OrdersView(
            read_at=now,
            day=copy.deepcopy(self._day),
            pending=sum(one.is_pending for one in orders),
            queue_depth=len(waiting) if prints else None,
            queue_oldest=min(waiting, default=None) if prints else None,
            overdue=overdue if promised and ships else None,
            newest=self._newest,
            expected_per_s=self._expected_per_s(now),
            gives=frozenset(self._gives),
        )

    def _expected_per_s(self, now: int) -> float | None:
        """Return the lower rate of the same hour yesterday and a week ago: neither was a rush that is over."""
        hour = now // HOUR_NS
        if self._oldest is None or self._oldest > (hour - WEEK_H) * HOUR_NS:
            return None
        return min(self._by_hour[hour - DAY_H], self._by_hour[hour - WEEK_H]) / 3600
