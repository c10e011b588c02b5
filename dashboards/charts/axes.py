"""Ticks of an axis: round numbers in the unit that is shown, and round times of the day."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

_SECOND_NS = 1_000_000_000
_WEEK_S = 604_800.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SIXTIES_S = (
    *(15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0, 43_200.0),
    *(86_400.0, 172_800.0, _WEEK_S),
)
_CLOCK_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800)
_BINARY = frozenset({"bytes", "binBps"})
_IN_SECONDS = {"s": 1.0, "ms": 1e-3, "m": 60.0, "h": 3600.0}


def value_ticks(low: float, high: float, unit: str, most: int = 4) -> list[float]:
    """Return round values from `low` to `high`, at most `most` steps of them; durations and bytes in their own way."""
    step = _step((high - low) / most, unit)
    first = math.ceil(low / step - 1e-9)
    return [place * step for place in range(first, math.floor(high / step + 1e-9) + 1)]


def _step(least: float, unit: str) -> float:
    if unit in _BINARY and least > 1:
        power = 1024.0 ** math.floor(math.log(least, 1024))
        return power * _round_step(least / power)
    size_s = least * _IN_SECONDS.get(unit, 0.0)
    if size_s > _STEPS[-1]:
        in_weeks = _WEEK_S * _round_step(size_s / _WEEK_S)
        return next((one for one in _SIXTIES_S if one >= size_s), in_weeks) / _IN_SECONDS[unit]
    return _round_step(least)


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next((step * power for step in _STEPS if step * power >= least * (1 - 1e-9)), 10 * power)


def clock_ticks(start_ns: int, end_ns: int, most: int = 5) -> list[tuple[int, str]]:
    """Return round times of the day (UTC) between two moments in ns, at most `most` steps, each with its label."""
    length_s = (end_ns - start_ns) / _SECOND_NS
    every = next((one for one in _CLOCK_S if one >= length_s / most), _CLOCK_S[-1])
    first, last = math.ceil(start_ns / _SECOND_NS / every), end_ns // _SECOND_NS // every
    shape = "%H:%M:%S" if every < 60 else "%H:%M" if every < _CLOCK_S[-2] else "%m-%d"  # noqa: PLR2004 - a minute
    moments: Sequence[int] = [place * every for place in range(first, last + 1)]
    return [(at * _SECOND_NS, f"{datetime.fromtimestamp(at, tz=UTC):{shape}}") for at in moments]
