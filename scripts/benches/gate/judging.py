"""The product's own judgement of played runs: nothing is decided here."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scripts.benches.gate.shops import Floats, Ints, Played, Shop
from slo.design_effect import StepCounts, blocks_of
from slo.objectives.indicators import Availability, Evidence
from slo.objectives.objective import Objective
from slo.objectives.sources import Records
from slo.verdict.objective_results import Basis, ObjectiveResult, judge_objectives
from slo.verdict.verdict import _late

Ending = Literal["PASS", "FAIL", "INCONCLUSIVE"]
ENDINGS: tuple[Ending, ...] = ("PASS", "FAIL", "INCONCLUSIVE")
ASSUMED_ERROR_BURST_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What many runs were judged to be: the runs by ending, those with a worse last third, and what PASSes print."""

    endings: Counter[Ending]
    late: int
    survives_s: tuple[float, ...]

    @property
    def runs(self) -> int:
        """Return how many there were."""
        return self.endings.total()

    def share(self, ending: Ending) -> float:
        """Return the share that ended so."""
        return self.endings[ending] / self.runs


def objective(budget: float, name: str = "objective") -> Objective:
    """Return an objective about the step of its own name that may be bad in `budget` of all requests."""
    return Objective(
        name=name,
        display_name=name,
        description="",
        service="shop",
        indicator=Availability(source=Records(steps=(name,))),
        target=1 - budget,
        window="30d",
    )


def edges_s(duration_s: float) -> Floats:
    """Return the edges of the blocks of a judged window."""
    return np.linspace(0.0, duration_s, blocks_of(duration_s) + 1)


def play_and_judge(
    rng: np.random.Generator,
    runs: int,
    shop: Shop,
    budget: float,
    duration_s: float,
    assumed_error_burst_s: float = ASSUMED_ERROR_BURST_S,
) -> Judged:
    """Play `runs` against `shop` and judge each by one objective."""
    basis = Basis(assumed_error_burst_s=assumed_error_burst_s, window_s=duration_s)
    one = objective(budget)
    results = [
        judge_objectives([one], {one.name: evidence}, {}, basis)
        for evidence in evidence_of(shop.play(rng, runs, edges_s(duration_s)), one.name)
    ]
    return Judged(
        endings=Counter(ending(run) for run in results),
        late=sum(any(True for _ in _late(run)) for run in results),
        survives_s=tuple(
            run[0].survives_error_burst_s
            for run in results
            if ending(run) == "PASS" and run[0].survives_error_burst_s is not None
        ),
    )


def ending(results: Sequence[ObjectiveResult]) -> Ending:
    """Return how a verdict on these objectives ends, where nothing else was wrong."""
    if any(one.outcome == "missed" for one in results):
        return "FAIL"
    met = all(one.outcome == "met" for one in results)
    return "PASS" if met and not any(True for _ in _late(tuple(results))) else "INCONCLUSIVE"


def evidence_of(played: Played, step: str) -> Iterator[Evidence]:
    """Return each run's evidence, as if read from its records."""
    scatters: Sequence[float | None] = (
        [None] * len(played.events) if played.session_scatter is None else played.session_scatter.tolist()
    )
    for events, bad, scatter in zip(played.events, played.bad, scatters, strict=True):
        yield evidence(step, events, bad, scatter)


def evidence(step: str, events: Ints, bad: Ints, session_scatter: float | None) -> Evidence:
    """Return the evidence of one step's counts by block; no request is no data."""
    if not events.sum():
        return Evidence(no_data="no judged request")
    counts = StepCounts(step=step, events=tuple(events.tolist()), bad=tuple(bad.tolist()))
    return Evidence(counts=(counts,), session_scatter=session_scatter)


def shares(judged: Judged) -> Mapping[str, float]:
    """Return the share of each ending, by its name, and of runs whose last third alone is over the budget."""
    return {**{name: judged.share(name) for name in ENDINGS}, "late": judged.late / judged.runs}
