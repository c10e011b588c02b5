"""`exporters.yaml`, format peakproof/exporters/v1: which subjects are exported, and where each reads.

Each subject's part is a model in its own package, and `SUBJECTS` the one table that makes a subject of it. A subject
that answers queries has `pages`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from exporters.context import ExporterContext
from exporters.serving.pages import QueryPage
from exporters.serving.scrape import Subject
from exporters.subjects.cost import subject as cost
from exporters.subjects.cost.config import CostConfig
from exporters.subjects.inventory import subject as inventory
from exporters.subjects.inventory.config import InventoryConfig
from exporters.subjects.loadgen import config as loadgen
from exporters.subjects.loadgen.config import LoadgenConfig
from exporters.subjects.orders import record_sources as orders
from exporters.subjects.orders.config import OrdersConfig
from exporters.subjects.probe.config import ProbeConfig
from exporters.subjects.probe.subject import subject as probe
from exporters.subjects.recovery import subject as recovery
from exporters.subjects.recovery.config import RecoveryConfig
from exporters.subjects.releases import subject as releases
from exporters.subjects.releases.config import ReleasesConfig
from slo.documents import BadInput, Document, read_yaml


class ExportersConfig(Document):
    """The subjects to export, each under its name; `environment` is the label that the scrape configuration sets."""

    format: Literal["peakproof/exporters/v1"]
    inventory: InventoryConfig | None = None
    orders: OrdersConfig | None = None
    recovery: RecoveryConfig | None = None
    probe: ProbeConfig | None = None
    loadgen: LoadgenConfig | None = None
    releases: ReleasesConfig | None = None
    cost: CostConfig | None = None


Make = Callable[[Any, ExporterContext], Subject[Any]]
SUBJECTS: Mapping[str, Make] = MappingProxyType(
    {
        "inventory": inventory.subject,
        "orders": orders.subject_of,
        "recovery": recovery.subject,
        "probe": probe,
        "loadgen": loadgen.subject_of,
        "releases": releases.subject,
        "cost": cost.subject,
    }
)


def names() -> tuple[str, ...]:
    """Return the parts there can be."""
    return tuple(SUBJECTS)


def read_config(path: Path) -> ExportersConfig:
    """Read `exporters.yaml`; raises BadInput, which names file, place, value and what is allowed."""
    config = read_yaml(path, ExportersConfig)
    if not list(_parts(config)):
        raise BadInput(f"{path}: no subject; expected at least one of {', '.join(names())}")
    return config


def subjects(config: ExportersConfig, context: ExporterContext, only: str | None = None) -> list[Subject[Any]]:
    """Return the subjects that are configured, or `only` that one; raises BadInput."""
    parts = dict(_parts(config))
    if only is not None and only not in parts:
        raise BadInput(f"{only}: not in the configuration; there are: {', '.join(parts)}")
    made: list[Subject[Any]] = []
    try:
        for name, part in parts.items():
            if only in (None, name):
                made.append(SUBJECTS[name](part, context))
    except BaseException:
        for one in made:
            one.close()
        raise
    return made


def pages_of(made: Sequence[Subject[Any]]) -> dict[str, QueryPage]:
    """Return the pages by path of those subjects that answer queries of their own, too: they share what they hold."""
    return {path: page for one in made for path, page in getattr(one, "pages", {}).items()}


def _parts(config: ExportersConfig) -> Iterator[tuple[str, object]]:
    return ((name, part) for name in names() if (part := getattr(config, name, None)) is not None)
