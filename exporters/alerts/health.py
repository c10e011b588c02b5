"""An exporter that is down, or whose source can't be read: what it feeds is unknown, and that says so itself."""

from exporters.names.family import SOURCE, Health
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Absent, Case, Level, Signal

FOR_S = 300
DASHBOARD = "peakproof-exporters"
_SEVERAL_SCRAPES = "Five minutes are several scrapes: a restart or one slow answer passes."


def alerts(subject: str, sources: tuple[str, ...], scope: Scope) -> tuple[Alert, ...]:
    """Return the alerts on the exporter of `subject`, and on its `sources`: their names, at least one."""
    return (_exporter_down(subject, sources[0], scope), _source_down(subject, sources[0], scope))


def _exporter_down(subject: str, source: str, scope: Scope) -> Alert:
    up = Health(subject=subject).up.name
    return Alert(
        name=f"{subject.capitalize()}ExporterDown",
        expr=f"absent({scope.selector(up)})",
        for_s=FOR_S,
        severity="ticket",
        summary=f"Nothing is scraped from the exporter of {subject}.",
        description="It isn't running, Prometheus can't reach it, or its scrape sets no such environment.",
        reason=_SEVERAL_SCRAPES,
        runbook="exporter-source-down",
        exporter=subject,
        dashboard=DASHBOARD,
        cases=(_case(f"{subject}-exporter-down", _signal(up, source, Absent())),),
    )


def _source_down(subject: str, source: str, scope: Scope) -> Alert:
    up = Health(subject=subject).up.name
    return Alert(
        name=f"{subject.capitalize()}SourceDown",
        expr=f"{scope.selector(up)} == 0",
        for_s=FOR_S,
        severity="ticket",
        summary="The {{ $labels.source }} of " + subject + " can't be read.",
        description="What is computed from it is absent, and its alerts can't fire. The exporter's log says why.",
        reason=_SEVERAL_SCRAPES,
        runbook="exporter-source-down",
        exporter=subject,
        dashboard=DASHBOARD,
        cases=(_case(f"{subject}-source-down", _signal(up, source, Level(value=0)), ((SOURCE, source),)),),
    )


def _signal(up: str, source: str, faulty: Level | Absent) -> Signal:
    return Signal(metric=up, labels=((SOURCE, source),), healthy=Level(value=1), faulty=faulty)


def _case(name: str, signal: Signal, labels: tuple[tuple[str, str], ...] = ()) -> Case:
    return Case(name=name, signals=(signal,), fires_after_s=FOR_S, clears_after_s=0, fault_s=FOR_S + 120, labels=labels)
