"""Latencies: the grid of stagings, four objectives, three base levels, stagings whose noise isn't as supposed."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from scripts.benches.comparing.cells import Bound, Cell, Tally
from scripts.benches.comparing.noise import GRID, Noise
from scripts.benches.comparing.playing import (
    BASE_S,
    BOTH_UP,
    SETTINGS,
    WELCH_RUNS,
    WITH_SWITCH,
    latencies,
    of_logs,
    tally,
    welch,
)
from slo.regression.design import Design
from slo.regression.settings import ComparisonSettings

CHANGES = (0.0, 0.05, 0.10, 0.20)
_RUN_JUDGED_S = 55.0
_QUIET, _MIDDLING = 0.045, 0.06


def play(  # noqa: PLR0913 - what a cell is made of
    rng: np.random.Generator,
    jobs: int,
    *,
    noise: Noise,
    change: float,
    worse: int = 1,
    objectives: int = 1,
    design: Design = BOTH_UP,
    settings: ComparisonSettings = SETTINGS,
    base_s: float = BASE_S,
    beside_welch: bool = False,
) -> Tally:
    """Compare a release of which the first `worse` of `objectives` are slower by `change`."""
    measures = latencies(objectives, settings)
    slower = np.where(np.arange(objectives) < worse, np.log1p(change), 0.0)
    a, b = noise.draw(rng, jobs, design.pairs, design.judged_s, objectives)
    b = b + slower
    beside = None
    if beside_welch:
        runs_a, runs_b = noise.draw(rng, jobs, WELCH_RUNS, _RUN_JUDGED_S)
        beside = welch(runs_a[:, :, 0], runs_b[:, :, 0] + np.log1p(change), settings)
    return tally(
        jobs,
        lambda job: [of_logs(one, a[job, :, k], b[job, :, k], base_s) for k, one in enumerate(measures)],
        design,
        settings,
        beside,
    )


def one_objective() -> Iterator[Cell]:
    """Yield the grid with one objective, both releases up, beside Welch's test on 5 + 5 runs (10 min)."""
    for noise in GRID:
        for change in CHANGES:
            yield Cell(
                row="one objective, both up",
                name=_named(noise, change),
                play=partial(play, noise=noise, change=change, beside_welch=True),
                bounds=(*_bounds_of_one(noise, change), Bound(of="minutes", op="<=", value=8)),
                tags=("grid", f"{change:g}"),
            )


def four_objectives() -> Iterator[Cell]:
    """Yield the grid with four objectives (correlation 0.6), of which one or all are slower."""
    for noise in GRID:
        for change in CHANGES:
            for worse in (1, 4) if change else (0,):
                yield Cell(
                    row="four objectives, both up",
                    name=f"{_named(noise, change)}, {worse} slower",
                    play=partial(play, noise=noise, change=change, worse=worse, objectives=4),
                    bounds=_bounds_of_four(noise, change, worse),
                )


def switched() -> Iterator[Cell]:
    """Yield the grid where a switch takes 3 min: 4 to 6 pairs of 65 s; Welch's 5 + 5 take 33 min with the same."""
    for noise in GRID:
        for change in CHANGES:
            yield Cell(
                row="one objective, a switch of 3 min (Welch: 33 min)",
                name=_named(noise, change),
                play=partial(play, noise=noise, change=change, design=WITH_SWITCH, beside_welch=True),
            )


def levels() -> Iterator[Cell]:
    """Yield a base p95 of 50, 137 and 400 ms with a least change of 0, 5 and 20 ms."""
    noise = Noise(deviation=0.045, correlation=0.5)
    for base_s in (0.050, 0.137, 0.400):
        for least_ms in (0, 5, 20):
            settings = SETTINGS.model_copy(update={"min_change_ms": float(least_ms)})
            for change in (*CHANGES, 0.5):
                yield Cell(
                    row="base p95 and min_change_ms (deviation 0.045, correlation 0.5)",
                    name=f"{base_s * 1000:.0f} ms, {least_ms:2} ms, {change:+.0%}",
                    play=partial(play, noise=noise, change=change, settings=settings, base_s=base_s),
                )


def other_noise() -> Iterator[Cell]:
    """Yield a release against itself where the noise isn't what the rule supposes; printed, and named as limits."""
    for deviation in (0.03, 0.06):
        plain = Noise(deviation=deviation, correlation=0.3)
        for name, noise in (
            ("shared noise remembers, AR(1) 0.6", replace(plain, shared_memory=0.6)),
            ("own noise remembers, AR(1) 0.3", replace(plain, own_memory=0.3)),
            ("own noise remembers, AR(1) 0.6", replace(plain, own_memory=0.6)),
            ("Student's t with 3 degrees of freedom", replace(plain, tails="t3")),
            ("5 % of blocks slow by 4 deviations", replace(plain, tails="spikes")),
        ):
            yield Cell(
                row="a release against itself, other noise",
                name=f"{name}, deviation {deviation:g}",
                play=partial(play, noise=noise, change=0.0),
            )
    for lasting in (0.01, 0.02, 0.03, 0.05):
        noise = replace(Noise(deviation=0.045, correlation=0.5), lasting=lasting)
        for known in (False, True):
            settings = SETTINGS.model_copy(update={"deployment_sd": lasting if known else 0.0})
            for change in (0.0, 0.10, 0.20):
                yield Cell(
                    row="two deployments of one build differ for good",
                    name=f"by {lasting:g}, {'known' if known else 'not known'}, {change:+.0%}",
                    play=partial(play, noise=noise, change=change, settings=settings),
                )


def _named(noise: Noise, change: float) -> str:
    return f"deviation {noise.deviation:g}, correlation {noise.correlation:g}, {change:+.0%}"


def _bounds_of_one(noise: Noise, change: float) -> Iterator[Bound]:
    quiet = noise.deviation <= _QUIET
    if change == 0:
        yield Bound(of="fail", op="<=", value=0.015)
        if quiet:
            yield Bound(of="open", op="<=", value=0.12)
    if change == 0.10:  # noqa: PLR2004 - the change that must not pass
        yield Bound(of="passed", op="<=", value=0.06)
        if noise.correlation >= 0.7 and noise.deviation <= _MIDDLING:  # noqa: PLR2004 - the issue's cell
            yield Bound(of="fail", op=">=", value=0.60)
    if change == 0.20 and (quiet or (noise.deviation <= _MIDDLING and noise.correlation >= 0.3)):  # noqa: PLR2004
        yield Bound(of="fail", op=">=", value=0.97)


def _bounds_of_four(noise: Noise, change: float, worse: int) -> tuple[Bound, ...]:
    if change == 0:
        return (Bound(of="fail", op="<=", value=0.02),)
    if change == 0.10:  # noqa: PLR2004 - the change that must not pass
        passed = Bound(of="passed", op="<=", value=0.06)
        found = noise.correlation >= 0.7 and noise.deviation <= _MIDDLING and worse == 1  # noqa: PLR2004
        return (passed, Bound(of="fail", op=">=", value=0.45)) if found else (passed,)
    return ()
