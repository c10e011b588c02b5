"""Which scenes a drill plays: each alert's cases, one page where none pages, and what inhibits what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from exporters.names.family import SOURCE, Health
from scripts.drilling.configuration import EVALUATION_S, QUIET, Build
from scripts.drilling.scenes import LIVE_FOR_S, LIVE_S, Scene, scenes
from slo.rules.alertmanager import EXPORTER_DOWN_SUFFIX, SOURCE_DOWN_SUFFIX
from slo.rules.model import Alert, Group
from slo.rules.names import OBJECTIVE
from slo.rules.scope import Scope
from slo.rules.signals import Level, Signal

# So long that every window of a page's fault is full of it, and its tickets fire too.
_FULL_S = 4 * 3600
# A source that has been down for so long has its alert, and that has reached Alertmanager, when another begins.
_DOWN_S, _LATER_EVALUATIONS = 1800.0, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An alert, and where it stands in the groups."""

    alert: Alert
    position: tuple[int, int]
    interval_s: float


def places(groups: Sequence[Group]) -> list[Place]:
    """Return every alert of the groups."""
    return [
        Place(
            alert=_with_a_healthy_exporter(rule),
            position=(at, place),
            interval_s=min(group.interval_s or EVALUATION_S, EVALUATION_S),
        )
        for at, group in enumerate(groups)
        for place, rule in enumerate(group.rules)
        if isinstance(rule, Alert)
    ]


def _with_a_healthy_exporter(alert: Alert) -> Alert:
    """Return an alert whose cases say that its exporter is up, where they say nothing of it.

    Without that the exporter's own alert would fire too, and hold this one back.
    """
    if alert.exporter is None:
        return alert
    up = Health(subject=alert.exporter).up.name
    healthy = Signal(metric=up, labels=((SOURCE, "drill"),), healthy=Level(value=1), faulty=Level(value=1))
    cases = (
        case if any(signal.metric == up for signal in case.signals) else replace(case, signals=(*case.signals, healthy))
        for case in alert.cases
    )
    return replace(alert, cases=tuple(cases))


def plan(build: Build) -> list[Scene]:
    """Return the scenes of a drill of the rules that `build` gives for an environment."""
    names = (f"drill-{number:03d}" for number in count(1))
    found = places(build(Scope(environment="drill")))
    return [
        *(
            scene
            for one in found
            for case in one.alert.cases
            for scene in scenes(one.alert, case, one.interval_s, one.position, names)
        ),
        *_routing(found, names),
        *_pages_over_tickets(found, names),
        *_dead_sources(found, names),
    ]


def _first(one: Place, names: Iterator[str]) -> Scene:
    return next(scenes(one.alert, one.alert.cases[0], one.interval_s, one.position, names))


def _routing(found: Sequence[Place], names: Iterator[str]) -> Iterator[Scene]:
    """Yield a page in an environment that isn't named as one that pages: the one that is due first."""
    pages = [one for one in found if one.alert.severity == "page" and one.alert.for_s <= LIVE_FOR_S]
    if pages:
        soonest = min(pages, key=lambda one: one.alert.for_s)
        yield replace(_first(soonest, names), kind="routing", environment=QUIET)


def _pages_over_tickets(found: Sequence[Place], names: Iterator[str]) -> Iterator[Scene]:
    """Yield for each objective with both a page whose fault has lasted until its tickets fire too."""
    by_objective: dict[str, list[Place]] = {}
    for one in found:
        if (name := one.alert.labels.get(OBJECTIVE)) and not one.alert.for_s:
            by_objective.setdefault(name, []).append(one)
    for alerts in by_objective.values():
        page = next((one for one in alerts if one.alert.severity == "page"), None)
        if page and any(one.alert.severity == "ticket" for one in alerts):
            yield replace(_first(page, names), kind="inhibition", begins_s=-_FULL_S, pending_s=None, fires_s=None)


def _dead_sources(found: Sequence[Place], names: Iterator[str]) -> Iterator[Scene]:
    """Yield for each exporter its dead source, and in the same environment another alert that then fires."""
    for down in found:
        if not down.alert.name.endswith(SOURCE_DOWN_SUFFIX):
            continue
        other = _fed_by(down, found)
        if other is not None:
            dead = replace(_first(down, names), kind="inhibition", begins_s=-_DOWN_S, pending_s=None, fires_s=None)
            since_s = -_DOWN_S if down.alert.for_s else None
            yield replace(dead, active_since_s=since_s)
            yield _shifted(_first(other, names), dead.environment, _LATER_EVALUATIONS * other.interval_s)


def _fed_by(down: Place, found: Sequence[Place]) -> Place | None:
    """Return an alert of the same exporter that fires soon, from other metrics than the dead source's."""
    metrics = {signal.metric for signal in down.alert.cases[0].signals}
    up = Health(subject=str(down.alert.exporter)).up.name
    others = [
        one
        for one in found
        if one.alert.exporter == down.alert.exporter
        and not one.alert.name.endswith((SOURCE_DOWN_SUFFIX, EXPORTER_DOWN_SUFFIX))
        and metrics.isdisjoint({signal.metric for signal in one.alert.cases[0].signals} - {up})
        and one.alert.for_s <= LIVE_FOR_S
        and one.alert.cases[0].fires_after_s - one.alert.for_s <= LIVE_S
    ]
    return min(others, key=lambda one: one.alert.cases[0].fires_after_s, default=None)


def _shifted(scene: Scene, environment: str, by_s: float) -> Scene:
    def later(at_s: float | None) -> float | None:
        return None if at_s is None else at_s + by_s

    return replace(
        scene,
        kind="inhibition",
        environment=environment,
        begins_s=scene.begins_s + by_s,
        ends_s=scene.ends_s + by_s,
        pending_s=later(scene.pending_s),
        fires_s=later(scene.fires_s),
    )
