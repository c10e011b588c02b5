"""Which measurements there are: a module each, whose `measure` returns its figures or raises EnvironmentLacks."""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import MappingProxyType

from scripts.benches.exporters.bench import Bench
from scripts.benches.figures import Figure
from slo.outcomes import EnvironmentLacks

Measure = Callable[[Bench], Sequence[Figure]]
_HERE = "scripts.benches.exporters"
MEASUREMENTS: Mapping[str, str] = MappingProxyType(
    {
        "exposition": f"{_HERE}.exposition",  # 50k and 200k series against prometheus-client
        "million": f"{_HERE}.million",  # a million series scraped by Prometheus
        "hanging": f"{_HERE}.hanging",  # /metrics while a source hangs
        "inventory": f"{_HERE}.inventory",  # 200k SKUs at five locations, from PostgreSQL
        "detection": f"{_HERE}.detection",  # measured against predicted time to detect, every alert
        "mutants": f"{_HERE}.mutants",  # rules that were changed on purpose, and were caught
    }
)


def measurement(name: str) -> Measure:
    """Return the measurement `name`; raises EnvironmentLacks when this checkout hasn't got it."""
    if find_spec(MEASUREMENTS[name]) is None:
        raise EnvironmentLacks("this checkout hasn't got the measurement")
    found: Measure = import_module(MEASUREMENTS[name]).measure
    return found
