"""Every family that Peakproof exposes, by subject: what the reference lists and the tests hold against a scrape."""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType

from exporters.names import load_generator, probe, serving, shop, spans
from exporters.names.family import Family


def families_of(module: ModuleType) -> tuple[Family, ...]:
    """Return the families that a module of names holds, in its order."""
    return tuple(value for value in vars(module).values() if isinstance(value, Family))


FAMILIES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "loadgen": families_of(load_generator),
        "probe": families_of(probe),
        "stock and orders of a run": families_of(shop),
        "spans": families_of(spans),
        "exporter": families_of(serving),
    }
)
