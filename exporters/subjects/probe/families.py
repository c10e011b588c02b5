"""What is known of probes as metric families. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from exporters.names import probe as names
from exporters.names.family import Family, new_gauge
from exporters.serving.cardinality import OTHER
from exporters.subjects.probe.slot import Seen
from loadtests.probe.messages import HostSeen
from loadtests.probe.result import ProbeResult

MOST_STEPS = 30
Key = tuple[str, str]
Rows = Iterable[tuple[tuple[str, ...], float | None]]


def families(seen: Mapping[Key, Seen], limits: Mapping[str, Mapping[str, float]]) -> Iterator[Metric]:
    """Return the families of what is known by target and module; `limits` are the steps' by module."""
    yield _family(names.INTERVAL, seen, lambda one: [((), one.every_s)])
    yield _family(names.TIMESTAMP, seen, lambda one: [((), one.played and one.played.began_at_s)])
    yield _family(names.LAST_SUCCESS, seen, lambda one: [((), one.succeeded_at_s)])
    yield _family(names.RECENT_FAILURES, seen, lambda one: [((), _recent(one))])
    yield _family(names.SKIPPED, seen, _skipped)
    limited = new_gauge(names.STEP_LIMIT)
    for target, module in seen:
        for step, limit_s in limits.get(module, {}).items():
            limited.add_metric((target, module, step), limit_s)
    yield limited
    fresh = {key: one.fresh(one.last) for key, one in seen.items()}
    found = {key: last for key, last in fresh.items() if last is not None and last.success is not None}
    for family, rows in _OF_RESULT:
        yield _family(family, found, rows)
    played = {key: one.played for key, one in seen.items() if one.played is not None}
    for family, rows in _OF_CERTIFICATES:  # dates don't age while nothing is played
        yield _family(family, played, rows)


def _family(family: Family, values: Mapping[Key, object], rows: Callable[..., Rows]) -> GaugeMetricFamily:
    made = new_gauge(family)
    for key, value in values.items():
        for labels, figure in rows(value):
            if figure is not None:
                made.add_metric((*key, *labels), figure)
    return made


def _recent(seen: Seen) -> float | None:
    return None if seen.fresh(seen.played) is None else seen.recent_failures


def _skipped(seen: Seen) -> Rows:
    last = seen.last
    return [((last.skipped.reason,), 1.0)] if last is not None and last.skipped is not None else []


def _failed(result: ProbeResult) -> Rows:
    return [] if result.failed is None else [((_label(result, result.failed.step), result.failed.reason), 1.0)]


def _steps(result: ProbeResult) -> Rows:
    named = list(result.steps_s.items())
    rest = max((time_s for _, time_s in named[MOST_STEPS:]), default=None)
    return [*(((step,), time_s) for step, time_s in named[:MOST_STEPS]), ((OTHER,), rest)]


def _label(result: ProbeResult, step: str) -> str:
    return OTHER if step in list(result.steps_s)[MOST_STEPS:] else step


def _of_hosts(value: Callable[[HostSeen], float | None]) -> Callable[[ProbeResult], Rows]:
    return lambda result: [((host.host,), value(host)) for host in result.hosts]


_OF_RESULT: tuple[tuple[Family, Callable[[ProbeResult], Rows]], ...] = (
    (names.SUCCESS, lambda one: [((), float(one.failed is None))]),
    (names.FAILED_STEP, _failed),
    (names.DURATION, lambda one: [((), one.requests_s)]),
    (names.REQUESTS, lambda one: [((), one.requests)]),
    (names.STATUS, lambda one: [((), one.status)]),
    (names.STEP_DURATION, _steps),
    (names.DNS_LOOKUP, lambda one: [((), one.resolve_s)]),
    (names.CONNECT_DURATION, _of_hosts(lambda host: host.connect_s)),
    (names.TLS_DURATION, _of_hosts(lambda host: host.tls_s)),
)
_OF_CERTIFICATES: tuple[tuple[Family, Callable[[ProbeResult], Rows]], ...] = (
    (names.CERTIFICATE_TRUSTED, _of_hosts(lambda host: None if host.trusted is None else float(host.trusted))),
    (names.CERTIFICATE_NOT_BEFORE, _of_hosts(lambda host: host.not_before_s)),
    (names.CERTIFICATE_NOT_AFTER, _of_hosts(lambda host: host.not_after_s)),
)
