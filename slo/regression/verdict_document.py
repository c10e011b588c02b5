"""`comparison-verdict.json` (`peakproof/comparison-verdict/v1`): which release is worse, by what, and how sure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from slo.causes.causes import Cause
from slo.documents import Ns, WrittenDocument
from slo.outcomes import Outcome
from slo.regression.comparison import Comparison, MeasureResult
from slo.regression.design import Design
from slo.regression.measures import Kind, Measured, Pair, Value
from slo.verdict.verdict_document import CauseEntry

FORMAT: Final = "peakproof/comparison-verdict/v1"
FILE: Final = "comparison-verdict.json"


class PairEntry(WrittenDocument):
    """A measure in one pair; a value is null where it isn't known or, of a latency, is infinite, and `because` says."""

    number: int
    a: float | None = None
    b: float | None = None
    events_a: int = 0
    events_b: int = 0
    because: str | None = None


class MeasureEntry(WrittenDocument):
    """One measure and its judgement: a ratio B / A of latencies, a difference B - A of errors, a loss of orders."""

    name: str
    kind: str = Field(examples=[one.value for one in Kind])
    outcome: str = Field(examples=[one.value for one in Outcome])
    source: str = "records"
    steps: tuple[str, ...] = ()
    quantile: float | None = None
    fail_over: float
    pass_under: float
    min_change_s: float = 0.0
    pairs: int = 0
    change: float | None = None
    low: float | None = None
    high: float | None = None
    detectable: float | None = None
    value_a: float | None = None
    value_b: float | None = None
    because: str | None = None
    needs: str | None = None
    blocks: tuple[PairEntry, ...] = ()


class ReleaseEntry(WrittenDocument):
    """One of the two releases: what people call it, and what its probe named."""

    label: str
    release: str | None = None

    @property
    def shown(self) -> str:
        """Return it for a person."""
        return self.label if self.release in {None, self.label} else f"{self.label} ({self.release})"


class NotComparedEntry(WrittenDocument):
    """An objective by which the releases weren't compared, and why."""

    name: str
    because: str


class ComparisonVerdict(WrittenDocument):
    """The verdict over a comparison; `invalid_because` is why its runs aren't worth judging, `notes` how both ran.

    `untrusted` is why no policy decides on its exit code: its runs' evidence isn't what they left, or isn't verified.
    """

    format: Annotated[str, Field(json_schema_extra={"const": FORMAT})] = FORMAT
    name: str
    outcome: str = Field(examples=[one.value for one in Outcome])
    because: str
    needs: str | None = None
    environment: str | None = None
    how: str
    a: ReleaseEntry
    b: ReleaseEntry
    looks: tuple[int, ...]
    block_s: float
    skip_s: float
    pairs: int
    pairs_played: int
    measures: tuple[MeasureEntry, ...] = ()
    not_compared: tuple[NotComparedEntry, ...] = ()
    invalid_because: tuple[str, ...] = ()
    untrusted: str | None = None
    outside: tuple[str, ...] = Field((), description="the causes outside the shop, where these alone kept it open")
    causes: tuple[CauseEntry, ...] = Field((), description="what grew from A's blocks to B's, of what failed")
    notes: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    autocorrelation: float | None = None
    decided_at: Ns

    @property
    def verdict(self) -> Outcome:
        """Return the outcome."""
        return Outcome(self.outcome)

    @property
    def first_line(self) -> str:
        """Return the outcome, both releases and the environment."""
        where = f" on {self.environment}" if self.environment else ""
        return f"{self.outcome}: {self.b.shown} (B) against {self.a.shown} (A){where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a verdict is written from beside the statistics."""

    name: str
    environment: str | None
    how: str
    a: ReleaseEntry
    b: ReleaseEntry
    design: Design
    runs: tuple[str, ...]
    notes: tuple[str, ...]
    not_compared: Mapping[str, str]
    invalid_because: tuple[str, ...]
    unfinished_because: str | None
    decided_at: int
    outside: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()


def verdict_of(comparison: Comparison, measured: Sequence[Measured], about: Compared) -> ComparisonVerdict:
    """Return the verdict: the statistics', unless the load wasn't fit; of a job cut short only a FAIL stands."""
    outcome, because, needs = comparison.outcome, comparison.because, comparison.needs
    if about.invalid_because:
        outcome, needs = Outcome.INCONCLUSIVE, "mend that, and compare again"
        because = f"the load wasn't fit to compare by: {'; '.join(about.invalid_because)}"
    elif about.unfinished_because is not None and outcome is not Outcome.FAIL:
        outcome = Outcome.INCONCLUSIVE
        because = f"{about.unfinished_because}; {comparison.because}"
    if outcome is Outcome.FAIL and about.causes:
        steps = {one.measure.name: one.measure.steps for one in measured}
        because += f"; grew: {about.causes[0].in_words(steps[about.causes[0].objective])}"
    return ComparisonVerdict(
        name=about.name,
        outcome=outcome.value,
        because=because,
        needs=needs,
        environment=about.environment,
        how=about.how,
        a=about.a,
        b=about.b,
        looks=about.design.looks,
        block_s=about.design.block_s,
        skip_s=about.design.skip_s,
        pairs=comparison.pairs,
        pairs_played=max((len(one.pairs) for one in measured), default=0),
        measures=tuple(_entry(one, seen) for one, seen in zip(comparison.results, measured, strict=False)),
        not_compared=tuple(NotComparedEntry(name=n, because=why) for n, why in about.not_compared.items()),
        invalid_because=about.invalid_because,
        outside=about.outside if outcome is Outcome.INCONCLUSIVE else (),
        causes=tuple(CauseEntry.model_validate(one, from_attributes=True) for one in about.causes),
        notes=about.notes,
        runs=about.runs,
        autocorrelation=_finite(comparison.autocorrelation),
        decided_at=about.decided_at,
    )


def _entry(result: MeasureResult, measured: Measured) -> MeasureEntry:
    measure = result.measure
    return MeasureEntry(
        name=measure.name,
        kind=measure.kind.value,
        outcome=result.outcome.value,
        source=measure.source,
        steps=measure.steps,
        quantile=measure.quantile,
        fail_over=measure.fail_over,
        pass_under=measure.pass_under,
        min_change_s=measure.min_change_s,
        pairs=result.pairs,
        change=_finite(result.change),
        low=_finite(result.low),
        high=_finite(result.high),
        detectable=_finite(result.detectable),
        value_a=_finite(result.value_a),
        value_b=_finite(result.value_b),
        because=result.because,
        needs=result.needs,
        blocks=tuple(_pair(one) for one in measured.pairs),
    )


def _pair(pair: Pair) -> PairEntry:
    whys = [f"{name}: {why}" for name, why in (("A", _why(pair.a)), ("B", _why(pair.b))) if why is not None]
    return PairEntry(
        number=pair.number,
        a=_finite(pair.a.value),
        b=_finite(pair.b.value),
        events_a=pair.a.events,
        events_b=pair.b.events,
        because="; ".join(whys) or None,
    )


def _why(value: Value) -> str | None:
    if value.value is not None and math.isinf(value.value):
        return "the request at the quantile failed"
    return value.because if value.value is None else None


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
