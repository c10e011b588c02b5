"""What a scene showed, held against the arithmetic; a deviation is a finding."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from scripts.drilling.page import Notification
from scripts.drilling.scenes import Kind, Scene
from scripts.local_stack.prometheus import Series
from slo.rules.alertmanager import INHIBITIONS, matches
from slo.rules.scope import ENVIRONMENT

INTERVALS = 2
_SURE = 1.5
_NEVER = {"detected after": "is never detected", "fires after": "never fires", "clears after": "never clears"}
_FIRING = "firing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One firing alert in Prometheus, in seconds since 1970: pending and firing at evaluations, None where never.

    `last_s` is the last evaluation at which it was there at all.
    """

    labels: Mapping[str, str]
    pending_s: float | None
    firing_s: float | None
    last_firing_s: float | None


def alerts_seen(series: Iterable[Series]) -> list[Seen]:
    """Return the alerts that Prometheus' own series `ALERTS` tell of."""
    by_alert: dict[tuple[tuple[str, str], ...], dict[str, tuple[float, float]]] = {}
    for one in series:
        labels = {name: text for name, text in one.labels.items() if name not in ("__name__", "alertstate")}
        at = by_alert.setdefault(tuple(sorted(labels.items())), {})
        at[one.labels["alertstate"]] = one.at[0] / 1e9, one.at[-1] / 1e9
    return [
        Seen(
            labels=dict(labels),
            pending_s=min(first for first, _ in at.values()),
            firing_s=at[_FIRING][0] if _FIRING in at else None,
            last_firing_s=at[_FIRING][1] if _FIRING in at else None,
        )
        for labels, at in by_alert.items()
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One duration: what was measured and what the arithmetic says, in seconds; `None` when it never happened."""

    name: str
    predicted_s: float
    measured_s: float | None
    tolerance_s: float

    @property
    def is_within(self) -> bool:
        """Whether it was measured, and within the tolerance."""
        return self.measured_s is not None and abs(self.measured_s - self.predicted_s) <= self.tolerance_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A scene's figures, and findings as sentences without their full stop."""

    scene: Scene
    figures: tuple[Figure, ...]
    findings: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a drill gathered: alerts in Prometheus, notifications, rules that couldn't be evaluated by environment."""

    start_s: float
    until_s: float
    seen: Sequence[Seen]
    notifications: Sequence[Notification]
    broken: Mapping[str, str]


def judge(scene: Scene, labels: Mapping[str, str], evidence: Evidence, receiver: str) -> Shown:
    """Return what a scene showed; `labels` are those of its alerting rule, `receiver` the one that it must reach."""
    here = [one for one in evidence.seen if one.labels.get(ENVIRONMENT) == scene.environment]
    wanted = {**labels, **dict(scene.case.labels)}
    ours = [one for one in here if wanted.items() <= one.labels.items()]
    seen = min(ours, key=lambda one: one.firing_s or math.inf, default=None)
    figures = tuple(_figures(scene, seen, evidence))
    if seen is None:
        why = _broken(scene, evidence) or _what_else(here)
        return Shown(scene=scene, figures=figures, findings=(f"{_cant(scene.kind)}{why}",))
    if scene.kind == "inhibition":
        return Shown(scene=scene, figures=figures, findings=tuple(_inhibition(scene, here, evidence)))
    figures += tuple(_notified(seen, scene, evidence))
    findings = (*_deviations(scene, seen, figures, evidence), *_delivery(scene, seen, here, evidence, receiver))
    return Shown(scene=scene, figures=figures, findings=findings)


def _notified(seen: Seen, scene: Scene, evidence: Evidence) -> Iterator[Figure]:
    """Yield how long after Prometheus fired the notification came; Alertmanager waits one evaluation."""
    came = [one.came_s for one in _of(seen, evidence) if one.status == _FIRING]
    if came and seen.firing_s is not None and scene.fires_s is not None:
        yield Figure(
            name="notified after",
            predicted_s=scene.interval_s,
            measured_s=min(came) - seen.firing_s,
            tolerance_s=INTERVALS * scene.interval_s,
        )


def _of(seen: Seen, evidence: Evidence) -> list[Notification]:
    return [one for one in evidence.notifications if one.labels == seen.labels]


def _deviations(scene: Scene, seen: Seen, figures: Sequence[Figure], evidence: Evidence) -> Iterator[str]:
    begins_s = evidence.start_s + scene.begins_s
    if scene.kind == "detection" and seen.pending_s is not None and seen.pending_s < begins_s:
        yield f"it was there {begins_s - seen.pending_s:.0f} s before the fault"
    yield from (_deviation(figure) for figure in figures if not figure.is_within)


def _inhibition(scene: Scene, here: Sequence[Seen], evidence: Evidence) -> Iterator[str]:
    """Yield what is wrong where something is to be held back: something must be, and no notification of it come."""
    held = [(one, by) for one in here if (by := inhibited_by(one, here, scene.interval_s)) is not None]
    if not held:
        yield "nothing fired that it could hold back"
    for one, by in held:
        if any(came.status == _FIRING for came in _of(one, evidence)):
            yield f"{by} did not hold {one.labels['alertname']} back"


def _broken(scene: Scene, evidence: Evidence) -> str:
    return f": {why}" if (why := evidence.broken.get(scene.environment)) else ""


def _cant(kind: Kind) -> str:
    return "it wasn't firing when the fault ended" if kind == "clearing" else "it can't be made to fire"


def _what_else(here: Sequence[Seen]) -> str:
    names = sorted({one.labels["alertname"] for one in here})
    return f"; in its place came {', '.join(names)}" if names else ""


def _figures(scene: Scene, seen: Seen | None, evidence: Evidence) -> Iterator[Figure]:
    pending, firing, gone = (
        (None, None, None) if seen is None else (seen.pending_s, seen.firing_s, _gone(scene, seen, evidence))
    )
    for name, due_s, at_s, since_s in (
        ("detected after", scene.pending_s, pending, scene.begins_s),
        ("fires after", scene.fires_s, firing, scene.begins_s),
        ("clears after", scene.clears_s, gone, scene.ends_s),
    ):
        if due_s is not None:
            yield Figure(
                name=name,
                predicted_s=due_s - since_s,
                measured_s=None if at_s is None else at_s - evidence.start_s - since_s,
                tolerance_s=INTERVALS * scene.interval_s,
            )


def _gone(scene: Scene, seen: Seen, evidence: Evidence) -> float | None:
    """Return the first evaluation at which it wasn't firing any more."""
    if seen.last_firing_s is None or evidence.until_s < seen.last_firing_s + _SURE * scene.interval_s:
        return None
    return seen.last_firing_s + scene.interval_s


def _deviation(figure: Figure) -> str:
    if figure.measured_s is None:
        return f"it {_NEVER[figure.name]}; predicted after {figure.predicted_s:.0f} s"
    return (
        f"{figure.name} {figure.measured_s:.0f} s, predicted {figure.predicted_s:.0f} s, {INTERVALS} evaluations apart"
        f" are {figure.tolerance_s:.0f} s"
    )


def _delivery(scene: Scene, seen: Seen, here: Sequence[Seen], evidence: Evidence, receiver: str) -> Iterator[str]:
    """Yield what is wrong with the notifications of an alert: each of firing and resolved comes, where it belongs."""
    if seen.firing_s is None or (scene.fires_s is None and scene.clears_s is None):
        return
    came = _of(seen, evidence)
    if inhibited_by(seen, here, scene.interval_s) is not None:
        return
    for status in ("firing", "resolved") if scene.clears_s is not None else ("firing",):
        receivers = {one.receiver for one in came if one.status == status}
        if not receivers:
            yield f"no notification that it is {status} came"
        elif receivers != {receiver}:
            yield f"its notification went to {', '.join(sorted(receivers))}, expected {receiver}"


def inhibited_by(seen: Seen, here: Sequence[Seen], wait_s: float) -> str | None:
    """Return which alert holds this one's notifications back: it fired before, or while Alertmanager waited."""
    for rule in INHIBITIONS:
        if not all(matches(matcher, seen.labels) for matcher in rule.target):
            continue
        for other in here:
            fired = other.firing_s is not None and seen.firing_s is not None and other.firing_s < seen.firing_s + wait_s
            equal = all(other.labels.get(name, "") == seen.labels.get(name, "") for name in rule.equal)
            if other is not seen and fired and equal and all(matches(one, other.labels) for one in rule.source):
                return other.labels["alertname"]
    return None
