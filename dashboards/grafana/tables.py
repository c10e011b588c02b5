"""Tables of figures: one row for each set of labels, one column for each figure, from one query each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel, Query
from dashboards.grafana.style import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A column of numbers: `expr` answers with the labels of the table's rows and no other."""

    heading: str
    expr: str
    unit: str = "short"
    thresholds: Thresholds | None = None
    mappings: Mapping[float, str] = field(default_factory=dict)
    links: Sequence[Link] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A column of text: a label that tells the rows apart; `width_px` is 0 for an equal share of what is left."""

    label: str
    heading: str
    links: Sequence[Link] = ()
    width_px: int = 0
    least_px: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By which column rows are sorted, the greatest first or the least."""

    heading: str
    least_first: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a board: the worst row first."""

    title: str
    description: str
    keys: Sequence[Key]
    figures: Sequence[Figure]
    order: Order
    nothing: str = ""
    height: int = 8
    width: int = 0

    def panel(self) -> Panel:
        """Return it as a panel."""
        several = len(self.figures) > 1
        sources = [f"Value #{letter}" if several else "Value" for letter in ascii_uppercase[: len(self.figures)]]
        return Panel(
            title=self.title,
            description=self.description,
            unit="short",
            look=Look.TABLE,
            queries=[Query(expr=figure.expr, legend=figure.heading) for figure in self.figures],
            columns=[
                *(
                    Column(
                        source=key.label,
                        heading=key.heading,
                        links=key.links,
                        width_px=key.width_px,
                        least_px=key.least_px,
                    )
                    for key in self.keys
                ),
                *(_column(source, figure) for source, figure in zip(sources, self.figures, strict=True)),
            ],
            minimum=None,
            nothing=self.nothing,
            height=self.height,
            width=self.width,
            sorted_by=self.order.heading,
            least_first=self.order.least_first,
        )


def _column(source: str, figure: Figure) -> Column:
    return Column(
        source=source,
        heading=figure.heading,
        unit=figure.unit,
        thresholds=figure.thresholds,
        mappings=figure.mappings,
        links=figure.links,
    )
