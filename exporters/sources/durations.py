"""Durations of a configuration, written as Prometheus writes them: `90s`, `15m`, `24h`, `30d`, `1h30m`."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_UNITS_S = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:(?P<{unit}>\d{{1,6}}){unit})?" for unit in _UNITS_S), re.ASCII)
_PATTERN = "^" + "".join(rf"(\d{{1,6}}{unit})?" for unit in _UNITS_S) + "$"
_LONGEST_S = 10 * 366 * 86_400


def seconds_of(text: object) -> int:
    """Return the seconds of a duration such as `1h30m`; raises ValueError for anything else, and for zero."""
    found = _DURATION.fullmatch(text) if isinstance(text, str) and text else None
    if found is None:
        raise ValueError("expected a duration such as 90s, 15m, 24h, 30d or 1h30m")
    seconds = sum(int(found[unit] or 0) * size for unit, size in _UNITS_S.items())
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError("expected a duration of at least 1s and at most ten years")
    return seconds


Seconds = Annotated[
    int, BeforeValidator(seconds_of), WithJsonSchema({"type": "string", "pattern": _PATTERN, "examples": ["24h"]})
]
"""A duration in a configuration, in seconds once it is read."""


def shown(seconds: float) -> str:
    """Return a duration in the largest unit in which it is a whole number, else in seconds."""
    whole = round(seconds)
    unit = next((unit for unit, size in _UNITS_S.items() if unit != "w" and whole and whole % size == 0), "s")
    return f"{whole // _UNITS_S[unit]}{unit}"
