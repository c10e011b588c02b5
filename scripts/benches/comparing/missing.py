"""What isn't known never passes: each way in which data is missing, with each kind of measure, and a control."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from scripts.benches.comparing.cells import Bound, Cell, Tally
from scripts.benches.comparing.playing import BOTH_UP, SETTINGS, of_values, tally
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.measures import Measure, Measured, Pair, Value

_STEPS = ("checkout",)
SOURCES = ("records", "prometheus")
_NOTHING = Value(value=None, events=0, because="no series")


def _measures(source: str) -> Sequence[Measure]:
    return (
        latency_measure("latency", _STEPS, SETTINGS, source=source),
        error_measure("availability", _STEPS, 0.01, SETTINGS, source=source),
        orders_measure(_STEPS, SETTINGS, source=source),
    )


def _b(pairs: Sequence[Pair], value: Value, which: range) -> tuple[Pair, ...]:
    return tuple(replace(pair, b=value) if pair.number in which else pair for pair in pairs)


def _a(pairs: Sequence[Pair], value: Value, which: range) -> tuple[Pair, ...]:
    return tuple(replace(pair, a=value) if pair.number in which else pair for pair in pairs)


_ALL, _ONE = range(1, BOTH_UP.pairs + 1), range(2, 3)
WAYS: dict[str, Callable[[Sequence[Pair]], tuple[Pair, ...]]] = {
    "no series of B": partial(_b, value=_NOTHING, which=_ALL),
    "no series of A": partial(_a, value=_NOTHING, which=_ALL),
    "a gap in one of B's blocks": partial(_b, value=_NOTHING, which=_ONE),
    "a gap in one of A's blocks": partial(_a, value=_NOTHING, which=_ONE),
    "NaN in one of B's blocks": partial(_b, value=Value(value=math.nan, events=1000), which=_ONE),
    "stale in B, no events": partial(_b, value=Value(value=0.0, events=0), which=_ALL),
    "a handful of requests in B's blocks": partial(_b, value=Value(value=0.0, events=9), which=_ALL),
}


def play(rng: np.random.Generator, jobs: int, *, measure: Measure, way: str | None) -> Tally:
    """Compare a release with itself, of whose measure something is missing."""
    a, b = (rng.normal(0.0, 0.001, (jobs, BOTH_UP.pairs)) for _ in range(2))

    def job(number: int) -> list[Measured]:
        values = (0.4 * np.exp(one[number]) if measure.quantile else np.clip(one[number], 0, 1) for one in (a, b))
        first, second = (1 - one if measure.name.startswith("orders") else one for one in values)
        whole = of_values(measure, first.tolist(), second.tolist(), [100_000] * BOTH_UP.pairs)
        return [replace(whole, pairs=WAYS[way](whole.pairs)) if way else whole]

    return tally(jobs, job)


def cells() -> Iterator[Cell]:
    """Each source, each kind of measure, each way; the control is the same job with nothing missing."""
    for source in SOURCES:
        for measure in _measures(source):
            for way in (None, *WAYS):
                bound = Bound(of="passed", op="<=", value=0) if way else Bound(of="passed", op=">=", value=0.5)
                yield Cell(
                    row="what is missing passes nothing",
                    name=f"{source}, {measure.name}: {way or 'nothing missing (control)'}",
                    play=partial(play, measure=measure, way=way),
                    bounds=(bound,),
                )
