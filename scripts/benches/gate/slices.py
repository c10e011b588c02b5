"""Shops exactly at a budget of time slices must not pass: by slices that are good or bad, and by the mean of ratios.

A shop's true share of bad slices follows from how its errors come; it is taken from many other runs of the same shop,
and is then the budget. The mean of the slices' ratios is the shop's own bad ratio.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from scripts.benches.gate.cells import Cell, Tally
from scripts.benches.gate.judging import ASSUMED_ERROR_BURST_S, ENDINGS, ending, objective
from scripts.benches.gate.levels import BOUND, ENOUGH_BURSTS, span
from scripts.benches.gate.shops import Bursts, Floats, Independent, Played, Shop
from slo.objectives.slices import Slice, Slices, sliced
from slo.verdict.objective_results import Basis, judge_objectives

ROW = "a shop at its budget of time slices passes"
_RATE_PER_S = 20.0
_RUNS = 1000
_TRUE_RUNS = 2000
_BURSTS = ((1.0, 1.0), (3.0, 0.5), (10.0, 0.5))
_INDEPENDENT_RATIO = 0.03
_IN_BURSTS_RATIO = 0.01
_LENGTHS = ((900.0, 10), (7200.0, 10), (7200.0, 60))
_GOOD_SLICE = 0.95
_CHANCE_SHOWS_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A shop, and how its budget is cut into slices of a run."""

    shop: Shop
    slices: Slices
    duration_s: float

    @property
    def edges_s(self) -> Floats:
        """The edges of the slices."""
        return np.arange(0.0, self.duration_s + 1, self.slices.length_s)


def cells() -> Iterator[Cell]:
    """Yield the shops at their budget, with enough bursts in a run to be told from worse ones."""
    for duration_s, length_s in _LENGTHS:
        for shop, how in _shops(duration_s):
            for slices in (
                Slices(method="Timeslices", length_s=length_s, target=_GOOD_SLICE),
                Slices(method="RatioTimeslices", length_s=length_s),
            ):
                if slices.are_events and length_s > _CHANCE_SHOWS_S and isinstance(shop, Independent):
                    continue  # so many requests differ too little by chance: no slice is bad
                setting = Setting(shop=shop, slices=slices, duration_s=duration_s)
                name = f"{span(duration_s)}, {slices.method} of {length_s} s, {_RATE_PER_S:g}/s, {how}"
                play = partial(_play, setting=setting)
                yield Cell(row=ROW, name=name, scored="PASS", op="<=", bound=BOUND, play=play, runs=_RUNS)


def _shops(duration_s: float) -> Iterator[tuple[Shop, str]]:
    yield Independent(rate_per_s=_RATE_PER_S, bad_ratio=_INDEPENDENT_RATIO), "independent"
    for mean_s, bad_within in _BURSTS:
        shop = Bursts(rate_per_s=_RATE_PER_S, bad_ratio=_IN_BURSTS_RATIO, mean_s=mean_s, bad_within=bad_within)
        if shop.bursts(duration_s) >= ENOUGH_BURSTS:
            outright = " outright" if bad_within == 1 else ""
            yield shop, f"bursts of {mean_s:g} s{outright}, K {shop.bursts(duration_s):.2g}"


def _play(rng: np.random.Generator, runs: int, *, setting: Setting) -> Tally:
    budget = true_bad_ratio(setting.shop.play(rng, _TRUE_RUNS, setting.edges_s), setting.slices)
    one = replace(objective(budget), slices=setting.slices)
    basis = Basis(assumed_error_burst_s=ASSUMED_ERROR_BURST_S, window_s=setting.duration_s)
    found = [
        ending(judge_objectives([one], {one.name: sliced(setting.slices, each, budget)}, {}, basis))
        for each in slices_of(setting.shop.play(rng, runs, setting.edges_s))
    ]
    shares: dict[str, float] = {name: found.count(name) / runs for name in ENDINGS}
    return Tally(runs=runs, shares=shares, note=f"the budget is {100 * budget:.2f} %")


def slices_of(played: Played) -> Iterator[Sequence[Slice]]:
    """Return each run's slices."""
    for events, bad in zip(played.events.tolist(), played.bad.tolist(), strict=True):
        yield [Slice(events=all_of, bad=bad_of) for all_of, bad_of in zip(events, bad, strict=True)]


def true_bad_ratio(played: Played, slices: Slices) -> float:
    """Return the share of slices that are bad, or the mean of their bad ratios, of all slices with an event."""
    held = played.events > 0
    ratios = played.bad[held] / played.events[held]
    return float(np.mean(ratios if slices.target is None else 1 - ratios < slices.target - 1e-9))
