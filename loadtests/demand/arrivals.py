"""The open schedule: when each session of a plan arrives, which journey it is, and its own seed.

Computed whole before the run, so nothing the shop does can delay it. An inhomogeneous Poisson process by time change:
with E₁, E₂, … exponential of mean 1 and Λ⁻¹ the inverse of the curve's expected arrivals,

    at(n) = Λ⁻¹(E₁ + … + Eₙ)   while the sum is below Λ(end)

Only `random.Random.random()` is drawn from: Python promises its sequence for a seed across versions. Times, journeys
and session seeds have streams of their own, so a changed mix leaves the times alone. Times are cut to whole
nanoseconds, which hides the last digit in which two machines' logarithms may differ.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from loadtests.demand.curve import Curve, Floats
from loadtests.demand.plan import Plan

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
    """Arrivals in the order of time, held as parallel arrays; slicing gives a view that keeps the numbers."""

    numbers: range
    at_s: Floats
    journey: NDArray[np.uint8]
    seed: NDArray[np.int64]
    journeys: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Arrival: ...
    @overload
    def __getitem__(self, index: slice) -> "Schedule": ...
    def __getitem__(self, index: int | slice) -> "Arrival | Schedule":
        if isinstance(index, slice):
            return Schedule(
                numbers=self.numbers[index],
                at_s=self.at_s[index],
                journey=self.journey[index],
                seed=self.seed[index],
                journeys=self.journeys,
            )
        return Arrival(
            number=self.numbers[index],
            at_s=float(self.at_s[index]),
            journey=self.journeys[self.journey[index]],
            seed=int(self.seed[index]),
        )


def schedule(plan: Plan) -> Schedule:
    """Return every arrival of `plan`, by time; the same plan gives the same schedule."""
    streams = random.Random(plan.seed)  # noqa: S311 - a schedule is to be repeated, not to be secret
    times, kinds, seeds = (_stream(streams) for _ in range(3))
    curve = plan.curve()
    at_s = _poisson(curve, times) if plan.spacing == "poisson" else _regular(curve)
    names = tuple(sorted(plan.journeys))
    shares = np.cumsum([plan.journeys[name] for name in names])
    drawn = np.searchsorted(shares, _uniform(kinds, len(at_s)) * shares[-1], side="right")
    return Schedule(
        numbers=range(len(at_s)),
        at_s=np.floor(at_s * 1e9) / 1e9,
        journey=np.minimum(drawn, len(names) - 1).astype(np.uint8),
        seed=(_uniform(seeds, len(at_s)) * _SEEDS).astype(np.int64),
        journeys=names,
    )


@overload
def shard(arrivals: Schedule, worker: int, workers: int) -> Schedule: ...
@overload
def shard(arrivals: Sequence[Arrival], worker: int, workers: int) -> Sequence[Arrival]: ...
def shard(arrivals: Sequence[Arrival], worker: int, workers: int) -> Sequence[Arrival]:
    """Return what worker `worker` (from 0) of `workers` starts; together the shards hold each arrival once."""
    if not 0 <= worker < workers:
        raise ValueError(f"worker must be from 0 to {workers - 1}, found {worker}")
    return arrivals[worker::workers]


def _stream(streams: random.Random) -> random.Random:
    return random.Random(int(streams.random() * _SEEDS))  # noqa: S311 - the same


def _uniform(stream: random.Random, count: int) -> Floats:
    return np.fromiter((stream.random() for _ in range(count)), dtype=np.float64, count=count)


def _poisson(curve: Curve, stream: random.Random) -> Floats:
    chunks: list[Floats] = []
    reached = 0.0
    while reached < curve.total:
        gaps = -np.log1p(-_uniform(stream, _CHUNK))
        sums = reached + np.cumsum(gaps)
        chunks.append(sums)
        reached = float(sums[-1])
    sums = np.concatenate(chunks) if chunks else np.empty(0)
    return curve.times_of(sums[sums < curve.total])


def _regular(curve: Curve) -> Floats:
    return curve.times_of(np.arange(math.floor(curve.total + 0.5), dtype=np.float64) + 0.5)
