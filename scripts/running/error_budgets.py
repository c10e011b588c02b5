"""What is left of the objectives' error budgets by a live Prometheus, over each objective's own window.

The window is asked for in steps, so that a time without data is seen: a single increase over it would fill it in.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.local_stack.prometheus import Prometheus
from scripts.rules.arguments import ANY
from slo.burn_rates import period_s
from slo.objectives.calendar import period_at
from slo.objectives.objective import Objective
from slo.objectives.sources import Counters
from slo.outcomes import EnvironmentLacks
from slo.policy.budget import BudgetLeft, BudgetPolicy, Spent, decide
from slo.policy.budget_document import BudgetDocument, FixEntry, budget_document, budget_lines
from slo.policy.policy import Policy
from slo.rules.promql import Events, duration
from slo.rules.scope import Scope

_NS = 1_000_000_000
_STEPS = 168
_SHORTEST_STEP_S = 60
_MAX_DAYS = 366
_NOISE = 0.01
"""How many more good events than all a Prometheus may extrapolate."""


def budgets(
    objectives: Iterable[Objective],
    prometheus: Prometheus,
    scope: Scope,
    policy: BudgetPolicy,
    *,
    at: int,
    fix: FixEntry | None = None,
) -> BudgetDocument:
    """Return the budgets at a moment (ns); a Prometheus that doesn't answer is no data of every objective."""
    found: list[BudgetLeft] = []
    not_read = []
    for one in objectives:
        source = one.indicator.source
        if not isinstance(source, Counters):
            not_read.append(one.name)
            continue
        found.append(decide(one.name, one.target, one.window, _spent(one, source, prometheus, scope, at), policy))
    return budget_document(tuple(found), asked_at=at, prometheus=prometheus.url, not_read=tuple(not_read), fix=fix)


def ask_budgets(policy: Policy, objectives: Iterable[Objective], context: Context) -> BudgetDocument | None:
    """Return the budgets as a policy wants them before a load, having printed them; None where it doesn't ask."""
    if policy.budget is None or policy.budget.prometheus is None:
        return None
    scope = Scope(environment=ANY, matcher=policy.budget.matcher)
    prometheus = Prometheus(policy.budget.prometheus, None)
    document = budgets(objectives, prometheus, scope, policy.budget, at=Clock.start().now())
    for line in budget_lines(document):
        context.say(f"error budget: {line}")
    return document


def _spent(objective: Objective, source: Counters, prometheus: Prometheus, scope: Scope, at: int) -> Spent:
    window_s = period_s(objective.window)
    if window_s > _MAX_DAYS * 86_400:
        return Spent(no_data=f"its window of {objective.window} is longer than {_MAX_DAYS} days")
    passed_s, elapsed = _passed(objective, window_s, at)
    if passed_s < _SHORTEST_STEP_S:
        return Spent(no_data=f"its {objective.window} began less than {_SHORTEST_STEP_S} s ago", elapsed=elapsed)
    step_s = max(_SHORTEST_STEP_S, passed_s // _STEPS // 60 * 60)
    steps = passed_s // step_s
    events = Events.of(source, scope)
    try:
        asked = _Asked(prometheus=prometheus, start=at - (steps - 1) * step_s * _NS, end=at, step_s=step_s)
        total, good, known = (
            asked.each_step(f"sum(increase({events.total}[{duration(step_s)}]))"),
            asked.each_step(f"sum(increase({events.good}[{duration(step_s)}]))"),
            asked.each_step(f"count(last_over_time({events.known}[{duration(step_s)}]))"),
        )
    except EnvironmentLacks as error:
        return Spent(no_data=str(error))
    return replace(_counted(total, good, known, passed_s / step_s, events.total), elapsed=elapsed)


def _passed(objective: Objective, window_s: int, at: int) -> tuple[int, float]:
    """Return the seconds of the window that have passed, and their share: all of a rolling one."""
    if not objective.calendar:
        return window_s, 1.0
    starts, ends = period_at(objective.window, at, objective.calendar_from)
    return (at - starts) // _NS, (at - starts) / (ends - starts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A Prometheus, and the moments (ns) at which a query is evaluated."""

    prometheus: Prometheus
    start: int
    end: int
    step_s: int

    def each_step(self, query: str) -> Mapping[int, float]:
        """Return the value of each step that has one; no number is none."""
        try:
            series = self.prometheus.range(query, self.start, self.end, float(self.step_s))
        except (KeyError, TypeError, ValueError) as error:  # not what its API documents
            raise EnvironmentLacks(f"Prometheus at {self.prometheus.url}: no answer to a query") from error
        return {
            round((at - self.start) / _NS / self.step_s): value
            for one in series
            for at, value in zip(one.at, one.value, strict=True)
            if math.isfinite(value)
        }


def _counted(
    total: Mapping[int, float], good: Mapping[int, float], known: Mapping[int, float], steps: float, selector: str
) -> Spent:
    """Return the sums over steps whose good events are known: none of known series is 0, of unknown ones is not."""
    if not total:
        return Spent(no_data=f"{selector} has no data in its window")
    told = [step for step in total if step in good or known.get(step, 0) > 0]
    if not told:
        return Spent(no_data=f"which of {selector} are good isn't known: a label or a bucket of it isn't there")
    events = math.fsum(total[step] for step in told)
    fine = math.fsum(good.get(step, 0.0) for step in told)
    if fine > (1 + _NOISE) * events:
        return Spent(no_data=f"more good events than all: good is no part of {selector}")
    return Spent(events=events, bad=max(0.0, events - fine), coverage=min(1.0, len(told) / steps))
