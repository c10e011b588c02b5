"""Panels of bills: amounts by bill and currency, never added up over either."""

from collections.abc import Sequence

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel, Query
from dashboards.grafana.promql import at
from dashboards.grafana.style import Thresholds
from exporters.names import cost as names
from exporters.names.family import SOURCE, Family, Health

HEALTH = Health(subject="cost")
BUSINESS = Link(title="Business", board="business")
LEGEND = "{{source}} {{currency}}"
OF_SERVICE = f"{{{{service_name}}}} ({LEGEND})"
IDENTITY = (Column(source=SOURCE, heading="Bill"), Column(source=names.CURRENCY, heading="Currency"))
_CHOSEN = f'{SOURCE}=~"$bill"'
_BILL = f"{SOURCE}, {names.CURRENCY}"
_HEIGHT = 5
_DECIMALS = {"none": 2, "percentunit": 1}


def by_bill(family: Family, *labels: str) -> str:
    """Return the amounts of a family by bill and currency, and by more labels."""
    return f"sum by ({', '.join((_BILL, *labels))}) ({at(family.name, _CHOSEN)})"


def highest(family: Family, *labels: str) -> str:
    """Return the highest of figures that can't be added up: costs of one, and scores."""
    return f"max by ({', '.join((_BILL, *labels))}) ({at(family.name, _CHOSEN)})"


def age_s(family: Family) -> str:
    """Return the age by bill of a moment that a family tells."""
    return f"time() - min by ({SOURCE}) ({at(family.name, _CHOSEN)})"


def amounts(title: str, description: str, queries: Sequence[Query], *, nothing: str = "", decimals: int = 2) -> Panel:
    """Return a panel of amounts over time."""
    return Panel(
        title=title,
        description=description,
        unit="none",
        decimals=decimals,
        minimum=None,
        nothing=nothing,
        queries=queries,
        links=[BUSINESS],
    )


def number(
    title: str, description: str, query: Query, *, unit: str, thresholds: Thresholds, nothing: str = ""
) -> Panel:
    """Return a panel of one number for each bill."""
    return Panel(
        title=title,
        description=description,
        unit=unit,
        decimals=_DECIMALS.get(unit),
        look=Look.NUMBER,
        height=_HEIGHT,
        thresholds=thresholds,
        nothing=nothing,
        queries=[query],
        links=[BUSINESS],
    )
