"""Runs that stop as soon as a miss is certain, against the same runs played out; eight objectives each."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Literal

import numpy as np

from loadtests.demand.plan import Plan
from loadtests.live.objectives import _watch
from loadtests.live.so_far import Judged, SoFar
from loadtests.live.worker_figures import Watch
from scripts.benches.gate.cells import FULL_RUNS, Cell, Tally
from scripts.benches.gate.judging import ASSUMED_ERROR_BURST_S, ENDINGS, Ending, ending, evidence, objective
from scripts.benches.gate.levels import span
from scripts.benches.gate.shops import Bursts, Floats, Independent, Ints, Played, Shop
from slo.design_effect import blocks_of
from slo.documents import validate
from slo.statistics import ALPHA
from slo.verdict.objective_results import Basis, judge_objectives

ONE = "one of eight objectives at its budget: the run fails (bursts of 10 s: more often than played out)"
ALL = "all of eight objectives at their budgets, each in bursts of its own: the run fails"
SHARED = "all of eight objectives at their budgets, all in the same bursts: the run fails"
BROKEN = "a shop over its budget: the run stops early"
_FALSE_FAIL, _MORE = 0.05, 0.05
_SHORT_BURST_S = 3.0
_OBJECTIVES = 8
_HEALTHY = 0.25
_TICKS_PER_S = 10
_SHORT_S = 90
_PRINTED_RUNS = 500
# Budget, window, requests a second of each objective, mean burst, bad within a burst, and times the budget.
_BURSTS = (
    (0.05, 90, 50.0, 3.0, 0.5, 1.0),
    (0.05, 90, 50.0, 3.0, 1.0, 1.0),
    (0.05, 90, 5.0, 3.0, 0.5, 1.0),
    (0.05, 90, 500.0, 3.0, 1.0, 1.0),
    (0.05, 90, 50.0, 10.0, 0.5, 1.0),
    (0.05, 90, 50.0, 10.0, 1.0, 1.0),
    (0.05, 90, 5.0, 10.0, 1.0, 1.0),
    (0.05, 90, 50.0, 10.0, 1.0, 0.5),
    (0.05, 900, 50.0, 10.0, 1.0, 1.0),
)
_BROKEN = ((0.05, 90, 50.0, 4.0), (0.05, 90, 50.0, 10.0), (0.05, 90, 8.0, 4.0), (0.05, 90, 8.0, 10.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A run of eight objectives with the same budget and rate: the first fails as `shop` does.

    With `every` the others do so too, each by itself, and with `shared` bursts all of them in the same ones;
    else they are at a quarter of their budgets.
    """

    budget: float
    duration_s: int
    rate_per_s: float
    shop: Shop
    every: bool = False
    shared: Bursts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one run ended when it might stop, after how many seconds, and how it ends played out."""

    stopped_s: int | None
    ended: Ending
    played_out: Ending


def cells() -> Iterator[Cell]:
    """Yield the false FAILs, with what early stop adds to them, and how soon a broken shop stops."""
    yield from _false_fails(every=False)
    yield from _false_fails(every=True)
    yield from _shared()
    for budget, duration_s, rate_per_s, level in _BROKEN:
        for how, broken in _broken(rate_per_s, level * budget):
            setting = Setting(budget=budget, duration_s=duration_s, rate_per_s=rate_per_s, shop=broken)
            name = f"{_run(setting)}, at {level:g} times, {how}"
            play = partial(_play, setting=setting)
            yield Cell(row=BROKEN, name=name, scored="FAIL", op=None, bound=None, play=play, runs=_PRINTED_RUNS)


def _false_fails(*, every: bool) -> Iterator[Cell]:
    for budget, duration_s, rate_per_s, mean_s, bad_within, level in _BURSTS:
        if every and (level != 1 or duration_s != _SHORT_S):
            continue
        shop = Bursts(rate_per_s=rate_per_s, bad_ratio=level * budget, mean_s=mean_s, bad_within=bad_within)
        setting = Setting(budget=budget, duration_s=duration_s, rate_per_s=rate_per_s, shop=shop, every=every)
        name = f"{_run(setting)}, bursts of {mean_s:g} s{' outright' if bad_within == 1 else ''}"
        name += "" if level == 1 else f", at {level:g} of the budget"
        scored, bound = ("FAIL", _FALSE_FAIL) if mean_s <= _SHORT_BURST_S else ("more", _MORE)
        yield Cell(
            row=ALL if every else ONE,
            name=name,
            scored="FAIL" if every else scored,
            op=None if every else "<=",
            bound=None if every else bound,
            play=partial(_play, setting=setting),
            runs=_PRINTED_RUNS if every else FULL_RUNS,
        )


def _shared() -> Iterator[Cell]:
    for mean_s, bad_within in ((3.0, 0.5), (3.0, 1.0), (10.0, 1.0)):
        shop = Bursts(rate_per_s=50.0, bad_ratio=0.05, mean_s=mean_s, bad_within=bad_within)
        setting = Setting(budget=0.05, duration_s=_SHORT_S, rate_per_s=50.0, shop=shop, shared=shop)
        name = f"{_run(setting)}, bursts of {mean_s:g} s{' outright' if bad_within == 1 else ''}"
        bound = _FALSE_FAIL if mean_s <= _SHORT_BURST_S else None
        op: Literal["<="] | None = None if bound is None else "<="
        play = partial(_play, setting=setting)
        yield Cell(row=SHARED, name=name, scored="FAIL", op=op, bound=bound, play=play, runs=FULL_RUNS // 2)


def _broken(rate_per_s: float, bad_ratio: float) -> Iterator[tuple[str, Shop]]:
    yield "independent", Independent(rate_per_s=rate_per_s, bad_ratio=bad_ratio)
    yield "bursts of 1 s", Bursts(rate_per_s=rate_per_s, bad_ratio=bad_ratio, mean_s=1.0, bad_within=0.75)


def _run(setting: "Setting") -> str:
    return f"{span(setting.duration_s)}, {100 * setting.budget:g} %, {setting.rate_per_s:g}/s"


def _play(rng: np.random.Generator, runs: int, *, setting: Setting) -> Tally:
    outcomes = [outcome for part in _parts(runs) for outcome in play(rng, part, setting)]
    endings = Counter(one.ended for one in outcomes)
    played_out = sum(one.played_out == "FAIL" for one in outcomes) / runs
    stops_s = [one.stopped_s for one in outcomes if one.stopped_s is not None]
    note = f"{100 * len(stops_s) / runs:.1f} % stop early"
    note += f", at {median(stops_s):.0f} s (median)" if stops_s else ""
    shares: dict[str, float] = {name: endings[name] / runs for name in ENDINGS}
    shares |= {"more": shares["FAIL"] - played_out, "played out": played_out}
    return Tally(runs=runs, shares=shares, note=f"{note}; played out {100 * played_out:.1f} % FAIL")


def _parts(runs: int) -> list[int]:
    return [min(100, runs - done) for done in range(0, runs, 100)]


def play(rng: np.random.Generator, runs: int, setting: Setting) -> Iterator[Outcome]:
    """Play runs, each watched second by second as the load generator does, and judge it as it ended and played out."""
    edges_s = np.arange(setting.duration_s * _TICKS_PER_S + 1) / _TICKS_PER_S
    played = _objectives(rng, runs, setting, edges_s)
    watched = Watched.of(setting)
    for run in range(runs):
        yield watched.run(
            {name: (one.events[run], one.bad[run]) for name, one in zip(watched.names, played, strict=True)}
        )


def _objectives(rng: np.random.Generator, runs: int, setting: Setting, edges_s: Floats) -> list[Played]:
    if setting.shared is not None:
        burst_s = setting.shared.burst_s(rng, runs, edges_s)
        return [setting.shared.requests(rng, burst_s, edges_s) for _ in range(_OBJECTIVES)]
    healthy = Independent(rate_per_s=setting.rate_per_s, bad_ratio=_HEALTHY * setting.budget)
    shops = (setting.shop if setting.every or not place else healthy for place in range(_OBJECTIVES))
    return [shop.play(rng, runs, edges_s) for shop in shops]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A run's objectives, as the load generator watches them and as they are judged."""

    names: tuple[str, ...]
    budget: float
    duration_s: int
    planned: Mapping[str, float]
    watches: Sequence[Watch]

    @classmethod
    def of(cls, setting: Setting) -> "Watched":
        """Return the objectives, watched by the plan of such a run."""
        names = tuple(f"step-{number}" for number in range(_OBJECTIVES))
        plan = plan_of(setting.duration_s, setting.rate_per_s, names)
        planned = dict.fromkeys(names, setting.rate_per_s * setting.duration_s)
        watches = [_watch(objective(setting.budget, name), planned[name], plan, ALPHA / len(names)) for name in names]
        return cls(
            names=names,
            budget=setting.budget,
            duration_s=setting.duration_s,
            planned=planned,
            watches=watches,
        )

    def run(self, ticks: Mapping[str, tuple[Ints, Ints]]) -> Outcome:
        """Watch and judge one run's events and bad ones by tenth of a second."""
        stopped_s = self.stops_s(ticks)
        played_out = self.ending(ticks, self.duration_s, aborted=False)
        ended = played_out if stopped_s is None else self.ending(ticks, stopped_s, aborted=True)
        return Outcome(stopped_s=stopped_s, ended=ended, played_out=played_out)

    def stops_s(self, ticks: Mapping[str, tuple[Ints, Ints]]) -> int | None:
        """Return the second after which a miss is certain, None when none is before the end."""
        stops = [
            self._certain_s(watch, _by_second(ticks[name]))
            for name, watch in zip(self.names, self.watches, strict=True)
        ]
        return min((at_s for at_s in stops if at_s is not None), default=None)

    def _certain_s(self, watch: Watch, seconds: Sequence[Judged]) -> int | None:
        for at_s in range(1, self.duration_s):
            if watch.is_certain(SoFar(now=seconds[at_s - 1], seconds=seconds[:at_s])):
                return at_s
        return None

    def ending(self, ticks: Mapping[str, tuple[Ints, Ints]], end_s: int, *, aborted: bool) -> Ending:
        """Return how the verdict on the run that ended then ends; one that was aborted can't be a PASS."""
        edges = np.linspace(0, end_s * _TICKS_PER_S, blocks_of(end_s) + 1).round().astype(int)[:-1]
        end = end_s * _TICKS_PER_S
        read = {
            name: evidence(name, np.add.reduceat(events[:end], edges), np.add.reduceat(bad[:end], edges), None)
            for name, (events, bad) in ticks.items()
        }
        basis = Basis(
            assumed_error_burst_s=ASSUMED_ERROR_BURST_S,
            window_s=end_s,
            planned_events=self.planned if aborted else None,
        )
        objectives = [objective(self.budget, name) for name in self.names]
        ended = ending(judge_objectives(objectives, read, {}, basis))
        return "INCONCLUSIVE" if aborted and ended == "PASS" else ended


def _by_second(ticks: tuple[Ints, Ints]) -> list[Judged]:
    """Return the counts until the end of each second; each bad request is another shopper's."""
    events, bad = (np.cumsum(some)[_TICKS_PER_S - 1 :: _TICKS_PER_S].tolist() for some in ticks)
    return [Judged(bad=bads, total=total, bad_squares=bads) for total, bads in zip(events, bad, strict=True)]


def plan_of(duration_s: float, rate_per_s: float, steps: Sequence[str]) -> Plan:
    """Return a plan whose judged span lasts `duration_s`, with so many requests a second of each step."""
    data = {
        "format": "peakproof/plan/v1",
        "name": "simulated",
        "seed": 1,
        "demand": {
            "source": "a simulation",
            "forecast_orders_per_hour": 3600 * rate_per_s,
            "factor": 1.0,
            "orders_per_session": 1.0,
            "peak_sessions_per_s": rate_per_s,
        },
        "phases": [
            {"name": "warm-up", "kind": "warm-up", "duration_s": 1.0, "level": [1, 1]},
            {"name": "plateau", "kind": "plateau", "duration_s": duration_s, "level": [1, 1]},
            {"name": "drain", "kind": "drain", "duration_s": 1.0},
        ],
        "journeys": {"visit": 1.0},
        "visits": {"visit": {"steps": dict.fromkeys(steps, 1.0)}},
        "think_time": {"median_s": 1.0, "sigma": 0.3, "max_s": 3.0},
        "cart_lines": {"min": 1, "max": 1},
        "limits": {"open_sessions": 1000},
        "assumed_error_burst_s": ASSUMED_ERROR_BURST_S,
    }
    return validate(data, Plan, "the simulated plan")
