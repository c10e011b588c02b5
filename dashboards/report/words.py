"""Numbers and times as people read them: units, thousands separators, and never a rounding that flatters."""

import math
import re
from datetime import UTC, datetime

UNKNOWN = "–"
MAX_TEXT = 2_000

_MAX_DIGITS = 4
_SECOND_NS = 1_000_000_000
# What XML can't hold, and what turns the reading direction of the text after it.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


def plain(text: str, limit: int = MAX_TEXT) -> str:
    """Return `text` with unprintable characters replaced, cut at `limit`."""
    shown = _UNPRINTABLE.sub("�", text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def count(number: float | None) -> str:
    """Return a number with thousands separators: `12,345`, `0.25`, `11.1`."""
    if number is None:
        return UNKNOWN
    if number == int(number):
        return f"{int(number):,}"
    return f"{number:,.1f}" if abs(number) >= 10 else f"{number:.3g}"  # noqa: PLR2004 - three digits say enough


def seconds(value: float | None) -> str:
    """Return a duration in the unit that suits it: `0.42 ms`, `320 ms`, `2.41 s`, `75.0 s`."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    if size == 0:
        return "0 ms"
    if size < 0.0995:  # noqa: PLR2004 - below 100 ms a tenth counts
        return f"{value * 1000:.3g} ms"
    if size < 0.9995:  # noqa: PLR2004 - what would round to 1000 ms is a second
        return f"{value * 1000:.0f} ms"
    return f"{value:,.2f} s" if size < 10 else f"{value:,.1f} s"  # noqa: PLR2004 - three digits say enough


def length(value: float | None) -> str:
    """Return a long duration: `75 s`, `2 min 11 s`, `1 h 5 min`."""
    if value is None:
        return UNKNOWN
    whole = round(value)
    if whole < 120:  # noqa: PLR2004 - two minutes are told in minutes
        return f"{whole} s"
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def percent(ratio: float | None) -> str:
    """Return a ratio as a percentage with two digits of what is left to its nearer end: `99.95 %`, `0.012 %`."""
    if ratio is None:
        return UNKNOWN
    rest = min(abs(ratio), abs(1 - ratio))
    digits = 1 if rest == 0 else min(max(1, 1 - math.floor(math.log10(rest * 100))), _MAX_DIGITS)
    shown = f"{ratio * 100:,.{digits}f}"
    if rest and float(shown.replace(",", "")) in (0, 100):
        return "< 0.0001 %" if ratio < 1 - ratio else "> 99.9999 %"
    return f"{shown.rstrip('0').rstrip('.')} %"


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
