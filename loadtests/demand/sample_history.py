"""The demo's order history: two made-up years of Twisted Threads, in the shape of a real shop's two.

    orders(day, hour) = SCALE * growth^(years since the start) * week * weekday * hour * Black Friday * rng

The shape is fitted to UCI Online Retail II (Chen 2019, doi:10.24432/C5CG6D), CC BY 4.0: orders of a UK gift shop,
December 2009 to December 2011. That shop knew no Black Friday, sold to shops as well, and shrank by 4 %; its size, the
growth and Black Friday's uplift are made up for the demo.
"""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from statistics import NormalDist

from loadtests.demand.history import Hour
from loadtests.demand.season import black_friday

PATH = Path(__file__).with_name("data") / "twisted_threads_orders.csv"
FIRST_DAY = date(2024, 11, 1)
LAST_DAY = date(2026, 10, 31)
SEED = 20_261_031
# From the real file: an hour's share of its day's orders, all days together.
HOURS = (
    *(0.0,) * 7,
    *(0.0017, 0.0227, 0.0681, 0.1147, 0.1214, 0.1570, 0.1378, 0.1243, 0.1177, 0.0728, 0.0404, 0.0122, 0.0080, 0.0012),
    *(0.0,) * 3,
)
# From the real file: a weekday's orders by the average day's, Monday first. It closed on Saturdays.
WEEKDAYS = (1.124, 1.312, 1.253, 1.438, 1.099, 0.005, 0.769)
# From the real file: an ISO week's orders by the average week's, years 2010 and 2011 together (52 from 2009 and 2010).
WEEKS = (
    *(0.59, 0.70, 0.67, 0.89, 1.03, 0.71, 0.80, 0.88, 0.94, 0.84, 0.87, 0.96, 0.88),
    *(0.79, 0.83, 0.85, 0.82, 0.93, 1.21, 1.14, 1.05, 0.76, 1.12, 0.90, 0.83, 0.83),
    *(0.93, 0.89, 0.91, 0.87, 0.78, 0.85, 0.83, 0.88, 0.74, 0.90, 0.99, 1.21, 1.24),
    *(1.31, 1.29, 1.30, 1.30, 1.57, 1.61, 1.67, 1.65, 1.66, 1.45, 1.21, 0.83, 0.30),
)
# From the real file: 2010-05-25 17:00, a Tuesday, took 69 orders where the season's busiest hour took 43.
ODD_HOUR = datetime(2026, 5, 26, 17)  # noqa: DTZ001 - a shop's local time
ODD_HOUR_BY_PEAK = 69 / 43
# Made up.
SCALE = 16_665.0
GROWTH = 1.27
BLACK_FRIDAY = {0: 1.55, 2: 1.05, 3: 1.3}  # by days since: the Friday, the Sunday, the Monday
PEAK = 9_600
_DAY_SIGMA = 0.06
_HOUR_SIGMA = 0.03


def generate() -> Iterator[Hour]:
    """Yield the hours with orders, by time; the same for every call."""
    rng = random.Random(SEED)  # noqa: S311 - made to be repeated, not to be secret
    for n in range((LAST_DAY - FIRST_DAY).days + 1):
        day = FIRST_DAY + timedelta(days=n)
        orders = SCALE * _level(day) * _noise(rng, _DAY_SIGMA)
        for hour, share in enumerate(HOURS):
            at = datetime.combine(day, time(hour))
            count = round(orders * share * _noise(rng, _HOUR_SIGMA))
            if at == ODD_HOUR:
                count = round(PEAK * ODD_HOUR_BY_PEAK)
            if count:
                yield Hour(at=at, orders=count)


def to_csv() -> str:
    """Return the whole history as the committed file's text."""
    rows = (f"{hour.at:%Y-%m-%dT%H:%M},{hour.orders}\n" for hour in generate())
    return "hour,orders\n" + "".join(rows)


def _level(day: date) -> float:
    years = (day - FIRST_DAY).days / 364  # weeks face weeks: 52 of them are the year that growth counts
    since = (day - black_friday(day.year)).days
    return float(
        GROWTH**years
        * WEEKS[min(day.isocalendar().week, 52) - 1]
        * WEEKDAYS[day.weekday()]
        * BLACK_FRIDAY.get(since, 1.0)
    )


def _noise(rng: random.Random, sigma: float) -> float:
    return 1 + sigma * NormalDist().inv_cdf(min(max(rng.random(), 1e-9), 1 - 1e-9))
