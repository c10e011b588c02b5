"""A table panel's rows: the answers of its queries through its transformations, as Grafana applies them.

Understood are those that boards use (`dashboards/grafana/panels.py`): merge, filterFieldsByName, organize. What Grafana
does is stated at https://grafana.com/docs/grafana/latest/panels-visualizations/query-transform-data/transform-data/.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.grafana.upgrade import Json
from dashboards.snapshot.answers import Series

Cell = str | float
Row = Mapping[str, Cell]
TIME, VALUE = "Time", "Value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as it is shown: the field it comes from, and its heading."""

    source: str
    heading: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns, and rows by the columns' sources; rows hold the fields that aren't shown, too."""

    columns: Sequence[Column]
    rows: Sequence[Row]


def table(panel: Json, answers: Mapping[str, Sequence[Series]]) -> Table:
    """Return the table of `panel`; `answers` are the series of each query by its refId."""
    several = len(panel["targets"]) > 1
    frames = [_frame(series, f"{VALUE} #{ref}" if several else VALUE) for ref, series in answers.items()]
    transformations = {one["id"]: one["options"] for one in panel.get("transformations", ())}
    unknown = transformations.keys() - {"merge", "filterFieldsByName", "organize"}
    if unknown:
        raise ValueError(f"panel {panel['title']!r}: transformation {min(unknown)!r} is not understood")
    rows = merged(frames)
    columns = _columns(transformations, list(dict.fromkeys(name for row in rows for name in row)))
    return Table(columns=columns, rows=_sorted(rows, columns, panel["options"].get("sortBy") or ()))


def _frame(series: Sequence[Series], value: str) -> list[Row]:
    return [{TIME: float(one.points[-1][0]), **one.labels, value: one.points[-1][1]} for one in series if one.points]


def merged(frames: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows of all frames, those as one that agree in all fields that they share.

    Rows are looked for among those that agree in the fields that every frame has.
    """
    filled = [frame for frame in frames if frame]
    if not filled:
        return []
    shared = set.intersection(*({name for row in frame for name in row} for frame in filled))
    found: dict[tuple[Cell | None, ...], list[dict[str, Cell]]] = {}
    rows: list[dict[str, Cell]] = []
    for row in (row for frame in filled for row in frame):
        alike = found.setdefault(tuple(row.get(name) for name in sorted(shared)), [])
        matching = [one for one in alike if all(one.get(name, value) == value for name, value in row.items())]
        for one in matching:
            one.update(row)
        if not matching:
            alike.append(dict(row))
            rows.append(alike[-1])
    return list(rows)


def _columns(transformations: Mapping[str, Json], known: Sequence[str]) -> list[Column]:
    included = transformations.get("filterFieldsByName", {}).get("include", {}).get("names")
    organized = transformations.get("organize", {})
    excluded, order = organized.get("excludeByName", {}), organized.get("indexByName", {})
    headings = organized.get("renameByName", {})
    names = [name for name in (known if included is None else included) if not excluded.get(name)]
    return [
        Column(source=name, heading=headings.get(name) or name)
        for name in sorted(names, key=lambda name: order.get(name, len(order)))
    ]


def _sorted(rows: Sequence[Row], columns: Sequence[Column], sorting: Sequence[Json]) -> Sequence[Row]:
    for by in sorting:
        source = next((one.source for one in columns if one.heading == by["displayName"]), by["displayName"])
        ranked = [(row.get(source), row) for row in rows]
        known = sorted(
            ((value, row) for value, row in ranked if value is not None),
            key=lambda pair: (isinstance(pair[0], str), pair[0]),
            reverse=bool(by.get("desc")),
        )
        rows = [row for _, row in known] + [row for value, row in ranked if value is None]
    return rows
