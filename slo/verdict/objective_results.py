"""One objective and its evidence, judged: met, missed, undecided, not judged, or no data."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from slo.design_effect import DesignEffects, design_effects, longest_error_burst_s
from slo.formatting import count, percent, seconds
from slo.objectives.indicators import Evidence
from slo.objectives.objective import Objective, budget_of
from slo.objectives.production import spend
from slo.objectives.sources import Queries, Readings, Sessions
from slo.statistics import (
    ALPHA,
    LIKELY,
    Tested,
    events_needed,
    events_needed_at,
    events_to_miss_at,
    holm,
    lower_bad_ratio,
    p_value_of_miss,
    upper_bad_ratio,
)

ObjectiveOutcome = Literal["met", "missed", "undecided", "not_judged", "no_data"]
UNCOUNTED_RATIO = 0.05
"""How many fewer than were sent the shop's own counters may count, and how many more without a word."""
_NOUNS = {"checkout": "checkouts"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveResult:
    """One objective's judgement with every figure it rests on; ratios, seconds, effective counts after deff.

    `design_effect` is what showing it met rests on, `design_effect_miss` what showing it missed does. `planned_events`
    is the total that a miss was judged on where the run was aborted; `survives_error_burst_s` the longest error burst
    for which the objective would still be shown met; `last_third_bad_ratio` what the last third of the window had,
    where that alone is over the budget beyond doubt. `journeys` are those whose sessions are its events, none where
    requests are; `events_are` says it in words, and `read_by` how they were read. `production_spend` is the share of
    production's budget that a peak like it would spend, None where its volume isn't declared.
    """

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
    design_effect_miss: float
    design_effect_miss_from: str
    effective_events: float
    effective_bad: float
    bad_ratio_low: float | None
    bad_ratio_high: float | None
    alpha_fail: float
    alpha_pass: float
    planned_events: float | None
    survives_error_burst_s: float | None
    last_third_bad_ratio: float | None
    budget_burn: float | None
    budget_spend_note: str
    observed_quantile_s: float | None
    observed_quantile_at_least_s: float | None
    observed_service_quantile_s: float | None
    needs: str | None
    because: str
    journeys: tuple[str, ...] = ()
    production_spend: float | None = None
    events_are: str = "requests"
    read_by: str | None = None

    @property
    def budget(self) -> float:
        """Return the bad ratio allowed."""
        return budget_of(self.target)

    @property
    def decisive_design_effect(self) -> float:
        """Return the design effect that its outcome rests on."""
        return self.design_effect_miss if self.outcome == "missed" else self.design_effect


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What all objectives of a run are judged by.

    `planned_events` are the events by objective that the judged window of an aborted run would have had, nan where
    that isn't known; None for a run that was played out. `sent` are the requests by objective that reached the shop, by
    the load generator's own records, where the shop's counters should have counted each of them.
    """

    assumed_error_burst_s: float
    window_s: float | None
    planned_events: Mapping[str, float] | None = None
    sent: Mapping[str, int] = field(default_factory=dict)
    compression: float = 1.0
    alpha: float = ALPHA


def judge_objectives(
    objectives: Sequence[Objective], evidence: Mapping[str, Evidence], not_judged: Mapping[str, str], basis: Basis
) -> tuple[ObjectiveResult, ...]:
    """Judge every objective; `evidence` that is missing is no data.

    All objectives with data are tested for a miss together (`holm`), those declared `not_judged` (name to reason)
    among them: to be shown bad needs no plan. Each is shown met at alpha by itself.
    """
    read = {one.name: evidence.get(one.name, Evidence(no_data="the run holds no evidence of it")) for one in objectives}
    cases = {
        one.name: _case(one, read[one.name], basis)
        for one in objectives
        if read[one.name].no_data is None and read[one.name].events
    }
    tested = holm({name: case.p_value for name, case in cases.items()}, basis.alpha)
    return tuple(
        _result(
            _Tested(case=cases[one.name], tested=tested[one.name], alpha=basis.alpha),
            not_judged.get(one.name),
            basis.window_s,
        )
        if one.name in cases
        else _without_data(one, read[one.name], not_judged.get(one.name), basis.alpha)
        for one in objectives
    )


def _case(objective: Objective, evidence: Evidence, basis: Basis) -> "_Case":
    rate = evidence.events / basis.window_s if basis.window_s else float(evidence.events)
    effects = design_effects(
        evidence.counts,
        rate_per_s=rate,
        assumed_error_burst_s=basis.assumed_error_burst_s,
        session_scatter=evidence.session_scatter,
    )
    planned = basis.planned_events
    return _Case(
        objective=objective,
        evidence=evidence,
        effects=effects.weighted(evidence.weighting),
        rate_per_s=rate,
        planned=None if planned is None else planned.get(objective.name, math.nan),
        sent=basis.sent.get(objective.name, 0),
        compression=basis.compression,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One objective's counts and design effects; `planned` events where the run was aborted; what was `sent`."""

    objective: Objective
    evidence: Evidence
    effects: DesignEffects
    rate_per_s: float
    planned: float | None
    sent: int
    compression: float

    @property
    def ratio(self) -> float:
        return self.evidence.bad / self.evidence.events

    @property
    def miss_effect(self) -> float:
        """Of an aborted run the larger: the thirds of what came before the stop may each be one error burst."""
        return self.effects.miss.value if self.planned is None else self.effects.met.value

    @property
    def is_uncounted(self) -> bool:
        """Whether the shop's counters missed over 5 % of what was sent: of those nothing is known."""
        return self.evidence.events < (1 - UNCOUNTED_RATIO) * self.sent

    @property
    def miss_events(self) -> float:
        """The total that a miss is judged on: had all that didn't come, or weren't counted, been good."""
        events = max(self.evidence.events, self.sent if self.is_uncounted else 0)
        return events if self.planned is None else max(self.planned, events)

    @property
    def p_value(self) -> float:
        if math.isnan(self.miss_events):  # any number of good ones might have come
            return 1.0
        return p_value_of_miss(self.evidence.bad, self.miss_events, self.objective.budget, self.miss_effect)

    def last_third(self, alpha: float) -> float | None:
        """Return the bad ratio of the last third, whole blocks of it, if that alone is over the budget at `alpha`.

        Other than a miss it costs no more than a longer run, so its level isn't shared with the other thirds.
        """
        counts = self.evidence.counts
        blocks = min(len(step.events) for step in counts)
        last = slice(blocks - blocks // 3, blocks)
        events, bad = sum(sum(step.events[last]) for step in counts), sum(sum(step.bad[last]) for step in counts)
        if not events or p_value_of_miss(bad, events, self.objective.budget, self.effects.miss.value) >= alpha:
            return None
        return bad / events


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tested:
    """A case, its test for a miss, and the level at which it is shown met."""

    case: _Case
    tested: Tested
    alpha: float

    @property
    def high(self) -> float:
        evidence = self.case.evidence
        return upper_bad_ratio(evidence.bad, evidence.events, self.case.effects.met.value, self.alpha)

    @property
    def low(self) -> float:
        if math.isnan(self.case.miss_events):
            return 0.0
        return lower_bad_ratio(self.case.evidence.bad, self.case.miss_events, self.case.miss_effect, self.tested.alpha)

    @property
    def outcome(self) -> Literal["met", "missed", "undecided"]:
        if self.tested.rejected:
            return "missed"
        is_shown = self.high <= self.case.objective.budget and not self.case.is_uncounted
        return "met" if is_shown else "undecided"


def _result(judged: _Tested, declared: str | None, window_s: float | None) -> ObjectiveResult:
    case, outcome = judged.case, _outcome(judged, declared)
    objective, evidence, effect = case.objective, case.evidence, case.effects.met
    counts = evidence.bad, evidence.events, objective.budget, case.rate_per_s, judged.alpha
    return ObjectiveResult(
        name=objective.name,
        display_name=objective.display_name,
        source=objective.indicator.source.kind,
        indicator=objective.indicator.kind,
        steps=objective.steps,
        journeys=objective.journeys,
        events_are=_noun(objective, evidence),
        read_by=objective.read_by,
        threshold_s=objective.indicator.threshold_s,
        target=objective.target,
        outcome=outcome,
        events=evidence.events,
        bad=round(evidence.bad),
        left_out=evidence.left_out,
        ratio_good=1.0 - case.ratio,
        design_effect=effect.value,
        design_effect_from=effect.known_from,
        design_effect_miss=case.miss_effect,
        design_effect_miss_from=(case.effects.miss if case.planned is None else effect).known_from,
        effective_events=evidence.events / effect.value,
        effective_bad=evidence.bad / effect.value,
        bad_ratio_low=judged.low,
        bad_ratio_high=judged.high,
        alpha_fail=judged.tested.alpha,
        alpha_pass=judged.alpha,
        planned_events=None if case.planned is None or math.isnan(case.planned) else case.planned,
        survives_error_burst_s=longest_error_burst_s(*counts) if outcome == "met" else None,
        last_third_bad_ratio=case.last_third(judged.alpha),
        budget_burn=case.ratio / objective.budget,
        budget_spend_note=_spend(case)[1],
        production_spend=_production_spend(case),
        observed_quantile_s=evidence.quantile_s,
        observed_quantile_at_least_s=evidence.quantile_at_least_s,
        observed_service_quantile_s=evidence.service_quantile_s,
        needs=_needs(judged, window_s) if outcome == "undecided" else None,
        because=declared if outcome == "not_judged" and declared is not None else _because(judged, outcome),
    )


def _spend(case: _Case) -> tuple[float, str]:
    one = case.objective
    return spend(case.evidence.bad, case.compression, one.production_events_per_day, one.budget, one.window)


def _production_spend(case: _Case) -> float | None:
    return None if math.isnan(share := _spend(case)[0]) else share


def _outcome(judged: _Tested, declared: str | None) -> ObjectiveOutcome:
    if declared is not None and judged.outcome != "missed":
        return "not_judged"
    return judged.outcome


def _without_data(objective: Objective, evidence: Evidence, declared: str | None, alpha: float) -> ObjectiveResult:
    reason = evidence.no_data or "no event in the judged window"
    noun = _noun(objective, evidence)
    return ObjectiveResult(
        name=objective.name,
        display_name=objective.display_name,
        source=objective.indicator.source.kind,
        indicator=objective.indicator.kind,
        steps=objective.steps,
        journeys=objective.journeys,
        events_are=_noun(objective, evidence),
        read_by=objective.read_by,
        threshold_s=objective.indicator.threshold_s,
        target=objective.target,
        outcome="no_data" if declared is None else "not_judged",
        events=0,
        bad=0,
        left_out=evidence.left_out,
        ratio_good=None,
        design_effect=1.0,
        design_effect_from="no data",
        design_effect_miss=1.0,
        design_effect_miss_from="no data",
        effective_events=0.0,
        effective_bad=0.0,
        bad_ratio_low=None,
        bad_ratio_high=None,
        alpha_fail=alpha,
        alpha_pass=alpha,
        planned_events=None,
        survives_error_burst_s=None,
        last_third_bad_ratio=None,
        budget_burn=None,
        budget_spend_note="",
        observed_quantile_s=None,
        observed_quantile_at_least_s=None,
        observed_service_quantile_s=None,
        needs=None if declared is not None else f"{count(events_needed(objective.budget, 0, alpha))} {noun} at least",
        because=reason if declared is None else declared,
    )


def observed(result: ObjectiveResult) -> str:
    """Return what was seen, such as `12.3 % of 412 checkouts took over 400 ms`."""
    noun = (
        _NOUNS.get(result.steps[0], f"{result.steps[0]} requests")
        if len(result.steps) == 1 and result.events_are == "requests"
        else result.events_are
    )
    if result.events_are not in ("requests", "sessions"):
        return f"{percent(result.bad / result.events)} of {count(result.events)} {noun} were bad"
    what = "failed" if result.threshold_s is None else f"took over {seconds(result.threshold_s)}"
    return f"{percent(result.bad / result.events)} of {count(result.events)} {noun} {what}"


def _noun(objective: Objective, evidence: Evidence) -> str:
    if evidence.events_are is not None:
        return evidence.events_are
    if objective.slices is not None and objective.slices.are_events:
        return objective.slices.noun
    if isinstance(objective.indicator.source, Queries | Readings):
        return "answers"
    return "sessions" if isinstance(objective.indicator.source, Sessions) else "requests"


def _because(judged: _Tested, outcome: ObjectiveOutcome) -> str:
    case, budget = judged.case, judged.case.objective.budget
    evidence = case.evidence
    seen = f"{count(round(evidence.bad, 2))} of {count(evidence.events)} were bad"
    if evidence.events_are is not None:
        seen = f"{count(round(evidence.bad, 2))} of {count(evidence.events)} {evidence.events_are} were bad"
    if evidence.failed and case.objective.indicator.kind == "latency":
        seen += f" ({count(evidence.failed)} of them failed)"
    if evidence.left_out:
        seen += f", {count(evidence.left_out)} left out"
    if case.is_uncounted:
        seen += (
            f"; the shop's counters hold {count(evidence.events)} of the {count(case.sent)} requests that reached it"
        )
    allowed = f"allowed {percent(budget)}"
    if outcome == "met":
        burst_s = longest_error_burst_s(evidence.bad, evidence.events, budget, case.rate_per_s, judged.alpha)
        unless = f" unless errors come in bursts of over {seconds(burst_s)}"
        return f"{seen}; the true ratio is at most {percent(judged.high)}, {allowed},{unless}"
    if outcome == "missed":
        rest = "" if case.planned is None else f", were all others of the {count(round(case.miss_events))} planned good"
        return f"{seen}; the true ratio is at least {percent(judged.low)}{rest}, {allowed}"
    span = f"between {percent(judged.low)} and {percent(judged.high)}"
    return f"{seen}; the true ratio may lie {span}, {allowed}"


def _needs(judged: _Tested, window_s: float | None) -> str:
    """Return what would settle it, were the ratio to stay."""
    case = judged.case
    budget, ratio, had = case.objective.budget, case.ratio, case.evidence.events
    if case.is_uncounted:
        return (
            "a counter that counts every request of its steps, or the cache that answers the others, declared:"
            " cache: {steps: […]} in targets.yaml"
        )
    noun = _noun(case.objective, case.evidence)
    met = events_needed_at(ratio, budget, case.effects.met.value, judged.alpha)
    if met is not None:
        needed = f"{count(max(met, had))} {noun} at this ratio would show it met with a chance of {percent(LIKELY)}"
        wanted = max(met, had)
    else:
        missed = events_to_miss_at(ratio, budget, case.miss_effect, judged.tested.alpha)
        if missed is None:
            return (
                f"the ratio sits on the limit of {percent(budget)}: no run settles it, mend the shop or the objective"
            )
        wanted = max(missed, had)
        needed = f"{count(wanted)} {noun} at this ratio would show it missed with a chance of {percent(LIKELY)}"
    needed += f", had {count(had)}"
    minutes = f": a judged window of {wanted / had * window_s / 60:.1f} minutes at this rate" if window_s else ""
    return needed + minutes
