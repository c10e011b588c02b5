"""Shops exactly at their budget must not pass, however their errors come; nor those at twice it in few bursts."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np

from scripts.benches.gate.cells import Cell, Tally
from scripts.benches.gate.judging import ASSUMED_ERROR_BURST_S, play_and_judge, shares
from scripts.benches.gate.shops import Bursts, Independent, Shop

AT_BUDGET = "a shop at its budget passes"
FEW = "a shop at twice its budget passes, where a run holds fewer than 3 bursts"
BOUND = 0.06
FEW_BOUND = 0.01
ENOUGH_BURSTS = 9
FEW_BURSTS = 3
_NEAR_RUNS = 3000
_MIDDLE_RATE_PER_S = 50.0
_RATES_PER_S = (5.0, _MIDDLE_RATE_PER_S, 500.0)
_WINDOWS_S = (90.0, 900.0, 7200.0)
_BUDGETS = (0.05, 0.01, 0.001)
_BURSTS = ((0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (3.0, 0.5), (3.0, 1.0), (10.0, 0.5), (10.0, 1.0))


def at_budget() -> Iterator[Cell]:
    """Yield the shops at their budget, independent or with enough bursts to be told from worse ones."""
    for duration_s, budget, rate_per_s in _runs():
        independent = Independent(rate_per_s=rate_per_s, bad_ratio=budget)
        yield _at_budget(_name(duration_s, budget, rate_per_s, "independent"), independent, budget, duration_s)
    for duration_s, budget, rate_per_s in _runs():
        for mean_s, bad_within in _BURSTS:
            shop = Bursts(rate_per_s=rate_per_s, bad_ratio=budget, mean_s=mean_s, bad_within=bad_within)
            if shop.bursts(duration_s) >= ENOUGH_BURSTS and rate_per_s != _MIDDLE_RATE_PER_S:
                name = _name(duration_s, budget, rate_per_s, _bursts(shop, duration_s))
                yield replace(_at_budget(name, shop, budget, duration_s), runs=_NEAR_RUNS)


def few_bursts() -> Iterator[Cell]:
    """Yield the shops at twice their budget whose runs would hold under three bursts even at the budget."""
    for duration_s, budget in ((duration_s, budget) for duration_s in _WINDOWS_S for budget in _BUDGETS):
        for mean_s, bad_within in _BURSTS:
            at = Bursts(rate_per_s=50.0, bad_ratio=budget, mean_s=mean_s, bad_within=bad_within)
            if at.bursts(duration_s) >= FEW_BURSTS:
                continue
            shop = Bursts(rate_per_s=50.0, bad_ratio=2 * budget, mean_s=mean_s, bad_within=bad_within)
            bounded = mean_s <= ASSUMED_ERROR_BURST_S
            yield Cell(
                row=FEW,
                name=_name(duration_s, budget, 50.0, _bursts(at, duration_s)),
                scored="PASS",
                op="<=" if bounded else None,
                bound=FEW_BOUND if bounded else None,
                play=partial(_few, shop=shop, budget=budget, duration_s=duration_s),
            )


def _at_budget(name: str, shop: Shop, budget: float, duration_s: float) -> Cell:
    play = partial(_at, shop=shop, budget=budget, duration_s=duration_s)
    return Cell(row=AT_BUDGET, name=name, scored="PASS", op="<=", bound=BOUND, play=play)


def _at(rng: np.random.Generator, runs: int, *, shop: Shop, budget: float, duration_s: float) -> Tally:
    judged = play_and_judge(rng, runs, shop, budget, duration_s)
    return Tally(runs=runs, shares=shares(judged))


def _few(rng: np.random.Generator, runs: int, *, shop: Bursts, budget: float, duration_s: float) -> Tally:
    judged = play_and_judge(rng, runs, shop, budget, duration_s)
    note = ""
    if judged.survives_s:
        claims = sum(burst_s >= shop.mean_s for burst_s in judged.survives_s)
        note = (
            f"{len(judged.survives_s)} PASSes print bursts of up to {median(judged.survives_s):.2g} s"
            f" (median), {claims} of them at least the shop's {shop.mean_s:g} s"
        )
    return Tally(runs=runs, shares=shares(judged), note=note)


def _runs() -> Iterator[tuple[float, float, float]]:
    for duration_s in _WINDOWS_S:
        for budget in _BUDGETS:
            for rate_per_s in _RATES_PER_S:
                yield duration_s, budget, rate_per_s


def _bursts(shop: Bursts, duration_s: float) -> str:
    within = "" if shop.bad_within == 0.5 else " outright"  # noqa: PLR2004 - the usual share
    return f"bursts of {shop.mean_s:g} s{within}, K {shop.bursts(duration_s):.2g}"


def _name(duration_s: float, budget: float, rate_per_s: float, how: str) -> str:
    return f"{span(duration_s)}, {100 * budget:g} %, {rate_per_s:g}/s, {how}"


def span(duration_s: float) -> str:
    """Return a duration such as `90 s`, `15 min`, `2 h`."""
    if duration_s >= 7200:  # noqa: PLR2004 - two hours
        return f"{duration_s / 3600:g} h"
    return f"{duration_s / 60:g} min" if duration_s >= 300 else f"{duration_s:g} s"  # noqa: PLR2004 - five minutes
