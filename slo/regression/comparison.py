"""The verdict over two releases: looks at the pairs so far, and decides as soon as the spending of alpha allows it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slo.outcomes import Outcome
from slo.regression import reasons
from slo.regression.design import Design
from slo.regression.evidence import unknown
from slo.regression.looks import Looked, Sight, look_at
from slo.regression.measures import Kind, Measure, Measured
from slo.regression.settings import ComparisonSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureResult:
    """What is shown of one measure at the look that decided it, or the last so far.

    `pairs` are those of which both values are known. `change` is the estimate and `low` and `high` its one-sided bounds
    at that look, in the measure's own unit: a ratio B / A, a difference of ratios, a loss of orders by session.
    `outcome` is FAIL where a change beyond the tolerance is shown, PASS where one beyond `pass_under` is ruled out,
    else INCONCLUSIVE. `detectable` is the change that this many such pairs find with a chance of 80 %. `because` says
    why in words, `needs` what would settle it.
    """

    measure: Measure
    outcome: Outcome
    pairs: int
    change: float | None = None
    low: float | None = None
    high: float | None = None
    detectable: float | None = None
    value_a: float | None = None
    value_b: float | None = None
    because: str | None = None
    needs: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The verdict over `pairs`; `is_final` says that no look is left, or that a later one would not change it."""

    outcome: Outcome
    is_final: bool
    pairs: int
    results: tuple[MeasureResult, ...]
    because: str
    needs: str | None = None
    autocorrelation: float | None = None


def looks_taken(measured: Sequence[Measured], design: Design, settings: ComparisonSettings) -> Looked | None:
    """Return the first look that decides, else the last for which the pairs were played; None before the first."""
    played = min((len(one.pairs) for one in measured), default=0)
    looked: Looked | None = None
    for number, pairs in enumerate(design.looks):
        if pairs > played or (looked is not None and looked.is_last):
            break
        looked = look_at(measured, design, settings, number, looked)
    return looked


def compare(measured: Sequence[Measured], design: Design, settings: ComparisonSettings) -> Comparison:
    """Return the verdict over the pairs played so far; looks that aren't reached yet are not taken.

    Each look counts pairs of the job: a pair in which a measure isn't known counts for none of its looks' evidence, and
    keeps the measure from passing. Deciding is final at the first look that decides, so judging more pairs later gives
    the same verdict.
    """
    if not measured:
        return Comparison(
            outcome=Outcome.INCONCLUSIVE,
            is_final=True,
            pairs=0,
            results=(),
            because="nothing is compared: no objective gives a measure",
            needs="an objective of latency or of a good ratio",
        )
    looked = looks_taken(measured, design, settings)
    if looked is None:
        return _before_the_first_look(measured, design)
    results = tuple(result_of(one, sight, design) for one, sight in zip(measured, looked.sights, strict=True))
    return Comparison(
        outcome=looked.outcome,
        is_final=looked.is_last,
        pairs=looked.pairs,
        results=results,
        because=_because(looked, results, design),
        needs=_needs(looked, results),
        autocorrelation=looked.autocorrelation,
    )


def _before_the_first_look(measured: Sequence[Measured], design: Design) -> Comparison:
    played = min(len(one.pairs) for one in measured)
    missing = design.looks[0] - played
    because = f"{played} of the first look's {design.looks[0]} pairs are played"
    return Comparison(
        outcome=Outcome.INCONCLUSIVE,
        is_final=False,
        pairs=played,
        results=tuple(
            MeasureResult(
                measure=one.measure,
                outcome=Outcome.INCONCLUSIVE,
                pairs=sum(unknown(one.measure, pair) is None for pair in one.pairs),
                because=because,
            )
            for one in measured
        ),
        because=because,
        needs=f"{missing} more pair{'' if missing == 1 else 's'}",
    )


def result_of(one: Measured, sight: Sight, design: Design) -> MeasureResult:
    """Return what is shown of a measure at a look."""
    found, pairs = sight.evidence, one.pairs[: sight.look]
    because, needs = (
        reasons.because(one.measure, sight, pairs, design),
        reasons.needs(one.measure, sight, pairs, design),
    )
    if found is None:
        known = sum(unknown(one.measure, pair) is None for pair in pairs)
        return MeasureResult(measure=one.measure, outcome=sight.outcome, pairs=known, because=because, needs=needs)
    shown = math.exp if one.measure.kind is Kind.LATENCY else float
    a, b = (1 - found.a, 1 - found.b) if one.measure.kind is Kind.ORDERS else (found.a, found.b)
    return MeasureResult(
        measure=one.measure,
        outcome=sight.outcome,
        pairs=found.pairs,
        change=shown(found.centre),
        low=shown(sight.low),
        high=shown(sight.high),
        detectable=shown(reasons.detectable(sight, found)),
        value_a=a,
        value_b=b,
        because=because,
        needs=needs,
    )


def _because(looked: Looked, results: Sequence[MeasureResult], design: Design) -> str:
    after = f"after {looked.pairs} of at most {design.pairs} pairs"
    if looked.outcome is Outcome.PASS:
        return f"B is shown not to be worse than A in {_named(results)}, {after}"
    if looked.outcome is Outcome.FAIL:
        failed = [one for one in results if one.outcome is Outcome.FAIL]
        return f"B is worse than A {after}: " + "; ".join(f"{one.measure.name} {one.because}" for one in failed)
    left = [one for one in results if one.outcome is Outcome.INCONCLUSIVE]
    early = ", and more of its pairs would hardly settle it" if looked.hopeless else ""
    return f"neither better nor worse is shown of {_named(left)}, {after}{early}"


def _named(results: Sequence[MeasureResult]) -> str:
    return ", ".join(one.measure.name for one in results)


def _needs(looked: Looked, results: Sequence[MeasureResult]) -> str | None:
    if looked.outcome is not Outcome.INCONCLUSIVE:
        return None
    return "; ".join(f"{one.measure.name}: {one.needs}" for one in results if one.needs is not None) or None
