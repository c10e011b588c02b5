"""Shops that get worse: bad only in the last third of the window; and how often a steady one is said to."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from scripts.benches.gate.cells import Cell, Tally
from scripts.benches.gate.judging import play_and_judge, shares
from scripts.benches.gate.levels import span
from scripts.benches.gate.shops import Bursts, Independent, Late, Shop

MISSED = "a shop at 1.5 times its budget, all of it in the last third, fails"
HIDDEN = "a shop at half its budget, all of it in the last third, passes"
FALSE = "a steady shop is said to get worse"
_FOUND, _BEHIND, _HIDDEN = 0.95, 0.05, 0.01
_ENOUGH_BAD = 120
_RUNS = (  # window, budget, requests a second
    (90.0, 0.05, 5.0),
    (900.0, 0.01, 5.0),
    (90.0, 0.05, 15.0),
    (90.0, 0.05, 27.0),
    (90.0, 0.05, 50.0),
    (90.0, 0.05, 500.0),
    (900.0, 0.05, 5.0),
    (900.0, 0.01, 50.0),
    (900.0, 0.01, 500.0),
    (7200.0, 0.05, 5.0),
    (7200.0, 0.001, 50.0),
    (7200.0, 0.001, 500.0),
)


def cells() -> Iterator[Cell]:
    """Yield the drifting shops, then the steady ones."""
    for duration_s, budget, rate_per_s in _RUNS:
        allows = duration_s * rate_per_s * budget
        name = f"{_name(duration_s, budget, rate_per_s)}, which allows {allows:.0f} bad"
        play = partial(_missed, rate_per_s=rate_per_s, budget=budget, duration_s=duration_s)
        if allows >= _ENOUGH_BAD:
            yield Cell(row=MISSED, name=name, scored="FAIL", op=">=", bound=_FOUND, play=play)
        else:
            yield Cell(row=MISSED, name=name, scored="behind", op="<=", bound=_BEHIND, play=play)
    for duration_s, budget, rate_per_s in _RUNS:
        late = Late(rate_per_s=rate_per_s, bad_ratio=0.5 * budget)
        yield _cell(HIDDEN, _name(duration_s, budget, rate_per_s), "PASS", late, budget, duration_s)
    for level, called in ((0.25, "a quarter of its budget"), (1.0, "its budget")):
        for duration_s, budget, rate_per_s in ((90.0, 0.05, 50.0), (900.0, 0.01, 50.0), (7200.0, 0.001, 50.0)):
            name = f"at {called}, {_name(duration_s, budget, rate_per_s)}"
            independent = Independent(rate_per_s=rate_per_s, bad_ratio=level * budget)
            bursts = Bursts(rate_per_s=rate_per_s, bad_ratio=level * budget, mean_s=1.0)
            yield _cell(FALSE, f"{name}, independent", "late", independent, budget, duration_s)
            yield _cell(FALSE, f"{name}, bursts of 1 s", "late", bursts, budget, duration_s)


def _cell(row: str, name: str, scored: str, shop: Shop, budget: float, duration_s: float) -> Cell:
    bound = _HIDDEN if row == HIDDEN and _shows(shop, budget, duration_s) else None
    play = partial(_play, shop=shop, budget=budget, duration_s=duration_s)
    return Cell(row=row, name=name, scored=scored, op=None if bound is None else "<=", bound=bound, play=play)


def _shows(shop: Shop, budget: float, duration_s: float) -> bool:
    return isinstance(shop, Late) and shop.rate_per_s * duration_s * budget >= _ENOUGH_BAD


def _play(rng: np.random.Generator, runs: int, *, shop: Shop, budget: float, duration_s: float) -> Tally:
    return Tally(runs=runs, shares=shares(play_and_judge(rng, runs, shop, budget, duration_s)))


def _missed(rng: np.random.Generator, runs: int, *, rate_per_s: float, budget: float, duration_s: float) -> Tally:
    """Play it beside a shop as bad all the time; `behind` is how much less often it fails."""
    late = Late(rate_per_s=rate_per_s, bad_ratio=1.5 * budget)
    steady = Independent(rate_per_s=rate_per_s, bad_ratio=1.5 * budget)
    judged = play_and_judge(rng, runs, late, budget, duration_s)
    beside = play_and_judge(rng, runs, steady, budget, duration_s).share("FAIL")
    behind = beside - judged.share("FAIL")
    return Tally(
        runs=runs, shares={**shares(judged), "behind": behind}, note=f"as bad all the time: {100 * beside:.1f} % FAIL"
    )


def _name(duration_s: float, budget: float, rate_per_s: float) -> str:
    return f"{span(duration_s)}, {100 * budget:g} %, {rate_per_s:g}/s"
