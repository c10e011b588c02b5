"""The open schedule of a plan: the time, the journey and the seed of each arrival.

Computed before the run, so that a slow shop can't delay it. An inhomogeneous Poisson process by time change:
with E₁, E₂, … exponential of mean 1 and Λ⁻¹ the inverse of the curve's expected arrivals,

    at(n) = Λ⁻¹(E₁ + … + Eₙ)   while the sum is below Λ(end)

Only the numbers of `random.Random.random()` are used: Python promises its sequence for a seed across versions. NumPy
draws them, many at once: its RandomState is the same generator, and is frozen (NEP 19). Times, journeys and session
seeds have streams of their own, so a changed mix leaves the times alone. Times are cut to whole nanoseconds, which
hides the last digit in which two machines' logarithms may differ.

A revision removes the arrivals after its moment and draws new ones, from streams of its own and under new numbers: no
number is used twice, and numbers grow with time.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.random import RandomState
from numpy.typing import NDArray

from loadtests.demand.curve import Curve, Floats
from loadtests.demand.plan import Plan
from loadtests.demand.revision import Revision, check_order

_SEEDS = 2**53  # as many as random() tells apart
_CHUNK = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The planned start of a session: `at_s` seconds after the run's start; `seed` is the session's own randomness."""

    number: int
    at_s: float
    journey: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule(Sequence[Arrival]):
    """Arrivals in the order of time, held as parallel arrays; slicing gives a view that keeps the numbers.

    `given_out` is how many numbers were used in all, including those of arrivals that a revision removed.
    """

    numbers: NDArray[np.int64]
    at_s: Floats
    journey: NDArray[np.uint8]
    seed: NDArray[np.int64]
    journeys: tuple[str, ...]
    given_out: int

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Arrival: ...
    @overload
    def __getitem__(self, index: slice) -> "Schedule": ...
    def __getitem__(self, index: int | slice) -> "Arrival | Schedule":
        if isinstance(index, slice):
            return self._chosen(index)
        return Arrival(
            number=int(self.numbers[index]),
            at_s=float(self.at_s[index]),
            journey=self.journeys[self.journey[index]],
            seed=int(self.seed[index]),
        )

    def before(self, at_s: float) -> "Schedule":
        """Return the arrivals that come before `at_s`."""
        return self[: int(np.searchsorted(self.at_s, at_s, side="left"))]

    def of_worker(self, worker: int, workers: int) -> "Schedule":
        """Return the arrivals of one worker; see `shard`."""
        return self._chosen(self.numbers % workers == worker)

    def followed_by(self, later: "Schedule") -> "Schedule":
        """Return these arrivals and then those of `later`, which has the higher numbers."""
        return Schedule(
            numbers=np.concatenate([self.numbers, later.numbers]),
            at_s=np.concatenate([self.at_s, later.at_s]),
            journey=np.concatenate([self.journey, later.journey]),
            seed=np.concatenate([self.seed, later.seed]),
            journeys=self.journeys,
            given_out=later.given_out,
        )

    def _chosen(self, index: slice | NDArray[np.bool_]) -> "Schedule":
        return Schedule(
            numbers=self.numbers[index],
            at_s=self.at_s[index],
            journey=self.journey[index],
            seed=self.seed[index],
            journeys=self.journeys,
            given_out=self.given_out,
        )


def schedule(plan: Plan) -> Schedule:
    """Return every arrival of `plan`, by time; the same plan gives the same schedule."""
    curve = plan.curve()
    if plan.spacing == "regular":
        return _drawn(plan, plan.seed, 0, lambda _: _whole_ns(_regular(curve)))
    return _drawn(plan, plan.seed, 0, lambda stream: _whole_ns(curve.times_of(_poisson(curve.total, stream))))


def revise(arrivals: Schedule, plan: Plan, revision: Revision) -> Schedule:
    """Return `arrivals` with those from the revision on replaced by newly drawn ones.

    `arrivals` may be one worker's; the new ones are for all workers.
    """
    curve, factor = plan.curve(), revision.factor
    passed = curve.expected_arrivals(revision.at_s)

    def times(stream: RandomState) -> Floats:
        if not factor:
            return np.empty(0)
        sums = _poisson((curve.total - passed) * factor, stream)
        reached = np.minimum(passed + sums / factor, curve.total)
        return np.maximum(revision.at_s, _whole_ns(curve.times_of(reached)))

    seed = plan.seed + revision.number * _SEEDS  # no plan's own: those are below _SEEDS
    return arrivals.before(revision.at_s).followed_by(_drawn(plan, seed, arrivals.given_out, times))


def revised(plan: Plan, revisions: Sequence[Revision]) -> Schedule:
    """Return every arrival of `plan` with its revisions; raises ValueError when they aren't in order."""
    check_order(revisions)
    arrivals = schedule(plan)
    for revision in revisions:
        arrivals = revise(arrivals, plan, revision)
    return arrivals


def shard(arrivals: Schedule, worker: int, workers: int) -> Schedule:
    """Return the arrivals that worker `worker` (from 0) of `workers` starts; the shards hold each arrival once."""
    if not 0 <= worker < workers:
        raise ValueError(f"worker must be from 0 to {workers - 1}, found {worker}")
    return arrivals.of_worker(worker, workers)


def _drawn(plan: Plan, seed: int, first: int, times: Callable[[RandomState], Floats]) -> Schedule:
    """Return arrivals at the `times` drawn from a stream, numbered from `first`, with journeys and seeds drawn too."""
    streams = random.Random(seed)  # noqa: S311 - a schedule is to be repeated, not to be secret
    of_times, of_kinds, of_seeds = (_stream(streams) for _ in range(3))
    at_s = times(of_times)
    names = tuple(sorted(plan.journeys))
    shares = np.cumsum([plan.journeys[name] for name in names])
    kinds = np.searchsorted(shares, _uniform(of_kinds, len(at_s)) * shares[-1], side="right")
    return Schedule(
        numbers=np.arange(first, first + len(at_s)),
        at_s=at_s,
        journey=np.minimum(kinds, len(names) - 1).astype(np.uint8),
        seed=(_uniform(of_seeds, len(at_s)) * _SEEDS).astype(np.int64),
        journeys=names,
        given_out=first + len(at_s),
    )


def _stream(streams: random.Random) -> RandomState:
    """Return the generator of the same numbers as `random.Random` of a seed that is drawn from `streams`."""
    *key, place = random.Random(int(streams.random() * _SEEDS)).getstate()[1]  # noqa: S311 - the same
    stream = RandomState(0)
    stream.set_state({"bit_generator": "MT19937", "state": {"key": np.array(key, dtype=np.uint32), "pos": place}})
    return stream


def _uniform(stream: RandomState, count: int) -> Floats:
    return stream.random_sample(count)


def _whole_ns(at_s: Floats) -> Floats:
    cut: Floats = np.floor(at_s * 1e9) / 1e9
    return cut


def _poisson(expected: float, stream: RandomState) -> Floats:
    """Return the counts at which the arrivals of a unit process come, below `expected`."""
    chunks: list[Floats] = []
    reached = 0.0
    while reached < expected:
        gaps = -np.log1p(-_uniform(stream, _CHUNK))
        sums = reached + np.cumsum(gaps)
        chunks.append(sums)
        reached = float(sums[-1])
    sums = np.concatenate(chunks) if chunks else np.empty(0)
    return sums[sums < expected]


def _regular(curve: Curve) -> Floats:
    return curve.times_of(np.arange(math.floor(curve.total + 0.5), dtype=np.float64) + 0.5)
