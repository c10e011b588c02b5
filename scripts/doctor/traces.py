"""Check of an environment's traces: whether a request that carries a traceparent comes back as a span of the shop."""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import requests

from exporters.serving.http_server import CantListen
from exporters.spans.recorder import Recorder, RecorderSummary
from exporters.spans.span_store import Limits
from loadtests.environment.pinned_http import bounded_get
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.results.recorded_run import read_spans
from loadtests.results.run_directory import RunDirectory
from loadtests.results.trace_context import trace_id_of, traceparents
from scripts.doctor.lines import Line, missing, ok, wrong
from scripts.local_stack.ports import Ports
from scripts.running.remote_settings import RemoteSettings
from slo.validity.traces import some_spans, why_none_joined

LONGEST_S = 8.0
"""How long a span is waited for: an SDK hands them on every 5 s unless it is told otherwise."""
_TIMEOUT_S, _LOOK_S, _PART_S = 5.0, 0.1, 0.2


def traces(resolved: ResolvedEnvironment, ports: Ports, outside: RemoteSettings) -> Iterator[Line]:
    """Ask the shop's first page with a traceparent, and look for its span where a run would record it.

    Nothing is said where the environment declares no traces, or the shop doesn't answer: another line says that.
    """
    if not resolved.environment.traces:
        return
    token = None if outside.run_token is None else outside.run_token.reveal()
    with TemporaryDirectory(prefix="peakproof-") as folder:
        directory = RunDirectory(path=Path(folder))
        recorder = Recorder(directory, outside.bind, ports.recorder, limits=Limits(part_s=_PART_S), token=token)
        try:
            recorder.start()
        except CantListen as error:
            yield missing("traces", f"not looked for: {error}", "end what listens there, or look between two runs")
            return
        trace = _asked(resolved)
        if trace is not None:
            _wait_for(directory, trace)
        summary = recorder.stop()
        if trace is not None:
            yield _line(directory, trace, summary)


def _asked(resolved: ResolvedEnvironment) -> str | None:
    """Ask for the first page; return the trace that the request had, None where no answer came."""
    traceparent = next(traceparents(Random(), 1.0))  # noqa: S311 - an id
    with resolved.http() as http:
        try:
            bounded_get(http, f"{resolved.environment.base_url}/", _TIMEOUT_S, headers={"traceparent": traceparent})
        except requests.RequestException:
            return None
    return trace_id_of(traceparent)


def _wait_for(directory: RunDirectory, trace: str) -> None:
    """Wait until a span of the trace is there, for `LONGEST_S` at most."""
    ends_at, seen = time.monotonic() + LONGEST_S, 0
    while time.monotonic() < ends_at:
        if (parts := len(directory.parts("spans"))) != seen:
            seen = parts
            if trace in read_spans(directory)["trace_id"].to_pylist():
                return
        time.sleep(_LOOK_S)


def _line(directory: RunDirectory, trace: str, summary: RecorderSummary) -> Line:
    spans = read_spans(directory)
    own = [row["service"] for row in spans.to_pylist() if row["trace_id"] == trace]
    if own:
        return ok("traces", f"a request comes back as {some_spans(len(own))} of {', '.join(sorted(set(own)))}")
    why, change = why_none_joined(spans.num_rows, summary.refused, summary.rejected)
    return wrong("traces", f"within {LONGEST_S:g} s {why}", change)
