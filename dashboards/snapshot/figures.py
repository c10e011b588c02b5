"""A value as a panel shows it: its unit, its word where it has one, and how good its thresholds say that it is."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dashboards.charts.lines import Limit
from dashboards.grafana.style import BAD, GOOD, NEUTRAL, WARN
from dashboards.grafana.upgrade import Json
from dashboards.units import in_unit

TONES: Mapping[str, str] = MappingProxyType({GOOD: "good", WARN: "warn", BAD: "bad", NEUTRAL: ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value as text, and a CSS class: good, warn, bad, or none."""

    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How values of one panel, or of one of its columns, are shown."""

    unit: str = ""
    decimals: int | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Limit] = ()
    now_s: float | None = None

    def figure(self, value: float) -> Figure:
        """Return `value` as it is shown."""
        text = self.words.get(f"{value:.15g}") or in_unit(value, self.unit, self.decimals, now_s=self.now_s)
        tone = "" if math.isnan(value) else next((one.tone for one in reversed(self.steps) if value >= one.value), "")
        return Figure(text=text, tone=tone)

    @property
    def limits(self) -> Sequence[Limit]:
        """The steps that are limits: all but the lowest."""
        return [one for one in self.steps if math.isfinite(one.value)]


def style_of(settings: Json, now_s: float, otherwise: Style | None = None) -> Style:
    """Return the style that a panel's defaults, or an override's properties by their ids, ask for."""
    given = otherwise or Style(now_s=now_s)
    thresholds = settings.get("thresholds")
    return Style(
        unit=settings.get("unit", given.unit),
        decimals=settings.get("decimals", given.decimals),
        words=_words(settings["mappings"]) if "mappings" in settings else given.words,
        steps=_steps(thresholds["steps"]) if thresholds else given.steps,
        now_s=now_s,
    )


def in_words(style: Style, limits: Sequence[Limit]) -> str:
    """Return limits as words: `warn from 1 s, bad from 2 s`."""
    return ", ".join(f"{one.tone or 'another colour'} from {_limit(style, one.value)}" for one in limits)


def _limit(style: Style, value: float) -> str:
    number, shown = in_unit(value, style.unit, style.decimals), style.figure(value).text
    return number if number == shown else f"{number} ({shown})"


def _words(mappings: Sequence[Json]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for mapping in mappings:
        if mapping["type"] == "value":
            found |= {value: option["text"] for value, option in mapping["options"].items() if option.get("text")}
    return found


def _steps(steps: Sequence[Mapping[str, Any]]) -> Sequence[Limit]:
    return [
        Limit(value=-math.inf if step["value"] is None else step["value"], tone=TONES.get(step["color"], ""))
        for step in steps
    ]
