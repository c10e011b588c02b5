"""Burn-rate windows as data, and the arithmetic of when an alert on them fires and clears.

A burn rate is how fast the error budget is spent, as a multiple of the rate that uses it up exactly over the period.
Source: Google, The Site Reliability Workbook (2018), chapter 5, "Alerting on SLOs", sixth approach.
"""

import math
from dataclasses import dataclass
from typing import Literal

Severity = Literal["page", "ticket"]
HOUR_S, DAY_S = 3600, 86_400


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


def detection_s(threshold: float, window_s: float, error_ratio: float) -> float:
    """Return how long a sudden, steady `error_ratio` lasts until its mean over `window_s` exceeds `threshold`.

    With steady traffic, from no errors at all; infinity where it never does.
    """
    return math.inf if error_ratio <= threshold else threshold * window_s / error_ratio


def reset_s(threshold: float, window_s: float, error_ratio: float) -> float:
    """Return how long after the end of a longer `error_ratio` its mean over `window_s` is down to `threshold`."""
    return window_s * (1 - threshold / error_ratio) if error_ratio > threshold else 0.0
