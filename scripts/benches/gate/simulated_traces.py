"""Simulated traces for the causes' test: self times with heavy tails, sides of several sizes, a shop under load.

A trace has 8 spans, 25 ms in all; three of them wait for a resource.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter
from scipy.special import stdtrit

from loadtests.demand.plan import FORMAT, Plan
from slo.causes.comparison import Floats, Side

BASE_MS = np.array([8.0, 5, 3, 3, 2, 2, 1, 1])
SPANS = len(BASE_MS)
SLOWER = 5
"""The span that a bad release slows."""
GREW_MS = 0.3 * float(BASE_MS.sum())
# Traces and whole blocks of the reference, and of the judged time: as many a block, for the level is the same.
SIZES: Mapping[str, tuple[tuple[int, int], tuple[int, int]]] = {
    "20/200": ((20, 4), (200, 40)),
    "50/200": ((50, 4), (200, 16)),
    "125/850": ((125, 4), (850, 27)),
    "200/2,000": ((200, 4), (2000, 40)),
}
_WAIT = [0, 2, 4]
_USED, _MOST_USED = 0.7, 0.95
_FILLS_S = 5  # the run begins with nobody in the shop, and this is how long the demo's sessions last
_TRACES_PER_S = 5
Bools = npt.NDArray[np.bool_]
Random = np.random.Generator
Noise = Callable[[Random, int], Floats]


def _log_normal(sigma: float) -> Noise:
    return lambda random, traces: random.lognormal(-sigma * sigma / 2, sigma, (traces, SPANS))


def _sometimes(chance: float, times: float) -> Noise:
    """Return self times of which some are many times as long: a cold cache, a lost packet."""

    def draw(random: Random, traces: int) -> Floats:
        long = np.where(random.random((traces, SPANS)) < chance, times, 1.0) / (1 + chance * (times - 1))
        return np.asarray(random.lognormal(-0.125, 0.5, (traces, SPANS)) * long, dtype=np.float64)

    return draw


NOISES: Mapping[str, Noise] = {
    "log-normal, sigma 1": _log_normal(1),
    "log-normal, sigma 1.5": _log_normal(1.5),
    "log-normal, sigma 2": _log_normal(2),
    "1 % of spans x 50": _sometimes(0.01, 50),
    "5 % of spans cold, x 10": _sometimes(0.05, 10),
}


def sides(random: Random, noise: Noise, size: str) -> tuple[Side, Side]:
    """Return both sides of a clean release, each trace in a block at random."""
    first, second = (
        Side(self_s=noise(random, traces) * BASE_MS, block=random.integers(0, blocks, traces))
        for traces, blocks in SIZES[size]
    )
    return first, second


def slowed(random: Random, noise: Noise, size: str) -> tuple[Side, Side]:
    """Return both sides of a release that slows one span by 30 % of the duration."""
    first, second = sides(random, noise, size)
    second.self_s[:, SLOWER] += GREW_MS * random.lognormal(-0.125, 0.5, len(second.self_s))
    return first, second


def traces(random: Random, plan: Plan) -> tuple[Floats, Floats]:
    """Return when each trace began, 5 a second at level 1, and its self times: those that wait take 1 / (1 - used)."""
    moments, levels = [], []
    for phase, (start_s, end_s) in zip(plan.phases, pairwise(plan.starts_s()), strict=True):
        first, last = phase.level or (0.0, 0.0)
        expected = _TRACES_PER_S * (first + last) / 2 * (end_s - start_s)
        at_s = np.sort(random.uniform(start_s, end_s, random.poisson(expected)))
        moments.append(at_s)
        levels.append(first + (last - first) * (at_s - start_s) / (end_s - start_s))
    at_s, level = np.concatenate(moments), np.concatenate(levels)
    wobble = lfilter([0.06], [1, -0.8], random.normal(size=round(plan.duration_s) + 1))  # sd 0.1, over 5 s
    used = _USED * level * np.minimum(at_s / _FILLS_S, 1) * (1 + wobble[at_s.astype(int)])
    self_s = NOISES["log-normal, sigma 1"](random, len(at_s)) * BASE_MS
    self_s[:, _WAIT] /= (1 - np.minimum(used, _MOST_USED))[:, None]
    return at_s, self_s


def welch(before: Floats, now: Floats) -> Bools:
    """Return which spans Welch's two-sided test names, with Bonferroni's correction and a floor of 2 %."""
    one, two = before.var(axis=0, ddof=1) / len(before), now.var(axis=0, ddof=1) / len(now)
    freedom = (one + two) ** 2 / (one**2 / (len(before) - 1) + two**2 / (len(now) - 1))
    grew = now.mean(axis=0) - before.mean(axis=0)
    sure = grew > stdtrit(freedom, 1 - 0.05 / 2 / SPANS) * np.sqrt(one + two)
    return np.asarray(sure & (grew >= 0.02 * now.sum(axis=1).mean()))


def plan_of(*phases: tuple[str, str, float, float, float]) -> Plan:
    """Return a plan of phases: name, kind, length in s, level at the start and at the end."""
    played = [{"name": name, "kind": kind, "duration_s": s, "level": level} for name, kind, s, *level in phases]
    demand = {"forecast_orders_per_hour": 36000, "factor": 1.0, "orders_per_session": 1.0, "peak_sessions_per_s": 10.0}
    return Plan.model_validate(
        {
            "format": FORMAT,
            "name": "simulated",
            "seed": 1,
            "demand": {"source": "a simulation", **demand},
            "phases": [*played, {"name": "drain", "kind": "drain", "duration_s": 8}],
            "journeys": {"search-and-buy": 1.0},
            "think_time": {"median_s": 1.0, "sigma": 0.5, "max_s": 6},
            "cart_lines": {"min": 1, "max": 3},
            "limits": {"open_sessions": 1000},
        }
    )


def random_of(what: str, size: str, run: int) -> Random:
    """Return the random numbers of one run of one cell: the same each time."""
    return np.random.default_rng([*f"{what} {size}".encode(), run])
