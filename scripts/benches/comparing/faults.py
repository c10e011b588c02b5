"""Staging's own faults: they hit whichever blocks are under way, and must not make a release worse than itself.

A block's p95 is the quantile of the mixture of its requests: of those that came while all was well (log-normal,
deviation 0.4 of the logarithm) and of those that the fault hit. Blocks are 30 s, each pair's order is drawn.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.special import ndtr

from scripts.benches.comparing.cells import Bound, Cell, Tally
from scripts.benches.comparing.noise import Noise
from scripts.benches.comparing.playing import BASE_S, BOTH_UP, SETTINGS, of_values, tally
from slo.regression.limits import error_measure, latency_measure
from slo.regression.measures import Measured

_REQUEST_SD = 0.4
_MEDIAN_S = BASE_S / math.exp(1.6449 * _REQUEST_SD)
_BUDGET = 0.01
_EVENTS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A fault of `lasts_s`, in which requests are slower by a factor, or wait for its end, or fail."""

    name: str
    lasts_s: float
    slower: float = 1.0
    waits: bool = False
    fails: bool = False


FAULTS = (
    Fault(name="a restart, 8 s", lasts_s=8, fails=True),
    Fault(name="a cron job, 20 s at 1.5 times", lasts_s=20, slower=1.5),
    Fault(name="a pause, 3 s", lasts_s=3, waits=True),
    Fault(name="a slow neighbour, 90 s at 1.3 times", lasts_s=90, slower=1.3),
)


@cache
def p95_factor(fault: Fault, share: float) -> float:
    """Return how much slower a block's p95 is of which a fault hit the `share`; infinite where it failed."""
    if fault.fails and share > 0.05:  # noqa: PLR2004 - of the requests at the p95 and beyond
        return math.inf

    def at_most(latency_s: float) -> float:
        well = float(ndtr(math.log(latency_s / _MEDIAN_S) / _REQUEST_SD))
        if fault.fails:
            return (1 - share) * well
        if fault.waits:
            return (1 - share) * well + share * min(1.0, max(0.0, latency_s - _MEDIAN_S) / fault.lasts_s)
        return (1 - share) * well + share * float(ndtr(math.log(latency_s / fault.slower / _MEDIAN_S) / _REQUEST_SD))

    low, high = _MEDIAN_S, 60.0
    while high / low > 1.0001:  # noqa: PLR2004 - a hundredth of a percent
        middle = math.sqrt(low * high)
        low, high = (low, middle) if at_most(middle) >= 0.95 else (middle, high)  # noqa: PLR2004 - p95
    return low / BASE_S


def play(
    rng: np.random.Generator, jobs: int, *, noise: Noise, faults: Sequence[Fault], times: int, errors: bool
) -> Tally:
    """Compare a release with itself while faults come at `times` random moments of each job."""
    design = BOTH_UP
    a, b = noise.draw(rng, jobs, design.pairs, design.judged_s)
    first = rng.random((jobs, design.pairs)) < 0.5  # noqa: PLR2004 - A or B first, drawn in each pair
    starts = rng.random((jobs, times)) * 2 * design.pairs * design.block_s
    which = rng.integers(0, len(faults), (jobs, times))
    latency = latency_measure("latency", ("checkout",), SETTINGS)
    availability = error_measure("availability", ("checkout",), _BUDGET, SETTINGS)

    def job(number: int) -> list[Measured]:
        factor, bad = np.ones(2 * design.pairs), np.zeros(2 * design.pairs)
        for start_s, index in zip(starts[number], which[number], strict=True):
            fault = faults[index]
            for block in range(2 * design.pairs):
                begins = block * design.block_s + design.skip_s
                ends = (block + 1) * design.block_s
                hit_s = min(ends, start_s + fault.lasts_s) - max(begins, start_s)
                if hit_s > 0:
                    share = round(hit_s / design.judged_s, 2)
                    factor[block] *= p95_factor(fault, share)
                    bad[block] = min(1.0, bad[block] + (share if fault.fails else 0.0))
        order = np.where(first[number], 0, 1)
        at_a = 2 * np.arange(design.pairs) + order
        at_b = 2 * np.arange(design.pairs) + 1 - order
        values_a = (BASE_S * np.exp(a[number, :, 0]) * factor[at_a]).tolist()
        values_b = (BASE_S * np.exp(b[number, :, 0]) * factor[at_b]).tolist()
        events = [_EVENTS] * design.pairs
        measured = [of_values(latency, values_a, values_b, events)]
        if errors:
            measured.append(of_values(availability, bad[at_a].tolist(), bad[at_b].tolist(), events))
        return measured

    return tally(jobs, job, design)


def cells() -> Iterator[Cell]:
    """Yield a release against itself while staging has faults of its own, one kind at a time and all of them."""
    kinds: Sequence[tuple[str, Sequence[Fault]]] = (*((one.name, (one,)) for one in FAULTS), ("any of these", FAULTS))
    for deviation, correlation in ((0.03, 0.5), (0.06, 0.0)):
        noise = Noise(deviation=deviation, correlation=correlation)
        for name, faults in kinds:
            for times in (1, 2, 4):
                yield _cell(noise, name, faults, times)


def _cell(noise: Noise, name: str, faults: Sequence[Fault], times: int) -> Cell:
    made: Callable[[np.random.Generator, int], Tally] = partial(
        play, noise=noise, faults=faults, times=times, errors=any(one.fails for one in faults)
    )
    return Cell(
        row="a release against itself, staging's own faults",
        name=f"{name}, {times} a job, deviation {noise.deviation:g}",
        play=made,
        bounds=(Bound(of="fail", op="<=", value=0.02),),
    )
