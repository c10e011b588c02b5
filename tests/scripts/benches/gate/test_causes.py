"""The simulation of the causes compares what the code compares, and draws what it says it draws."""

import numpy as np
import pytest

from scripts.benches.gate.causes import LOADS, load_plan, named, rows, windows_of
from scripts.benches.gate.simulated_traces import BASE_MS, NOISES, SIZES, SLOWER, random_of, sides, slowed
from slo.causes.comparison import Side


def test_each_figure_has_its_name_and_the_bounds_stand_where_they_must() -> None:
    figures = rows(1)
    assert len({figure.name for figure in figures}) == len(figures)
    bounded = [figure.name for figure in figures if figure.bound == 6.0]
    assert bounded == [
        *(f"a clean release names a cause, same load, {noise}" for noise in NOISES),
        "a clean release names a cause, load differs",
    ]
    differs = next(figure for figure in figures if figure.name == bounded[-1])
    unlike = [cell for cell, name in zip(differs.runs, LOADS, strict=True) if name.startswith("reference at 0.5")]
    assert unlike == [0.0, 0.0]


@pytest.mark.parametrize("noise", NOISES)
def test_every_noise_has_the_means_of_the_spans(noise: str) -> None:
    drawn = NOISES[noise](random_of("a test", "means", 0), 200_000) * BASE_MS
    assert drawn.mean(axis=0) == pytest.approx(BASE_MS, rel=0.1)


def test_a_slowed_span_is_named_and_a_clean_release_names_none() -> None:
    noise = NOISES["log-normal, sigma 1"]
    assert np.flatnonzero(named(*slowed(random_of("a test", "slowed", 0), noise, "125/850"))).tolist() == [SLOWER]
    assert not named(*sides(random_of("a test", "slowed", 0), noise, "125/850")).any()


def test_a_side_of_three_blocks_names_none() -> None:
    before, now = slowed(random_of("a test", "slowed", 0), NOISES["log-normal, sigma 1"], "125/850")
    assert not named(Side(self_s=before.self_s, block=before.block % 3), now).any()


def test_the_sides_are_of_their_size() -> None:
    for size, ((traces, blocks), (traces_now, blocks_now)) in SIZES.items():
        before, now = sides(random_of("a test", size, 0), NOISES["log-normal, sigma 1"], size)
        assert (len(before.self_s), len(now.self_s)) == (traces, traces_now)
        assert (before.block.max() < blocks, now.block.max() < blocks_now) == (True, True)


def test_what_is_at_the_references_level_is_compared_and_not_left_out() -> None:
    """A simulation that compared nothing would name no cause, and prove nothing."""
    for level, others, ended_s in LOADS.values():
        compared = windows_of(load_plan(level, others), ended_s)
        assert isinstance(compared, str) == (level != 1.0)
