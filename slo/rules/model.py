"""Rules as values: what is recorded, what is alerted on and why; writing them is another module's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from slo.burn_rates import Severity
from slo.rules.signals import Boundary, Case

_ALERT = re.compile(r"[A-Z][A-Za-z0-9]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording rule; `record` is named level:metric:operations as Prometheus' naming practice has it."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alerting rule, and what a person needs when it fires.

    `exporter` is the subject whose metrics feed it (an exporter that is down silences it), None where the shop's own
    metrics do. `reason` says where threshold and `for_s` come from. `runbook` is the page below docs/runbooks/ without
    its `.md`, `dashboard` the uid of the dashboard to open. Every alert has at least one case that makes it fire;
    `boundaries` show where its thresholds lie.
    """

    name: str
    expr: str
    for_s: int
    severity: Severity
    summary: str
    description: str
    reason: str
    runbook: str
    cases: tuple[Case, ...]
    exporter: str | None = None
    dashboard: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    boundaries: tuple[Boundary, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a name that isn't CamelCase, and an alert that nothing shows to fire."""
        if not _ALERT.fullmatch(self.name):
            raise ValueError(f"an alert is named in CamelCase, found {self.name!r}")
        if not self.cases:
            raise ValueError(f"{self.name} has no case that makes it fire")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Recording | Alert, ...]
    interval_s: int | None = None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Its alerting rules."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))
