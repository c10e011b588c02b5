"""Auditing one run: ask every declared source, compare, write audit.json."""

from collections.abc import Mapping
from pathlib import Path

from loadtests.audit import checks as audit
from loadtests.audit.evidence import Evidence
from loadtests.audit.late_ledgers import lacking
from loadtests.audit.settling import Patience, read_when_settled
from loadtests.audit.sources import Played, gather, sources_of
from loadtests.demand.plan import read_plan
from loadtests.demand.visits import buyers_of
from loadtests.environment.credentials import credentials_of, token_of
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.targets import Environment
from loadtests.evidence.steps import recorded_step
from loadtests.results.inputs import RECORDS, RecordsFile
from loadtests.results.recorded_run import read_environment, read_run
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.runtime.clock import Clock, since_boot
from slo.documents import BadInput
from slo.validity.run_document import RunDocument
from slo.verdict.audit_document import RecordsUsed


def audit_run(
    path: Path, variables: Mapping[str, str], records_file: Path | None = None, patience: Patience | None = None
) -> tuple[audit.Check, ...]:
    """Ask every declared source and write `audit.json`; raises BadInput when the run can't be read.

    The user's file of shop records is the one that the environment names, as long as it is what the run was given; or
    else `records_file`, whatever it holds. Nothing in the run directory is run. With `patience`, what is pending is
    waited for.
    """
    directory = RunDirectory(path=path)
    documents = (directory.run, directory.plan, directory.targets, directory.stock_before)
    reads = (*documents, *directory.ledgers())
    with recorded_step(directory, "audit", reads=reads, writes=(directory.audit,)):
        return _audit(directory, variables, records_file, patience)


def _audit(
    directory: RunDirectory, variables: Mapping[str, str], records_file: Path | None, patience: Patience | None
) -> tuple[audit.Check, ...]:
    environment = read_environment(directory)
    run = read_run(directory)
    played = Played(
        started_at=_began_at(directory, run),
        ended_at=run.ended_at,
        buys=bool(buyers_of(read_plan(directory.plan))),
        lacking=lacking(directory),
        pending_ns=environment.pending_window_ns,
    )
    token, credentials = token_of(environment, variables), credentials_of(environment, variables)
    bearer = None if token is None else token.reveal()
    file = _records_file(directory, environment, run, records_file)
    sources = sources_of(environment, bearer, PinnedHttp(environment, credentials), file, variables)

    def read() -> Evidence:
        return gather(directory, sources, played, Clock.start().now)

    try:
        evidence = read() if patience is None else read_when_settled(read, patience)
    finally:
        sources.close()
    checks = audit.audit(evidence)
    used = None if file is None else RecordsUsed(sha256=file.sha256, as_recorded=records_file is None)
    known = {"run": run.run or directory.name, "shop_records": used, "checked_since_boot": since_boot()}
    document = audit.audit_document(evidence, checks, Clock.start().now()).model_copy(update=known)
    write_json(directory.audit, document.model_dump(mode="json"))
    return checks


def _records_file(
    directory: RunDirectory, environment: Environment, run: RunDocument, given: Path | None
) -> RecordsFile | None:
    """Return the file of shop records that may be run; raises BadInput when it isn't what the run was given."""
    if environment.records_file is None:
        if given is not None:
            raise BadInput(f"{given}: the environment of this run declares no file of shop_records")
        return None
    declares = frozenset((run.shop_records.declares if run.shop_records else None) or RECORDS)
    declares -= environment.records_declared.keys()
    if given is not None:
        _check_outside(given, directory)
        return RecordsFile.read(given, declares)
    path = Path(environment.records_file.file)
    _check_outside(path, directory)
    name = f"shop_records/{path.name}"
    step = "name a file to read in its place, whatever it holds: peakproof audit RUN --shop-records FILE"
    try:
        file = RecordsFile.read(path, declares)
    except BadInput as error:
        raise BadInput(f"{error}; {step}") from error
    if file.sha256 != (run.inputs or {}).get(name):
        raise BadInput(f"{path}: not what the run was given: its hash isn't that of {name} in run.json; {step}")
    return file


def _check_outside(path: Path, directory: RunDirectory) -> None:
    """Raise BadInput for a file in the run directory: it, its path and its hash may all come from somewhere else."""
    if path.resolve().is_relative_to(directory.path.resolve()):
        raise BadInput(f"{path}: lies in the run directory, from which no code is run; look at it and copy it out")


def _began_at(directory: RunDirectory, run: RunDocument) -> int:
    if run.started_at is None:
        raise BadInput(f"{directory.run}: started_at: expected ns since the epoch, found None")
    return run.started_at
