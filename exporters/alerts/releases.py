"""What a release should not be: in service without a passed gate, failing more often than agreed, or never judged.

How often is deployed, how long a change takes and how long recovering takes are watched on the dashboard and are no
alerts: a quiet week is no fault, and a failure in service pages by the objectives.
"""

from exporters.alerts import health
from exporters.names import releases as names
from exporters.subjects.releases.config import ReleasesConfig
from exporters.subjects.releases.subject import EVERY_S, NAME, source_names
from slo.rules.model import Alert
from slo.rules.scope import Scope
from slo.rules.signals import Case, Level, Signal
from slo.statistics import ALPHA, lower_bad_ratio

SEVERAL_READS_S = int(5 * EVERY_S)
UNDECIDED_IN_A_ROW = 3
_MARGIN_S = 120
_SEVERAL = "Five minutes are several reads: one odd answer passes."


def alerts(config: ReleasesConfig, scope: Scope) -> tuple[Alert, ...]:
    """Return the alerts on what `config` reads; those on sources that it doesn't name are left out."""
    made: list[Alert] = []
    if config.gates is not None:
        made += [_without_gate(config, scope), _undecided(scope)]
    if config.change_failure_objective is not None:
        made.append(_failing(config, config.change_failure_objective, scope))
    return (*made, *health.alerts(NAME, source_names(config), scope))


def _case(name: str, *signals: Signal, labels: tuple[tuple[str, str], ...] = ()) -> Case:
    return Case(
        name=f"releases-{name}",
        signals=signals,
        fires_after_s=SEVERAL_READS_S,
        clears_after_s=0,
        fault_s=SEVERAL_READS_S + _MARGIN_S,
        labels=labels,
    )


def _without_gate(config: ReleasesConfig, scope: Scope) -> Alert:
    place = ((names.DEPLOYED_TO, config.deployed_to[0]),)
    passed = Signal(metric=names.GATE_PASSED.name, labels=place, healthy=Level(value=1), faulty=Level(value=0))
    return Alert(
        name="ReleasedWithoutGate",
        expr=f"{scope.selector(names.GATE_PASSED.name)} == 0",
        for_s=SEVERAL_READS_S,
        severity="ticket",
        summary="What is deployed to {{ $labels.deployed_to }} has passed no gate.",
        description="Nobody has shown that this release holds the load: no passed verdict names its version or commit.",
        reason=f"A release has passed or it hasn't. {_SEVERAL}",
        runbook="released-without-gate",
        exporter=NAME,
        cases=(_case("without-gate", passed, labels=place),),
    )


def _undecided(scope: Scope) -> Alert:
    row = Signal(
        metric=names.UNDECIDED.name, healthy=Level(value=UNDECIDED_IN_A_ROW - 1), faulty=Level(value=UNDECIDED_IN_A_ROW)
    )
    return Alert(
        name="GatesUndecided",
        expr=f"{scope.selector(names.UNDECIDED.name)} >= {UNDECIDED_IN_A_ROW}",
        for_s=SEVERAL_READS_S,
        severity="ticket",
        summary="The last {{ $value }} gates ended without a decision.",
        description="Each says in its verdict what would settle it. A gate that never decides stops being looked at.",
        reason="One undecided gate is repeated, and a second may be bad luck; the third in a row has a cause that "
        f"repeating doesn't mend. {_SEVERAL}",
        runbook="gates-undecided",
        exporter=NAME,
        cases=(_case("gates-undecided", row),),
    )


def _failing(config: ReleasesConfig, objective: float, scope: Scope) -> Alert:
    place = ((names.DEPLOYED_TO, config.deployed_to[0]),)
    deployments = 40
    good, bad = (lower_bad_ratio(count, deployments) for count in _either_side(objective, deployments))
    low = Signal(metric=names.FAILURE_RATIO_LOW.name, labels=place, healthy=Level(value=good), faulty=Level(value=bad))
    limit = Signal(metric=names.FAILURE_OBJECTIVE.name, healthy=Level(value=objective), faulty=Level(value=objective))
    return Alert(
        name="ChangeFailureRateHigh",
        expr=f"{scope.selector(names.FAILURE_RATIO_LOW.name)} > on () group_left () "
        f"max({scope.selector(names.FAILURE_OBJECTIVE.name)})",
        for_s=SEVERAL_READS_S,
        severity="ticket",
        summary="More of the releases to {{ $labels.deployed_to }} fail than agreed.",
        description="Too many of the window's deployments needed a rollback or caused an incident.",
        reason="Compared is not the ratio but the lower end of its one-sided interval of "
        f"{1 - ALPHA:.0%} (Clopper-Pearson), so that two failures of three deployments prove what they can and no "
        f"more. {_SEVERAL}",
        runbook="change-failure-rate-high",
        exporter=NAME,
        cases=(_case("change-failure-rate-high", low, limit, labels=place),),
    )


def _either_side(objective: float, deployments: int) -> tuple[int, int]:
    """Return the most failures whose lower bound keeps the objective, and one more."""
    most = max(count for count in range(deployments) if lower_bad_ratio(count, deployments) <= objective)
    return most, most + 1
