"""Where panels are: Grafana shows one behind another, or a hole, without a word."""

from collections.abc import Iterator, Mapping
from itertools import combinations

from dashboards.grafana.checks.finding import Rule, title_of
from dashboards.grafana.panels import COLUMNS
from dashboards.grafana.upgrade import Json

_LEAST_WIDTH, _LEAST_HEIGHT = 3, 3


def _duplicate_ids(dashboard: Json) -> Iterator[tuple[str, str]]:
    seen: dict[int, Json] = {}
    top = dashboard.get("panels", [])
    for panel in [*top, *(inner for row in top for inner in row.get("panels", []))]:
        first = seen.setdefault(panel["id"], panel)
        if first is not panel:
            yield title_of(panel), f"id {panel['id']} is also that of {title_of(first)!r}"


def _overlaps(dashboard: Json) -> Iterator[tuple[str, str]]:
    for one, other in combinations(dashboard.get("panels", []), 2):
        if _touch(one["gridPos"], other["gridPos"]):
            yield title_of(other), f"overlaps {title_of(one)!r}"


def _touch(one: Json, other: Json) -> bool:
    apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return _beside(one, other) and not apart_y


def _beside(one: Json, other: Json) -> bool:
    return bool(one["x"] + one["w"] > other["x"] and other["x"] + other["w"] > one["x"])


def _grid(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in dashboard.get("panels", []):
        place = panel["gridPos"]
        if place["x"] + place["w"] > COLUMNS:
            yield title_of(panel), f"reaches beyond the {COLUMNS} columns"
        if place["x"] < 0 or place["y"] < 0:
            yield title_of(panel), "begins outside the grid"
        if panel.get("type") != "row" and (place["w"] < _LEAST_WIDTH or place["h"] < _LEAST_HEIGHT):
            yield title_of(panel), f"is {place['w']} wide and {place['h']} high: under {_LEAST_WIDTH} it can't be read"
        if not _rests(place, dashboard["panels"]):
            yield title_of(panel), f"nothing is above it in line {place['y']}: the rows have a hole"


def _rests(place: Json, panels: list[Json]) -> bool:
    above = [one["gridPos"] for one in panels]
    return place["y"] <= 0 or any(one["y"] + one["h"] == place["y"] and _beside(one, place) for one in above)


RULES: Mapping[str, Rule] = {"duplicate-id": _duplicate_ids, "overlap": _overlaps, "grid": _grid}
