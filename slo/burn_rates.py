"""Burn-rate windows as data, and the arithmetic of when an alert on them fires and clears.

A burn rate is how fast the error budget is spent, as a multiple of the rate that uses it up exactly over the period.
Source: Google, The Site Reliability Workbook (2018), chapter 5, "Alerting on SLOs", sixth approach.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Severity = Literal["page", "ticket"]
HOUR_S, DAY_S = 3600, 86_400
EVIDENCE = 10
"""How many bad events a window must be able to hold before an alert on it means anything: below one, a single error
is a page."""
SCRAPES = 4
"""How many scrapes the shortest window must hold: a rate takes two, and one may be missed at each end."""
_UNITS_S = {"m": 60, "h": HOUR_S, "d": DAY_S, "w": 7 * DAY_S, "M": 30 * DAY_S, "Q": 90 * DAY_S, "Y": 365 * DAY_S}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """An alert when `share` of the budget is spent in `long_s`, and still being spent over `short_s`."""

    severity: Severity
    share: float
    long_s: int
    short_s: int

    def factor(self, period_s: int) -> float:
        """Return the burn rate that spends `share` in `long_s`, at least 1: below it nothing is spent too fast."""
        return max(1.0, self.share * period_s / self.long_s)


WINDOWS = (
    Window(severity="page", share=0.02, long_s=HOUR_S, short_s=300),
    Window(severity="page", share=0.05, long_s=6 * HOUR_S, short_s=1800),
    Window(severity="ticket", share=0.10, long_s=DAY_S, short_s=2 * HOUR_S),
    Window(severity="ticket", share=0.10, long_s=3 * DAY_S, short_s=6 * HOUR_S),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One pair of windows for one objective: what its alert compares, and how much traffic it takes.

    The guard on traffic is on the long window alone: the short one only says that the errors haven't stopped.
    """

    severity: Severity
    share: float
    factor: float
    budget: float
    long_s: int
    short_s: int

    @property
    def threshold(self) -> float:
        """The error ratio above which it fires."""
        return self.factor * self.budget

    @property
    def min_events(self) -> float:
        """How many events the long window must hold, so that its threshold is `EVIDENCE` bad ones."""
        return EVIDENCE / self.threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPair:
    """Two windows that make no alert for an objective, and why: a sentence without its full stop."""

    long_s: int
    reason: str


def period_s(window: str) -> int:
    """Return the seconds of OpenSLO's duration shorthand, such as 28d; a month is 30 days, a quarter 90, a year 365."""
    match = re.fullmatch(r"([1-9]\d*)([mhdwMQY])", window)
    if match is None:
        raise ValueError(f"expected a whole number and one of m h d w M Q Y, such as 28d, found {window!r}")
    return int(match[1]) * _UNITS_S[match[2]]


def pairs(period: int, budget: float, scrape_interval_s: float) -> tuple[Pair | NoPair, ...]:
    """Return each of `WINDOWS` as a pair for a `budget` over `period` seconds, or why there is none."""
    return tuple(_pair(window, period, budget, scrape_interval_s) for window in WINDOWS)


def _pair(window: Window, period: int, budget: float, scrape_interval_s: float) -> Pair | NoPair:
    factor = round(window.factor(period), 9)
    short_s = max(window.short_s, math.ceil(SCRAPES * scrape_interval_s))
    reason = next(_reasons(window, period, factor * budget, short_s), None)
    if reason is not None:
        return NoPair(long_s=window.long_s, reason=reason)
    return Pair(
        severity=window.severity,
        share=window.share,
        factor=factor,
        budget=budget,
        long_s=window.long_s,
        short_s=short_s,
    )


def _reasons(window: Window, period: int, threshold: float, short_s: int) -> Iterator[str]:
    if threshold >= 1:
        yield f"it can never fire: its error ratio would have to exceed {threshold:.3g}"
    if window.long_s >= period:
        yield "its window is as long as the objective's period"
    if short_s >= window.long_s:
        yield f"{SCRAPES} scrapes take as long as its window"


def detection_s(threshold: float, window_s: float, error_ratio: float, smoothing_s: float = 0.0) -> float:
    """Return how long a sudden, steady `error_ratio` lasts until its mean over `window_s` exceeds `threshold`.

    With steady traffic, from no errors at all; infinity where it never does. Where the mean is taken of rates that are
    themselves means over `smoothing_s`, the errors come in along a ramp of that length.
    """
    if error_ratio <= threshold:
        return math.inf
    lasting = threshold * window_s / error_ratio
    return lasting + smoothing_s / 2 if lasting >= smoothing_s / 2 else math.sqrt(2 * smoothing_s * lasting)


def reset_s(threshold: float, window_s: float, error_ratio: float) -> float:
    """Return how long after the end of a longer `error_ratio` its mean over `window_s` is down to `threshold`."""
    return window_s * (1 - threshold / error_ratio) if error_ratio > threshold else 0.0
