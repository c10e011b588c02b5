"""One objective and its evidence, judged: met, missed, undecided, not judged, or no data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from slo.formatting import count, percent, seconds
from slo.objectives.indicators import Evidence
from slo.objectives.objective import Objective
from slo.statistics import (
    ALPHA,
    LIKELY,
    DesignEffect,
    Tested,
    design_effect,
    events_needed,
    events_needed_at,
    events_to_miss_at,
    holm,
    lower_bad_ratio,
    p_value_of_miss,
    upper_bad_ratio,
)

ObjectiveOutcome = Literal["met", "missed", "undecided", "not_judged", "no_data"]
SPEND_NOTE = "needs the production volume of a budget period, which the run does not know"
_NOUNS = {"checkout": "checkouts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveResult:
    """One objective's judgement with every figure it rests on; ratios, seconds, effective counts after deff."""

    name: str
    display_name: str
    source: str
    indicator: str
    steps: tuple[str, ...]
    threshold_s: float | None
    target: float
    outcome: ObjectiveOutcome
    events: int
    bad: int
    left_out: int
    ratio_good: float | None
    design_effect: float
    design_effect_from: str
    effective_events: float
    effective_bad: float
    bad_ratio_low: float | None
    bad_ratio_high: float | None
    alpha_fail: float
    alpha_pass: float
    budget_burn: float | None
    budget_spend_note: str
    observed_quantile_s: float | None
    observed_quantile_at_least_s: float | None
    observed_service_quantile_s: float | None
    needs: str | None
    because: str

    @property
    def budget(self) -> float:
        """Return the bad ratio allowed."""
        return round(1.0 - self.target, 12)


def judge_objectives(
    objectives: Sequence[Objective],
    evidence: Mapping[str, Evidence],
    not_judged: Mapping[str, str],
    prior: float,
    *,
    window_s: float | None,
    alpha: float = ALPHA,
) -> tuple[ObjectiveResult, ...]:
    """Judge every objective; `evidence` that is missing is no data.

    All objectives with data are tested for a miss together (`holm`), those declared `not_judged` (name to reason)
    among them: to be shown bad needs no plan. Each is shown met at `alpha` by itself.
    """
    read = {one.name: evidence.get(one.name, Evidence(no_data="the run holds no evidence of it")) for one in objectives}
    judged = [one for one in objectives if read[one.name].no_data is None and read[one.name].events]
    effects = {one.name: design_effect(read[one.name].counts, prior) for one in judged}
    p_values = {
        one.name: p_value_of_miss(read[one.name].bad, read[one.name].events, one.budget, effects[one.name].value)
        for one in judged
    }
    tested = holm(p_values, alpha)
    results = []
    for one in objectives:
        if one.name not in tested:
            results.append(_without_data(one, read[one.name], not_judged.get(one.name), alpha))
            continue
        case = _Case(
            objective=one, evidence=read[one.name], effect=effects[one.name], tested=tested[one.name], alpha=alpha
        )
        results.append(_result(case, not_judged.get(one.name), window_s))
    return tuple(results)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    objective: Objective
    evidence: Evidence
    effect: DesignEffect
    tested: Tested
    alpha: float

    @property
    def ratio(self) -> float:
        return self.evidence.bad / self.evidence.events

    @property
    def high(self) -> float:
        return upper_bad_ratio(self.evidence.bad, self.evidence.events, self.effect.value, self.alpha)

    @property
    def low(self) -> float:
        return lower_bad_ratio(self.evidence.bad, self.evidence.events, self.effect.value, self.tested.alpha)


def _result(case: _Case, declared: str | None, window_s: float | None) -> ObjectiveResult:
    objective, evidence, effect = case.objective, case.evidence, case.effect
    outcome = _outcome(case, declared)
    return ObjectiveResult(
        name=objective.name,
        display_name=objective.display_name,
        source=objective.indicator.source.kind,
        indicator=objective.indicator.kind,
        steps=objective.steps,
        threshold_s=objective.indicator.threshold_s,
        target=objective.target,
        outcome=outcome,
        events=evidence.events,
        bad=evidence.bad,
        left_out=evidence.left_out,
        ratio_good=1.0 - case.ratio,
        design_effect=effect.value,
        design_effect_from=effect.known_from,
        effective_events=evidence.events / effect.value,
        effective_bad=evidence.bad / effect.value,
        bad_ratio_low=case.low,
        bad_ratio_high=case.high,
        alpha_fail=case.tested.alpha,
        alpha_pass=case.alpha,
        budget_burn=case.ratio / objective.budget,
        budget_spend_note=SPEND_NOTE,
        observed_quantile_s=evidence.quantile_s,
        observed_quantile_at_least_s=evidence.quantile_at_least_s,
        observed_service_quantile_s=evidence.service_quantile_s,
        needs=_needs(case, window_s) if outcome == "undecided" else None,
        because=declared if outcome == "not_judged" and declared is not None else _because(case, outcome),
    )


def _outcome(case: _Case, declared: str | None) -> ObjectiveOutcome:
    if case.tested.rejected:
        return "missed"
    if declared is not None:
        return "not_judged"
    return "met" if case.high <= case.objective.budget else "undecided"


def _without_data(objective: Objective, evidence: Evidence, declared: str | None, alpha: float) -> ObjectiveResult:
    reason = evidence.no_data or "no event in the judged window"
    return ObjectiveResult(
        name=objective.name,
        display_name=objective.display_name,
        source=objective.indicator.source.kind,
        indicator=objective.indicator.kind,
        steps=objective.steps,
        threshold_s=objective.indicator.threshold_s,
        target=objective.target,
        outcome="no_data" if declared is None else "not_judged",
        events=0,
        bad=0,
        left_out=evidence.left_out,
        ratio_good=None,
        design_effect=1.0,
        design_effect_from="no data",
        effective_events=0.0,
        effective_bad=0.0,
        bad_ratio_low=None,
        bad_ratio_high=None,
        alpha_fail=alpha,
        alpha_pass=alpha,
        budget_burn=None,
        budget_spend_note=SPEND_NOTE,
        observed_quantile_s=None,
        observed_quantile_at_least_s=None,
        observed_service_quantile_s=None,
        needs=f"{count(events_needed(objective.budget, 0, alpha))} requests at least" if declared is None else None,
        because=reason if declared is None else declared,
    )


def observed(result: ObjectiveResult) -> str:
    """Return what was seen, such as `12.3 % of 412 checkouts took over 400 ms`."""
    noun = _NOUNS.get(result.steps[0], f"{result.steps[0]} requests") if len(result.steps) == 1 else "requests"
    what = "failed" if result.threshold_s is None else f"took over {seconds(result.threshold_s)}"
    return f"{percent(result.bad / result.events)} of {count(result.events)} {noun} {what}"


def _because(case: _Case, outcome: ObjectiveOutcome) -> str:
    evidence, budget = case.evidence, case.objective.budget
    seen = f"{count(evidence.bad)} of {count(evidence.events)} were bad"
    if evidence.failed and case.objective.indicator.kind == "latency":
        seen += f" ({count(evidence.failed)} of them failed)"
    if evidence.left_out:
        seen += f", {count(evidence.left_out)} left out"
    if outcome == "met":
        return f"{seen}; the true ratio is at most {percent(case.high)}, allowed {percent(budget)}"
    if outcome == "missed":
        return f"{seen}; the true ratio is at least {percent(case.low)}, allowed {percent(budget)}"
    span = f"between {percent(case.low)} and {percent(case.high)}"
    return f"{seen}; the true ratio may lie {span}, allowed {percent(budget)}"


def _needs(case: _Case, window_s: float | None) -> str:
    """Return what would settle it, were the ratio to stay."""
    budget, ratio, effect = case.objective.budget, case.ratio, case.effect.value
    had = case.evidence.events
    met = events_needed_at(ratio, budget, effect, case.alpha)
    if met is not None:
        needed = f"{count(max(met, had))} requests at this ratio would show it met with a chance of {percent(LIKELY)}"
        wanted = max(met, had)
    else:
        missed = events_to_miss_at(ratio, budget, effect, case.tested.alpha)
        if missed is None:
            return (
                f"the ratio sits on the limit of {percent(budget)}: no run settles it, mend the shop or the objective"
            )
        wanted = max(missed, had)
        needed = f"{count(wanted)} requests at this ratio would show it missed with a chance of {percent(LIKELY)}"
    needed += f", had {count(had)}"
    minutes = f": a judged window of {wanted / had * window_s / 60:.1f} minutes at this rate" if window_s else ""
    return needed + minutes
