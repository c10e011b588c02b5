"""Panels of stock by location and SKU: numbers, lines by location, and tables of SKUs."""

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel, Query
from dashboards.grafana.promql import at, total
from dashboards.grafana.style import GOOD, NONE_IS_GOOD, WARN, Step, Thresholds, bad_from
from exporters.names import inventory as names
from exporters.names.family import Family, Health

HEALTH = Health(subject="inventory")
INCIDENT = Link(title="Incident", board="incident")
BUSINESS = Link(title="Business", board="business")
NAMED = f'{names.SKU}!="{names.OTHER}"'
TOP = 20
# What is a ticket and no page.
LOOK_AT_ANY = Thresholds(steps=(Step(value=None, colour=GOOD), Step(value=1, colour=WARN)))
# As InventoryStockDrift where nothing else is configured: 10 units are what counting errs by.
DRIFT_LIMITS = bad_from(11, warn=1)
_CHOSEN = f'{names.LOCATION}=~"$location"'
_HEIGHT = 5


def of_chosen(family: Family, *matchers: str) -> str:
    """Return the selector of a family's series at the locations that are chosen."""
    return at(family.name, _CHOSEN, *matchers)


def by_location(family: Family) -> str:
    """Return the sum of a family by location."""
    return total(of_chosen(family), names.LOCATION)


def age_s(family: Family) -> str:
    """Return the age by location of a moment that a family tells."""
    return f"time() - min by ({names.LOCATION}) ({of_chosen(family)})"


def number(
    title: str,
    description: str,
    expr: str,
    legend: str,
    *links: Link,
    thresholds: Thresholds = NONE_IS_GOOD,
    nothing: str = "",
) -> Panel:
    """Return a panel of one number."""
    return Panel(
        title=title,
        description=description,
        unit="short",
        look=Look.NUMBER,
        height=_HEIGHT,
        thresholds=thresholds,
        nothing=nothing,
        queries=[Query(expr=expr, legend=legend)],
        links=links,
    )


def lines(title: str, description: str, expr: str, *, unit: str = "short", nothing: str = "") -> Panel:
    """Return a panel of a line for each location."""
    return Panel(
        title=title,
        description=description,
        unit=unit,
        nothing=nothing,
        queries=[Query(expr=expr, legend="{{location}}")],
        links=[BUSINESS],
    )


def skus(title: str, description: str, figure: Query, nothing: str, *, least_first: bool = False) -> Panel:
    """Return a table of SKUs at locations with one figure, whose heading is its legend."""
    heading = figure.legend
    return Panel(
        title=title,
        description=description,
        unit="short",
        look=Look.TABLE,
        minimum=None,
        nothing=nothing,
        queries=[figure],
        columns=[
            Column(source=names.LOCATION, heading="Location"),
            Column(source=names.SKU, heading="SKU"),
            Column(source="Value", heading=heading, unit="short"),
        ],
        sorted_by=heading,
        least_first=least_first,
        links=[BUSINESS],
    )
