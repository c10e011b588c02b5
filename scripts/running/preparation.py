"""Preparing a run: everything that is given is read, checked and copied before the first request."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loadtests import run_directory
from loadtests.demand.plan import Plan, read_plan
from loadtests.destinations import host_of
from loadtests.journeys import VISITS
from loadtests.run_directory import RunDirectory, write_bytes, write_json
from loadtests.targets import Environment, read_targets, redacted
from scripts.context import Context
from scripts.refusals import EnvironmentLacks
from slo.documents import BadInput, read_text
from slo.openslo import Objective, read_objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a run was given, read and valid."""

    plan: Plan
    plan_text: str
    objectives: tuple[Objective, ...]
    objective_files: tuple[Path, ...]
    environment_name: str
    environment: Environment
    production: bool = False

    @property
    def plan_sha256(self) -> str:
        """The hash of the plan as it was given."""
        return sha256(self.plan_text)

    @property
    def declared(self) -> frozenset[str]:
        """What the environment declares of `orders`, `payments`, `stock`, `release`, `traces`."""
        return declared_by(self.environment)


def sha256(text: str) -> str:
    """Return the hash of a text that was given."""
    return hashlib.sha256(text.encode()).hexdigest()


def declared_by(environment: Environment) -> frozenset[str]:
    """Return what an environment declares of `orders`, `payments`, `stock`, `release`, `traces`."""
    offers = {
        "orders": environment.orders_url,
        "payments": environment.payments_url,
        "stock": environment.stock_url,
        "release": environment.release_probe,
        "traces": environment.traces or None,
    }
    return frozenset(name for name, where in offers.items() if where is not None)


def read_inputs(plan: Path, objectives: tuple[Path, ...], targets: Path, environment: str) -> Inputs:
    """Read and check everything a run is given; raises BadInput."""
    read = read_plan(plan)
    known = read_targets(targets)
    target = known.environment(environment, targets)
    check_ceiling(read, target, plan)
    _check_cdn(read, target, plan)
    inputs = Inputs(
        plan=read,
        plan_text=read_text(plan),
        objectives=read_objectives(objectives),
        objective_files=objectives,
        environment_name=environment,
        environment=target,
        production=is_production(target, known.environments.values()),
    )
    _check_not_judged(inputs, plan)
    return inputs


def is_production(environment: Environment, known: Iterable[Environment]) -> bool:
    """Whether an environment is production: also one that another name, of the same host, says is."""
    host = _host(environment)
    return any(one.production and _host(one) == host for one in (environment, *known))


def _host(environment: Environment) -> str:
    return host_of(environment.base_url).rstrip(".")


def check_ceiling(plan: Plan, environment: Environment, path: Path) -> None:
    """Raise BadInput when the plan asks for more than the environment may be asked to bear.

    A page's assets aren't counted here, as nobody knows their number; the ceiling holds for them all the same.
    """
    visits = {name: sum(VISITS[name].values()) for name in plan.journeys}
    requests_a_session = sum(share * visits[name] for name, share in plan.journeys.items())
    highest = max(max(phase.level) for phase in plan.phases if phase.level is not None)
    rate = plan.demand.peak_sessions_per_s * highest * requests_a_session
    ceiling = environment.ceiling
    if rate > ceiling.requests_per_s:
        raise BadInput(
            f"{path}: plays up to {rate:.0f} requests a second; the environment's ceiling.requests_per_s"
            f" is {ceiling.requests_per_s:g}"
        )
    ordering = sum(share * VISITS[name].get("checkout", 0) for name, share in plan.journeys.items())
    orders = plan.curve().total * ordering
    if orders > ceiling.orders:
        raise BadInput(
            f"{path}: places about {orders:.0f} orders; the environment's ceiling.orders is {ceiling.orders}"
        )


def prepare(inputs: Inputs, context: Context) -> RunDirectory:
    """Make the run directory with copies of everything given; raises EnvironmentLacks when it can't be written."""
    try:
        directory = run_directory.create(context.runs, inputs.plan.name, datetime.now(UTC))
        write_bytes(directory.plan, inputs.plan_text.encode())
        for path in inputs.objective_files:
            write_bytes(directory.objectives / path.name, read_text(path).encode())
        write_json(directory.targets, redacted(inputs.environment_name, inputs.environment))
    except OSError as error:
        raise EnvironmentLacks(f"{context.runs}: can't be written: {error.strerror}") from error
    return directory


def hash_inputs(directory: RunDirectory) -> dict[str, str]:
    """Return the SHA-256 of each copy of the input that lies in the run directory, by its name below it."""
    copies = (directory.plan, directory.targets, *sorted(directory.objectives.glob("*.yaml")))
    return {
        path.relative_to(directory.path).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in copies
        if path.is_file()
    }


def _check_cdn(plan: Plan, environment: Environment, path: Path) -> None:
    if plan.assets == "all" and environment.cdn_url is None:
        raise BadInput(f"{path}: assets: all needs a CDN; add cdn_url to the environment, or say assets: shop")


def _check_not_judged(inputs: Inputs, path: Path) -> None:
    names = {objective.name for objective in inputs.objectives}
    for item in inputs.plan.not_judged:
        if item.objective not in names:
            known = ", ".join(sorted(names))
            raise BadInput(f"{path}: not_judged names the objective {item.objective!r}; there are: {known}")
