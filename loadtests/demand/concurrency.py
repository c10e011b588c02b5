"""How many sessions are under way at the peak: what a run needs accounts for.

Little's law: sessions that come at `rate` and last `session_s` on average are `rate * session_s` at once on average.
They come independently of each other, so how many are under way is Poisson distributed (M/G/∞), however the lengths of
the sessions are spread. Workers share the sessions and the accounts evenly, and none lends another any: each needs room
for its own busiest moments.
"""

import math
from dataclasses import dataclass

import numpy as np

from loadtests.demand.plan import Plan
from loadtests.demand.visits import visits_of
from slo.special_functions import special

REPLY_S = 1.0
_MOMENTS = 0.999
_DEVIATIONS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What the peak of a plan needs at once: `rate` sessions a second of `session_s` on average need `accounts`."""

    rate: float
    session_s: float
    accounts: int


def session_s(plan: Plan, reply_s: float = REPLY_S) -> float:
    """Return how long a session lasts on average: its steps at `reply_s` each, and a think time between any two.

    Raises ValueError while a journey's visits aren't counted.
    """
    visits, think_s = visits_of(plan), plan.think_time.mean_s
    total_s = 0.0
    for journey, share in plan.journeys.items():
        if share and journey not in visits:
            raise ValueError(f"the steps of journey {journey} are not given")
        steps = math.fsum(visits.get(journey, {}).values())
        total_s += share * (steps * reply_s + max(0.0, steps - 1) * think_s)
    return total_s


def accounts_needed(plan: Plan, share: float, workers: int = 1, reply_s: float = REPLY_S) -> Need:
    """Return how many accounts a `share` of the plan's sessions needs.

    With so many no session lacks one in 99.9 % of the peak's moments. Never more than the sessions of the whole plan.
    Raises ValueError while a journey's visits aren't counted.
    """
    rate = share * plan.demand.peak_sessions_per_s * max(max(phase.level or (0.0,)) for phase in plan.phases)
    lasts_s = session_s(plan, reply_s)
    each = _quantile(rate * lasts_s / workers)
    most = math.ceil(share * plan.curve().total)
    return Need(rate=rate, session_s=lasts_s, accounts=min(each * workers, most) if share else 0)


def _quantile(mean: float) -> int:
    """Return the least number that a Poisson variable of that mean doesn't exceed with the probability 0.999."""
    numbers = np.arange(math.ceil(mean + _DEVIATIONS * math.sqrt(mean) + _DEVIATIONS))
    return int(np.argmax(special().pdtr(numbers, mean) >= _MOMENTS))
