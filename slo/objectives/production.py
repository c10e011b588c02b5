"""What a run would cost in production: the error budget that a peak like it would spend, from the volume declared.

OpenSLO leaves annotations to its readers: `production_events_per_day` is how many of the objective's events production
has on an average day of its window.
"""

from collections.abc import Mapping
from typing import Final

from slo.burn_rates import DAY_S, period_s
from slo.formatting import count, percent

ANNOTATION: Final = "production_events_per_day"
NOT_DECLARED: Final = "what a peak like it would spend in production isn't known: the objective has no annotation " + (
    ANNOTATION
)
_MOST = 1e15


def events_per_day(annotations: Mapping[str, str] | None) -> float | None:
    """Return the events that production has a day, None where it isn't declared; raises ValueError for no number."""
    text = (annotations or {}).get(ANNOTATION)
    if text is None:
        return None
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        value = float("nan")
    if not 0 < value < _MOST:
        raise ValueError(f'{ANNOTATION}: expected a number above 0, such as "250000", found {text!r}')
    return value


def spend(bad: float, compression: float, per_day: float | None, budget: float, window: str) -> tuple[float, str]:
    """Return the share of the window's budget that a peak with so many bad events would spend, and its sentence.

    A run that compresses time plays only a part of the peak's seconds, at the peak's rate: the whole peak would have
    as many times more. The share is nan where production's volume isn't declared.
    """
    if per_day is None:
        return float("nan"), NOT_DECLARED
    allowed = budget * per_day * period_s(window) / DAY_S
    share = bad * compression / allowed
    whose = f"{window} budget in production, at {count(per_day)} events a day"
    if not bad:
        return 0.0, f"no bad event: a peak like this would spend nothing of the {whose}"
    return share, f"a peak like this would spend {percent(share)} of the {whose}"
