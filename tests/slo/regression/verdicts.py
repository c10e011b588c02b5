"""Verdicts over two releases, as tests of their documents and renderings need them."""

from typing import Any

from slo.outcomes import Outcome
from slo.regression.comparison import Comparison, MeasureResult
from slo.regression.design import Design
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.measures import Measured, Pair, Value
from slo.regression.settings import ComparisonSettings
from slo.regression.verdict_document import Compared, ComparisonVerdict, ReleaseEntry, verdict_of

SETTINGS = ComparisonSettings()
INFINITE = float("inf")


def _value(value: float | None) -> Value:
    return Value(value=value, events=300, because=None if value is not None else "no sample")


def pairs(*values: tuple[float | None, float | None]) -> tuple[Pair, ...]:
    """Return pairs of such values."""
    return tuple(Pair(number=number, a=_value(a), b=_value(b)) for number, (a, b) in enumerate(values, 1))


MEASURED = (
    Measured(
        measure=latency_measure("checkout-fast", ("checkout",), SETTINGS),
        pairs=pairs((0.1, 0.13), (0.11, INFINITE), (None, 0.12), (0.1, 0.12)),
    ),
    Measured(measure=error_measure("home-answers", ("home",), 0.01, SETTINGS), pairs=pairs(*[(0.0, 0.0)] * 4)),
    Measured(measure=orders_measure((), SETTINGS), pairs=pairs(*[(1.0, 0.9)] * 4)),
)


def comparison(outcome: Outcome, *, is_final: bool = True) -> Comparison:
    """Return what the statistics say of them."""
    latency, errors, orders = (one.measure for one in MEASURED)
    worse: dict[str, Any] = {
        "change": 1.25,
        "low": 1.1,
        "high": 1.4,
        "detectable": 1.08,
        "value_a": 0.1,
        "value_b": 0.125,
    }
    alike: dict[str, Any] = {
        "change": 0.0,
        "low": -0.001,
        "high": 0.002,
        "detectable": 0.003,
        "value_a": 0.0,
        "value_b": 0.0,
    }
    fewer: dict[str, Any] = {
        "change": 0.1,
        "low": 0.05,
        "high": 0.15,
        "detectable": 0.02,
        "value_a": 1.0,
        "value_b": 0.9,
    }
    return Comparison(
        outcome=outcome,
        is_final=is_final,
        pairs=4,
        results=(
            MeasureResult(measure=latency, outcome=outcome, pairs=3, because="25 % slower", **worse),
            MeasureResult(measure=errors, outcome=Outcome.PASS, pairs=4, **alike),
            MeasureResult(measure=orders, outcome=Outcome.FAIL, pairs=4, **fewer),
        ),
        because="checkout-fast is 25 % slower",
    )


def about(
    invalid_because: tuple[str, ...] = (), unfinished_because: str | None = None, label: str = "after"
) -> Compared:
    """Return what the job says."""
    return Compared(
        name="job",
        environment="staging",
        how="variants",
        a=ReleaseEntry(label="before", release="1.0"),
        b=ReleaseEntry(label=label, release="1.1"),
        design=Design(looks=(4, 6)),
        runs=("run",),
        notes=("they share a database",),
        not_compared={"server": "no labels"},
        invalid_because=invalid_because,
        unfinished_because=unfinished_because,
        decided_at=1_800_000_000_000_000_000,
    )


def verdict(outcome: Outcome = Outcome.FAIL, label: str = "after") -> ComparisonVerdict:
    """Return a verdict of that outcome."""
    return verdict_of(comparison(outcome), MEASURED, about(label=label))
