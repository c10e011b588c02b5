"""What is counted in one day (UTC), and nothing of any other: the counters of orders and payments.

An event counts when its own time lies in the day, whenever it is read: so a process that starts at noon and reads the
day again has the same counts as one that has been running since midnight.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from exporters.subjects.orders.labels import Labels

DAY_NS = 86_400 * 10**9
MOST_LOCATIONS, MOST_REASONS, MOST_PROVIDERS = 50, 20, 20
PAYMENT_STATUSES = ("captured", "declined", "failed", "cancelled")
PROMISE_RATIOS = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0, 4.0)
USUAL_BOUNDS_S = tuple(hours * 3600.0 for hours in (1, 4, 8, 24, 48, 72, 120, 168, 336))


def day_of(now: int) -> int:
    """Return the begin of the day (UTC) of a moment, in ns."""
    return now - now % DAY_NS


def bounds_s(promise_s: float | None) -> tuple[float, ...]:
    """Return the upper bounds of the time to ship: around what is promised, which is one of them."""
    return USUAL_BOUNDS_S if promise_s is None else tuple(round(promise_s * ratio, 6) for ratio in PROMISE_RATIOS)


@dataclass(slots=True)
class Durations:
    """Counts of durations by upper bound in s, the last one without a bound."""

    bounds_s: tuple[float, ...]
    counts: list[int] = field(init=False)
    sum_ns: int = 0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds_s) + 1)

    def add(self, duration_ns: int) -> None:
        """Count a duration."""
        self.counts[bisect_left(self.bounds_s, duration_ns / 1e9)] += 1
        self.sum_ns += duration_ns


@dataclass(slots=True)
class OrdersOfDay:
    """The orders of the day that began at `since` (ns)."""

    since: int
    time_to_ship: Durations
    placed: int = 0
    revenue_cents: int = 0
    shipped_late: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    by_location: Counter[str] = field(default_factory=Counter)
    declined: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    locations: Labels = field(default_factory=lambda: Labels(MOST_LOCATIONS))
    reasons: Labels = field(default_factory=lambda: Labels(MOST_REASONS))

    def accept(self, total_cents: int, locations: Iterable[str]) -> None:
        """Count an accepted order."""
        self.ended["accepted"] += 1
        self.revenue_cents += total_cents
        self.by_location.update({self.locations.of(location) for location in locations})

    def end(self, status: str, reason: str | None) -> None:
        """Count an order that wasn't paid."""
        self.ended[status] += 1
        if status == "declined":
            self.declined[self.reasons.of(reason or "unknown")] += 1


@dataclass(slots=True)
class PaymentsOfDay:
    """The payments of the day that began at `since` (ns), by provider and status."""

    since: int
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    providers: Labels = field(default_factory=lambda: Labels(MOST_PROVIDERS))

    def end(self, provider: str | None, status: str) -> None:
        """Count a payment; the other statuses of its provider are then zero, and not missing."""
        shown = self.providers.of(provider or "unnamed")
        for one in PAYMENT_STATUSES:
            self.ended[shown, one] += one == status
