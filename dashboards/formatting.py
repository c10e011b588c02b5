"""Numbers and times as people read them: units, thousands separators, and never a rounding that flatters."""

import re
from datetime import UTC, datetime

from slo import formatting

UNKNOWN = "–"
MAX_TEXT = 2_048
_SECOND_NS = 1_000_000_000
# What XML can't hold, and what turns the reading direction of the text after it.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` with unprintable characters replaced, cut at `limit`."""
    shown = _UNPRINTABLE.sub("�", text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def count(number: float | None) -> str:
    """Return a number as `slo.formatting.count` writes it, an unknown one as a dash."""
    return UNKNOWN if number is None else formatting.count(number)


def seconds(value: float | None) -> str:
    """Return a duration as `slo.formatting.seconds` writes it, an unknown one as a dash."""
    return UNKNOWN if value is None else formatting.seconds(value)


def percent(ratio: float | None) -> str:
    """Return a ratio as `slo.formatting.percent` writes it, an unknown one as a dash."""
    return UNKNOWN if ratio is None else formatting.percent(ratio)


def length(value: float | None) -> str:
    """Return a long duration: `75 s`, `2 min 11 s`, `1 h 5 min`."""
    if value is None:
        return UNKNOWN
    whole = round(value)
    if whole < 120:  # noqa: PLR2004 - from two minutes on, in minutes
        return f"{whole} s"
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def moment(at_ns: int | None) -> str:
    """Return a point in time: `2026-11-27 12:31:05 UTC`."""
    return UNKNOWN if not at_ns else f"{_datetime(at_ns):%Y-%m-%d %H:%M:%S} UTC"


def clock(at_ns: int) -> str:
    """Return the time of day: `12:31:05`."""
    return f"{_datetime(at_ns):%H:%M:%S}"


def elapsed(value: float) -> str:
    """Return seconds since the start as `m:ss` or `h:mm:ss`."""
    whole = round(value)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _datetime(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // _SECOND_NS, tz=UTC)
