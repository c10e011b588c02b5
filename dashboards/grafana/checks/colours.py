"""Thresholds on every panel, in colours that the colour-blind tell apart, on the scale that the panel has."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from dashboards.grafana.checks.finding import BOARD, Rule, title_of
from dashboards.grafana.queries import panels
from dashboards.grafana.style import BAD, GOOD, NEUTRAL, WARN
from dashboards.grafana.upgrade import Json

# Okabe and Ito's eight (https://jfly.uni-koeln.de/color/), and the grey of what is neither good nor bad.
PALETTE = frozenset({GOOD, WARN, BAD, NEUTRAL, "#000000", "#56B4E9", "#009E73", "#F0E442", "#CC79A7"})
_MODES = frozenset({"thresholds", "palette-classic", "fixed"})
# A ratio of this much is a percentage that was not divided by 100.
_NO_RATIO = 4


def _thresholds(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        for message in _steps_of(defaults, defaults.get("thresholds")):
            yield title_of(panel), message
        for heading, values in _overridden(panel, "thresholds"):
            for message in _steps_of({}, values):
                yield title_of(panel), f"column {heading}: {message}"


def _steps_of(defaults: Json, thresholds: Json | None) -> Iterator[str]:
    steps = (thresholds or {}).get("steps") or []
    if not steps:
        yield "has no thresholds: say at least that there is no limit"
        return
    values = [step["value"] for step in steps]
    if values[0] is not None:
        yield "its thresholds have no base: what is below the first one has no colour"
    limits = [value for value in values if value is not None]
    if any(one >= other for one, other in pairwise(limits)) or None in values[1:]:
        yield f"its thresholds don't ascend: {', '.join(f'{limit:g}' for limit in limits)}"
    yield from _on_scale(defaults, limits)


def _on_scale(defaults: Json, limits: list[float]) -> Iterator[str]:
    least, most = defaults.get("min"), defaults.get("max")
    for limit in limits:
        if (most is not None and limit > most) or (least is not None and limit < least):
            yield f"its threshold {limit:g} is beyond its axis of {_text(least)} to {_text(most)}"
    if least is not None and most is not None and least >= most:
        yield f"its axis runs from {least:g} to {most:g}"
    if defaults.get("unit") == "percentunit":
        for number in (*limits, *(one for one in (least, most) if one is not None)):
            if number > _NO_RATIO:
                yield f"{number:g} of a ratio is {100 * number:g} %: is {number / 100:g} meant?"


def _text(limit: float | None) -> str:
    return "any" if limit is None else f"{limit:g}"


def _colours(dashboard: Json) -> Iterator[tuple[str, str]]:
    for panel in panels(dashboard):
        defaults = panel["fieldConfig"]["defaults"]
        mode = (defaults.get("color") or {}).get("mode")
        if mode not in _MODES:
            yield title_of(panel), f"colour mode {mode!r} is not one of {', '.join(sorted(_MODES))}"
        thresholds = [defaults.get("thresholds"), *(values for _, values in _overridden(panel, "thresholds"))]
        used = [step["color"] for one in thresholds for step in (one or {}).get("steps", [])]
        used += [(defaults.get("color") or {}).get("fixedColor")] if mode == "fixed" else []
        for colour in dict.fromkeys(used):
            if colour not in PALETTE:
                yield title_of(panel), f"colour {colour} is not of the palette that the colour-blind tell apart"
    for annotation in dashboard["annotations"]["list"]:
        if not annotation.get("builtIn") and annotation.get("iconColor") not in PALETTE:
            yield BOARD, f"annotation {annotation['name']}: colour {annotation.get('iconColor')} is not of the palette"


def _overridden(panel: Json, key: str) -> Iterator[tuple[str, Any]]:
    for override in panel["fieldConfig"].get("overrides", []):
        for one in override.get("properties", []):
            if one.get("id") == key:
                yield override["matcher"].get("options", ""), one["value"]


RULES: Mapping[str, Rule] = {"thresholds": _thresholds, "colour": _colours}
