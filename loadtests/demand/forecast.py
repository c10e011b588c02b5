"""The forecast of the coming season's busiest hour, from the last season and the growth between two.

    growth = Σ orders of matched weeks, last season / Σ the same weeks, the season before
    unseen = earlier season's busiest hour / its busiest hour in the days the last season's history covers   (≥ 1)
    middle = last season's busiest hour * unseen * growth

Only hours of the season count: a bot's or a wholesaler's odd hour in May, however large, is named and left out.

The interval is 5 % to 95 % of 4,000 draws with a fixed seed. Each draws weeks with replacement, matched ones for the
growth and the last season's for the busiest hour, then a Poisson count of that mean. It knows how far both rest on
single weeks and how an hour scatters; it can't know a growth that breaks with the past. A growth that isn't known is
1, drawn evenly on a log scale between 1/1.5 and 1.5, which is an assumption, and named as one.

Orders per session are counted over last season's busy hours (at least half the busiest hour's orders), as shoppers
buy more often in a sale than on a quiet night; unknown when the history holds no sessions for any of them.
"""

import json
import math
import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from loadtests.demand.history import History, Hour
from loadtests.demand.season import Season, whole_weeks
from slo.documents import BadInput, Document, read_json, validate
from slo.special_functions import special

FORMAT: Final = "peakproof/forecast/v1"
_DRAWS = 4_000
_SEED = 20_261_127
_UNKNOWN_GROWTH = 1.5
_MIN_MATCHED_WEEKS = 2
_RECENT = timedelta(weeks=9)
_DISAGREES = 1.1
_ODD_HOUR = 1.5
_BUSY = 0.5
_MAX_NAMED = 10


class _Part(Document):
    model_config = ConfigDict(strict=True)


class BusyHour(_Part):
    """An hour of the history and its orders."""

    at: Annotated[datetime, Field(strict=False)]
    orders: int = Field(ge=0)


class Growth(_Part):
    """Season on season: the ratio of `weeks` matched weeks, and 5 % to 95 % of it; `weeks` is 0 when it isn't known."""

    ratio: float = Field(gt=0)
    low: float = Field(ge=0)
    high: float = Field(gt=0)
    weeks: int = Field(ge=0)
    recent_ratio: float | None = Field(default=None, description="the last nine weeks on the same weeks a year before")


class OrdersPerSession(_Part):
    """What share of sessions ends in an order: `orders` by `sessions` of the `hours` busy hours that have both."""

    ratio: float = Field(gt=0, le=1)
    orders: int = Field(gt=0)
    sessions: int = Field(gt=0)
    hours: int = Field(gt=0)


class Forecast(_Part):
    """The busiest hour that season `year` is expected to bring, in orders, and what it rests on."""

    format: Literal["peakproof/forecast/v1"]
    source: str
    season: str
    year: int
    last_season: int
    last_season_ends: Annotated[date, Field(strict=False)]
    truncated: bool
    peak: BusyHour
    unseen: float = Field(ge=1)
    growth: Growth
    low_orders_per_hour: float = Field(ge=0)
    mid_orders_per_hour: float = Field(gt=0)
    high_orders_per_hour: float = Field(gt=0)
    method: str
    orders_per_session: OrdersPerSession | None = Field(
        default=None, description="in last season's busy hours; null when the history has no sessions for them"
    )
    busiest_day: Annotated[date, Field(strict=False)]
    busiest_day_shape: Annotated[tuple[float, ...], Field(strict=False, min_length=24, max_length=24)]
    larger_out_of_season: Annotated[tuple[BusyHour, ...], Field(strict=False, max_length=_MAX_NAMED)]
    larger_out_of_season_count: int = Field(ge=0)
    notes: Annotated[tuple[str, ...], Field(strict=False)]

    def to_json(self) -> str:
        """Return the document, the same text for the same forecast."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str = "forecast") -> "Forecast":
        """Read what `to_json` wrote; raises BadInput naming `source` when it is anything else."""
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{source}: not JSON: {error}") from error
        return validate(data, cls, source)


def read_forecast(path: Path) -> Forecast:
    """Read the forecast at `path`; raises BadInput that lists every error."""
    return read_json(path, Forecast)


def forecast(history: History, season: Season | None = None) -> Forecast:
    """Forecast the season after the last one that `history` covers by half or more.

    Raises BadInput when it covers no season by half, or the last one had no orders.
    """
    seasons = _Seasons(history=history, season=season or Season())
    year = seasons.last_season()
    hours = seasons.hours(year)
    peak = max(hours, key=lambda hour: hour.orders, default=None)
    if peak is None or not peak.orders:
        raise BadInput(f"{history.source}: no orders in the season {seasons.season} of {year}")
    rng = random.Random(_SEED)  # noqa: S311 - a forecast is to be repeated, not to be secret
    pairs = seasons.matched_weeks(year)
    growths = _drawn_growths(pairs, rng)
    unseen = seasons.unseen(year)
    peaks = _drawn_peaks(hours, rng)
    draws = _drawn_counts(np.array(peaks) * unseen * np.array(growths), rng)
    ratio = _ratio(pairs) if pairs else 1.0
    day, shape = _busiest_day(hours)
    larger = seasons.larger_out_of_season(peak.orders)
    growth = Growth(
        ratio=ratio,
        low=_quantile(growths, 0.05),
        high=_quantile(growths, 0.95),
        weeks=len(pairs),
        recent_ratio=seasons.recent_ratio(),
    )
    mid = round(peak.orders * unseen * ratio, 1)
    return Forecast(
        format=FORMAT,
        source=history.source,
        season=str(seasons.season),
        year=year + 1,
        last_season=year,
        last_season_ends=min(seasons.season.days(year)[1], history.last_day),
        truncated=seasons.truncated(year),
        peak=_busy(peak),
        unseen=unseen,
        growth=growth,
        low_orders_per_hour=min(_quantile(draws, 0.05), mid),
        mid_orders_per_hour=mid,
        high_orders_per_hour=max(_quantile(draws, 0.95), mid),
        method=_METHOD if pairs else _METHOD_UNKNOWN_GROWTH,
        orders_per_session=_orders_per_session(hours, peak.orders),
        busiest_day=day,
        busiest_day_shape=shape,
        larger_out_of_season=tuple(_busy(hour) for hour in larger[:_MAX_NAMED]),
        larger_out_of_season_count=len(larger),
        notes=tuple(_notes(seasons, year, peak, growth)),
    )


_METHOD = (
    "last season's busiest hour times season-on-season growth of matched weeks;"
    " 5 % to 95 % by bootstrap over weeks and Poisson scatter of the hour"
)
_METHOD_UNKNOWN_GROWTH = (
    "last season's busiest hour, growth not known: taken as 1, and as 1/1.5 to 1.5 for the interval, an assumption;"
    " 5 % to 95 % by bootstrap over weeks and Poisson scatter of the hour"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seasons:
    """A history cut into seasons: the last one, its hours, and the weeks that match the season before."""

    history: History
    season: Season

    def last_season(self) -> int:
        for year in range(self.history.last_day.year, self.history.first_day.year - 1, -1):
            first, last = self.season.days(year)
            covered = (min(last, self.history.last_day) - max(first, self.history.first_day)).days + 1
            if 2 * covered >= (last - first).days + 1:
                return year
        raise BadInput(
            f"{self.history.source}: rows from {self.history.first_day} to {self.history.last_day} cover no season"
            f" {self.season} by half; a forecast needs one"
        )

    def hours(self, year: int) -> tuple[Hour, ...]:
        return self.history.between(*self.season.days(year))

    def truncated(self, year: int) -> bool:
        # A shop that closes a few days early isn't a history that was cut: hence only what ends with the history.
        return self.history.last_day < self.season.days(year)[1]

    def matched_weeks(self, year: int) -> list[tuple[int, int]]:
        """(orders before, orders in `year`) of the whole weeks that both seasons have; [] when too few."""
        known = self.history.first_day, self.history.last_day - timedelta(days=1)  # the last day may be cut short
        after = self.season.weeks(year, *known)
        before = self.season.weeks(year - 1, *known)
        by_day = self._by_day()
        pairs = [(_week(by_day, before[n]), _week(by_day, after[n])) for n in sorted(before.keys() & after.keys())]
        usable = len(pairs) >= _MIN_MATCHED_WEEKS and all(sum(side) for side in zip(*pairs, strict=True))
        return pairs if usable else []

    def unseen(self, year: int) -> float:
        """How much higher the season before went after the day of the year on which `year`'s history was cut."""
        if not self.truncated(year):
            return 1.0
        before = self.hours(year - 1)
        cut = self.history.last_day.month, self.history.last_day.day
        covered = max((hour.orders for hour in before if (hour.at.month, hour.at.day) <= cut), default=0)
        return max(hour.orders for hour in before) / covered if covered else 1.0

    def recent_ratio(self) -> float | None:
        """Return the ratio of the last nine whole weeks to the weeks 52 weeks before; None without them."""
        last = self.history.last_day - timedelta(days=1)
        mondays = whole_weeks(last.year, last - _RECENT, last).values()
        year = timedelta(weeks=52)
        if not mondays or min(mondays) - year < self.history.first_day:
            return None
        by_day = self._by_day()
        before = sum(_week(by_day, monday - year) for monday in mondays)
        after = sum(_week(by_day, monday) for monday in mondays)
        return round(after / before, 4) if before else None

    def larger_out_of_season(self, orders: int) -> list[Hour]:
        larger = [hour for hour in self.history.hours if hour.orders > orders and hour.at not in self.season]
        return sorted(larger, key=lambda hour: -hour.orders)

    def _by_day(self) -> Counter[date]:
        by_day: Counter[date] = Counter()
        for hour in self.history.hours:
            by_day[hour.at.date()] += hour.orders
        return by_day


def _week(by_day: Counter[date], monday: date) -> int:
    return sum(by_day[monday + timedelta(days=n)] for n in range(7))


def _ratio(pairs: list[tuple[int, int]]) -> float:
    before, after = map(sum, zip(*pairs, strict=True))
    return after / before if before and after else 1.0


def _drawn_growths(pairs: list[tuple[int, int]], rng: random.Random) -> list[float]:
    if not pairs:
        return [math.exp((2 * rng.random() - 1) * math.log(_UNKNOWN_GROWTH)) for _ in range(_DRAWS)]
    return [_ratio([pairs[int(rng.random() * len(pairs))] for _ in pairs]) for _ in range(_DRAWS)]


def _drawn_peaks(hours: tuple[Hour, ...], rng: random.Random) -> list[int]:
    """Busiest hours of seasons made of the given one's calendar weeks, drawn with replacement."""
    peaks: dict[tuple[int, int], int] = {}
    for hour in hours:
        week = hour.at.isocalendar()[:2]
        peaks[week] = max(peaks.get(week, 0), hour.orders)
    tops = [peaks[week] for week in sorted(peaks)]
    return [max(tops[int(rng.random() * len(tops))] for _ in tops) for _ in range(_DRAWS)]


def _drawn_counts(means: NDArray[np.float64], rng: random.Random) -> NDArray[np.float64]:
    """Draw one Poisson count of each mean, by its quantile: `scipy.stats` takes longer to import than a forecast."""
    counts: NDArray[np.float64] = np.ceil(special().pdtrik([rng.random() for _ in means], means))
    return counts


def _busiest_day(hours: tuple[Hour, ...]) -> tuple[date, tuple[float, ...]]:
    days: Counter[date] = Counter()
    for hour in hours:
        days[hour.at.date()] += hour.orders
    day = max(days, key=lambda day: days[day])
    orders = {hour.at.hour: hour.orders for hour in hours if hour.at.date() == day}
    return day, tuple(round(orders.get(n, 0) / days[day], 6) for n in range(24))


def _notes(seasons: _Seasons, year: int, peak: Hour, growth: Growth) -> list[str]:
    notes = []
    if seasons.truncated(year):
        notes.append(f"the season of {year} is cut short: the history ends on {seasons.history.last_day}")
    if not growth.weeks:
        notes.append(f"growth is not known: {year - 1} and {year} share fewer than {_MIN_MATCHED_WEEKS} whole weeks")
    recent = growth.recent_ratio
    if recent and growth.weeks and max(recent / growth.ratio, growth.ratio / recent) > _DISAGREES:
        notes.append(
            f"the last weeks went {recent:.2f} times the same weeks a year before, the season {growth.ratio:.2f} times:"
            " the forecast takes the season's"
        )
    earlier = [hour for hour in seasons.history.hours if hour.at in seasons.season and hour.at.year < year]
    highest = max(earlier, key=lambda hour: hour.orders, default=peak)
    if highest.orders > peak.orders:
        notes.append(f"an earlier season went higher: {highest.orders} orders on {highest.at:%Y-%m-%d %H:00}")
    others = [hour.orders for hour in seasons.hours(year) if hour.at.date() != peak.at.date()]
    if others and peak.orders > _ODD_HOUR * max(others):
        notes.append(
            f"the busiest hour {peak.at:%Y-%m-%d %H:00} has {peak.orders / max(others):.1f} times"
            " the orders of any other day's: check that it is real"
        )
    return notes


def _orders_per_session(hours: tuple[Hour, ...], peak: int) -> OrdersPerSession | None:
    busy = [(hour.orders, hour.sessions) for hour in hours if hour.sessions and hour.orders >= _BUSY * peak]
    if not busy:
        return None
    orders, sessions = map(sum, zip(*busy, strict=True))
    return OrdersPerSession(ratio=float(f"{orders / sessions:.6g}"), orders=orders, sessions=sessions, hours=len(busy))


def _busy(hour: Hour) -> BusyHour:
    return BusyHour(at=hour.at, orders=hour.orders)


def _quantile(values: object, q: float) -> float:
    return round(float(np.quantile(np.asarray(values, dtype=np.float64), q)), 4)
