"""A release against earlier days as `comparison-verdict.json`, so that it is read as every other comparison is."""

from collections.abc import Sequence
from dataclasses import replace

from slo.outcomes import Outcome
from slo.regression.comparison import Comparison
from slo.regression.days import DaysComparison, MeasuredDays, paired
from slo.regression.verdict_document import Compared, ComparisonVerdict, verdict_of

HOW = "days"


def verdict_of_days(found: DaysComparison, measured: Sequence[MeasuredDays], about: Compared) -> ComparisonVerdict:
    """Return the verdict's document: a pair is an earlier day, and what is only advice is INCONCLUSIVE."""
    comparison = Comparison(
        outcome=Outcome.INCONCLUSIVE if found.is_advisory else found.outcome,
        is_final=True,
        pairs=found.days,
        results=found.results,
        because=_because(found),
        needs=found.needs,
    )
    document = verdict_of(comparison, paired(measured), replace(about, how=HOW))
    return document.model_copy(update={"looks": (found.days,), "block_s": 0.0, "skip_s": 0.0})


def _because(found: DaysComparison) -> str:
    if not found.is_advisory or found.outcome is Outcome.INCONCLUSIVE:
        return found.because
    names = ", ".join(found.advisory)
    return f"advice alone, {found.outcome.value}: only a change of over 20 % would be found of {names}; {found.because}"
