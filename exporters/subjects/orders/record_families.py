"""Orders, payments and funnel as metric families; what a shop doesn't give is absent and named."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client.metrics_core import Metric

from exporters.names import orders as names
from exporters.names.family import Family, le, new_counter, new_gauge, new_histogram
from exporters.subjects.orders.config import FunnelSteps
from exporters.subjects.orders.day import Durations, OrdersOfDay
from exporters.subjects.orders.funnel import Funnel
from exporters.subjects.orders.order_book import FIELDS, OrdersView
from exporters.subjects.orders.payment_book import PaymentsView

_NS_PER_S = 1e9
_LOG = logging.getLogger(__name__)
ORDERS, PAYMENTS, FUNNEL = "orders", "payments", "funnel"
Samples = Iterable[tuple[tuple[str, ...], float]]
Values = OrdersView | PaymentsView | Funnel


class RecordFamilies:
    """The families of the sources that are `declared`, whether there is a promise or not."""

    def __init__(self, declared: Collection[str], steps: FunnelSteps) -> None:
        self._declared, self._steps = declared, steps
        self._named = frozenset[str]()

    def __call__(self, values: Mapping[str, Values]) -> Iterator[Metric]:
        """Yield the families of what was read."""
        orders, payments, funnel = values.get(ORDERS), values.get(PAYMENTS), values.get(FUNNEL)
        missing = {kind for kind in (PAYMENTS, FUNNEL) if kind not in self._declared}
        if isinstance(orders, OrdersView):
            yield from _of_orders(orders)
            missing |= set(FIELDS) - orders.gives
        if isinstance(payments, PaymentsView):
            yield _counter(names.PAYMENTS, payments.day.ended.items())
        if isinstance(funnel, Funnel):
            yield from self._of_funnel(funnel)
            missing |= {f"funnel step {step}" for step in self._lacking(funnel)}
        yield from _labels_cut(orders, payments)
        yield self._not_given(frozenset(missing))

    def _not_given(self, missing: frozenset[str]) -> Metric:
        if new := missing - self._named:
            _LOG.info("orders: the shop records don't give %s: what needs it is absent", ", ".join(sorted(new)))
        self._named = missing
        return _gauge(names.NOT_GIVEN, (((what,), 1.0) for what in sorted(missing)))

    def _lacking(self, funnel: Funnel) -> list[str]:
        return [step for step in (self._steps.visit, self._steps.cart, self._steps.order) if step not in funnel.funnel]

    def _of_funnel(self, funnel: Funnel) -> Iterator[Metric]:
        reached = funnel.funnel
        yield _counter(names.FUNNEL, (((step,), count) for step, count in reached.items()))
        visits, carts, ordered = (
            reached.get(step) for step in (self._steps.visit, self._steps.cart, self._steps.order)
        )
        if visits and ordered is not None:
            yield _gauge(names.CONVERSION, _one(ordered / visits))
        if carts and ordered is not None:
            yield _gauge(names.ABANDONMENT, _one(1 - ordered / carts))


def _of_orders(view: OrdersView) -> Iterator[Metric]:
    yield from _of_day(view.day, view.gives)
    numbers: tuple[tuple[Family, float | None], ...] = (
        (names.COUNTED_SINCE, view.day.since / _NS_PER_S),
        (names.READ_AT, view.read_at / _NS_PER_S),
        (names.PENDING, view.pending),
        (names.QUEUE_DEPTH, view.queue_depth),
        (names.QUEUE_OLDEST, None if view.queue_oldest is None else view.queue_oldest / _NS_PER_S),
        (names.OVERDUE, view.overdue),
        (names.NEWEST, None if view.newest is None else view.newest / _NS_PER_S),
        (names.EXPECTED, view.expected_per_s),
    )
    for family, value in numbers:
        if value is not None:
            yield _gauge(family, _one(value))
    if "shipped_at" in view.gives:
        yield _histogram(view.day.time_to_ship)
        if view.overdue is not None:
            yield _counter(names.SHIPPED_LATE, _one(view.day.shipped_late))


def _of_day(day: OrdersOfDay, gives: Collection[str]) -> Iterator[Metric]:
    yield _counter(names.PLACED, _one(day.placed))
    yield _counter(names.REVENUE, _one(day.revenue_cents))
    ended = {(status,): float(day.ended[status]) for status in ("accepted", "declined", "failed", "cancelled")}
    yield _counter(names.ENDED, ended.items())
    yield _counter(names.BY_LOCATION, (((location,), count) for location, count in day.by_location.items()))
    if "decline" in gives:
        yield _counter(names.DECLINED, (((reason,), count) for reason, count in day.declined.items()))
    yield _counter(names.LEFT_OUT, (((reason,), count) for reason, count in day.left_out.items()))


def _labels_cut(orders: object, payments: object) -> Iterator[Metric]:
    cut: dict[tuple[str, ...], float] = {}
    if isinstance(orders, OrdersView):
        cut |= {(names.LOCATION,): orders.day.locations.cut, (names.REASON,): orders.day.reasons.cut}
    if isinstance(payments, PaymentsView):
        cut |= {(names.PROVIDER,): payments.day.providers.cut}
    if cut:
        yield _gauge(names.LABELS_CUT, cut.items())


def _histogram(durations: Durations) -> Metric:
    family = new_histogram(names.TIME_TO_SHIP)
    bounds = [*(le(bound) for bound in durations.bounds_s), "+Inf"]
    buckets = list(zip(bounds, accumulate(durations.counts), strict=True))
    family.add_metric((), buckets, durations.sum_ns / _NS_PER_S)
    return family


def _counter(family: Family, values: Samples) -> Metric:
    counter = new_counter(family)
    for labels, value in sorted(values):
        counter.add_metric(labels, value)
    return counter


def _gauge(family: Family, values: Samples) -> Metric:
    gauge = new_gauge(family)
    for labels, value in sorted(values):
        gauge.add_metric(labels, value)
    return gauge


def _one(value: float) -> Samples:
    return [((), value)]
