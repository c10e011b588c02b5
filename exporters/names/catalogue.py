"""Every family that Peakproof exposes, by subject: what the reference lists and the tests hold against a scrape."""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from exporters.names import cost, inventory, load_generator, orders, probe, recovery, releases, serving, shop, spans
from exporters.names.family import Family


def families_of(module: ModuleType) -> tuple[Family, ...]:
    """Return the families that a module of names holds, in its order."""
    return tuple(value for value in vars(module).values() if isinstance(value, Family))


FAMILIES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "inventory": families_of(inventory),
        "orders": families_of(orders),
        "recovery": families_of(recovery),
        "probe": families_of(probe),
        "releases": families_of(releases),
        "cost": families_of(cost),
        "loadgen": families_of(load_generator),
        "stock and orders of a run": families_of(shop),
        "spans": families_of(spans),
        "exporter": families_of(serving),
    }
)
