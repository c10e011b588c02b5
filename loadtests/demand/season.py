"""The season: its days in each year, and which weeks of two years correspond.

Weeks run from Monday to Sunday and are numbered from the week of Black Friday (the day after November's fourth
Thursday), which is week 0. So weekdays match weekdays, and the busiest week the busiest week, whatever the date.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from slo.documents import BadInput

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Season:
    """The days from `first` to `last`, both included, as (month, day) within one calendar year."""

    first: tuple[int, int] = (11, 1)
    last: tuple[int, int] = (12, 24)

    def __post_init__(self) -> None:
        for bound in (self.first, self.last):
            date(2001, *bound)  # a year without a 29 February; raises ValueError
        if not self.first < self.last:
            raise ValueError("a season must begin before it ends, within one calendar year")

    def __str__(self) -> str:
        return "{:02}-{:02} to {:02}-{:02}".format(*self.first, *self.last)

    def days(self, year: int) -> tuple[date, date]:
        """Return its first and last day in `year`."""
        return date(year, *self.first), date(year, *self.last)

    def __contains__(self, at: datetime) -> bool:
        return self.first <= (at.month, at.day) <= self.last

    def weeks(self, year: int, first: date, last: date) -> dict[int, date]:
        """Return the Mondays, by week number, of its weeks that lie whole between `first` and `last` too."""
        begins, ends = self.days(year)
        return whole_weeks(year, max(begins, first), min(ends, last))


def parse_season(first: str, last: str) -> Season:
    """Read the bounds `11-01` and `12-24` (month-day); raises BadInput when they make no season."""
    try:
        return Season(first=_month_day(first), last=_month_day(last))
    except ValueError as error:
        raise BadInput(
            "season: expected two days like 11-01 and 12-24, in order within one year,"
            f" found {first!r:.20} and {last!r:.20}"
        ) from error


def black_friday(year: int) -> date:
    """Return the day after the fourth Thursday of November."""
    november = date(year, 11, 1)
    return november + timedelta(days=(3 - november.weekday()) % 7 + 22)


def whole_weeks(year: int, first: date, last: date) -> dict[int, date]:
    """Return the Mondays of the weeks that lie whole from `first` to `last`, numbered by `year`'s Black Friday."""
    zero = black_friday(year) - timedelta(days=4)
    monday = first + timedelta(days=-first.weekday() % 7)
    weeks = {}
    while monday + _WEEK - timedelta(days=1) <= last:
        weeks[(monday - zero) // _WEEK] = monday
        monday += _WEEK
    return weeks


def _month_day(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{2})-([0-9]{2})", text)
    if match is None:
        raise ValueError(f"not a month and a day: {text!r}")
    return int(match[1]), int(match[2])
