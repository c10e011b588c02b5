"""Plays one probe in a process of its own, which is ended with all it started when the probe's time is over."""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from loadtests.environment.child_variables import clean, secrets_for
from loadtests.environment.targets import Targets
from loadtests.probe.messages import PROBE_EVENT, JobFile, ProbeEvent, ProbeJob
from loadtests.probe.result import ProbeResult, ProcessEnd, result_of
from loadtests.runtime.line_process import LineProcess

_MODULE = "loadtests.probe.__main__"
_MOST_EVENTS = 2_000
_LOG_TAIL, _MOST_LOG = 300, 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What is probed: a journey of the environment `target`, under the name `module`; paths are absolute."""

    target: str
    module: str
    journey: str
    targets: Targets
    folder: Path
    leases: Path
    buys: bool = False
    plan: Path | None = None
    permit: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


def play_probe(probe: Probe, within_s: float, now: Callable[[], float] = time.time) -> ProbeResult:
    """Play `probe` and return what it found after `within_s` seconds at most, and a moment to end its process."""
    began_at_s, began = now(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="peakproof-probe-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        events, end = _played(probe, scratch, began + within_s)
    return result_of(events, end, began_at_s, time.monotonic() - began)


def _played(probe: Probe, scratch: Path, ends_at_s: float) -> tuple[list[ProbeEvent], ProcessEnd]:
    log, job, events = scratch / "log", scratch / "job.json", list[ProbeEvent]()
    job.write_text(_job(probe, scratch, ends_at_s).model_dump_json())
    environment = probe.targets.environments[probe.target]
    variables = clean(scratch, probe.variables) | secrets_for((environment,), probe.variables)
    late = False

    def is_over(_silent_s: float) -> bool:
        nonlocal late
        late = time.monotonic() >= ends_at_s
        return late or len(events) > _MOST_EVENTS

    asked = JobFile(job=job).model_dump_json().encode()
    with log.open("ab") as file, LineProcess(_MODULE, asked, variables, file) as process:
        for line in process.lines(is_over):
            try:
                events.append(PROBE_EVENT.validate_json(line))
            except ValidationError:
                break
    hang = scratch / "errors" / "hang.txt"
    hung = not late and hang.exists() and hang.stat().st_size > 0
    return events, ProcessEnd(late=late, code=process.returncode, log=_tail(log), hung=hung)


def _job(probe: Probe, scratch: Path, ends_at_s: float) -> ProbeJob:
    return ProbeJob(
        target=probe.target,
        module=probe.module,
        journey=probe.journey,
        buys=probe.buys,
        targets=probe.targets,
        plan=probe.plan,
        permit=probe.permit,
        folder=probe.folder,
        leases=probe.leases,
        scratch=scratch,
        ends_at_s=ends_at_s,
    )


def _tail(log: Path) -> str:
    """Return the last line; none when the process has cleared away already, as it does once its input is closed."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _MOST_LOG))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except FileNotFoundError:
        return ""
    return lines[-1][:_LOG_TAIL] if lines else ""
