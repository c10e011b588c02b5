"""The gates that a release went through: `verdict.json` and `run.json` of the newest runs."""

import re
from pathlib import Path

from exporters.serving.source import Unreadable
from exporters.sources.times import in_the_past
from exporters.subjects.releases.values import MAX_VERSION, Gate, Gates
from loadtests.evidence.outputs import why_no_verdict
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput, read_json
from slo.outcomes import Outcome
from slo.validity.run_document import RunDocument
from slo.verdict.verdict_document import VerdictDocument

MAX_RUNS = 200
UNREADABLE = "unreadable"
OUTCOMES = tuple(one.value.lower() for one in Outcome)
_WORDS = frozenset(one.value for one in Outcome)
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-")


def read_gates(runs: Path, plans: tuple[str, ...], now_s: float) -> Gates:
    """Return the judged runs among the newest in `runs`; raises Unreadable when the folder can't be listed.

    A run that nobody has judged is no gate. One whose documents can't be read, or whose verdict isn't as it was
    written, or dated ahead of the clock, counts as unreadable, never as passed, and is named.
    """
    try:
        found = sorted((one for one in runs.iterdir() if _RUN_NAME.match(one.name) and one.is_dir()), reverse=True)
    except OSError as error:
        raise Unreadable(f"{runs}: can't be read: {error.strerror}") from error
    gates, refused = list[Gate](), dict[str, str]()
    for directory in (RunDirectory(path=path) for path in found[:MAX_RUNS]):
        try:
            written_s = directory.verdict.stat().st_mtime
        except OSError:
            continue
        try:
            gate = _gate(directory, plans, written_s, now_s)
        except (BadInput, Unreadable) as error:
            if not directory.verdict.exists():
                continue  # it is judged again at this moment
            gate = Gate(version=None, outcome=UNREADABLE, decided_at_s=min(written_s, now_s))
            refused[directory.name] = str(error).splitlines()[0]
        gates += [] if gate is None else [gate]
    return Gates(gates=tuple(sorted(gates, key=lambda one: one.decided_at_s)), refused=refused)


def _gate(directory: RunDirectory, plans: tuple[str, ...], written_s: float, now_s: float) -> Gate | None:
    """Return the gate of a judged run, None of another plan's; raises BadInput and Unreadable for one of no worth."""
    path = directory.verdict
    run, verdict = read_json(directory.run, RunDocument), read_json(path, VerdictDocument)
    if plans and (run.plan is None or run.plan.name not in plans):
        return None
    _check_written(directory, verdict)
    decided_at_s = written_s if verdict.decided_at is None else verdict.decided_at / 1e9
    in_the_past(decided_at_s, now_s, f"{path}: decided_at")
    outcome = verdict.outcome.lower() if verdict.outcome in _WORDS else UNREADABLE
    return Gate(version=_version(run), outcome=outcome, decided_at_s=decided_at_s)


def _check_written(directory: RunDirectory, verdict: VerdictDocument) -> None:
    try:
        why = why_no_verdict(directory.path, directory.verdict.name, verdict.outcome)
    except OSError as error:
        why = f"{directory.verdict.name}: can't be held against its manifest: {error.strerror}"
    if why is not None:
        raise Unreadable(f"{directory.path}: {why}")


def _version(run: RunDocument) -> str | None:
    """Return the release that the shop named throughout the run; None when it named none, or another at its end."""
    release = run.release
    if release is None or release.before is None or release.before != release.after:
        return None
    return release.before[:MAX_VERSION]
