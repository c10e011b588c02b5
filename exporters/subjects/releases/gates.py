"""The gates that a release went through: `verdict.json` and `run.json` of the newest runs."""

import re
from pathlib import Path

from exporters.serving.source import Unreadable
from exporters.subjects.releases.values import MAX_VERSION, Gate, Gates, in_the_past
from loadtests.evidence.outputs import why_no_verdict
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput, read_json
from slo.validity.run_document import RunDocument
from slo.verdict.verdict_document import VerdictDocument

MAX_RUNS = 200
UNREADABLE = "unreadable"
OUTCOMES = ("pass", "fail", "inconclusive")
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-")


def read_gates(runs: Path, plans: tuple[str, ...], now_s: float) -> Gates:
    """Return the judged runs among the newest in `runs`; raises Unreadable when the folder can't be listed.

    A run that nobody has judged is no gate. One whose documents can't be read, or whose verdict isn't as it was
    written, counts as unreadable, never as passed.
    """
    try:
        found = sorted((one for one in runs.iterdir() if _RUN_NAME.match(one.name) and one.is_dir()), reverse=True)
    except OSError as error:
        raise Unreadable(f"{runs}: can't be read: {error.strerror}") from error
    gates = [_gate(RunDirectory(path=path), plans, now_s) for path in found[:MAX_RUNS]]
    return Gates(gates=tuple(sorted((one for one in gates if one is not None), key=lambda one: one.decided_at_s)))


def _gate(directory: RunDirectory, plans: tuple[str, ...], now_s: float) -> Gate | None:
    path = directory.verdict
    try:
        written_s = path.stat().st_mtime
    except OSError:
        return None
    unreadable = Gate(version=None, outcome=UNREADABLE, decided_at_s=min(written_s, now_s))
    try:
        run = read_json(directory.run, RunDocument)
        verdict = read_json(path, VerdictDocument)
    except BadInput:
        return unreadable
    if plans and (run.plan is None or run.plan.name not in plans):
        return None
    if not _is_as_written(directory, verdict):
        return unreadable
    decided_at_s = written_s if verdict.decided_at is None else verdict.decided_at / 1e9
    in_the_past(decided_at_s, now_s, f"{path}: decided_at")
    outcome = verdict.outcome.lower()
    return Gate(
        version=_version(run), outcome=outcome if outcome in OUTCOMES else UNREADABLE, decided_at_s=decided_at_s
    )


def _is_as_written(directory: RunDirectory, verdict: VerdictDocument) -> bool:
    try:
        return why_no_verdict(directory.path, directory.verdict.name, verdict.outcome) is None
    except OSError:
        return False


def _version(run: RunDocument) -> str | None:
    """Return the release that the shop named throughout the run; None when it named none, or another at its end."""
    release = run.release
    if release is None or release.before is None or release.before != release.after:
        return None
    return release.before[:MAX_VERSION]
