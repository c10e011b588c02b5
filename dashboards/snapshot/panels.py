"""A panel of a dashboard with its data, ready for the page: the same title, unit, thresholds, legend and words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dashboards.charts.lines import Axis, Plot, Tick, TimeRange, plot, styles_of
from dashboards.formatting import clock
from dashboards.grafana.style import SERIES
from dashboards.grafana.upgrade import Json
from dashboards.snapshot import figures, tables
from dashboards.snapshot.answers import Answer, Series, Source
from dashboards.snapshot.figures import Figure, Style
from dashboards.snapshot.links import Address, Anchor, anchors
from dashboards.stored_answers import legend

MAX_DRAWN = 20
NO_DATA = "no data"
ENDED_NS = 60_000_000_000
# A column of the grid on a screen of 1366 px, a panel's edges, and a letter of a title.
_COLUMN_PX, _EDGES_PX, _LETTER_PX, _LINK_LETTERS = 54, 30, 7.2, 4
# A chart of fewer columns has room for every second moment only.
_WIDE_ENOUGH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One series: how it is called, its last value, and what is drawn of it."""

    name: str
    figure: Figure
    style: str = ""
    filled_percent: float = 0
    links: Sequence[Anchor] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table; a text that is wider than `width_px` is cut, 0 for none."""

    figure: Figure
    is_number: bool
    width_px: int = 0
    links: Sequence[Anchor] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelView:
    """A panel as the page shows it; `nothing` is what an empty one says, `notes` what else must be known."""

    kind: str
    title: str
    description: str
    place: Mapping[str, int]
    items: Sequence[Item] = ()
    plot: Plot | None = None
    headings: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = ()
    nothing: str = ""
    notes: Sequence[str] = ()
    links: Sequence[Anchor] = ()

    @property
    def has_room(self) -> bool:
        """Whether the links stand beside the title, without covering it."""
        letters = len(self.title) + _LINK_LETTERS + sum(len(one.title) + _LINK_LETTERS for one in self.links)
        return letters * _LETTER_PX <= self.place["w"] * _COLUMN_PX - _EDGES_PX

    @property
    def times(self) -> Sequence[Tick]:
        """The moments on the time axis for which there is room."""
        known = self.plot.times if self.plot else ()
        return known if self.place["w"] >= _WIDE_ENOUGH else known[::2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A series with its name in the legend."""

    name: str
    ref: str
    series: Series


def panel_view(panel: Json, source: Source, address: Address) -> PanelView:
    """Return `panel` with the data that `source` has for it; raises ValueError on a panel that isn't understood."""
    answers = {target["refId"]: source.answer(target) for target in panel["targets"]}
    problems = sorted({answer.problem for answer in answers.values() if answer.problem})
    style = figures.style_of(panel["fieldConfig"]["defaults"], source.span.end_ns / 1e9)
    view = _Panel(panel=panel, answers=answers, style=style, span=source.span, address=address)
    if not any(one.points for answer in answers.values() for one in answer.series):
        return view.empty(problems)
    match panel["type"]:
        case "timeseries":
            return view.lines(problems)
        case "stat":
            return view.numbers(problems)
        case "bargauge":
            return view.bars(problems)
        case "table":
            return view.table(problems)
        case unknown:
            raise ValueError(f"panel {panel['title']!r}: type {unknown!r} is not understood")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    panel: Json
    answers: Mapping[str, Answer]
    style: Style
    span: TimeRange
    address: Address

    def empty(self, problems: Sequence[str]) -> PanelView:
        said = self.panel["fieldConfig"]["defaults"].get("noValue")
        if problems:
            return self._view("empty", nothing=NO_DATA, notes=problems)
        return self._view("empty", nothing=said or NO_DATA, notes=["no series in this time"] if said else ())

    def lines(self, problems: Sequence[str]) -> PanelView:
        drawn, notes = self._drawn()
        defaults = self.panel["fieldConfig"]["defaults"]
        styles = styles_of([self._colours().get(one.ref) for one in drawn])
        shown = self.style.limits if defaults["custom"]["thresholdsStyle"]["mode"] != "off" else ()
        made = plot(
            [(style, one.series.points) for style, one in zip(styles, drawn, strict=True)],
            self.span,
            Axis(
                unit=self.style.unit,
                minimum=defaults.get("min"),
                maximum=defaults.get("max"),
                decimals=self.style.decimals,
            ),
            shown,
        )
        items = [self._item(one, style) for style, one in zip(styles, drawn, strict=True)]
        out_of_sight = [f"outside of the chart: {figures.in_words(self.style, made.unseen)}"] if made.unseen else []
        return self._view("lines", items=items, plot=made, notes=[*problems, *notes, *out_of_sight])

    def _colours(self) -> Mapping[str, int]:
        """Return the colours that queries are given, as places in SERIES by refId."""
        given = {
            one["matcher"]["options"]: each["value"]["fixedColor"]
            for one in self.panel["fieldConfig"]["overrides"]
            for each in one["properties"]
            if each["id"] == "color"
        }
        return {ref: SERIES.index(colour) for ref, colour in given.items() if colour in SERIES}

    def numbers(self, problems: Sequence[str]) -> PanelView:
        drawn, notes = self._drawn()
        items = [self._item(one) for one in drawn]
        return self._view("number", items=items, notes=[*problems, *notes, *self._limits()])

    def bars(self, problems: Sequence[str]) -> PanelView:
        drawn, notes = self._drawn()
        defaults = self.panel["fieldConfig"]["defaults"]
        low = defaults.get("min") or 0
        lasts = [one.series.last for one in drawn]
        finite = [value for value in lasts if value is not None and math.isfinite(value)]
        high = defaults.get("max") or max(finite, default=0)
        items = [self._item(one, filled=_part(last, low, high)) for one, last in zip(drawn, lasts, strict=True)]
        return self._view("bars", items=items, notes=[*problems, *notes, *self._limits()])

    def table(self, problems: Sequence[str]) -> PanelView:
        made = tables.table(self.panel, {ref: answer.series for ref, answer in self.answers.items()})
        overrides = {
            one["matcher"]["options"]: {each["id"]: each["value"] for each in one["properties"]}
            for one in self.panel["fieldConfig"]["overrides"]
        }
        styles = {
            one.source: figures.style_of(overrides.get(one.heading, {}), self.span.end_ns / 1e9, self.style)
            for one in made.columns
        }
        links = {one.source: overrides.get(one.heading, {}).get("links", ()) for one in made.columns}
        widths = {one.source: overrides.get(one.heading, {}).get("custom.width", 0) for one in made.columns}
        renamed = {one.heading: one.source for one in made.columns}
        rows = [
            [replace(_cell(row.get(one.source), styles[one.source], self._anchors(links[one.source], row, renamed)),
                     width_px=widths[one.source])
             for one in made.columns]
            for row in made.rows
        ]  # fmt: skip
        return self._view("table", headings=[one.heading for one in made.columns], rows=rows, notes=problems)

    def _anchors(self, links: Sequence[Json], row: tables.Row, renamed: Mapping[str, str]) -> list[Anchor]:
        """Return the links that choose what stands in the row, on another board."""
        by_heading = {heading: row[source] for heading, source in renamed.items() if source in row}
        texts = {name: value for name, value in {**row, **by_heading}.items() if isinstance(value, str)}
        bare = anchors(links, {}, self.address)
        return [one for one in anchors(links, texts, self.address) if one not in bare]

    def _drawn(self) -> tuple[list[Named], list[str]]:
        """Return the series to draw, the highest where there are too many, and what is left out in words."""
        named = [
            Named(name=legend(target["legendFormat"], one.labels), ref=target["refId"], series=one)
            for target in self.panel["targets"]
            for one in self.answers[target["refId"]].series
            if one.points
        ]
        total = len(named) + sum(answer.left_out for answer in self.answers.values())
        edge = sorted(map(_highest, named), reverse=True)[:MAX_DRAWN][-1]
        kept = [one for one in named if _highest(one) >= edge][:MAX_DRAWN]
        return kept, [f"the {len(kept)} highest of {total} series"] if len(kept) < total else []

    def _item(self, one: Named, style: str = "", filled: float = 0) -> Item:
        last = one.series.last
        return Item(
            name=one.name + self._ended(one.series),
            figure=Figure(text=NO_DATA) if last is None else self.style.figure(last),
            style=style,
            filled_percent=filled,
            links=self._chosen(one.series.labels),
        )

    def _ended(self, one: Series) -> str:
        """Return until when a series was there, empty of one that still is: its last value is none of now."""
        at = one.points[-1][0]
        return "" if at >= self.span.end_ns - ENDED_NS else f" (until {clock(at)})"

    def _limits(self) -> list[str]:
        return [figures.in_words(self.style, self.style.limits)] if self.style.limits else []

    def _chosen(self, labels: Mapping[str, str]) -> list[Anchor]:
        """Return the links that choose the series' own values on another board."""
        links = self.panel["fieldConfig"]["defaults"].get("links", ())
        bare = anchors(links, {}, self.address)
        return [one for one in anchors(links, labels, self.address) if one not in bare]

    def _plain(self, shown: Sequence[Anchor]) -> list[Anchor]:
        """Return the links of the panel and of its columns that no series or row has for itself."""
        config = self.panel["fieldConfig"]
        links = list(config["defaults"].get("links", ()))
        for one in config["overrides"]:
            links += [link for each in one["properties"] if each["id"] == "links" for link in each["value"]]
        found = {one.href: one for one in anchors(links, {}, self.address)}
        return [one for one in found.values() if one.title not in {each.title for each in shown}]

    def _view(  # noqa: PLR0913 - what a panel may have
        self,
        kind: str,
        *,
        items: Sequence[Item] = (),
        plot: Plot | None = None,
        headings: Sequence[str] = (),
        rows: Sequence[Sequence[Cell]] = (),
        nothing: str = "",
        notes: Sequence[str] = (),
    ) -> PanelView:
        return PanelView(
            kind=kind,
            title=self.panel["title"],
            description=self.panel["description"],
            place=self.panel["gridPos"],
            items=items,
            plot=plot,
            headings=headings,
            rows=rows,
            nothing=nothing,
            notes=notes,
            links=self._plain(
                [link for item in items for link in item.links]
                + [link for row in rows for cell in row for link in cell.links]
            ),
        )


def _cell(value: tables.Cell | None, style: Style, links: Sequence[Anchor]) -> Cell:
    match value:
        case None:
            return Cell(figure=Figure(text="–"), is_number=False)
        case str():
            word = style.words.get(value, value)
            return Cell(figure=Figure(text=word), is_number=False, links=links)
        case _:
            return Cell(figure=style.figure(value), is_number=True, links=links)


def _highest(one: Named) -> float:
    return max((value for _, value in one.series.points if math.isfinite(value)), default=-math.inf)


def _part(value: float | None, low: float, high: float) -> float:
    if value is None or math.isnan(value) or high <= low:
        return 0.0
    return round(100 * (min(max(value, low), high) - low) / (high - low), 1)
