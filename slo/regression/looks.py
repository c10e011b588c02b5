"""What is decided at each look: of each measure, and of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from slo.outcomes import Outcome
from slo.regression.design import Design
from slo.regression.evidence import Assumed, Evidence, evidence
from slo.regression.measures import Measured
from slo.regression.settings import ComparisonSettings
from slo.regression.spending import nominal_levels

AUTOCORRELATION = 0.4
"""Pairs whose differences are more alike than this aren't independent, and their number means nothing."""
_LOOKED_FOR_FROM = 8
_HOPELESS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One measure at a look: its evidence, None with too few known pairs, and the outcome so far.

    `fail_level` and `pass_level` are the nominal levels at which it was looked at; `dependent` says that its pairs
    weren't independent, so that it was left undecided.
    """

    evidence: Evidence | None
    outcome: Outcome
    fail_level: float
    pass_level: float
    look: int
    dependent: bool = False

    @property
    def low(self) -> float:
        """The lower bound on d's scale."""
        return self.evidence.low(self.fail_level) if self.evidence else -float("inf")

    @property
    def high(self) -> float:
        """The upper bound on d's scale."""
        return self.evidence.high(self.pass_level) if self.evidence else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """All measures at a look of so many pairs; `is_last` says that no other follows, `hopeless` why where one could."""

    pairs: int
    sights: tuple[Sight, ...]
    outcome: Outcome
    is_last: bool
    hopeless: bool
    autocorrelation: float | None = None


class Levels:
    """The nominal levels of a design's looks, for any number of measures of which some failed already."""

    def __init__(self, design: Design, settings: ComparisonSettings) -> None:
        self._design = design
        self._settings = settings
        self.to_pass = nominal_levels(design.looks, settings.beta)

    def to_fail(self, untested: int) -> tuple[float, ...]:
        """Return the levels of Holm's step at which so many measures haven't failed yet."""
        alpha = min(self._settings.alpha, self._settings.family_alpha / max(1, untested))
        return nominal_levels(self._design.looks, alpha)


def look_at(
    measured: Sequence[Measured],
    design: Design,
    settings: ComparisonSettings,
    number: int,
    before: Looked | None,
) -> Looked:
    """Return what is decided at the look of that number, from 0, after the one `before`.

    A measure that was shown once stays shown, as long as its later pairs are known: its level at each look is spent so
    that over all looks a wrong answer comes as rarely as said. A FAIL ends the job, so a measure that passed can still
    fail until then. Where the server's counters are compared, which are known only once the job is over, nothing but a
    FAIL ends it before its last look: so a FAIL that ended it, seen without them, is also the verdict's.
    """
    levels, pairs = Levels(design, settings), design.looks[number]
    assumed = Assumed(lasting=settings.deployment_sd, burst_share=settings.assumed_error_burst_s / design.judged_s)
    found = [evidence(one.measure, one.pairs[:pairs], assumed) for one in measured]
    passed = [before is not None and before.sights[index].outcome is Outcome.PASS for index in range(len(found))]
    correlations = [None if done else _correlation(one) for one, done in zip(found, passed, strict=True)]
    testable = [one if _independent(r) else None for one, r in zip(found, correlations, strict=True)]
    failed = failing(testable, levels, number)
    sights = tuple(
        _sight(
            one,
            failed=index in failed,
            dependent=not _independent(correlations[index]),
            levels=(failed.get(index, levels.to_fail(len(found) - len(failed))[number]), levels.to_pass[number]),
            look=pairs,
            before=before.sights[index] if before else None,
        )
        for index, one in enumerate(found)
    )
    outcome = outcome_of(sights)
    last = number == len(design.looks) - 1
    to_the_end = any(one.measure.source == "prometheus" for one in measured)
    open_still = outcome is Outcome.INCONCLUSIVE and number > 0 and not last and not to_the_end
    hopeless = open_still and _hopeless(sights, levels, design.pairs - pairs)
    return Looked(
        pairs=pairs,
        sights=sights,
        outcome=outcome,
        is_last=outcome is Outcome.FAIL or last or hopeless or (outcome is Outcome.PASS and not to_the_end),
        hopeless=hopeless,
        autocorrelation=max((one for one in correlations if one is not None), default=None),
    )


def failing(found: Sequence[Evidence | None], levels: Levels, number: int) -> dict[int, float]:
    """Return the measures that fail at this look, with the level of each (Holm 1979, over the looks' own levels)."""
    failed: dict[int, float] = {}
    while True:
        level = levels.to_fail(len(found) - len(failed))[number]
        more = [
            index for index, one in enumerate(found) if index not in failed and one is not None and one.fails(level)
        ]
        failed |= dict.fromkeys(more, level)
        if not more or len(failed) == len(found):
            return failed


def _sight(
    found: Evidence | None,
    *,
    failed: bool,
    dependent: bool,
    levels: tuple[float, float],
    look: int,
    before: Sight | None,
) -> Sight:
    still_known = found is not None and found.can_pass
    if before is not None and before.outcome is Outcome.PASS and still_known and not failed:
        return before
    fail_level, pass_level = levels
    outcome = Outcome.INCONCLUSIVE if dependent else passes(found, pass_level)
    return Sight(
        evidence=found,
        outcome=Outcome.FAIL if failed else outcome,
        fail_level=fail_level,
        pass_level=pass_level,
        look=look,
        dependent=dependent,
    )


def passes(found: Evidence | None, level: float) -> Outcome:
    """Return PASS where a change that matters is ruled out at the level, else INCONCLUSIVE."""
    shown = found is not None and found.can_pass and found.high(level) < found.pass_limit
    return Outcome.PASS if shown else Outcome.INCONCLUSIVE


def outcome_of(sights: Sequence[Sight]) -> Outcome:
    """Return the outcome of all measures: one that fails fails all, and all must pass."""
    outcomes = {sight.outcome for sight in sights}
    if Outcome.FAIL in outcomes:
        return Outcome.FAIL
    return Outcome.PASS if outcomes == {Outcome.PASS} else Outcome.INCONCLUSIVE


def _hopeless(sights: Sequence[Sight], levels: Levels, more: int) -> bool:
    """Whether neither a FAIL nor a PASS of all measures is likely any more; one without evidence won't pass.

    It isn't asked at the first look: four pairs know their own spread too badly to give up by.
    """
    open_ones = [sight.evidence for sight in sights if sight.outcome is Outcome.INCONCLUSIVE]
    fail_level = levels.to_fail(len(sights))[-1]
    to_fail = max((one.chance_to_fail(more, fail_level) for one in open_ones if one is not None), default=0.0)
    if to_fail >= _HOPELESS:
        return False
    to_pass = min((one.chance_to_pass(more, levels.to_pass[-1]) if one is not None else 0.0) for one in open_ones)
    return to_pass < _HOPELESS


def _correlation(found: Evidence | None) -> float | None:
    return found.autocorrelation() if found is not None and found.pairs >= _LOOKED_FOR_FROM else None


def _independent(correlation: float | None) -> bool:
    return correlation is None or correlation <= AUTOCORRELATION
