"""The orders that probes place: a directory a day for each module, audited as a run is, and their count over a day.

`<folder>/<target>/<UTC day>T000000Z-<module>-<hash>/`: the hash is of what it was given, so that another plan, another
storefront or another environment has a directory of its own. The count is read from the ledgers, so it holds over
restarts; a lock of the target lets one probe count and buy at a time.
"""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loadtests.environment.bundle import files_of
from loadtests.environment.destinations import Destinations
from loadtests.environment.targets import redacted
from loadtests.results.inputs import Inputs, hash_inputs, keep_storefront
from loadtests.results.ledger import count_rows, orders_of
from loadtests.results.run_directory import RunDirectory, write_bytes, write_json
from loadtests.results.run_json import PEAKPROOF
from loadtests.worker.job import write_job
from slo.documents import BadInput, read_json
from slo.validity.run_document import (
    FORMAT,
    DestinationsFacts,
    EnvironmentFacts,
    OrderCounts,
    PermissionFacts,
    PlanFacts,
    RunDocument,
    WorkerFacts,
)

DAY_NS = 86_400 * 10**9
_NOTE = "the orders of a day's probes of one journey: nothing to judge"
_LOOK_S = 0.1


class LockTakenError(Exception):
    """Another probe of the target buys at the moment."""


@contextmanager
def alone(folder: Path, wait_s: float, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Hold the lock of a target's folder for as long as the block lasts; raises LockTakenError after `wait_s`."""
    folder.mkdir(parents=True, exist_ok=True)
    file = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o644)
    until = time.monotonic() + wait_s
    try:
        while not _locked(file):
            if time.monotonic() >= until:
                raise LockTakenError
            sleep(_LOOK_S)
        yield
    finally:
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def attempted_since(folder: Path, since: int) -> int:
    """Return how many orders the ledgers below a target's folder hold since `since` (ns); raises BadInput."""
    return sum(_attempts(path, since) for path in sorted(folder.glob("*/ledger-*.jsonl")))


def _attempts(path: Path, since: int) -> int:
    if path.stat().st_mtime_ns < since:
        return 0
    found = 0
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            row = json.loads(line) if line else {}
            found += row.get("event") == "attempt" and int(row["at"]) >= since
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"{path}: line {number}: not a ledger row, so orders can't be counted") from error
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeInputs:
    """What the directory of a probe holds."""

    inputs: Inputs
    module: str
    destinations: Destinations
    permission: PermissionFacts | None = None


def directory_of(parent: Path, given: ProbeInputs, now: int) -> RunDirectory:
    """Return the directory below `parent` that a probe is played on, made or as it is."""
    inputs = given.inputs
    kept = redacted(inputs.environment_name, inputs.environment)
    own = [(path, hashlib.sha256(content).hexdigest()) for path, content in files_of(inputs.environment.storefront)]
    words = json.dumps([kept, inputs.plan_text, own, PEAKPROOF], sort_keys=True)
    day = f"{datetime.fromtimestamp(now / 1e9, UTC):%Y%m%d}T000000Z"
    name = f"{day}-{given.module}-{hashlib.sha256(words.encode()).hexdigest()[:8]}"
    directory = RunDirectory(path=parent / name)
    directory.logs.mkdir(parents=True, exist_ok=True)
    write_bytes(directory.plan, inputs.plan_text.encode())
    write_json(directory.targets, kept)
    keep_storefront(inputs.environment, directory.storefront)
    write_job(directory, None, PEAKPROOF, given.destinations, production=inputs.production, data=inputs.data)
    return directory


def write_run(directory: RunDirectory, given: ProbeInputs, now: int) -> None:
    """Write `run.json` anew before and after a probe, from what is on disk: an audit reads it."""
    inputs = given.inputs
    began_at = _began_at(directory) or now
    rows = {path.stem.removeprefix("ledger-"): count_rows(path) for path in directory.ledgers()}
    document = RunDocument(
        format=FORMAT,
        run=directory.name,
        peakproof=PEAKPROOF,
        plan=PlanFacts(name=inputs.plan.name, sha256=inputs.plan_sha256),
        inputs=hash_inputs(directory),
        environment=EnvironmentFacts(
            name=inputs.environment_name,
            base_url=inputs.environment.base_url,
            fingerprint=dict(inputs.environment.fingerprint),
            destinations=DestinationsFacts.model_validate(given.destinations.to_json()),
        ),
        command="probe",
        permission=given.permission,
        notes=(_NOTE,),
        started_at=began_at,
        ended_at=now,
        ended="completed",
        orders=OrderCounts.model_validate(orders_of(directory)),
        workers=tuple(
            WorkerFacts(name=name, ledger_rows_expected=n, ledger_rows_received=n, uploaded=False, lost=False)
            for name, n in rows.items()
        ),
    )
    write_json(directory.run, document.to_json())


def _began_at(directory: RunDirectory) -> int | None:
    try:
        return read_json(directory.run, RunDocument).started_at
    except BadInput:
        return None
