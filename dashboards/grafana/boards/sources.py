"""The panel that every exporter's board ends with: which of its sources were read."""

from collections.abc import Mapping
from types import MappingProxyType

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel, Query
from dashboards.grafana.promql import at
from dashboards.grafana.style import ONE_IS_GOOD
from exporters.names.family import SOURCE, Health

EXPORTERS = Link(title="Exporters", board="exporters")
READ: Mapping[float, str] = MappingProxyType({0: "failed", 1: "succeeded"})


def sources(health: Health, what: str) -> Panel:
    """Return a table of an exporter's sources; `what` says in a sentence what they are."""
    return Panel(
        title="Sources",
        description=f"{what} Whether the last read of each succeeded, and how long it took. What isn't read is "
        "missing above, and not zero.",
        unit="short",
        look=Look.TABLE,
        queries=[
            Query(expr=f"min by ({SOURCE}) ({at(health.up.name)})", legend="read"),
            Query(expr=f"max by ({SOURCE}) ({at(health.duration.name)})", legend="took"),
        ],
        columns=[
            Column(source=SOURCE, heading="Source", links=[EXPORTERS]),
            Column(source="Value #A", heading="Last read", mappings=READ, thresholds=ONE_IS_GOOD),
            Column(source="Value #B", heading="Took", unit="s"),
        ],
    )
