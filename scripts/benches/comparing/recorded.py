"""Recorded comparisons of a release with itself: the noise model that is fitted to them, and jobs resampled from them.

`recorded_pairs.json` holds {"jobs": [{"name", "recorded", "block_s", "pairs": [[p95_a_s, p95_b_s, n_a, n_b], ...]}]}.
Until at least 40 pairs of 8 jobs are recorded, the rows that need them say *not recorded* and hold nothing.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from scripts.benches.comparing.cells import Bound, Cell, Tally
from scripts.benches.comparing.playing import BOTH_UP, latencies, of_values, tally
from slo.documents import Document, read_json
from slo.regression.measures import Measured

FILE = Path(__file__).parent / "recorded_pairs.json"
FEWEST_PAIRS, FEWEST_JOBS = 40, 8


class RecordedJob(Document):
    """One comparison of a release with itself: p95 of A's and of B's blocks in seconds, and their requests."""

    name: str
    recorded: str
    block_s: float
    pairs: tuple[tuple[float, float, int, int], ...]


class RecordedPairs(Document):
    """All that were recorded."""

    jobs: tuple[RecordedJob, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The noise of recorded pairs.

    `difference_sd` is that of d = ln B - ln A within a job, `deviation` that of a block's ln p95 within a job,
    `correlation` that of a pair's blocks, `lasting` what jobs' mean differences spread beyond what their pairs explain.
    """

    jobs: int
    pairs: int
    difference_sd: float
    deviation: float
    correlation: float
    lasting: float


def read() -> RecordedPairs | None:
    """Return the recorded pairs; None where there are too few, or none."""
    if not FILE.exists():
        return None
    found = read_json(FILE, RecordedPairs)
    enough = len(found.jobs) >= FEWEST_JOBS and sum(len(job.pairs) for job in found.jobs) >= FEWEST_PAIRS
    return found if enough else None


def fit(recorded: RecordedPairs) -> Fit:
    """Fit the model: within jobs by pooled variances, between jobs by what the means spread beyond them."""
    logs = [np.log(np.array([pair[:2] for pair in job.pairs])) for job in recorded.jobs]
    within = sum(len(one) - 1 for one in logs)
    centred = np.concatenate([one - one.mean(0) for one in logs])
    covariance = centred.T @ centred / within
    difference = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    means = np.array([float((one[:, 1] - one[:, 0]).mean()) for one in logs])
    explained = float(np.mean([difference / len(one) for one in logs]))
    return Fit(
        jobs=len(logs),
        pairs=sum(len(one) for one in logs),
        difference_sd=math.sqrt(difference),
        deviation=math.sqrt(float(np.trace(covariance)) / 2),
        correlation=float(covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1])),
        lasting=math.sqrt(max(0.0, float((means**2).mean()) - explained)),
    )


def cells() -> Iterator[Cell]:
    """Yield a release against itself on a staging as noisy as the recorded jobs: each job's pairs are from one."""
    recorded = read()
    if recorded is not None:
        yield Cell(
            row="a release against itself, resampled from recorded jobs",
            name=f"{len(recorded.jobs)} jobs",
            play=partial(play, pairs=tuple(job.pairs for job in recorded.jobs)),
            bounds=(Bound(of="fail", op="<=", value=0.005),),
        )


def play(rng: np.random.Generator, jobs: int, *, pairs: Sequence[Sequence[tuple[float, float, int, int]]]) -> Tally:
    """Compare jobs whose pairs are drawn from one recorded job each, A and B exchanged at random."""
    measure = latencies(1)[0]

    def job(_: int) -> list[Measured]:
        source = pairs[int(rng.integers(len(pairs)))]
        drawn = [source[int(index)] for index in rng.integers(len(source), size=BOTH_UP.pairs)]
        exchanged = bool(rng.integers(2))
        a, b = ([pair[side] for pair in drawn] for side in ((1, 0) if exchanged else (0, 1)))
        return [of_values(measure, a, b, [min(pair[2:]) for pair in drawn])]

    return tally(jobs, job)
