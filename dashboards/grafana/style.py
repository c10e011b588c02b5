"""Colours and thresholds of the dashboards: told apart by the colour-blind, and never by colour alone.

The palette is Okabe and Ito's (https://jfly.uni-koeln.de/color/): blue, orange and vermilion differ in lightness, too.
Its blue is lighter here: on Grafana's panels a small figure in it has a contrast of 4.1:1 by day and by night, where
theirs, #0072B2, has 3.3:1 in the dark.
"""

from dataclasses import dataclass, replace

GOOD, WARN, BAD, NEUTRAL = "#1A82C4", "#E69F00", "#D55E00", "#8E8E8E"
# Of series that are known beforehand. Those that a label names have Grafana's palette: its own for the colour-blind is
# newer than many a Grafana, which an unknown palette would keep from showing the page.
SERIES = ("#1A82C4", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From `value` on (None: from the lowest) a figure is shown in `colour`."""

    value: float | None
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The steps of a panel, the lowest first; `drawn` also draws them as lines over time."""

    steps: tuple[Step, ...]
    drawn: bool = False


NO_LIMIT = Thresholds(steps=(Step(value=None, colour=NEUTRAL),))


def bad_from(value: float, *, warn: float | None = None) -> Thresholds:
    """Return thresholds of a figure that is good below `warn` and bad from `value` on; drawn."""
    warning = () if warn is None else (Step(value=warn, colour=WARN),)
    return Thresholds(
        steps=(Step(value=None, colour=GOOD), *warning, Step(value=value, colour=BAD)),
        drawn=True,
    )


def good_from(value: float, *, warn: float | None = None) -> Thresholds:
    """Return thresholds of a figure that is bad below `warn` (or `value`) and good from `value` on; drawn."""
    warning = () if warn is None else (Step(value=warn, colour=WARN),)
    return Thresholds(
        steps=(Step(value=None, colour=BAD), *warning, Step(value=value, colour=GOOD)),
        drawn=True,
    )


# Anything but none is bad.
NONE_IS_GOOD = bad_from(1)
# The same of a rate, down to one in twelve days; a line for it would lie on the axis.
NO_RATE_IS_GOOD = replace(bad_from(1e-6), drawn=False)
ONE_IS_GOOD = good_from(1)
