"""The metric families of releases; what can't be known without a source that failed is absent."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from prometheus_client.metrics_core import Metric

from exporters.names import releases as names
from exporters.names.family import Family, new_gauge
from exporters.subjects.releases.config import ReleasesConfig
from exporters.subjects.releases.dora import changes, failures, named_by_tags
from exporters.subjects.releases.gates import OUTCOMES, UNREADABLE
from exporters.subjects.releases.values import Deployment, Events, Gate, Gates, History
from slo.statistics import lower_bad_ratio

MAX_VERSIONS, OTHER, UNNAMED = 10, "other", "unnamed"
_SHORTEST_HASH = 7
Sample = tuple[Family, tuple[str, ...], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasesRead:
    """What was read: None is a source that isn't configured or couldn't be read."""

    deployments: Sequence[Deployment] | None
    history: History | None = None
    events: Events | None = None
    gates: Gates | None = None


def families(read: ReleasesRead, config: ReleasesConfig, now_s: float) -> Iterator[Metric]:
    """Return the families at the time `now_s`."""
    gauges: dict[str, Metric] = {}
    for family, labels, value in _samples(read, config, now_s):
        if value is not None:
            gauge = gauges.setdefault(family.name, new_gauge(family))
            gauge.add_sample(family.name, dict(zip(family.labels, labels, strict=True)), float(value))
    yield from gauges.values()


def _samples(read: ReleasesRead, config: ReleasesConfig, now_s: float) -> Iterator[Sample]:
    yield names.WINDOW, (), config.window
    yield names.FAILURE_OBJECTIVE, (), config.change_failure_objective
    if read.deployments is not None:
        named = named_by_tags(read.deployments, read.history)
        for place in config.deployed_to:
            of_place = [one for one in named if one.deployed_to == place]
            yield from _of_place(place, of_place, read, now_s - config.window)
    if read.gates is not None:
        yield from _of_gates(read.gates.gates)


def _of_place(place: str, deployments: Sequence[Deployment], read: ReleasesRead, since_s: float) -> Iterator[Sample]:
    succeeded = [one for one in deployments if one.succeeded]
    recent = [one for one in succeeded if one.at_s >= since_s]
    failed = sum(one.at_s >= since_s for one in deployments if not one.succeeded)
    yield names.DEPLOYMENTS, (place, "succeeded"), len(recent)
    yield names.DEPLOYMENTS, (place, "failed"), failed
    if succeeded:
        last = succeeded[-1]
        yield names.INFO, (place, last.version, last.commit or ""), 1
        yield names.LAST_DEPLOYMENT, (place,), last.at_s
    if read.history is not None:
        brought = changes(succeeded, read.history, since_s)
        yield names.CHANGES, (place,), len(brought.lead_times_s)
        yield names.LEAD_TIME, (place,), brought.median_s
        yield names.WITHOUT_COMMITS, (place,), brought.unknown
        yield names.MISDATED, (place,), brought.misdated
    if read.events is not None:
        yield from _of_failures(place, succeeded, read.events, len(recent), since_s)
    if read.gates is not None and succeeded:
        yield from _of_passes(place, succeeded, read.gates.gates, since_s)


def _of_failures(
    place: str, succeeded: Sequence[Deployment], events: Events, recent: int, since_s: float
) -> Iterator[Sample]:
    found = failures(succeeded, events, place, since_s)
    yield names.FAILED_CHANGES, (place,), found.failed
    yield names.RECOVERY_TIME, (place,), found.median_s
    yield names.UNRECOVERED, (place,), found.unrecovered
    yield names.UNMATCHED, (place,), found.unmatched
    if recent:
        yield names.FAILURE_RATIO, (place,), found.failed / recent
        yield names.FAILURE_RATIO_LOW, (place,), lower_bad_ratio(found.failed, recent)


def _of_passes(place: str, succeeded: Sequence[Deployment], gates: Sequence[Gate], since_s: float) -> Iterator[Sample]:
    passes = [one for one in gates if one.outcome == "pass" and one.version is not None]
    first: dict[str, Deployment] = {}
    for one in succeeded:
        first.setdefault(one.version, one)
    ungated = [
        one
        for one in first.values()
        if one.at_s >= since_s and not any(_judged(gate, one) and gate.decided_at_s <= one.at_s for gate in passes)
    ]
    yield names.GATE_PASSED, (place,), any(_judged(gate, succeeded[-1]) for gate in passes)
    yield names.WITHOUT_GATE, (place,), len(ungated)


def _judged(gate: Gate, deployment: Deployment) -> bool:
    """Return whether a gate judged what was deployed: the same version, or the same commit, shortened or not."""
    version, commit = gate.version or "", deployment.commit
    if version == deployment.version or version.removeprefix("v") == deployment.version.removeprefix("v"):
        return True
    return commit is not None and len(version) >= _SHORTEST_HASH and commit.startswith(version)


def _of_gates(gates: Sequence[Gate]) -> Iterator[Sample]:
    if gates:
        yield names.LAST_GATE, (), gates[-1].decided_at_s
    undecided = takewhile(lambda one: one.outcome not in ("pass", "fail"), reversed(gates))
    yield names.UNDECIDED, (), sum(1 for _ in undecided)
    shown = _latest_versions(gates)
    counts = Counter((_label(one, shown), one.outcome) for one in gates)
    for version in dict.fromkeys(_label(one, shown) for one in reversed(gates)):
        for outcome in (*OUTCOMES, UNREADABLE):
            yield names.GATES, (version, outcome), counts[version, outcome]


def _latest_versions(gates: Iterable[Gate]) -> frozenset[str]:
    versions = dict.fromkeys(one.version or UNNAMED for one in reversed(tuple(gates)))
    return frozenset(list(versions)[:MAX_VERSIONS])


def _label(gate: Gate, shown: frozenset[str]) -> str:
    version = gate.version or UNNAMED
    return version if version in shown else OTHER
