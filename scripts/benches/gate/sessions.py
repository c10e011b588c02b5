"""Shops that fail all of one shopper's requests, spread over many blocks of time by her thinking."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from scripts.benches.gate.cells import FULL_RUNS, Cell, Tally
from scripts.benches.gate.judging import play_and_judge, shares
from scripts.benches.gate.levels import span
from scripts.benches.gate.shops import BrokenSessions

PASSES = "a shop at its budget, whose sessions break, passes"
FAILS = "a shop at its budget, whose sessions break, fails"
HEALTHY = "a shop at a quarter of its budget, whose sessions break, passes"
# Budget, window, sessions a second, requests a session, think time, and whether each session makes as many.
_SHOPS = (
    (0.05, 90.0, 5.0, 8, 1.2, False),
    (0.05, 90.0, 5.0, 8, 3.0, False),
    (0.05, 90.0, 5.0, 20, 2.0, False),
    (0.05, 90.0, 5.0, 8, 3.0, True),
    (0.05, 90.0, 50.0, 8, 3.0, True),
    (0.05, 900.0, 5.0, 8, 3.0, False),
    (0.05, 900.0, 5.0, 20, 5.0, False),
    (0.01, 900.0, 5.0, 8, 3.0, False),
)
_FALSE_PASS, _FALSE_FAIL = 0.06, 0.05


def cells() -> Iterator[Cell]:
    """Yield each shop at its budget, where neither may come often, and at a quarter of it."""
    yield from _row(PASSES, "PASS", _FALSE_PASS, 1.0)
    yield from _row(FAILS, "FAIL", _FALSE_FAIL, 1.0)
    yield from _row(HEALTHY, "PASS", None, 0.25)


def _row(row: str, scored: str, bound: float | None, level: float) -> Iterator[Cell]:
    for budget, duration_s, sessions_per_s, requests, think_s, fixed in _SHOPS:
        shop = BrokenSessions(
            sessions_per_s=sessions_per_s, bad_ratio=level * budget, requests=requests, think_s=think_s, fixed=fixed
        )
        each = f"{requests} requests{'' if fixed else ' on average'}, {think_s:g} s apart"
        yield Cell(
            row=row,
            name=f"{span(duration_s)}, {100 * budget:g} %, {sessions_per_s:g} sessions/s of {each}",
            scored=scored,
            op=None if bound is None else "<=",
            bound=bound,
            runs=FULL_RUNS if bound else FULL_RUNS // 4,
            play=partial(_play, shop=shop, budget=budget, duration_s=duration_s),
        )


def _play(rng: np.random.Generator, runs: int, *, shop: BrokenSessions, budget: float, duration_s: float) -> Tally:
    return Tally(runs=runs, shares=shares(play_and_judge(rng, runs, shop, budget, duration_s)))
