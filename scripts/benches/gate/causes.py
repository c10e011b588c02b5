"""How often a clean release names a cause, and how often a real one is named: simulated traces, compared by the code.

`python -P -m scripts.benches.gate.causes` prints the table alone (some minutes).
"""

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from loadtests.demand.plan import Plan
from scripts.benches.figures import Figure, missed, table
from scripts.benches.gate.simulated_traces import (
    GREW_MS,
    NOISES,
    SIZES,
    SLOWER,
    Bools,
    Noise,
    plan_of,
    random_of,
    sides,
    slowed,
    traces,
    welch,
)
from scripts.running.causes import Windows, windows_to_compare
from slo.causes.blocks import MIN_BLOCKS
from slo.causes.causes import blocks_of_requests
from slo.causes.comparison import Compared, Floats, Side, compare
from slo.objectives.indicators import Window
from slo.outcomes import ExitCode
from slo.validity.run_document import Phase, RunDocument

RUNS = 1000
_MOST_PERCENT = 6.0
_SECOND = 1_000_000_000
_PLAIN = "log-normal, sigma 1"
# The reference's level, what follows the plateau at 1, and when the run ended, None at its end.
LOADS: Mapping[str, tuple[float, tuple[float, ...], float | None]] = {
    "reference at 0.5 and all else at 1": (0.5, (), None),
    "reference at 1 and a ramp judged": (1.0, (), None),
    "reference at 1 and a plateau at 1.3": (1.0, (1.3,), None),
    "reference at 0.5 and stopped in the ramp": (0.5, (), 62.0),
}


def rows(runs: int = RUNS) -> tuple[Figure, ...]:
    """Return the figures: in percent of `runs` simulated runs a cell, the worst cell, and each of them."""
    clean = [figure for name in NOISES for figure in _clean(name, runs)]
    power = [figure for name in NOISES for figure in _named(name, max(1, runs // 4))]
    common = [_common(spread, each, runs) for each in ("block", "phase") for spread in (0.05, 0.1)]
    return (*clean, *_load_differs(runs), *common, *power, _bound(runs))


def _clean(noise: str, runs: int) -> tuple[Figure, Figure]:
    """Return how often a clean release names a cause at the same load, and how often it would by Welch's test."""
    found = _by_size(noise, sides, runs, lambda one: (named(*one).any(), _by_welch(one).any()))
    name = f"a clean release names a cause, same load, {noise}"
    return _figure(name, found, most=_MOST_PERCENT), _figure(f"{name}, Welch", found, column=1)


def _named(noise: str, runs: int) -> tuple[Figure, Figure]:
    """Return how often a span that a release slows by 30 % of the duration is named."""
    found = _by_size(noise, slowed, runs, lambda one: (named(*one)[SLOWER], _by_welch(one)[SLOWER]))
    name = f"a span slower by 30 % of the duration is named, {noise}"
    return _figure(name, found, worst=min), _figure(f"{name}, Welch", found, column=1, worst=min)


def _bound(runs: int) -> Figure:
    """Return how often the lower bound of a growth is above the growth itself."""
    found = _by_size(_PLAIN, slowed, runs, lambda one: (_compared(*one).growth.low_s[SLOWER] > GREW_MS,))
    return _figure("the lower bound of a growth is above the truth", found, most=5.0)


def _common(spread: float, each: str, runs: int) -> Figure:
    """Return how often a clean release names a cause where all spans of a block, or a phase, are slower together."""

    def disturbed(random: np.random.Generator, noise: Noise, size: str) -> tuple[Side, Side]:
        first, second = sides(random, noise, size)
        (_, before), (_, now) = SIZES[size] if each == "block" else ((0, 1), (0, 1))
        factors = np.exp(random.normal(0, spread, before)), np.exp(random.normal(0, spread, now))
        return _times(first, factors[0]), _times(second, factors[1])

    found = _by_size(_PLAIN, disturbed, runs, lambda one: (named(*one).any(),))
    return _figure(f"a clean release names a cause, each {each} {spread:.0%} slower or faster", found)


def _times(side: Side, factors: Floats) -> Side:
    return Side(self_s=side.self_s * factors[side.block % len(factors), None], block=side.block)


def _load_differs(runs: int) -> tuple[Figure, Figure]:
    """Return the same where the judged time has another load than the reference, or a part of it has."""
    found = {}
    for name, (level, others, ended_s) in LOADS.items():
        plan = load_plan(level, others)
        found[name] = _percent(_played(random_of("load", name, run), plan, ended_s) for run in range(runs))
    name = "a clean release names a cause, load differs"
    return _figure(name, found, most=_MOST_PERCENT), _figure(f"{name}, Welch over all that was judged", found, column=1)


def load_plan(level: float, others: tuple[float, ...]) -> Plan:
    """Return a plan whose reference is at `level`, with a ramp and plateaus at 1 and at `others`."""
    plateaus = [(f"plateau-{number}", "plateau", 60.0, at, at) for number, at in enumerate((1.0, *others))]
    reference, warm_up = ("reference", "reference", 40.0, level, level), ("warm-up", "warm-up", 8.0, 0.5, 0.5)
    return plan_of(reference, warm_up, ("ramp", "ramp", 15.0, 0.5, 1.0), *plateaus)


def windows_of(plan: Plan, ended_s: float | None) -> Windows | str:
    """Return what the code compares of a run of the plan, or why it compares nothing."""
    phases = tuple(
        Phase(name=phase.name, kind=phase.kind, starts_at=round(at * _SECOND))
        for phase, at in zip(plan.phases, plan.starts_s(), strict=False)
    )
    start_s, end_s = plan.judged_span()
    judged = Window(starts_at=round(start_s * _SECOND), ends_at=round((ended_s or end_s) * _SECOND))
    return windows_to_compare(plan, RunDocument(phases=phases), judged)


def _played(random: np.random.Generator, plan: Plan, ended_s: float | None) -> tuple[bool, bool]:
    """Play the plan against a shop whose spans wait; return whether the code names a cause, and whether Welch does."""
    start_s, end_s = plan.judged_span()[0], ended_s or plan.judged_span()[1]
    at_s, self_s = traces(random, plan)
    windows = windows_of(plan, ended_s)
    reference, inside = at_s < plan.phases[0].duration_s, (at_s >= start_s) & (at_s < end_s)
    by_welch = bool(welch(self_s[reference], self_s[inside]).any())
    if isinstance(windows, str):
        return False, by_welch
    requests = _Requests(
        table=pa.table(
            {
                "trace_id": [str(number) for number in range(len(at_s))],
                "scheduled_at": pa.array((at_s * _SECOND).astype(np.int64)),
            }
        )
    )
    before, now = (
        _side(blocks_of_requests(requests, ("checkout",), part), self_s) for part in (windows.reference, windows.judged)
    )
    return bool(named(before, now).any()), by_welch


@dataclass(frozen=True, slots=True, kw_only=True)
class _Requests:
    """Requests of one step, each with its trace."""

    table: pa.Table

    def traced(self, steps: Iterable[str], window: Window) -> pa.Table:  # noqa: ARG002 - one step, and all of it
        """Return `trace_id` and `scheduled_at` of all."""
        return self.table


def _side(block: Mapping[str, int], self_s: Floats) -> Side:
    return Side(self_s=self_s[[int(trace) for trace in block]], block=np.array(list(block.values()), dtype=np.int64))


def named(before: Side, now: Side) -> Bools:
    """Return which spans the code names a cause; none where a side has too few blocks."""
    if min(len(np.unique(side.block)) for side in (before, now)) < MIN_BLOCKS:
        return np.zeros(before.self_s.shape[1], dtype=np.bool_)
    return _compared(before, now).named


def _compared(before: Side, now: Side) -> Compared:
    return compare(before, now, duration_s=float(now.self_s.sum(axis=1).mean()))


def _by_welch(both: tuple[Side, Side]) -> Bools:
    before, now = both
    return welch(before.self_s, now.self_s)


def _by_size(
    noise: str,
    draw: Callable[[np.random.Generator, Noise, str], tuple[Side, Side]],
    runs: int,
    answer: Callable[[tuple[Side, Side]], tuple[np.bool_ | bool, ...]],
) -> dict[str, tuple[float, ...]]:
    """Return, by size, in which percent of the runs each of the answers is yes."""
    return {
        size: _percent(answer(draw(random_of(noise, size, run), NOISES[noise], size)) for run in range(runs))
        for size in SIZES
    }


def _percent(answers: Iterable[tuple[np.bool_ | bool, ...]]) -> tuple[float, ...]:
    return tuple(round(100 * float(np.mean(column)), 1) for column in zip(*answers, strict=True))


def _figure(
    name: str,
    found: Mapping[str, tuple[float, ...]],
    *,
    column: int = 0,
    most: float | None = None,
    worst: Callable[[Iterable[float]], float] = max,
) -> Figure:
    """Return the worst of the cells' percentages in one column, with each of them."""
    cells = tuple(one[column] for one in found.values())
    op: Literal["<="] | None = None if most is None else "<="
    return Figure(name=name, value=worst(cells), op=op, bound=most, runs=cells, on=f"% of runs at {', '.join(found)}")


def main() -> ExitCode:
    """Print the table; 99 when a figure misses its bound."""
    parser = argparse.ArgumentParser(description="the causes' part of make prove-gate")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"simulated runs a cell (default {RUNS})")
    figures = rows(parser.parse_args().runs)
    print(table(figures))
    return ExitCode.FAIL if missed(figures) else ExitCode.OK


if __name__ == "__main__":
    raise SystemExit(main())
