"""The periods of a budget that follows the calendar: which one a moment lies in.

OpenSLO counts them from a `startTime` in a `timeZone` (https://openslo.com/specification#slo); without one they begin
with the calendar's own months, weeks, quarters and years, in UTC.
"""

import calendar
from datetime import UTC, datetime, timedelta

from slo.burn_rates import period_s

NS = 1_000_000_000
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_YEAR = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)


def period_at(window: str, at: int, first: datetime | None = None) -> tuple[int, int]:
    """Return the start and the end (ns) of the period of that length around a moment (ns), counted from `first`."""
    begins = first or (_MONDAY if window.endswith("w") else _YEAR)
    number = int((at / NS - begins.timestamp()) // period_s(window))
    while _start(window, number, begins) > at:
        number -= 1
    while _start(window, number + 1, begins) <= at:
        number += 1
    return _start(window, number, begins), _start(window, number + 1, begins)


def _start(window: str, number: int, first: datetime) -> int:
    """Return when a period starts: at the same time of day in its zone, on the last day where a month is too short."""
    count, unit = number * int(window[:-1]), window[-1]
    if unit in "mh":
        return (round(first.timestamp()) + count * period_s(f"1{unit}")) * NS
    if unit in _MONTHS:
        year, month = divmod(first.year * 12 + first.month - 1 + count * _MONTHS[unit], 12)
        day = min(first.day, calendar.monthrange(year, month + 1)[1])
        return round(first.replace(year=year, month=month + 1, day=day).timestamp()) * NS
    return round((first + timedelta(days=count * (7 if unit == "w" else 1))).timestamp()) * NS
