"""Comparisons of a release with itself as they were recorded: a line a job, and what can be counted over them.

The values are those that the verdict rests on: of every measure, in every pair, A's, B's and the events behind each.
"""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import scipy
from pydantic import Field

from slo.documents import Document, validate_json
from slo.outcomes import Outcome
from slo.regression.comparison import compare
from slo.regression.design import Design
from slo.regression.measures import Measure, Measured, Pair, Value
from slo.regression.settings import ComparisonSettings

_FEWEST_DEPLOYMENTS = 4
FAILED = "failed"  # a latency whose request at the quantile failed: JSON has no infinity
Number = float | str | None
Row = tuple[Number, Number, int, int]


class RecordedJob(Document):
    """One job, or one deployment of a job that redeploys between: `pairs` by the measure's name."""

    name: str
    recorded: str
    machine: str
    block_s: float = Field(gt=0)
    skip_s: float = Field(ge=0)
    redeployed_with: str | None = None
    pairs: Mapping[str, tuple[Row, ...]]


def read_jobs(path: Path) -> tuple[RecordedJob, ...]:
    """Return what was recorded, nothing where there is no file; raises BadInput."""
    if not path.exists():
        return ()
    lines = path.read_text().splitlines()
    return tuple(validate_json(line, RecordedJob, path) for line in lines if line.strip())


def append_job(path: Path, job: RecordedJob) -> None:
    """Add a job to the file."""
    with path.open("a") as file:
        file.write(json.dumps(job.model_dump(mode="json"), allow_nan=False) + "\n")


def rows_of(measured: Sequence[Measured]) -> dict[str, tuple[Row, ...]]:
    """Return what is recorded of measured pairs."""
    return {
        one.measure.name: tuple((_number(pair.a), _number(pair.b), pair.a.events, pair.b.events) for pair in one.pairs)
        for one in measured
    }


def _number(value: Value) -> Number:
    return FAILED if value.value is not None and math.isinf(value.value) else value.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What verdicts over recorded jobs, and over jobs drawn from them, were."""

    whole: Sequence[Outcome]
    drawn: Sequence[Outcome]

    @property
    def all(self) -> tuple[Outcome, ...]:
        """Return the whole jobs' and the drawn ones'."""
        return (*self.whole, *self.drawn)


def decide(
    jobs: Sequence[RecordedJob], measures: Sequence[Measure], looks: tuple[int, ...], count: int, seed: int
) -> Decisions:
    """Return `count` verdicts: first each whole job's, then of jobs whose pairs are drawn from one job each.

    A drawn job takes whole pairs, of all measures together, and A and B of each may be exchanged: they are one release,
    and which block came first was chance. Without that a draw would ask whether what a job's pairs happened to add up
    to is there again, and find it.
    """
    chance = random.Random(seed)  # noqa: S311 - resampling
    whole = [_verdict(job, measures, looks, [(index, False) for index in range(looks[-1])]) for job in jobs]
    drawn = []
    for _ in range(max(0, count - len(whole))):
        job = chance.choice(jobs)
        taken = [(chance.randrange(_length(job)), chance.random() < 0.5) for _ in range(looks[-1])]  # noqa: PLR2004 - either
        drawn.append(_verdict(job, measures, looks, taken))
    return Decisions(whole=whole, drawn=drawn)


def _length(job: RecordedJob) -> int:
    return min(len(rows) for rows in job.pairs.values())


def _verdict(
    job: RecordedJob, measures: Sequence[Measure], looks: tuple[int, ...], taken: Sequence[tuple[int, bool]]
) -> Outcome:
    design = Design(looks=looks, block_s=job.block_s, skip_s=job.skip_s)
    known = [one for one in measures if one.name in job.pairs]
    measured = [Measured(measure=one, pairs=tuple(_pairs(job.pairs[one.name], taken))) for one in known]
    return compare(measured, design, ComparisonSettings()).outcome


def _pairs(rows: Sequence[Row], taken: Sequence[tuple[int, bool]]) -> Iterator[Pair]:
    for number, (index, exchanged) in enumerate(((one, other) for one, other in taken if one < len(rows)), 1):
        a, b, events_a, events_b = rows[index]
        sides = (_value(a, events_a), _value(b, events_b))
        yield Pair(number=number, a=sides[exchanged], b=sides[not exchanged])


def _value(number: Number, events: int) -> Value:
    if number is None:
        return Value(value=None, events=events, because="not known when it was recorded")
    return Value(value=math.inf if isinstance(number, str) else number, events=events)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentDifference:
    """How much two deployments of one build differ for good: standard deviation of ln p95, and its upper bound of 95 %.

    Both are of the difference between B and A, as the setting `deployment_sd` is.
    """

    sd: float
    at_most: float
    deployments: int


def deployment_difference(jobs: Sequence[RecordedJob], measure: str) -> DeploymentDifference | None:
    """Return it from jobs that put both releases up anew between their parts; None where it isn't known.

    Of each part the mean of its pairs' differences, in which the machine's drift cancels: their mean square, less what
    the pairs' own noise explains. The bound takes the means for normal (chi-squared, a degree of freedom a part).
    """
    parts = [_differences(job, measure) for job in jobs if job.redeployed_with is not None]
    parts = [one for one in parts if len(one) > 1]
    if len(parts) < _FEWEST_DEPLOYMENTS:
        return None
    within = math.fsum(_squares(one) for one in parts) / sum(len(one) - 1 for one in parts)
    explained = within * math.fsum(1 / len(one) for one in parts) / len(parts)
    squares = math.fsum(_mean(one) ** 2 for one in parts)
    most = squares / float(scipy.stats.chi2.ppf(0.05, len(parts)))
    return DeploymentDifference(
        sd=math.sqrt(max(0.0, squares / len(parts) - explained)),
        at_most=math.sqrt(max(0.0, most - explained)),
        deployments=len(parts),
    )


def _differences(job: RecordedJob, measure: str) -> list[float]:
    pairs = (row[:2] for row in job.pairs.get(measure, ()))
    return [math.log(b / a) for a, b in pairs if isinstance(a, float) and isinstance(b, float) and a > 0 < b]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _squares(values: Sequence[float]) -> float:
    mean = _mean(values)
    return math.fsum((value - mean) ** 2 for value in values)


def pairs_for_the_model(jobs: Sequence[RecordedJob], measure: str) -> dict[str, object]:
    """Return the pairs of one latency, as the noise model reads them: whole pairs whose values are known."""
    entries = [
        {
            "name": job.name,
            "recorded": job.recorded,
            "block_s": job.block_s,
            "pairs": [
                list(row) for row in job.pairs.get(measure, ()) if all(isinstance(one, float) for one in row[:2])
            ],
        }
        for job in jobs
        if job.redeployed_with is None
    ]
    return {"jobs": entries}


def _is_known(row: Row) -> bool:
    return all(isinstance(one, float) for one in row[:2])
