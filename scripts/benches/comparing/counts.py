"""Error ratios and orders: a release against itself, and worse by shares of its budget or of its orders."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from scripts.benches.comparing.cells import Bound, Cell, Tally
from scripts.benches.comparing.playing import BOTH_UP, SETTINGS, Floats, of_values, tally
from slo.regression.limits import error_measure, orders_measure

_HALF = 0.5
_ROW = "error ratios: budget, requests a block, how they come; B's excess in budgets"


def errors(  # noqa: PLR0913 - what a cell is made of
    rng: np.random.Generator, jobs: int, *, budget: float, base: float, excess: float, events: int, burst_s: float
) -> Tally:
    """Compare releases whose bad ratio is `base` and `base` + `excess` budgets, each request by itself or in bursts."""
    measure = error_measure("availability", ("checkout",), budget, SETTINGS)
    shape = (jobs, BOTH_UP.pairs)
    draw = _alone if not burst_s else partial(_bursts, burst_s=burst_s)
    a = draw(rng, base * budget, events, shape)
    b = draw(rng, (base + excess) * budget, events, shape)
    each = [events] * BOTH_UP.pairs
    return tally(jobs, lambda job: [of_values(measure, a[job].tolist(), b[job].tolist(), each)])


def orders(rng: np.random.Generator, jobs: int, *, made: float, lost: float, sessions: int) -> Tally:
    """Compare releases of which A makes `made` orders by session, and B loses the share `lost` of them."""
    measure = orders_measure(("checkout",), SETTINGS)
    shape = (jobs, BOTH_UP.pairs)
    a, b = (rng.binomial(sessions, one, shape) / sessions for one in (made, made * (1 - lost)))
    each = [sessions] * BOTH_UP.pairs
    return tally(jobs, lambda job: [of_values(measure, a[job].tolist(), b[job].tolist(), each)])


def error_cells() -> Iterator[Cell]:
    """Yield a shop at a quarter of its budget, and one without errors; alone, and in bursts in which half fail."""
    for budget in (0.01, 0.001):
        for events in (300, 2000, 10_000):
            for burst_s in (0.0, 1.0):
                for base in (0.0, 0.25):
                    for excess in (0.0, 0.5, 1.0, 3.0):
                        yield _of_errors(budget, events, burst_s, base, excess)


def order_cells() -> Iterator[Cell]:
    """Yield orders by session where one in ten orders, and where nearly all do (sessions that mean to buy)."""
    for made in (0.10, 0.95):
        for sessions in (125, 500, 5000):
            for lost in (0.0, 0.02, 0.04, 0.10, 0.25):
                yield Cell(
                    row="orders by session: orders, sessions a block; B's loss",
                    name=f"{made:g}, {sessions}, {lost:.0%} lost",
                    play=partial(orders, made=made, lost=lost, sessions=sessions),
                    bounds=(Bound(of="fail", op="<=", value=0.015),)
                    if lost == 0
                    else (Bound(of="passed", op="<=", value=0.06),)
                    if lost >= SETTINGS.pass_orders_share
                    else (),
                )


def _of_errors(budget: float, events: int, burst_s: float, base: float, excess: float) -> Cell:
    come = f"bursts of {burst_s:g} s" if burst_s else "each alone"
    bounds: tuple[Bound, ...] = (Bound(of="fail", op="<=", value=0.015),) if excess == 0 else ()
    if excess >= _HALF and not burst_s:
        bounds = (Bound(of="passed", op="<=", value=0.06),)
    return Cell(
        row=_ROW,
        name=f"{100 * budget:g} %, {events}, {come}, A at {base:g}, {excess:+g}",
        play=partial(errors, budget=budget, base=base, excess=excess, events=events, burst_s=burst_s),
        bounds=bounds,
    )


def _alone(rng: np.random.Generator, ratio: float, events: int, shape: tuple[int, int]) -> Floats:
    return rng.binomial(events, ratio, shape) / events


def _bursts(rng: np.random.Generator, ratio: float, events: int, shape: tuple[int, int], burst_s: float) -> Floats:
    """Return bad ratios of blocks in which bursts of exponential length begin at random, and half fail in each."""
    number = rng.poisson(ratio * BOTH_UP.judged_s / (_HALF * burst_s), shape)
    length_s = np.where(number > 0, rng.gamma(np.maximum(number, 1), burst_s), 0.0)
    share = np.minimum(1.0, length_s / BOTH_UP.judged_s) * _HALF
    return rng.binomial(events, share) / events
