"""The load generator as metrics: `live.json` of a run, read, checked, and turned into families."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import orjson
from prometheus_client.metrics_core import Metric
from pydantic import Field, field_validator

from exporters import names
from exporters.serving.scrape import Subject
from exporters.serving.source import Amount, Answer, Count, Deadline, Label, NotYet, Unreadable, capped, parsed
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput, read_text

MAX_BYTES = 4 << 20
MAX_SERIES = 20_000
_RUN_NAME = re.compile(r"\d{8}T\d{6}Z-")
_NS_PER_S = 1e9


class Planned(Answer):
    """What the plan asks for."""

    sessions_per_s: Amount
    sessions_total: Count


class Achieved(Answer):
    """What was done so far."""

    sessions_total: Count
    open_sessions: Count


class Errors(Answer):
    """Failed requests so far, by step and reason."""

    by_step: dict[Label, dict[Label, Count]]


class Orders(Answer):
    """Order attempts so far, by outcome."""

    accepted_total: Count
    refused_total: Count
    unknown_total: Count


class Latency(Answer):
    """A histogram: cumulative counts by upper bound in seconds."""

    buckets: Annotated[dict[Label, Count], Field(max_length=200)]
    sum: Amount
    count: Count

    @field_validator("buckets")
    @classmethod
    def _bounds_are_numbers(cls, buckets: Mapping[str, int]) -> Mapping[str, int]:
        bounds = [float(bound) for bound in buckets]
        if any(math.isnan(bound) or bound < 0 for bound in bounds) or len(set(bounds)) != len(bounds):
            raise ValueError("upper bounds must be different numbers from 0 up")
        return buckets

    def cumulative(self) -> list[tuple[str, float]]:
        """Return the buckets in order, the last one `+Inf`; raises Unreadable when the counts fall."""
        finite = sorted((float(bound), n) for bound, n in self.buckets.items() if not math.isinf(float(bound)))
        rows = [*finite, (math.inf, self.count)]
        infinite = [n for bound, n in self.buckets.items() if math.isinf(float(bound))]
        if any(a[1] > b[1] for a, b in pairwise(rows)) or any(n != self.count for n in infinite):
            raise Unreadable("live.json: a histogram's counts fall from one bucket to the next")
        return [(names.bound(bound), n) for bound, n in rows]


class Step(Answer):
    """One step's requests so far."""

    requests_total: Count
    latency: Latency


class Lag(Answer):
    """How late sessions start."""

    p99: Amount | None


class Live(Answer):
    """The parts of `peakproof/live/v1` that become metrics."""

    format: Literal["peakproof/live/v1"]
    at: Count
    planned: Planned
    achieved: Achieved
    errors: Errors
    orders: Orders
    steps: dict[Label, Step]
    lag_s: Lag
    generator_cpu: Amount | None
    dropped_total: Count
    factor: Amount


def latest_run(parent: Path) -> Path:
    """Return the newest run directory below `parent`, by the UTC time in its name; raises Unreadable without one."""
    try:
        runs = [path for path in parent.iterdir() if _RUN_NAME.match(path.name) and path.is_dir()]
    except OSError as error:
        raise Unreadable(f"{parent}: can't be read: {error.strerror}") from error
    if not runs:
        raise Unreadable(f"{parent}: no run yet")
    return max(runs)


def read_live(run: Path) -> Live:
    """Read a run's live snapshot; raises NotYet before the run has started, Unreadable when malformed or too large."""
    path = RunDirectory(path=run).live
    if not path.is_file():
        raise NotYet(f"{path}: no such file: the run has not started")
    try:
        data = orjson.loads(read_text(path, MAX_BYTES))
    except BadInput as error:
        raise Unreadable(str(error)) from error
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"{path}: not JSON: {error}") from error
    live = parsed(data, Live, str(path))
    series = sum(len(step.latency.buckets) + 4 for step in live.steps.values())
    capped(series + sum(map(len, live.errors.by_step.values())), MAX_SERIES, str(path))
    return live


def families(live: Live) -> Iterable[Metric]:
    """Turn a snapshot into metric families; what it does not know is absent."""
    yield from _totals(live)
    requests, errors = names.counter(names.REQUESTS), names.counter(names.REQUEST_ERRORS)
    response = names.histogram(names.RESPONSE_SECONDS)
    for name, step in live.steps.items():
        requests.add_metric((name,), step.requests_total)
        response.add_metric((name,), step.latency.cumulative(), step.latency.sum)
    for name, reasons in live.errors.by_step.items():
        for reason, count in reasons.items():
            errors.add_metric((name, reason), count)
    orders = names.counter(names.LOAD_ORDERS)
    for outcome in ("accepted", "refused", "unknown"):
        orders.add_metric((outcome,), getattr(live.orders, f"{outcome}_total"))
    yield from (requests, errors, response, orders)


def _totals(live: Live) -> Iterable[Metric]:
    counters = (
        (names.PLANNED_SESSIONS, live.planned.sessions_total),
        (names.SESSIONS_STARTED, live.achieved.sessions_total),
        (names.SESSIONS_DROPPED, live.dropped_total),
    )
    gauges = (
        (names.PLANNED_RATE, live.planned.sessions_per_s),
        (names.PLAN_FACTOR, live.factor),
        (names.OPEN_SESSIONS, live.achieved.open_sessions),
        (names.SCHEDULING_LAG, live.lag_s.p99),
        (names.GENERATOR_CPU, live.generator_cpu),
        (names.SNAPSHOT_TIME, live.at / _NS_PER_S),
    )
    for name, total in counters:
        counter = names.counter(name)
        counter.add_metric((), total)
        yield counter
    for name, value in gauges:
        if value is not None:
            gauge = names.gauge(name)
            gauge.add_metric((), value)
            yield gauge


def subject(run: Callable[[], Path]) -> Subject[Live]:
    """Return the subject `loadgen`; `run` names the run directory at each scrape and may raise Unreadable."""

    def read(_: Deadline) -> Live:
        return read_live(run())

    return Subject(name="loadgen", about="what the load generator does, from live.json", read=read, families=families)
