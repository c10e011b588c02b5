"""The load generator as metrics: `live.json` of a run, read, checked, and turned into families."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar

from exporters.names import load_generator
from exporters.names.family import le, new_counter, new_gauge, new_histogram
from exporters.serving.scrape import Subject, of_one_source
from exporters.serving.source import Deadline, NotYet, Unreadable, capped
from loadtests.results import live_document
from loadtests.results.live_document import LatencyHistogram, LiveDocument, read_live
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput

MAX_SERIES = 20_000
STALE_S = 60.0
"""A run writes its snapshot every second or so."""
_MAX_LABEL, _MAX_BUCKETS, _MAX_MESSAGE = 128, 200, 300
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-")
_NS_PER_S = 1e9
Bucket = tuple[str, float] | tuple[str, float, Exemplar]


def runs_below(parent: Path) -> list[Path]:
    """Return the run directories below `parent`, whose names sort by their time; raises Unreadable."""
    try:
        return [path for path in parent.iterdir() if _RUN_NAME.match(path.name) and path.is_dir()]
    except OSError as error:
        raise Unreadable(f"{parent}: can't be read: {error.strerror}") from error


def latest_run(parent: Path) -> Path:
    """Return the newest run directory below `parent`, by the UTC time in its name; raises Unreadable without one."""
    runs = runs_below(parent)
    if not runs:
        raise Unreadable(f"{parent}: no run yet")
    return max(runs)


def read_snapshot(run: Path) -> LiveDocument:
    """Read a run's live snapshot; raises NotYet before the run has started, Unreadable when malformed or too large."""
    path = RunDirectory(path=run).live
    if not path.is_file():
        raise NotYet(f"{path}: no such file: the run has not started")
    try:
        live = read_live(path)
    except BadInput as error:
        raise Unreadable(str(error)[:_MAX_MESSAGE]) from error
    series = sum(len(step.latency.buckets) + 4 for step in live.steps.values())
    series += sum(map(len, live.errors.by_step.values())) + 2 * len(live.objectives)
    capped(series, MAX_SERIES, str(path))
    errors = live.errors.by_step
    _check_labels((*live.steps, *errors, *(error for of_step in errors.values() for error in of_step)), path)
    _check_objectives([objective.name for objective in live.objectives], path)
    for step in live.steps.values():
        cumulative(step.latency)
    return live


def fresh(live: LiveDocument, now: int) -> LiveDocument:
    """Return a snapshot of a run that is over or under way; raises Unreadable for one that was broken off before."""
    age_s = (now - live.at) / _NS_PER_S
    if not live.is_over and age_s > STALE_S:
        broken_off = f"written {age_s:.0f} s ago, allowed are {STALE_S:.0f}: the run was broken off"
        raise Unreadable(f"live.json of {live.run[:_MAX_LABEL]}: {broken_off}")
    return live


def _check_labels(labels: Iterable[str], path: Path) -> None:
    wrong = next((label for label in labels if not 0 < len(label) <= _MAX_LABEL), None)
    if wrong is not None:
        allowed = f"allowed are 1 to {_MAX_LABEL}"
        raise Unreadable(f"{path}: the name of a step or error has {len(wrong)} characters, {allowed}")


def _check_objectives(names: Sequence[str], path: Path) -> None:
    if len(set(names)) != len(names) or not all(0 < len(name) <= _MAX_LABEL for name in names):
        raise Unreadable(f"{path}: objectives: expected names of 1 to {_MAX_LABEL} characters, each once")


def cumulative(latency: LatencyHistogram) -> list[tuple[str, float]]:
    """Return the buckets in order, the last one `+Inf`; raises Unreadable when a bound or a count can't be one."""
    counts = {_bound(text): n for text, n in latency.buckets.items()}
    if len(counts) != len(latency.buckets) or len(counts) > _MAX_BUCKETS:
        raise Unreadable(f"live.json: a histogram has {len(latency.buckets)} buckets, too many or of the same bound")
    if counts.setdefault(math.inf, latency.count) != latency.count:
        raise Unreadable("live.json: a histogram's +Inf is not its count")
    rows = sorted(counts.items())
    if any(a[1] > b[1] for a, b in pairwise(rows)):
        raise Unreadable("live.json: a histogram's counts fall from one bucket to the next")
    return [(le(bound), n) for bound, n in rows]


def _bound(text: str) -> float:
    try:
        bound = float(text)
    except ValueError:
        bound = math.nan
    if not bound >= 0:
        raise Unreadable(f"live.json: a histogram's upper bounds are numbers from 0 up, found {text[:_MAX_LABEL]!r}")
    return bound


def families(live: LiveDocument) -> Iterable[Metric]:
    """Turn a snapshot into metric families; what it does not know is absent."""
    yield from _totals(live)
    requests, errors = new_counter(load_generator.REQUESTS), new_counter(load_generator.REQUEST_ERRORS)
    response = new_histogram(load_generator.RESPONSE_SECONDS)
    for name, step in live.steps.items():
        requests.add_metric((name,), step.requests_total)
        response.add_metric((name,), _buckets(step.latency), step.latency.sum)
    for name, reasons in live.errors.by_step.items():
        examples = live.errors.exemplars.get(name, {})
        for reason, count in reasons.items():
            exemplar = examples.get(reason)
            errors.add_metric((name, reason), count, exemplar=None if exemplar is None else _of_trace(exemplar, 1.0))
    orders = new_counter(load_generator.LOAD_ORDERS)
    for outcome in ("accepted", "refused", "unknown"):
        orders.add_metric((outcome,), getattr(live.orders, f"{outcome}_total"))
    yield from (requests, errors, response, orders)
    yield from _objectives(live)


def _objectives(live: LiveDocument) -> Iterable[Metric]:
    judged, bad = new_gauge(load_generator.OBJECTIVE_REQUESTS), new_gauge(load_generator.OBJECTIVE_BAD)
    for objective in live.objectives:
        judged.add_metric((objective.name,), objective.total)
        bad.add_metric((objective.name,), objective.bad)
    if live.objectives:
        yield from (judged, bad)


def _buckets(latency: LatencyHistogram) -> list[Bucket]:
    """Return the buckets, each with its exemplar where it has one that lies in it."""
    exemplars = {le(_bound(text)): exemplar for text, exemplar in latency.exemplars.items()}
    buckets: list[Bucket] = []
    below = -math.inf
    for bound, count in cumulative(latency):
        exemplar = exemplars.get(bound)
        inside = exemplar is not None and below < exemplar.value <= float(bound)
        buckets.append((bound, count, _of_trace(exemplar, exemplar.value)) if exemplar and inside else (bound, count))
        below = float(bound)
    return buckets


def _of_trace(exemplar: live_document.Exemplar, value: float) -> Exemplar:
    return Exemplar({"trace_id": exemplar.trace_id}, value, exemplar.at / _NS_PER_S)


def _totals(live: LiveDocument) -> Iterable[Metric]:
    counters = (
        (load_generator.PLANNED_SESSIONS, live.planned.sessions_total),
        (load_generator.SESSIONS_STARTED, live.achieved.sessions_total),
        (load_generator.SESSIONS_DROPPED, live.dropped_total),
    )
    gauges = (
        (load_generator.PLANNED_RATE, live.planned.sessions_per_s),
        (load_generator.PLAN_FACTOR, live.factor),
        (load_generator.OPEN_SESSIONS, live.achieved.open_sessions),
        (load_generator.SCHEDULING_LAG, live.lag_s.p99),
        (load_generator.GENERATOR_CPU, live.generator_cpu),
        (load_generator.SNAPSHOT_TIME, live.at / _NS_PER_S),
    )
    for name, total in counters:
        counter = new_counter(name)
        counter.add_metric((), total)
        yield counter
    for name, value in gauges:
        if value is not None:
            gauge = new_gauge(name)
            gauge.add_metric((), value)
            yield gauge


def subject(run: Callable[[], Path]) -> Subject[LiveDocument]:
    """Return the subject `loadgen`; `run` names the run directory at each scrape and may raise Unreadable."""

    def read(_: Deadline) -> LiveDocument:
        return read_snapshot(run())

    return of_one_source("loadgen", "what the load generator does, from live.json", "live.json", read, families)
