"""What two releases are compared by: a measure for each objective that can be told apart, and the rest with why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loadtests.demand.plan import Plan
from loadtests.demand.visits import buyers_of
from loadtests.environment.targets import Environment
from slo.objectives.objective import Objective
from slo.objectives.sources import Counters, Records, Sessions
from slo.regression.limits import error_measure, latency_measure, orders_measure
from slo.regression.measures import Measure
from slo.regression.settings import ComparisonSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCompared:
    """An objective by which the releases aren't compared, and why."""

    name: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The measures, and the counters of those that are the server's own by the measure's name."""

    measures: tuple[Measure, ...]
    counters: dict[str, Counters]
    left_out: tuple[NotCompared, ...]


def compared_by(
    objectives: Sequence[Objective], settings: ComparisonSettings, environment: Environment | None, *, buys: bool
) -> Compared:
    """Return what is compared; orders too where the plan `buys`.

    Latency objectives give the latency at the settings' quantile, others their bad ratio. The server's own counters are
    compared where each variant's `metric_labels` tell its series from the other's.
    """
    measures: list[Measure] = []
    counters: dict[str, Counters] = {}
    left_out: list[NotCompared] = []
    why_no_series = _why_no_series(environment)
    for one in objectives:
        source = one.indicator.source
        if isinstance(source, Records) and one.slices is None:
            steps = one.steps
            latency = one.indicator.threshold_s is not None
            measures.append(
                latency_measure(one.name, steps, settings)
                if latency
                else error_measure(one.name, steps, one.budget, settings)
            )
        elif isinstance(source, Counters) and one.slices is None and why_no_series is None:
            measures.append(error_measure(one.name, source.steps, one.budget, settings, source="prometheus"))
            counters[one.name] = source
        else:
            left_out.append(NotCompared(name=one.name, because=_why_not(one, why_no_series)))
    if buys:
        measures.append(orders_measure((), settings))
    return Compared(measures=tuple(measures), counters=counters, left_out=tuple(left_out))


def judged_by(plan: Plan, objectives: Sequence[Objective]) -> list[Objective]:
    """Return the objectives that the plan doesn't give up."""
    given_up = {item.objective for item in plan.not_judged}
    return [one for one in objectives if one.name not in given_up]


def compared_in(
    plan: Plan, objectives: Sequence[Objective], settings: ComparisonSettings, environment: Environment | None
) -> Compared:
    """Return what is compared in a job by this plan; what the plan doesn't judge is left out, with the plan's reason.

    Looks and the verdict both go by it: they'd be no looks of that verdict otherwise.
    """
    why = {item.objective: item.because for item in plan.not_judged}
    found = compared_by(judged_by(plan, objectives), settings, environment, buys=bool(buyers_of(plan)))
    given_up = tuple(
        NotCompared(name=one.name, because=f"the plan doesn't judge it: {why[one.name]}")
        for one in objectives
        if one.name in why
    )
    return replace(found, left_out=found.left_out + given_up)


def _why_no_series(environment: Environment | None) -> str | None:
    if environment is None:
        return "the server's counters are compared only where both releases are up and metric_labels tell them apart"
    labels = [dict(one.metric_labels) for one in environment.variants.values()]
    if len(labels) < 2 or not all(labels):  # noqa: PLR2004 - A and B
        return (
            "the server's counters don't tell the releases apart: declare what their series differ in, such as"
            ' metric_labels: {version: "2.4.1"}, in both variants'
        )
    if labels[0] == labels[1]:
        return "both variants have the same metric_labels, so the server's counters don't tell the releases apart"
    return None


def _why_not(objective: Objective, why_no_series: str | None) -> str:
    source = objective.indicator.source
    if objective.slices is not None:
        return "its slices of time are too few in a block"
    if isinstance(source, Sessions):
        return "whole sessions aren't compared by blocks: most of them last longer than the blocks' parts"
    if isinstance(source, Counters) and why_no_series is not None:
        return why_no_series
    return "it is written as PromQL that no two counters say"
