"""Verdicts over made-up jobs of each kind, and over earlier days."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence

from slo.regression.comparison import MeasureResult, compare
from slo.regression.days import DayValue, MeasuredDays, compare_days
from slo.regression.design import Design
from slo.regression.evidence import Assumed, Evidence, evidence, longest_burst_s
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.measures import Measure, Measured, Pair, Value
from slo.regression.settings import ComparisonSettings
from slo.regression.spending import above, nominal_levels, normal_quantile, t_quantile

SETTINGS = ComparisonSettings()
LATENCY = latency_measure("latency", ("checkout",), SETTINGS)
MEDIAN = latency_measure("median", ("home",), ComparisonSettings(quantile=0.5, min_change_ms=0))
ERRORS = error_measure("errors", ("checkout",), 0.01, SETTINGS)
SERVER = error_measure("server", ("checkout",), 0.05, SETTINGS, source="prometheus")
ORDERS = orders_measure((), SETTINGS)
INFINITE = math.inf
DESIGN = Design()


def levels() -> Iterator[tuple[str, object]]:
    for looks, alpha in (((4, 6, 8, 10, 12), 0.05), ((4, 6, 8, 10, 12), 0.0125), ((3, 10), 0.1), ((12,), 0.05)):
        yield f"levels at {looks}, {alpha}", nominal_levels(looks, alpha)
    yield "quantiles", [t_quantile(0.05, 3), t_quantile(0.01, 11), normal_quantile(0.2), above(1.5), above(-0.3)]


def latencies(
    ratio: float, noise: float, seed: int, count: int = 12, level: float = 0.137, like: float = 0.0
) -> tuple[Pair, ...]:
    """Return pairs of latencies around a ratio; `like` is how much of a pair's noise the next one keeps."""
    chance = random.Random(seed)  # noqa: S311 - made-up values
    pairs, rest = [], 0.0
    for number in range(1, count + 1):
        rest = like * rest + noise * chance.gauss(0, 1)
        a = level * math.exp(0.05 * chance.gauss(0, 1))
        pairs.append(_pair(number, (a, 400), (a * ratio * math.exp(rest), 400)))
    return tuple(pairs)


def ratios(bad_a: Sequence[int], bad_b: Sequence[int], events: int = 500, *, good: bool = False) -> tuple[Pair, ...]:
    """Return pairs of bad ratios by their counts, of orders by session where `good`."""
    shares = [[(1 - one / events) if good else one / events for one in side] for side in (bad_a, bad_b)]
    return tuple(_pair(number, (a, events), (b, events)) for number, (a, b) in enumerate(zip(*shares, strict=True), 1))


def _pair(number: int, a: tuple[float | None, int], b: tuple[float | None, int]) -> Pair:
    sides = [
        Value(value=value, events=events, because=None if value is not None else "no sample")
        for value, events in (a, b)
    ]
    return Pair(number=number, a=sides[0], b=sides[1])


def _with(pairs: tuple[Pair, ...], **other: tuple[float | None, float | None]) -> tuple[Pair, ...]:
    """Return the pairs with those of `p3=` replaced, a value each."""
    changed = {int(name[1:]): sides for name, sides in other.items()}
    return tuple(
        _pair(one.number, (changed[one.number][0], 400), (changed[one.number][1], 400))
        if one.number in changed
        else one
        for one in pairs
    )


SPREAD = (1, 0, 4, 2, 0, 3, 1, 0, 2, 5, 1, 0)
WORSE = (9, 14, 8, 20, 11, 7, 13, 16, 9, 12, 15, 10)
CASES: Mapping[str, tuple[Measure, tuple[Pair, ...]]] = {
    **{
        f"x {ratio}, noise {noise}, {count} pairs": (LATENCY, latencies(ratio, noise, seed, count))
        for seed, (ratio, noise, count) in enumerate(
            (
                (1.0, 0.01, 4),
                (1.0, 0.04, 12),
                (1.04, 0.03, 12),
                (1.07, 0.05, 12),
                (1.07, 0.02, 7),
                (1.1, 0.05, 6),
                (1.2, 0.05, 5),
                (0.8, 0.1, 12),
                (1.06, 0.2, 12),
                (1.0, 0.0, 3),
                (1.0, 0.03, 2),
            )
        )
    },
    "fast": (LATENCY, latencies(1.2, 0.05, 20, level=0.012)),
    "fast, much slower": (LATENCY, latencies(2.0, 0.05, 21, level=0.012)),
    "median": (MEDIAN, latencies(1.03, 0.01, 22, level=0.02)),
    "alike": (LATENCY, latencies(1.06, 0.04, 23, like=0.95)),
    "B failed once": (LATENCY, _with(latencies(1.02, 0.02, 24), p3=(0.13, INFINITE))),
    "A failed once": (LATENCY, _with(latencies(1.02, 0.02, 25), p3=(INFINITE, 0.13))),
    "both failed": (LATENCY, _with(latencies(1.02, 0.02, 26), p3=(INFINITE, INFINITE), p5=(0.13, INFINITE))),
    "B failed often": (LATENCY, _with(latencies(1.0, 0.02, 27, 8), **{f"p{n}": (0.13, INFINITE) for n in range(1, 7)})),
    "one unknown": (LATENCY, _with(latencies(1.0, 0.01, 28), p2=(None, 0.13))),
    "five unknown": (LATENCY, _with(latencies(1.0, 0.01, 29), **{f"p{n}": (None, 0.13) for n in range(2, 7)})),
    "of nothing": (LATENCY, _with(latencies(1.0, 0.01, 30), p1=(0.0, 0.13), p4=(-0.1, 0.13), p6=(0.13, math.nan))),
    "four outliers": (
        LATENCY,
        _with(latencies(1.0, 0.01, 31), p2=(0.1, 0.3), p5=(0.1, 0.3), p8=(0.1, 0.3), p9=(0.1, 0.3)),
    ),
    "few requests": (LATENCY, ratios((90,) * 6, (91,) * 6, 99)),
    "just enough requests": (LATENCY, ratios((90, 92, 91, 90), (91, 90, 92, 91), 100)),
    "no errors": (ERRORS, ratios((0,) * 12, (0,) * 12)),
    "no errors of few": (ERRORS, ratios((0,) * 6, (0,) * 6, 40)),
    "errors alike": (ERRORS, ratios(SPREAD, SPREAD[::-1], 2000)),
    "more errors": (ERRORS, ratios(SPREAD, WORSE)),
    "fewer errors": (ERRORS, ratios(WORSE, SPREAD)),
    "a burst": (ERRORS, ratios((0,) * 12, (0, 0, 60, *(0,) * 9))),
    "no events": (ERRORS, (*ratios((0,) * 5, (0,) * 5, 500)[:4], _pair(5, (0.0, 0), (0.0, 500)))),
    "no ratio": (
        ERRORS,
        (*ratios((0,) * 5, (1,) * 5), _pair(6, (1.5, 500), (0.0, 500)), _pair(7, (1.0, 500), (1.0, 500))),
    ),
    "server": (SERVER, ratios(SPREAD, SPREAD[::-1], 4000)),
    "orders alike": (ORDERS, ratios(SPREAD, SPREAD[::-1], 2000, good=True)),
    "orders lost": (ORDERS, ratios(SPREAD, [5 * one for one in WORSE], good=True)),
    "no orders": (ORDERS, ratios((500,) * 6, (500,) * 6, good=True)),
    "orders in plenty": (ORDERS, tuple(_pair(n, (1.2, 500), (1.15 + n / 200, 500)) for n in range(1, 9))),
}
OTHERS = {
    "deployments differ": ComparisonSettings(deployment_sd=0.03),
    "bursts": ComparisonSettings(assumed_error_burst_s=2.0),
    "stricter": ComparisonSettings(alpha=0.01, beta=0.02, min_change_ms=0),
}


def evidences() -> Iterator[tuple[str, object]]:
    for assumed in (Assumed(), Assumed(lasting=0.02, burst_share=0.08)):
        for name, (measure, pairs) in CASES.items():
            found = evidence(measure, pairs, assumed)
            yield f"evidence of {name}, lasting {assumed.lasting}", None if found is None else _told(found, measure)


def _told(found: Evidence, measure: Measure) -> object:
    return (
        (found.centre, found.spread, found.noise, found.standard_error, found.fail_limit, found.pass_limit),
        (found.a, found.b, found.difference, found.can_pass, found.together, found.pairs),
        [(found.low(level), found.high(level), found.fails(level)) for level in (0.05, 0.004)],
        [(found.chance_to_fail(more, 0.02), found.chance_to_pass(more, 0.02)) for more in (1, 6)],
        found.autocorrelation(),
        [longest_burst_s(found, measure, DESIGN, level) for level in (0.05, 0.3)],
    )


def verdicts() -> Iterator[tuple[str, object]]:
    for name, (measure, pairs) in CASES.items():
        yield f"verdict over {name}", _verdict([Measured(measure=measure, pairs=pairs)], SETTINGS)
    for other, settings in OTHERS.items():
        for name in ("x 1.07, noise 0.05, 12 pairs", "more errors", "no errors", "orders alike", "fast"):
            measure, pairs = CASES[name]
            yield f"verdict over {name}, {other}", _verdict([Measured(measure=measure, pairs=pairs)], settings)
    for names in (
        ("x 1.0, noise 0.04, 12 pairs", "no errors", "orders alike"),
        ("x 1.2, noise 0.05, 5 pairs", "no errors", "orders lost"),
        ("x 1.07, noise 0.05, 12 pairs", "more errors", "orders lost", "alike"),
        ("x 1.0, noise 0.04, 12 pairs", "server", "no errors"),
        ("x 1.07, noise 0.05, 12 pairs", "server", "fast, much slower"),
        ("x 1.06, noise 0.2, 12 pairs", "one unknown", "errors alike"),
        ("x 1.06, noise 0.2, 12 pairs", "alike", "B failed once"),
    ):
        measured = [Measured(measure=CASES[one][0], pairs=CASES[one][1]) for one in names]
        yield f"verdict over {'; '.join(names)}", _verdict(measured, SETTINGS)
    yield "verdict over nothing", _verdict([], SETTINGS)


def _verdict(measured: Sequence[Measured], settings: ComparisonSettings) -> object:
    """Return what is judged after each number of pairs at which that changes."""
    told: list[object] = []
    for pairs in (2, 4, 6, 8, 10, 12):
        some = [Measured(measure=one.measure, pairs=one.pairs[:pairs]) for one in measured]
        found = compare(some, DESIGN, settings)
        results = [
            (
                one.outcome,
                one.pairs,
                one.change,
                one.low,
                one.high,
                one.detectable,
                one.value_a,
                one.value_b,
                one.because,
                one.needs,
            )
            for one in found.results
        ]
        told.append(
            (
                pairs,
                found.outcome,
                found.is_final,
                found.pairs,
                found.because,
                found.needs,
                found.autocorrelation,
                results,
            )
        )
        if found.is_final:
            break
    return told


def vars_of(one: MeasureResult) -> object:
    """Return what a result says."""
    return (
        one.outcome,
        one.pairs,
        one.change,
        one.low,
        one.high,
        one.detectable,
        one.value_a,
        one.value_b,
        one.because,
    )


def days() -> Iterator[tuple[str, object]]:
    for count, spread, now in (
        (7, 0.02, 0.13),
        (8, 0.02, 0.13),
        (9, 0.02, 0.16),
        (12, 0.3, 0.3),
        (12, 0.3, 0.13),
        (12, 0.05, INFINITE),
    ):
        pairs = latencies(1.0, spread, count, count)
        earlier = [DayValue(day=f"d{one.number // 2 if count == 12 else one.number}", value=one.b) for one in pairs]
        latency = MeasuredDays(measure=LATENCY, earlier=tuple(earlier), now=Value(value=now, events=400))
        counts = [
            DayValue(day=one.day, value=Value(value=0.001 * (n % 3), events=50_000)) for n, one in enumerate(earlier)
        ]
        orders = [
            DayValue(day=one.day, value=Value(value=0.9 + 0.001 * (n % 3), events=50_000))
            for n, one in enumerate(earlier)
        ]
        errors = MeasuredDays(measure=ERRORS, earlier=tuple(counts), now=Value(value=0.002, events=50_000))
        bought = MeasuredDays(measure=ORDERS, earlier=tuple(orders), now=Value(value=0.9, events=50_000))
        unknown = Value(value=None, events=0, because="no sample")
        holes = MeasuredDays(measure=ERRORS, earlier=(DayValue(day="d0", value=unknown), *counts), now=errors.now)
        for name, some in (
            ("latency", [latency]),
            ("all", [latency, errors, bought]),
            ("a hole", [holes]),
            ("lost", [MeasuredDays(measure=ORDERS, earlier=tuple(orders), now=Value(value=0.8, events=50_000))]),
        ):
            found = compare_days(some, SETTINGS)
            results = [
                (one.outcome, one.pairs, one.change, one.low, one.high, one.detectable, one.because, one.needs)
                for one in found.results
            ]
            yield (
                f"{count} days of {spread}, now {now}, {name}",
                (found.outcome, found.days, found.advisory, found.is_advisory, found.because, found.needs, results),
            )
    none = MeasuredDays(
        measure=ORDERS,
        earlier=tuple(DayValue(day=f"d{n}", value=Value(value=0.0, events=500)) for n in range(9)),
        now=Value(value=0.0, events=500),
    )
    failed = MeasuredDays(
        measure=LATENCY,
        earlier=tuple(
            DayValue(day=f"d{n}", value=Value(value=INFINITE if n == 4 else 0.13, events=400)) for n in range(9)
        ),
        now=Value(value=0.13, events=400),
    )
    for name, one in (("no orders", none), ("a day that failed", failed)):
        found = compare_days([one], SETTINGS)
        yield (
            f"days, {name}",
            (found.outcome, found.advisory, found.because, found.needs, [vars_of(result) for result in found.results]),
        )
    yield "no day", compare_days([], SETTINGS).because
