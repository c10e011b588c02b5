"""A shop's records at any moment of eight days, as the exporter of orders reads them: healthy, or with a fault.

Every 15 seconds of the hours about noon of today, yesterday and a week ago, and every half hour of the rest, four
orders come in: three are paid, one is declined. So each rate over whole steps is an exact number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from exporters.serving.scrape import Scraper, Subject
from exporters.subjects.orders.config import FunnelSteps
from exporters.subjects.orders.funnel import Funnel
from exporters.subjects.orders.order_book import OrderBook
from exporters.subjects.orders.payment_book import PaymentBook
from exporters.subjects.orders.reading import OwnRecords
from exporters.subjects.orders.record_families import RecordFamilies
from loadtests.audit.shop_records import Order, Payment
from tests.dashboards.grafana.boards.exported import Page, scrape

NS = 10**9
NOW_S = 1_795_782_600  # 2026-11-27 12:30 UTC
HOUR_S, DAY_S, STEP_S = 3600, 86_400, 15
PROMISE_S, SHIPS_AFTER_S, PRINTS_AFTER_S, FAULT_S = 3600, 1800, 60, 600
TOTAL_CENTS = 3000
BUSY_DAYS = (0, 1, 7)
SINCE_S = NOW_S - 8 * DAY_S
# What each step of the funnel gets of sessions in 15 seconds.
FUNNEL = MappingProxyType({"session": 60, "cart": 12, "order": 3})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """What is wrong with the shop: from ten minutes ago on, or all the time where it is what its records give."""

    since_s: int = SINCE_S
    stops: bool = False
    declines: str = ""
    leaves_pending: bool = False
    loses_payments: bool = False
    prints: bool = True
    ships_after_s: int | None = SHIPS_AFTER_S
    decline_reasons: int = 1
    test: str | None = None
    bare: bool = False
    lately_cents: int = TOTAL_CENTS

    def records(self) -> list[Order]:
        """Return all orders of the eight days."""
        return [order for at_s in _steps(self.since_s) for order in self._step(at_s)]

    def _step(self, at_s: int) -> Iterator[Order]:
        is_faulty = at_s > NOW_S - FAULT_S
        if self.stops and is_faulty:
            return
        for number in range(4):
            yield Order.model_validate(self._order(at_s - 5, number, is_faulty=is_faulty))

    def _order(self, at_s: int, number: int, *, is_faulty: bool) -> dict[str, Any]:
        line = {"sku": "TEE", "quantity": 1, "location": "leeds" if number else "york"}
        order = {
            "order_id": f"{at_s}-{number}", "run": self.test if is_faulty else None, "created_at": at_s * NS,
            "total_cents": self.lately_cents if is_faulty else TOTAL_CENTS, "lines": [line],
        }  # fmt: skip
        if number == 3 or (self.declines and is_faulty):
            reason = self.declines if is_faulty and self.declines else "card_declined"
            reason += f"_{at_s // STEP_S % self.decline_reasons}" if self.decline_reasons > 1 else ""
            return {**order, "status": "declined", **({} if self.bare else {"decline": reason})}
        if (self.leaves_pending or self.loses_payments) and is_faulty:
            return {**order, "status": "pending"}
        return {**order, "status": "accepted", **({} if self.bare else self._fulfilled(at_s, is_faulty=is_faulty))}

    def _fulfilled(self, at_s: int, *, is_faulty: bool) -> Mapping[str, int]:
        done = {"printed_at": (at_s + PRINTS_AFTER_S) * NS} if self.prints or not is_faulty else {}
        late = self.ships_after_s is None and at_s > NOW_S - 2 * HOUR_S
        ships_after_s = SHIPS_AFTER_S if self.ships_after_s is None else self.ships_after_s
        return done if late or not done else {**done, "shipped_at": (at_s + ships_after_s) * NS}

    def pages(self) -> list[Page]:
        """Return what the exporter shows at each of the moments."""
        orders, now_s = self.records(), [float(self.since_s)]
        scraper = Scraper(self._subject(orders, now_s))
        found = []
        for at_s in sorted(
            {*_close(NOW_S - 7 * DAY_S), *range(NOW_S - 26 * HOUR_S, NOW_S, HOUR_S // 2), *_close(NOW_S)}
        ):
            if at_s >= self.since_s:
                now_s[0] = at_s
                found.append(Page(at_s=at_s, text=scrape(scraper)))
        return found

    def _subject(self, orders: list[Order], now_s: list[float]) -> Subject[Any]:
        def now() -> int:
            return round(now_s[0] * NS)

        def rows(since: int) -> Iterator[Order]:
            return (one for one in orders if since <= one.created_at <= now())

        def payments(since: int) -> Iterator[Payment]:
            return (_payment(one, is_captured=self.loses_payments) for one in rows(since))

        book = OrderBook(SINCE_S * NS, 14 * DAY_S * NS, PROMISE_S * NS, include_tests=False)
        sources: dict[str, Any] = {"orders": OwnRecords("orders", rows, book, now)}
        if not self.bare:
            sources["payments"] = OwnRecords("payments", payments, PaymentBook(SINCE_S * NS), now)
            sources["funnel"] = lambda _: _funnel(now_s[0])
        families = RecordFamilies(tuple(sources), FunnelSteps())
        return Subject(name="orders", about="orders", sources=sources, families=families)


def _close(until_s: int) -> range:
    return range(until_s - FAULT_S - 60, until_s + 1, STEP_S)


# Close together now and a week before, and each half hour of the last day.
MOMENTS = sorted({*_close(NOW_S - 7 * DAY_S), *range(NOW_S - 26 * HOUR_S, NOW_S, HOUR_S // 2), *_close(NOW_S)})


def _steps(since_s: int) -> Iterator[int]:
    for at_s in range(since_s, NOW_S + 1, STEP_S):
        days, rest_s = divmod(NOW_S + HOUR_S - at_s, DAY_S)
        if (days in BUSY_DAYS and rest_s < 3 * HOUR_S) or at_s % (HOUR_S // 2) == 0:
            yield at_s


def _payment(order: Order, *, is_captured: bool) -> Payment:
    """Return an order's payment; `is_captured` whether that of a pending one is, which the shop doesn't know."""
    ends = {"accepted": "captured", "pending": "captured" if is_captured else "pending"}
    status = ends.get(order.status, order.status)
    return Payment(
        payment_id=order.order_id, reference=order.order_id, amount_cents=order.total_cents, status=status,
        created_at=order.created_at, provider="blue" if order.order_id.endswith(("0", "1")) else "red",
    )  # fmt: skip


def _funnel(now_s: float) -> Funnel:
    steps = (round(now_s) - SINCE_S) // STEP_S
    return Funnel(funnel={name: count * steps for name, count in FUNNEL.items()}, orders={}, orders_by_location={})
