"""An exporter whose source can't be read: what it feeds is unknown, and says so itself instead of staying silent."""

from exporters.names.family import SOURCE, Health
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Case, Level, Signal

FOR_S = 300


def alerts(subject: str, sources: tuple[str, ...], scope: Scope) -> tuple[Alert, ...]:
    """Return the alert on a source of `subject` that can't be read; `sources` are their names, at least one."""
    up = Health(subject=subject).up.name
    name = f"{subject.capitalize()}SourceDown"
    case = Case(
        name=f"{subject}-source-down",
        signals=(Signal(metric=up, labels=((SOURCE, sources[0]),), healthy=Level(value=1), faulty=Level(value=0)),),
        fires_after_s=FOR_S,
        clears_after_s=0,
        fault_s=FOR_S + 600,
        labels=((SOURCE, sources[0]),),
    )
    return (
        Alert(
            name=name,
            expr=f"{scope.selector(up)} == 0",
            for_s=FOR_S,
            severity="ticket",
            summary="The {{ $labels.source }} of " + subject + " can't be read.",
            description="What is computed from it is absent, and its alerts can't fire. The exporter's log says why.",
            reason="Five minutes are several scrapes: a restart or one slow answer passes.",
            runbook="exporter-source-down",
            exporter=subject,
            cases=(case,),
        ),
    )
