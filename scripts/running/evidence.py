"""Reading a run directory for judging: tables, documents and what the environment declared."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from loadtests.demand.plan import Plan, read_plan
from loadtests.run_directory import ANSWERS, REQUESTS, SESSIONS, SPANS, RunDirectory, read_tables
from loadtests.targets import Environment, Targets
from scripts.running.preparation import declared_by
from slo.documents import BadInput, read_json, read_text
from slo.openslo import Objective, read_objectives

_MAX_JSON = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Everything a verdict rests on, as it lies in the run directory."""

    directory: RunDirectory
    plan: Plan
    objectives: tuple[Objective, ...]
    environment: Environment
    run: dict[str, Any]
    audit: dict[str, Any] | None
    requests: pa.Table
    sessions: pa.Table
    answers: pa.Table

    @property
    def declared(self) -> frozenset[str]:
        """What the environment declares of `orders`, `payments`, `stock`, `release`, `traces`."""
        return declared_by(self.environment)

    def spans(self) -> pa.Table:
        """Return the spans of both sides; raises BadInput."""
        return _table(self.directory, "spans", SPANS)


def read_recorded(path: Path) -> Recorded:
    """Read the run directory at `path`; raises BadInput naming the file that is missing or malformed."""
    directory = RunDirectory(path=path)
    (environment,) = read_json(directory.targets, Targets).environments.values()
    return Recorded(
        directory=directory,
        plan=read_plan(directory.plan),
        objectives=read_objectives(sorted(directory.objectives.glob("*.yaml"))),
        environment=environment,
        run=read_object(directory.run),
        audit=read_object(directory.audit) if directory.audit.exists() else None,
        requests=_table(directory, "requests", REQUESTS),
        sessions=_table(directory, "sessions", SESSIONS),
        answers=_answers(directory),
    )


def read_object(path: Path) -> dict[str, Any]:
    """Read one JSON object; raises BadInput."""
    try:
        value = json.loads(read_text(path, _MAX_JSON))
    except (ValueError, RecursionError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path}: expected an object at the top, found {type(value).__name__}")
    return value


def _answers(directory: RunDirectory) -> pa.Table:
    path = directory.metrics / "objectives.parquet"
    return _read([path] if path.exists() else [], ANSWERS, path)


def _table(directory: RunDirectory, kind: str, schema: pa.Schema) -> pa.Table:
    return _read(directory.parts(kind), schema, directory.path / f"{kind}-*.parquet")


def _read(paths: list[Path], schema: pa.Schema, named: Path) -> pa.Table:
    try:
        return read_tables(paths, schema)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput(f"{named}: can't be read: {str(error).splitlines()[0]}") from error
