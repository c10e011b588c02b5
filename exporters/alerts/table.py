"""Which alerts there are beyond the objectives': for each subject of a configuration, its worries and its health."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from exporters.alerts import cost, inventory, load_generator, orders, probe, recovery, releases
from exporters.config import ExportersConfig
from slo.rules.model import Alert, Group
from slo.rules.scope import Scope

ALERTS: Mapping[str, Callable[[Any, Scope], tuple[Alert, ...]]] = MappingProxyType(
    {
        "inventory": inventory.alerts,
        "orders": orders.alerts,
        "recovery": recovery.alerts,
        "probe": probe.alerts,
        "loadgen": load_generator.alerts,
        "releases": releases.alerts,
        "cost": cost.alerts,
    }
)


# The uid of the dashboard to open; an alert that names one of its own keeps it.
DASHBOARDS: Mapping[str, str] = MappingProxyType(
    {
        "inventory": "peakproof-inventory",
        "orders": "peakproof-business",
        "recovery": "peakproof-recovery",
        "probe": "peakproof-exporters",
        "loadgen": "peakproof-peak-run",
        "releases": "peakproof-releases",
        "cost": "peakproof-cost",
    }
)


def groups(config: ExportersConfig, scope: Scope) -> tuple[Group, ...]:
    """Return a group of alerts for each subject that is configured."""
    found = ((name, getattr(config, name, None), of) for name, of in ALERTS.items())
    return tuple(
        Group(
            name=f"peakproof-{name}-{scope.environment}",
            rules=tuple(replace(one, dashboard=one.dashboard or DASHBOARDS[name]) for one in of(part, scope)),
        )
        for name, part, of in found
        if part is not None
    )
