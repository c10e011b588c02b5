"""Slow replies of a queue near saturation: the longer it remembers, the less a run says; printed, without a bound."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from scripts.benches.gate.cells import Cell, Tally
from scripts.benches.gate.judging import play_and_judge, shares
from scripts.benches.gate.levels import span
from scripts.benches.gate.shops import Queue

AT = "replies of a queue, at the budget of a latency objective: it passes"
TWICE = "replies of a queue, at twice that budget: it passes"
_BUDGET = 0.05
_RUNS = 400
_QUEUES = (  # window, requests a second, utilisation
    (90.0, 50.0, 0.7),
    (900.0, 50.0, 0.9),
    (900.0, 5.0, 0.8),
    (90.0, 500.0, 0.95),
    (90.0, 50.0, 0.9),
    (900.0, 5.0, 0.9),
    (900.0, 5.0, 0.95),
    (90.0, 5.0, 0.9),
)


def cells() -> Iterator[Cell]:
    """Yield the queues at the budget and at twice it, from the shortest memory to the longest."""
    for row, level in ((AT, 1.0), (TWICE, 2.0)):
        for duration_s, rate_per_s, utilisation in _QUEUES:
            shop = Queue(rate_per_s=rate_per_s, bad_ratio=level * _BUDGET, utilisation=utilisation)
            name = (
                f"{span(duration_s)}, {100 * _BUDGET:g} %, {rate_per_s:g}/s, {100 * utilisation:g} % busy,"
                f" {duration_s / shop.relaxation_s:.0f} times its memory"
            )
            play = partial(_play, shop=shop, duration_s=duration_s)
            yield Cell(row=row, name=name, scored="PASS", op=None, bound=None, play=play, runs=_RUNS)


def _play(rng: np.random.Generator, runs: int, *, shop: Queue, duration_s: float) -> Tally:
    return Tally(runs=runs, shares=shares(play_and_judge(rng, runs, shop, _BUDGET, duration_s)))
