"""The outcome of the last gate: verdict.json of the latest run that was judged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.metrics_core import Metric

from exporters.names import load_generator as names
from exporters.names.family import new_gauge
from exporters.serving.source import Unreadable
from exporters.sources.times import in_the_past
from exporters.subjects.loadgen.snapshot import runs_below
from loadtests.evidence.outputs import why_no_verdict
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput, read_text, validate_json
from slo.outcomes import ExitCode, Outcome
from slo.verdict.verdict_document import VerdictDocument

MAX_BYTES = 16 << 20
_MAX_MESSAGE, _NS_PER_S = 300, 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """How the latest judged run ended, and when that was decided (ns)."""

    outcome: Outcome
    decided_at: int


def read_gate(parent: Path, now: int) -> Gate | None:
    """Return the gate of the latest run below `parent` that was judged, None before any.

    Raises Unreadable when its verdict can't be read, or is dated ahead of `now`, in ns: an earlier one is no answer.
    """
    verdicts = (RunDirectory(path=run).verdict for run in sorted(runs_below(parent), reverse=True))
    path = next((verdict for verdict in verdicts if verdict.exists()), None)
    return None if path is None else _gate(path, now)


def _gate(path: Path, now: int) -> Gate:
    try:
        verdict = validate_json(read_text(path, MAX_BYTES), VerdictDocument, path)
    except BadInput as error:
        raise Unreadable(str(error)[:_MAX_MESSAGE]) from error
    known = {outcome.value: outcome for outcome in Outcome}
    outcome = known.get(str(verdict.outcome))
    _check_written(path, str(verdict.outcome))
    if outcome is None:
        found = str(verdict.outcome)[:80]
        raise Unreadable(f"{path}: outcome: expected one of {', '.join(known)}, found {found!r}")
    is_advisory = verdict.policy is not None and verdict.policy.mode == "advisory" and verdict.exit_code == ExitCode.OK
    if verdict.exit_code != outcome.exit_code and not is_advisory:
        raise Unreadable(
            f"{path}: exit_code: expected {outcome.exit_code:d} with {outcome.value}, found {verdict.exit_code}"
        )
    if verdict.decided_at is None:
        raise Unreadable(f"{path}: decided_at: required and missing")
    in_the_past(verdict.decided_at / _NS_PER_S, now / _NS_PER_S, f"{path}: decided_at")
    return Gate(outcome=outcome, decided_at=verdict.decided_at)


def _check_written(path: Path, outcome: str) -> None:
    """Raise Unreadable for a verdict that isn't as the judging left it: it is no gate's."""
    try:
        why = why_no_verdict(path.parent, path.name, outcome)
    except OSError as error:
        raise Unreadable(f"{path}: can't be held against its manifest: {error.strerror}") from error
    if why is not None:
        raise Unreadable(f"{path.parent}: {why}"[:_MAX_MESSAGE])


def families(gate: Gate | None) -> Iterator[Metric]:
    """Yield the outcome, one of its states 1, and when; nothing before the first gate."""
    if gate is None:
        return
    outcome, decided = new_gauge(names.GATE_OUTCOME), new_gauge(names.GATE_TIME)
    for one in Outcome:
        outcome.add_metric((one.value.lower(),), float(one is gate.outcome))
    decided.add_metric((), gate.decided_at / _NS_PER_S)
    yield outcome
    yield decided
