"""Preparing a run: everything that is given is read, checked and copied before the first request."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from loadtests import run_directory
from loadtests.bounds import too_much
from loadtests.demand.plan import Plan, read_plan
from loadtests.run_directory import RunDirectory, write_bytes, write_json
from loadtests.targets import Environment, read_targets, redacted
from scripts.context import Context
from scripts.refusals import EnvironmentLacks
from scripts.running.production import is_production
from slo.documents import BadInput, read_text
from slo.openslo import Objective, read_objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a run was given, read and valid.

    `productions` are the other environments that say they are production; `reaches` are those whose addresses this
    one leads to without saying why.
    """

    plan: Plan
    plan_text: str
    objectives: tuple[Objective, ...]
    objective_files: tuple[Path, ...]
    environment_name: str
    environment: Environment
    production: bool = False
    productions: Mapping[str, Environment] = field(default_factory=dict)
    reaches: Mapping[str, Sequence[str]] = field(default_factory=dict)

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
    _check_http_2(read, target, plan)
    inputs = Inputs(
        plan=read,
        plan_text=read_text(plan),
        objectives=read_objectives(objectives),
        objective_files=objectives,
        environment_name=environment,
        environment=target,
        production=is_production(target, known.environments.values()),
        productions={name: one for name, one in known.environments.items() if one.production and name != environment},
    )
    _check_not_judged(inputs, plan)
    return inputs


def check_ceiling(plan: Plan, environment: Environment, path: Path) -> None:
    """Raise BadInput when the plan asks for more than the environment may be asked to bear."""
    if why := too_much(plan, plan.curve(), environment.ceiling):
        raise BadInput(f"{path}: {why}")


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


def _check_http_2(plan: Plan, environment: Environment, path: Path) -> None:
    if not environment.http2:
        return
    if plan.limits.connections is not None:
        raise BadInput(
            f"{path}: limits.connections shares connections of HTTP/1.1, and the environment says http_version: 2,"
            " where each session has one of its own; leave one of them out"
        )


def _check_not_judged(inputs: Inputs, path: Path) -> None:
    names = {objective.name for objective in inputs.objectives}
    for item in inputs.plan.not_judged:
        if item.objective not in names:
            known = ", ".join(sorted(names))
            raise BadInput(f"{path}: not_judged names the objective {item.objective!r}; there are: {known}")
