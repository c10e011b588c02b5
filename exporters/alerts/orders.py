"""What is alerted on from the orders: late ones, a print queue that stands still, none at all, declined payments."""

import math
from collections.abc import Iterator
from functools import partial

from exporters.alerts import health
from exporters.names import orders as names
from exporters.subjects.orders.config import DAY_S, Declines, LateOrders, OrdersConfig
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Ago, Boundary, Case, Course, Level, Rate, Signal

SUBJECT = "orders"
LATE_EVENTS = 10
EXPECTED_IN_SILENCE = 20
DEVIATIONS = 4
LEAST_DECLINED = 10
TWICE = 2
_SAMPLE_AGE_S = 60  # a sample is at most as old as that when it is looked at
_DAY = f"{DAY_S:.0f}s"
_FROM_RECORDS = partial(Alert, exporter=SUBJECT)


def alerts(config: OrdersConfig, scope: Scope) -> tuple[Alert, ...]:
    """Return the alerts on the orders of one environment."""
    found = [_late_share(config.late, config.every_s, scope)]
    if config.late.most is not None:
        found.append(_overdue(config.late.most, config.every_s, scope))
    if config.fulfilment.promise_s is not None:
        found.append(_queue_stalled(config.fulfilment.promise_s, config.fulfilment.print_s, config.every_s, scope))
    found += [_none_though_expected(config.every_s, scope), _declines(config.declines, config.every_s, scope)]
    return (*found, *health.alerts(SUBJECT, ("orders",), scope))


def _two_reads_s(every_s: float) -> int:
    """Return how long a state lasts until two reads of the records have seen it: at least a minute."""
    return max(60, math.ceil(2 * every_s))


def _late_share(late: LateOrders, every_s: float, scope: Scope) -> Alert:
    overdue, shipped_late = scope.selector(names.OVERDUE.name), scope.selector(names.SHIPPED_LATE.name)
    shipped = scope.selector(f"{names.TIME_TO_SHIP.name}_count")
    bad = f"({overdue} + increase({shipped_late}[{_DAY}]))"
    least = math.ceil(LATE_EVENTS / late.share)
    total = f"({overdue} + increase({shipped}[{_DAY}]))"
    for_s = _two_reads_s(every_s)
    steady = Level(value=0)
    waiting = least * 2
    case = Case(
        name="orders-late-share",
        signals=(
            Signal(metric=names.OVERDUE.name, healthy=steady, faulty=Level(value=waiting)),
            Signal(metric=names.SHIPPED_LATE.name, healthy=steady, faulty=steady),
            Signal(metric=f"{names.TIME_TO_SHIP.name}_count", healthy=steady, faulty=steady),
        ),
        fires_after_s=for_s,
        clears_after_s=0,
        fault_s=for_s + 300,
    )
    return _FROM_RECORDS(
        name="OrdersLate",
        expr=f"{bad} / {total} > {late.share:g} and {total} >= {least}",
        for_s=for_s,
        severity="ticket",
        summary="{{ $value | humanizePercentage }} of a day's orders are late.",
        description="Late is what was shipped after its promise in the last 24 h, and what is past it and not shipped.",
        reason=(
            f"Over {late.share:g} of the orders is what the configuration calls too many. With under {least} orders "
            f"a day, of which that share are {LATE_EVENTS}, single orders would decide; so it holds back. "
            f"{for_s} s are two reads of the records."
        ),
        runbook="orders-late",
        cases=(case,),
        boundaries=_late_boundaries(late.share, least, for_s),
    )


def _late_boundaries(share: float, least: int, for_s: int) -> tuple[Boundary, ...]:
    """Return days of orders of which a little more or less than `share` are late, or of too few to say."""
    day, busy_s = 20.0 * least, 3600.0  # a day's orders within an hour: the window holds them all

    def of(name: str, *, overdue: float, late: float, shipped: float, fires: bool) -> Boundary:
        courses: tuple[tuple[str, Course], ...] = (
            (names.OVERDUE.name, Level(value=overdue)),
            (names.SHIPPED_LATE.name, Rate(per_s=late / busy_s)),
            (f"{names.TIME_TO_SHIP.name}_count", Rate(per_s=shipped / busy_s)),
        )
        return Boundary(
            name=f"orders-late-{name}",
            signals=tuple(
                Signal(metric=metric, healthy=course, faulty=Rate(per_s=0) if isinstance(course, Rate) else course)
                for metric, course in courses
            ),
            fires=fires,
            healthy_s=busy_s,
            fault_s=for_s + 600,
        )

    return (
        of("share-overdue", overdue=1.4 * share * day, late=0, shipped=day * (1 - 1.4 * share), fires=True),
        of("share-shipped", overdue=0, late=1.4 * share * day, shipped=day, fires=True),
        of("share-usual", overdue=0.4 * share * day, late=0.4 * share * day, shipped=day, fires=False),
        of("enough", overdue=0, late=1.2 * least, shipped=1.2 * least, fires=True),
        of("too-few", overdue=0.9 * least, late=0, shipped=0, fires=False),
    )


def _overdue(most: int, every_s: float, scope: Scope) -> Alert:
    for_s = _two_reads_s(every_s)
    case = Case(
        name="orders-overdue",
        signals=(Signal(metric=names.OVERDUE.name, healthy=Level(value=most), faulty=Level(value=most + 1)),),
        fires_after_s=for_s,
        clears_after_s=0,
        fault_s=for_s + 300,
    )
    return _FROM_RECORDS(
        name="OrdersOverdue",
        expr=f"{scope.selector(names.OVERDUE.name)} > {most}",
        for_s=for_s,
        severity="ticket",
        summary="{{ $value }} orders are past their promise and not shipped.",
        description="Each of them is a customer who waits, and asks.",
        reason=f"The configuration allows {most}. {for_s} s are two reads of the records.",
        runbook="orders-late",
        cases=(case,),
    )


def _queue_stalled(promise_s: float, print_s: float, every_s: float, scope: Scope) -> Alert:
    limit_s = max(0.0, promise_s - print_s)
    for_s = _two_reads_s(every_s)
    case = Case(
        name="print-queue-stalled",
        signals=(
            Signal(
                metric=names.QUEUE_OLDEST.name,
                healthy=Ago(seconds=max(0.0, limit_s - _SAMPLE_AGE_S)),
                faulty=Ago(seconds=limit_s + _SAMPLE_AGE_S),
            ),
        ),
        fires_after_s=for_s,
        clears_after_s=0,
        fault_s=for_s + 300,
    )
    return _FROM_RECORDS(
        name="PrintQueueStalled",
        expr=f"time() - {scope.selector(names.QUEUE_OLDEST.name)} > {limit_s:g}",
        for_s=for_s,
        severity="page",
        summary="An order has been waiting for its printing for {{ $value | humanizeDuration }}.",
        description="It can't be shipped in time any more, and those behind it follow.",
        reason=(
            f"{promise_s:g} s are promised and printing takes {print_s:g} s of them, so what has waited longer than "
            f"{limit_s:g} s is late already. {for_s} s are two reads of the records."
        ),
        runbook="print-queue-stalled",
        cases=(case,),
    )


def _none_though_expected(every_s: float, scope: Scope) -> Alert:
    newest, expected = scope.selector(names.NEWEST.name), scope.selector(names.EXPECTED.name)
    for_s = _two_reads_s(every_s)
    rate = 0.1
    limit_s = EXPECTED_IN_SILENCE / rate
    case = Case(
        name="orders-none",
        signals=(
            Signal(
                metric=names.NEWEST.name,
                healthy=Ago(seconds=limit_s - _SAMPLE_AGE_S),
                faulty=Ago(seconds=1.5 * limit_s),
            ),
            Signal(metric=names.EXPECTED.name, healthy=Level(value=rate), faulty=Level(value=rate)),
        ),
        fires_after_s=for_s,
        clears_after_s=0,
        fault_s=for_s + 300,
    )
    return _FROM_RECORDS(
        name="NoOrders",
        expr=f"(time() - {newest}) * {expected} > {EXPECTED_IN_SILENCE}",
        for_s=for_s,
        severity="page",
        summary="No order, where {{ $value | humanize }} were to be expected since the last one.",
        description="Expected is the lower of what was ordered in the same hour yesterday and a week ago.",
        reason=(
            f"Orders come at random: where {EXPECTED_IN_SILENCE} were to be expected, none comes with a probability of "
            f"e^-{EXPECTED_IN_SILENCE}; were today half as busy as either day, still once in 22,000 silences. A "
            f"quiet night, in which few are expected, is waited out in proportion. {for_s} s are two reads."
        ),
        runbook="no-orders",
        cases=(case,),
    )


def _declines(declines: Declines, every_s: float, scope: Scope) -> Alert:
    usual, window_s = declines.usual, declines.window_s
    # A second replica of the exporter counts the same payments: the inner max takes each once.
    by = f"sum by ({names.PROVIDER}) (max by ({names.PROVIDER}, {names.STATUS})"
    payments = names.PAYMENTS.name
    bad = f"{by} (increase({scope.selector(payments, _is('declined'))}[{window_s}s])))"
    total = f"{by} (increase({scope.selector(payments, _is('declined|captured'))}[{window_s}s])))"
    deviation = f"{DEVIATIONS} * sqrt({usual * (1 - usual):g} * {total})"
    for_s = _two_reads_s(every_s)
    return _FROM_RECORDS(
        name="PaymentDeclinesSpike",
        expr=(
            f"{bad} > {usual:g} * {total} + {deviation}"
            f" and {bad} > {TWICE * usual:g} * {total} and {bad} >= {LEAST_DECLINED}"
        ),
        for_s=for_s,
        severity="page",
        summary="{{ $labels.provider }} declines far more payments than usual.",
        description="{{ $value | humanize }} payments were declined in the last " + f"{window_s} s.",
        reason=(
            f"Usually {usual:g} are declined, says the configuration. Over {DEVIATIONS} standard deviations of a "
            f"binomial count more than that is no chance (about 1 in 30,000); {TWICE} times as many matter; and "
            f"{LEAST_DECLINED} declined ones are no single customer who tries again. {for_s} s are two reads."
        ),
        runbook="payment-declines-spike",
        cases=(_declines_case(usual, window_s, for_s),),
        boundaries=tuple(_declines_boundaries(usual, window_s, for_s)),
    )


def _declines_boundaries(usual: float, window_s: int, for_s: int) -> Iterator[Boundary]:
    """Yield a little more and less than each of the three limits allows, where it is the highest of them.

    Few payments of which all are declined are under the third one, whatever is usual.
    """
    spread = DEVIATIONS * math.sqrt(usual * (1 - usual))
    many, some = 100 * (spread / usual) ** 2, 0.5 * (spread / usual) ** 2
    few = next((n for n in range(200, 10, -5) if usual * n + spread * math.sqrt(n) < 0.8 * LEAST_DECLINED), None)
    limits = [
        ("twice", many, TWICE * usual * many),
        ("chance", some, usual * some + spread * math.sqrt(some)),
        *([("least", few, LEAST_DECLINED)] if few is not None else []),
    ]
    least = 0.9 * LEAST_DECLINED
    found = [("all-of-few", least, least, False)]
    for name, payments, limit in limits:
        found += [(f"{name}-under", payments, 0.93 * limit, False), (f"{name}-over", payments, 1.1 * limit, True)]
    for name, payments, declined, fires in found:
        rates = {"declined": declined, "captured": payments - declined, "pending": 1.0 * window_s}
        yield Boundary(
            name=f"payment-declines-{name}",
            signals=tuple(
                Signal(
                    metric=names.PAYMENTS.name,
                    labels=((names.PROVIDER, "main"), (names.STATUS, status)),
                    healthy=Rate(per_s=count / window_s),
                    faulty=Rate(per_s=count / window_s),
                )
                for status, count in rates.items()
            ),
            fires=fires,
            healthy_s=2.0 * window_s,
            fault_s=for_s + 600,
            labels=((names.PROVIDER, "main"),),
        )


def _is(statuses: str) -> str:
    return f'{names.STATUS}=~"{statuses}"'


def _declines_case(usual: float, window_s: int, for_s: int) -> Case:
    """Return the case in which every payment is declined, of 1 in a second."""
    per_s, provider = 1.0, (names.PROVIDER, "main")
    total = per_s * window_s
    needed = max(
        usual * total + DEVIATIONS * math.sqrt(usual * (1 - usual) * total), TWICE * usual * total, LEAST_DECLINED
    )
    # The window still holds the usual ones of before: declined(t) = per_s (usual (window - t) + t).
    detected_s = (needed / per_s - usual * window_s) / (1 - usual)
    rates = {"declined": (usual, 1.0), "captured": (1 - usual, 0.0)}
    signals = tuple(
        Signal(
            metric=names.PAYMENTS.name,
            labels=(provider, (names.STATUS, status)),
            healthy=Rate(per_s=healthy * per_s),
            faulty=Rate(per_s=faulty * per_s),
        )
        for status, (healthy, faulty) in rates.items()
    )
    return Case(
        name="payment-declines-spike",
        signals=signals,
        healthy_s=2.0 * window_s,
        fires_after_s=detected_s + for_s,
        clears_after_s=window_s * (1 - (needed / total - usual) / (1 - usual)),
        fault_s=window_s + for_s,
        labels=(provider,),
    )
