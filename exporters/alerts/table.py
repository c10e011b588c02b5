"""Which alerts there are beyond the objectives': for each subject of a configuration, its worries and its health."""

from collections.abc import Callable, Mapping
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


def groups(config: ExportersConfig, scope: Scope) -> tuple[Group, ...]:
    """Return a group of alerts for each subject that is configured."""
    found = ((name, getattr(config, name, None), of) for name, of in ALERTS.items())
    return tuple(
        Group(name=f"peakproof-{name}-{scope.environment}", rules=of(part, scope))
        for name, part, of in found
        if part is not None
    )
