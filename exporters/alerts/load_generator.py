"""What is alerted on from the load generator's exporter: a gate that failed, and one that wasn't run.

That no run is under way is the usual state, so there is no alert on a source that can't be read.
"""

from exporters.names import load_generator as names
from exporters.subjects.loadgen.config import LoadgenConfig
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Absent, Ago, Boundary, Case, Level, Signal

SUBJECT = "loadgen"
REPEAT_S = 3600
OVERDUE_FOR_S = 900


def alerts(config: LoadgenConfig, scope: Scope) -> tuple[Alert, ...]:
    """Return the alerts on the gate of one environment."""
    overdue = () if config.judged_every_s is None else (_overdue(config.judged_every_s, scope),)
    return (_failed(scope), *overdue)


def _failed(scope: Scope) -> Alert:
    failed = scope.selector(names.GATE_OUTCOME.name, f'{names.OUTCOME}="fail"')
    case = Case(
        name="load-test-gate-failed",
        signals=(
            Signal(
                metric=names.GATE_OUTCOME.name,
                labels=((names.OUTCOME, "fail"),),
                healthy=Level(value=0),
                faulty=Level(value=1),
            ),
        ),
        fires_after_s=REPEAT_S,
        clears_after_s=0,
        fault_s=REPEAT_S + 300,
        labels=((names.OUTCOME, "fail"),),
    )
    return Alert(
        name="LoadTestGateFailed",
        expr=f"{failed} == 1",
        for_s=REPEAT_S,
        severity="ticket",
        summary="The last load test failed its gate, and none has passed since.",
        description="What was tested must not be released; its report says which objective or promise was missed.",
        reason="Who ran it saw it end; an hour is time to run it again, and after that nobody may be looking.",
        runbook="load-test-gate-failed",
        exporter=SUBJECT,
        cases=(case,),
        boundaries=(_passed(),),
    )


def _passed() -> Boundary:
    """Return a gate that passed: another outcome than a failure."""
    passed = Level(value=1)
    signal = Signal(metric=names.GATE_OUTCOME.name, labels=((names.OUTCOME, "pass"),), healthy=passed, faulty=passed)
    return Boundary(name="load-test-gate-passed", signals=(signal,), fires=False, fault_s=2 * REPEAT_S)


def _overdue(every_s: float, scope: Scope) -> Alert:
    case = Case(
        name="load-test-overdue",
        signals=(
            Signal(metric=names.GATE_TIME.name, healthy=Ago(seconds=every_s / 2), faulty=Ago(seconds=every_s + 60)),
        ),
        fires_after_s=OVERDUE_FOR_S,
        clears_after_s=0,
        fault_s=OVERDUE_FOR_S + 300,
    )
    judged_at = scope.selector(names.GATE_TIME.name)
    return Alert(
        name="LoadTestOverdue",
        expr=f"time() - {judged_at} > {every_s:g} or {every_s:g} * absent({judged_at})",
        for_s=OVERDUE_FOR_S,
        severity="ticket",
        summary="No load test has been judged for {{ $value | humanizeDuration }}, or none ever.",
        description="What was shown to hold then may hold no more: releases and data have changed since.",
        reason=f"The configuration wants a verdict every {every_s:g} s; a quarter of an hour lets a late one end.",
        runbook="load-test-overdue",
        exporter=SUBJECT,
        cases=(case,),
        boundaries=(
            case.near("not-yet", {names.GATE_TIME.name: Ago(seconds=0.95 * every_s)}, fires=False),
            case.near("never", {names.GATE_TIME.name: Absent()}, fires=True),
        ),
    )
