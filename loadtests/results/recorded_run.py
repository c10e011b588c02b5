"""Reading a run directory for judging: tables, documents and what the environment declared."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from loadtests.demand.plan import Plan, read_plan
from loadtests.environment.earlier_targets import as_written_today
from loadtests.environment.targets import Environment, Targets
from loadtests.results.inputs import declared_by, hash_inputs
from loadtests.results.judged_criteria import criteria_of
from loadtests.results.request_records import read_records
from loadtests.results.request_tallies import Questions
from loadtests.results.run_directory import UNREADABLE, RunDirectory, read_tables
from loadtests.results.schemas import ANSWERS, SPANS
from slo.documents import BadInput, read_json, read_text, validate
from slo.objectives.indicators import RequestRecords
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.policy.budget_document import BudgetDocument
from slo.policy.criterion_results import CriterionResult
from slo.policy.policy import Policy, read_policy
from slo.validity.delivery import Delivered
from slo.validity.record_facts import RecordFacts
from slo.validity.run_document import RunDocument, parse_run
from slo.verdict.audit_document import AuditDocument, parse_audit

NOTHING = Delivered(due=None, on_time=None, session_rows=None, request_rows=None)
_MAX_JSON = 64 << 20
_MAY_BE_NULL = frozenset({"error", "reason", "expr", "left_out"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """Everything a verdict rests on, as the run directory holds it."""

    directory: RunDirectory
    plan: Plan
    objectives: tuple[Objective, ...]
    environment: Environment
    run: RunDocument
    audit: AuditDocument | None
    requests: RequestRecords
    facts: RecordFacts
    answers: pa.Table
    policy: Policy | None = None
    criteria: tuple[CriterionResult, ...] = ()
    budget: BudgetDocument | None = None

    @property
    def declared(self) -> frozenset[str]:
        """What the environment declares of `orders`, `payments`, `stock`, `release`, `traces`."""
        return _declared(self.environment, self.run)

    def spans(self) -> pa.Table:
        """Return the spans of both sides; raises BadInput."""
        return read_spans(self.directory)


def read_spans(directory: RunDirectory) -> pa.Table:
    """Return the spans of both sides that a run recorded; raises BadInput."""
    return _table(directory, "spans", SPANS)


def read_recorded(path: Path, policy: Policy | None = None) -> RecordedRun:
    """Read the run directory at `path`; raises BadInput naming the file that is missing or malformed.

    `policy` replaces the one that the gate was given, of which the directory has a copy.
    """
    directory = RunDirectory(path=path)
    environment = read_environment(directory)
    run = read_run(directory)
    _check_inputs(directory, run.inputs)
    plan = read_plan(directory.plan)
    objectives = read_objectives(sorted(directory.objectives.glob("*.yaml")))
    policy = policy or (read_policy(directory.policy) if directory.policy.exists() else None)
    requests = read_records(directory, _questions(run, objectives, policy))
    return RecordedRun(
        directory=directory,
        plan=plan,
        objectives=objectives,
        environment=environment,
        run=run,
        audit=read_audit(directory),
        requests=requests,
        facts=requests.facts,
        answers=objective_answers(directory),
        policy=policy,
        criteria=criteria_of(directory, plan, run, requests, () if policy is None else policy.criteria),
        budget=read_json(directory.budget, BudgetDocument) if directory.budget.exists() else None,
    )


def _questions(run: RunDocument, objectives: tuple[Objective, ...], policy: Policy | None = None) -> Questions:
    """Return all that judging asks of the records: the objectives' requests, and those of each phase."""
    asked = (one.indicator.asked(one.target) for one in objectives)
    judged = run.judged_window
    phases = [phase.window for phase in run.phases or () if phase.window is not None]
    slices = [part for one in objectives if judged and one.slices for part in one.slices.windows(judged)]
    overlaps = [one for phase in phases if judged and (one := phase.overlap(judged)) is not None]
    return Questions(
        asked=tuple(one for one in asked if one is not None),
        window=judged,
        windows=(*phases, *overlaps, *slices),
        steps=tuple(sorted({step for one in objectives for step in one.steps})),
        criteria=() if policy is None else policy.criteria,
    )


def read_environment(directory: RunDirectory) -> Environment:
    """Read the one environment of a run; raises BadInput."""
    targets = validate(as_written_today(read_object(directory.targets)), Targets, directory.targets)
    environments = targets.environments
    if len(environments) != 1:
        raise BadInput(f"{directory.targets}: environments: expected one, found {len(environments)}")
    return next(iter(environments.values()))


def declared_of(directory: RunDirectory) -> frozenset[str]:
    """Return what the environment of a run declares, as `RecordedRun.declared` has it; raises BadInput."""
    return _declared(read_environment(directory), read_run(directory))


def _declared(environment: Environment, run: RunDocument) -> frozenset[str]:
    return declared_by(environment, None if run.shop_records is None else run.shop_records.declares)


def _check_inputs(directory: RunDirectory, given: dict[str, str] | None) -> None:
    """Raise BadInput unless the copies of the input are, byte for byte, what the run was given."""
    if given is None:
        raise BadInput(f"{directory.run}: inputs: expected the hash of each file the run was given, found None")
    found = hash_inputs(directory)
    for name in sorted(given.keys() | found.keys()):
        if name not in found:
            raise BadInput(f"{directory.path / name}: missing: the run was given it")
        if found[name] != given.get(name):
            raise BadInput(f"{directory.path / name}: not what the run was given: its hash differs from run.json's")


def read_run(directory: RunDirectory) -> RunDocument:
    """Read `run.json`; raises BadInput when it can't be read, or a value has the wrong type."""
    return parse_run(read_object(directory.run), str(directory.run))


def read_audit(directory: RunDirectory) -> AuditDocument | None:
    """Read `audit.json`, None where there is none; raises BadInput."""
    return parse_audit(read_object(directory.audit), str(directory.audit)) if directory.audit.exists() else None


def read_object(path: Path) -> dict[str, Any]:
    """Read one JSON object; raises BadInput."""
    try:
        value = json.loads(read_text(path, _MAX_JSON), parse_int=_int64)
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path}: expected an object at the top, found {type(value).__name__}")
    return value


def _int64(digits: str) -> int:
    value = int(digits)
    if abs(value) >= 1 << 63:
        raise ValueError(f"a number beyond 64 bits: {digits:.40}")
    return value


def objective_answers(directory: RunDirectory) -> pa.Table:
    """Return what Prometheus answered for the objectives, nothing where it wasn't stored; raises BadInput."""
    path = directory.metrics / "objectives.parquet"
    return read_answers(path) if path.exists() else ANSWERS.empty_table()


def read_answers(path: Path) -> pa.Table:
    """Read stored answers of Prometheus; raises BadInput on rows that are none."""
    table = _read([path], ANSWERS, path)
    for number, row in enumerate(table.select(["labels", "at", "value"]).to_pylist()):
        whole = len(row["at"]) == len(row["value"]) and None not in row["at"] and None not in row["value"]
        if not (whole and _is_object(row["labels"])):
            raise BadInput(f"{path}: row {number}: expected labels as a JSON object, and a value for each time")
    return table


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _table(directory: RunDirectory, kind: str, schema: pa.Schema) -> pa.Table:
    return _read(directory.parts(kind), schema, directory.path / f"{kind}-*.parquet")


def _read(paths: list[Path], schema: pa.Schema, named: Path) -> pa.Table:
    try:
        table = read_tables(paths, schema)
    except UNREADABLE as error:
        raise BadInput(f"{named}: can't be read: {str(error).splitlines()[0]}") from error
    for name in schema.names:
        if name not in _MAY_BE_NULL and table[name].null_count:
            raise BadInput(f"{named}: {name}: null or missing in {table[name].null_count} of {table.num_rows} rows")
    return table
