"""Healthy shops must pass where their plan calls the objective provable."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from scripts.benches.gate.cells import Cell, Tally
from scripts.benches.gate.judging import objective, play_and_judge, shares
from scripts.benches.gate.levels import span
from scripts.benches.gate.shops import Bursts, Independent
from slo.objectives.planning import proofs

HEALTHY = "a shop at a quarter of its budget passes, where its plan calls that provable"
IN_BURSTS = "a shop at a quarter of its budget passes, its errors in bursts"
_BOUND = 0.95
_SESSION_REQUESTS = 8
# Budget, requests a second, the assumed error burst in s; and how many times the shortest provable window is played.
_PLANS = (
    (0.05, 0.5, 1.0),
    (0.05, 2.0, 0.2),
    (0.05, 2.0, 1.0),
    (0.05, 5.0, 0.2),
    (0.05, 5.0, 1.0),
    (0.05, 50.0, 1.0),
    (0.05, 500.0, 1.0),
    (0.01, 2.0, 1.0),
    (0.01, 5.0, 0.2),
    (0.01, 50.0, 1.0),
    (0.01, 50.0, 3.0),
    (0.001, 50.0, 1.0),
)
_STRETCHES = (1.0, 2.0)
_PROFILES = ((0.05, 180.0), (0.01, 900.0), (0.001, 7200.0))
_MEANS_S = (0.1, 0.3, 1.0, 3.0)
_RATE_PER_S = 50.0
_PRINTED_RUNS = 500


def cells() -> Iterator[Cell]:
    """Yield each plan at the shortest window that it calls provable, and at twice that; then errors in bursts."""
    for budget, rate_per_s, burst_s in _PLANS:
        shortest_s = shortest_provable_s(budget, rate_per_s, burst_s)
        for stretch in _STRETCHES:
            duration_s = stretch * shortest_s
            name = f"{100 * budget:g} %, {rate_per_s:g}/s, bursts of {burst_s:g} s assumed, {span(round(duration_s))}"
            play = partial(_play, budget=budget, rate_per_s=rate_per_s, burst_s=burst_s, duration_s=duration_s)
            yield Cell(row=HEALTHY, name=name, scored="PASS", op=">=", bound=_BOUND, play=play)

    for budget, duration_s in _PROFILES:
        for mean_s in _MEANS_S:
            shop = Bursts(rate_per_s=_RATE_PER_S, bad_ratio=budget / 4, mean_s=mean_s)
            play = partial(_in_bursts, budget=budget, shop=shop, duration_s=duration_s)
            name = f"{span(duration_s)}, {100 * budget:g} %, {_RATE_PER_S:g}/s, bursts of {mean_s:g} s"
            yield Cell(row=IN_BURSTS, name=name, scored="PASS", op=None, bound=None, play=play, runs=_PRINTED_RUNS)


def shortest_provable_s(budget: float, rate_per_s: float, burst_s: float) -> float:
    """Return the shortest window of whole seconds from which on a plan calls the objective provable."""
    low, high = 0, 1
    while not _provable(budget, rate_per_s, burst_s, high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _provable(budget, rate_per_s, burst_s, middle) else (middle, high)
    return float(high)


def _provable(budget: float, rate_per_s: float, burst_s: float, duration_s: float) -> bool:
    one = objective(budget)
    (proof,) = proofs([one], {one.name: rate_per_s * duration_s}, duration_s, burst_s)
    return proof.possible


def _play(
    rng: np.random.Generator, runs: int, *, budget: float, rate_per_s: float, burst_s: float, duration_s: float
) -> Tally:
    shop = Independent(rate_per_s=rate_per_s, bad_ratio=budget / 4, session_requests=_SESSION_REQUESTS)
    return Tally(runs=runs, shares=shares(play_and_judge(rng, runs, shop, budget, duration_s, burst_s)))


def _in_bursts(rng: np.random.Generator, runs: int, *, budget: float, shop: Bursts, duration_s: float) -> Tally:
    return Tally(runs=runs, shares=shares(play_and_judge(rng, runs, shop, budget, duration_s)))
