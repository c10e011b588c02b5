"""What a run of a plan can prove about each objective, with which chance, and how long it would have to be."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slo.design_effect import longest_error_burst_s, planned_design_effect
from slo.objectives.evaluated import queries_of, tiles_of
from slo.objectives.indicators import Window
from slo.objectives.objective import Objective
from slo.objectives.sources import Queries, Readings
from slo.statistics import ALPHA, chance_of_proof, chance_of_proof_alone, events_needed, upper_bad_ratio

HEALTHY = 0.25
"""The share of its error budget that a shop is taken to spend when it is asked how likely it is shown to keep it."""
PROVABLE = 0.97
"""The reckoned chance of being shown met from which on an objective counts as provable.

Simulated, 95 % of such runs pass: how many requests come, and the design effect measured, vary (docs/trust.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a plan can prove about one objective.

    It is about the steps, or sessions, in `counted`. Of the run's `planned_events` `allowed_bad` may be bad for it to
    be shown met: None where even a run without a bad one proves nothing. `chance` supposes a true bad ratio of
    `assumed_bad_ratio` and events that are bad each by itself, `chance_in_bursts` error bursts as long as the plan
    assumes them. It is `possible` where `chance` is at least 97 %, which takes `provable_minutes` of judged time: None
    when the plan has none of its events. `holds_to_burst_s` is the longest error burst for which a run without a bad
    event would still show it met; `unplanned` says that the number of its events can't be known before the run.
    """

    objective: str
    counted: tuple[str, ...]
    planned_events: float
    allowed_bad: int | None
    possible: bool
    assumed_bad_ratio: float
    chance: float
    chance_in_bursts: float
    holds_to_burst_s: float
    provable_minutes: float | None
    unplanned: bool = False


def proofs(
    objectives: Iterable[Objective],
    expected_events: Mapping[str, float],
    judged_s: float,
    assumed_error_burst_s: float,
    alpha: float = ALPHA,
) -> tuple[Proof, ...]:
    """Return what a plan proves of each objective.

    `expected_events` maps a step to its expected requests in the judged window of `judged_s` seconds, the
    `sessions_of` a journey to theirs, and a step whose number can't be planned to nan; the shop is assumed to spend
    a quarter of each budget.
    """
    return tuple(_proof(one, expected_events, judged_s, assumed_error_burst_s, alpha) for one in objectives)


def provable_s(budget: float, rate_per_s: float, assumed_error_burst_s: float, alpha: float = ALPHA) -> float:
    """Return about how many judged seconds of so many events a second make an objective of `budget` provable."""
    effect = planned_design_effect(rate_per_s, assumed_error_burst_s)

    def is_enough(events: int) -> bool:
        return chance_of_proof_alone(events, effect, budget, budget * HEALTHY, alpha) >= PROVABLE

    fewest = math.ceil(events_needed(budget, 0, alpha) * effect)
    most = fewest
    while not is_enough(most):
        fewest, most = most, 2 * most
    return (fewest + bisect_left(range(fewest, most), x=True, key=is_enough)) / rate_per_s


def why_not_provable(proof: Proof, judged_s: float) -> str:
    """Return why a run with `judged_s` of judged time can't be counted on to show the objective met."""
    if proof.unplanned:
        return "how many of its requests there will be depends on the shop's pages and isn't planned"
    if not proof.counted:
        return "it names no steps, so its requests can't be planned: add steps to its total"
    if proof.provable_minutes is None:
        return f"the plan has no {' or '.join(proof.counted)}"
    takes, has = _minutes(proof.provable_minutes), _minutes(judged_s / 60)
    return f"provable in about {takes} minutes of judged time at this rate; the plan has {has}"


def _minutes(minutes: float) -> str:
    return f"{minutes:,.{1 if minutes < 10 else 0}f}"  # noqa: PLR2004 - two digits say enough


def events_of_time(objectives: Iterable[Objective], judged_s: float) -> dict[str, float]:
    """Return how many slices, or answers of Prometheus, a judged time of `judged_s` holds, by what counts them.

    It is nan for the samples of a gauge, which come as often as it is scraped.
    """
    window = Window(starts_at=0, ends_at=max(1, round(judged_s * 1e9)))
    return {name: number for one in objectives for name, number in _events_of_time(one, window).items()}


def _events_of_time(objective: Objective, window: Window) -> dict[str, float]:
    if objective.slices is not None and objective.slices.are_events:
        return dict.fromkeys(objective.counted, float(len(objective.slices.windows(window))))
    source = objective.indicator.source
    if not isinstance(source, Queries | Readings):
        return {}
    queries = queries_of(source)
    number = tiles_of(queries, objective.slices, window).number if queries else math.nan
    return dict.fromkeys(objective.counted, float(number))


def _proof(objective: Objective, expected: Mapping[str, float], judged_s: float, burst_s: float, alpha: float) -> Proof:
    expected_sum = sum(expected.get(one, 0.0) for one in objective.counted)
    unplanned = math.isnan(expected_sum)
    planned = 0.0 if unplanned else expected_sum
    rate = planned / judged_s if judged_s > 0 else 0.0
    effect = planned_design_effect(rate, burst_s)
    assumed = objective.budget * HEALTHY
    chance = chance_of_proof_alone(planned, effect, objective.budget, assumed, alpha)
    provable = provable_s(objective.budget, rate, burst_s, alpha) if rate else None
    return Proof(
        objective=objective.name,
        counted=objective.counted,
        planned_events=planned,
        allowed_bad=allowed_bad(planned, effect, objective.budget, alpha),
        possible=chance >= PROVABLE,
        assumed_bad_ratio=assumed,
        chance=chance,
        chance_in_bursts=chance_of_proof(planned, effect, objective.budget, assumed, alpha),
        holds_to_burst_s=longest_error_burst_s(0, int(planned), objective.budget, rate, alpha),
        provable_minutes=None if provable is None else provable / 60,
        unplanned=unplanned,
    )


def allowed_bad(events: float, design_effect: float, budget: float, alpha: float = ALPHA) -> int | None:
    """Return how many of the events may be bad for the objective to be shown met, None where not even none may be."""
    few_enough = range(int(events) + 1)
    first = bisect_left(few_enough, x=True, key=lambda bad: upper_bad_ratio(bad, events, design_effect, alpha) > budget)
    return first - 1 if first else None
