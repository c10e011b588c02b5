"""Which measurements there are: each returns its figures, or raises EnvironmentLacks."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from scripts.benches.exporters import detection, exposition, hanging, inventory, million, mutants
from scripts.benches.exporters.bench import Bench
from scripts.benches.figures import Figure
from slo.outcomes import EnvironmentLacks

Measure = Callable[[Bench], Sequence[Figure]]


def _inventory(bench: Bench) -> Sequence[Figure]:
    try:
        return inventory.figures(runs=bench.repeat)
    except FileNotFoundError as error:
        raise EnvironmentLacks(str(error)) from error


def _mutants(_: Bench) -> Sequence[Figure]:
    promtool = shutil.which("promtool")
    if promtool is None:
        raise EnvironmentLacks("no promtool on this machine: apt-get install prometheus")
    return mutants.measure(mutants.Tried(), promtool)


MEASUREMENTS: Mapping[str, Measure] = MappingProxyType(
    {
        "exposition": exposition.measure,  # 50k and 200k series against prometheus-client
        "million": million.measure,  # a million series scraped by Prometheus
        "hanging": hanging.measure,  # /metrics while a source hangs
        "inventory": _inventory,  # 200k SKUs at five locations, from PostgreSQL
        "detection": detection.measure,  # measured against predicted time to fire, every alert
        "mutants": _mutants,  # rules that were changed on purpose, and were caught
    }
)
