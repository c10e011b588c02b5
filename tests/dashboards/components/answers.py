"""Answers made up for a panel's queries: the labels that its legend and columns name, values that its unit can have."""

import math
import re
from collections.abc import Iterator

from tests.dashboards.components.rendering import Answer, Json

POINTS = 60
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_SCALES = {"percentunit": 1.0, "s": 2.0, "ms": 900.0, "bytes": 5e8, "decbytes": 5e8}


def made_up(panel: Json, span_ms: tuple[int, int]) -> dict[str, list[Answer]]:
    """Return by refId three series a query that names labels, and one of a query that names none."""
    columns = [name for name in _columns(panel) if not name.startswith("Value")]
    return {
        target["refId"]: list(_series(panel, [*_LABEL.findall(target["legendFormat"]), *columns], place, span_ms))
        for place, target in enumerate(panel["targets"])
    }


def _columns(panel: Json) -> list[str]:
    return [
        name
        for one in panel.get("transformations", [])
        if one["id"] == "filterFieldsByName"
        for name in one["options"]["include"]["names"]
    ]


def _series(panel: Json, labels: list[str], place: int, span_ms: tuple[int, int]) -> Iterator[Answer]:
    scale = _SCALES.get(panel["fieldConfig"]["defaults"].get("unit", ""), 40.0)
    step = (span_ms[1] - span_ms[0]) // POINTS
    for number in range(3 if labels else 1):
        yield Answer(
            labels={label: f"{label}-{number + 1}" for label in labels},
            at=[span_ms[0] + index * step for index in range(POINTS)],
            values=[
                scale * (0.3 + 0.1 * (number + place) + 0.05 * math.sin(index / 6 + number)) for index in range(POINTS)
            ],
        )
