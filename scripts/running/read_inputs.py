"""Reading the inputs of a run: the plan, the objectives and the environment, checked against each other."""

from pathlib import Path

from loadtests.demand.plan import Plan, read_plan
from loadtests.demand.visits import expected_events, orders_of, uncounted
from loadtests.environment.data_files import facts_of, read_data
from loadtests.environment.hosts import CDN
from loadtests.environment.targets import Environment, read_targets
from loadtests.guardrails.plan_check import too_much
from loadtests.guardrails.production import is_production, production_urls
from loadtests.results.inputs import Inputs
from loadtests.storefronts import storefront_of
from slo.documents import BadInput, read_text
from slo.objectives.reading import read_objectives
from slo.policy.criteria import strange_steps
from slo.policy.policy import Policy


def read_inputs(plan: Path, objectives: tuple[Path, ...], targets: Path, environment: str) -> Inputs:
    """Read and check the inputs of a run; raises BadInput."""
    read = read_plan(plan)
    known = read_targets(targets)
    target = known.environment(environment, targets)
    check_journeys(read, target, plan)
    check_ceiling(read, target, plan)
    _check_cdn(read, target, plan)
    _check_http_2(read, target, plan)
    inputs = Inputs(
        plan=read,
        plan_text=read_text(plan),
        objectives=read_objectives(objectives),
        objective_files=objectives,
        environment_name=environment,
        environment=target,
        production=is_production(target, known.environments.values()),
        data=facts_of(read_data(target)),
        not_played=tuple(name for name in storefront_of(target).journeys if name not in read.journeys),
        productions={
            name: one for name, one in known.environments.items() if production_urls(one) and name != environment
        },
    )
    _check_not_judged(inputs, plan)
    _check_sessions(inputs, plan)
    _check_steps(inputs, plan)
    return inputs


def check_journeys(plan: Plan, environment: Environment, path: Path) -> None:
    """Raise BadInput for a journey that the storefront doesn't have, or whose visits aren't counted."""
    storefront = storefront_of(environment)
    if unknown := [name for name in plan.journeys if name not in storefront.journeys]:
        known = ", ".join(storefront.journeys)
        raise BadInput(f"{path}: journeys: {storefront.name} has no journey {unknown[0]!r}; it has {known}")
    missing = [name for name in plan.journeys if name not in plan.visits]
    if missing and not isinstance(environment.storefront, str):
        raise BadInput(
            f"{path}: visits: how often a session of {', '.join(missing)} makes each step isn't known, so neither"
            f" evidence nor ceilings are; count it with: peakproof try {path} --on ENVIRONMENT"
        )
    orders = orders_of(plan)
    wrong = [name for name in plan.journeys if (orders[name] > 0) != storefront.journeys[name].buys]
    if wrong and not isinstance(environment.storefront, str):
        says = "buys" if storefront.journeys[wrong[0]].buys else "doesn't buy"
        raise BadInput(
            f"{path}: visits.{wrong[0]}.orders is {orders[wrong[0]]:g}, but the storefront's {wrong[0]} {says};"
            f" count again with: peakproof try {path} --on ENVIRONMENT"
        )


def check_ceiling(plan: Plan, environment: Environment, path: Path) -> None:
    """Raise BadInput when the plan asks for more than the environment's ceiling allows."""
    if why := too_much(plan, plan.curve(), environment.ceiling):
        raise BadInput(f"{path}: {why}")


def _check_cdn(plan: Plan, environment: Environment, path: Path) -> None:
    if plan.assets == "all" and CDN not in environment.hosts:
        raise BadInput(
            f"{path}: assets: all needs a CDN; add hosts: {{cdn: {{url: …}}}} to the environment, or set assets: shop"
        )


def _check_http_2(plan: Plan, environment: Environment, path: Path) -> None:
    if not any(map(environment.http2_to, environment.loaded)):
        return
    if plan.limits.connections is not None:
        raise BadInput(
            f"{path}: limits.connections shares connections of HTTP/1.1, and the environment has http_version: 2,"
            " where each session has one of its own; leave one of them out"
        )


def _check_not_judged(inputs: Inputs, path: Path) -> None:
    names = {objective.name for objective in inputs.objectives}
    for item in inputs.plan.not_judged:
        if item.objective not in names:
            known = ", ".join(sorted(names))
            raise BadInput(f"{path}: not_judged names the objective {item.objective!r}; there are: {known}")


def _check_sessions(inputs: Inputs, path: Path) -> None:
    """Raise BadInput for an objective about a journey that the plan doesn't play."""
    given_up = {item.objective for item in inputs.plan.not_judged}
    for objective in inputs.objectives:
        strange = [name for name in objective.journeys if not inputs.plan.journeys.get(name)]
        if strange and objective.name not in given_up:
            played = ", ".join(sorted(name for name, share in inputs.plan.journeys.items() if share))
            raise BadInput(
                f"{path}: the objective {objective.name} is about sessions of {', '.join(strange)}, and the plan plays"
                f" none; it plays: {played}; correct the objective's journeys, or name it in not_judged"
            )


def _check_steps(inputs: Inputs, path: Path) -> None:
    """Raise BadInput for an objective about steps that no journey makes: its run could only end undecided."""
    if isinstance(inputs.environment.storefront, str):
        return
    made = expected_events(inputs.plan)
    given_up = {item.objective for item in inputs.plan.not_judged}
    for objective in inputs.objectives:
        if objective.steps and objective.name not in given_up and not any(made.get(step) for step in objective.steps):
            raise BadInput(
                f"{path}: the objective {objective.name} is about {', '.join(objective.steps)}, and no journey makes"
                f" such a step; there are: {', '.join(sorted(made))}; correct the objective's steps, or name it in"
                " not_judged"
            )


def check_policy(policy: Policy, inputs: Inputs, path: Path) -> None:
    """Raise BadInput for a policy about an objective, a criterion or steps that the run doesn't have."""
    objectives = {one.name for one in inputs.objectives}
    criteria = {one.name for one in policy.criteria}
    for waiver in policy.waivers:
        for kind, name, known in (
            ("objective", waiver.objective, objectives),
            ("criterion", waiver.criterion, criteria),
        ):
            if name is not None and name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise BadInput(f"{path}: waivers: there is no {kind} {name!r} to waive; there are: {there}")
    if not uncounted(inputs.plan) and (strange := strange_steps(policy.criteria, expected_events(inputs.plan))):
        raise BadInput("\n".join(f"{path}: criteria: {line}" for line in strange))
