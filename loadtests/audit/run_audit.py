"""Auditing one run: ask every declared source, compare, write audit.json."""

from collections.abc import Mapping
from pathlib import Path

from loadtests.audit import checks as audit
from loadtests.audit.late_ledgers import lacking
from loadtests.audit.sources import Sources, gather
from loadtests.environment.credentials import credentials_of, token_of
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.results.recorded_run import read_environment, read_run
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.runtime.clock import Clock
from slo.documents import BadInput


def audit_run(path: Path, variables: Mapping[str, str]) -> tuple[audit.Check, ...]:
    """Ask every declared source and write `audit.json`; raises BadInput when the run can't be read."""
    directory = RunDirectory(path=path)
    environment = read_environment(directory)
    began_at = _began_at(directory)
    token, credentials = token_of(environment, variables), credentials_of(environment, variables)
    bearer = None if token is None else token.reveal()
    sources = Sources(environment, bearer, PinnedHttp(environment, credentials))
    try:
        evidence = gather(directory, environment, sources, began_at, lacking(directory))
    finally:
        sources.close()
    checks = audit.audit(evidence)
    write_json(directory.audit, audit.audit_document(evidence, checks, Clock.start().now()).model_dump(mode="json"))
    return checks


def _began_at(directory: RunDirectory) -> int:
    started_at = read_run(directory).started_at
    if started_at is None:
        raise BadInput(f"{directory.run}: started_at: expected ns since the epoch, found None")
    return started_at
