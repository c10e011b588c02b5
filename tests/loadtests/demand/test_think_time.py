"""Pauses are drawn from the distribution that the plan names, and never lie outside of it."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.demand.splitmix import SplitMix64
from loadtests.demand.think_time import Empirical, LogNormal

SEEDS = st.integers(0, 2**53)
QUANTILES = st.lists(st.floats(0, 3600), min_size=2, max_size=20).map(sorted)


def draws(distribution: LogNormal | Empirical, count: int = 20_000) -> list[float]:
    luck = SplitMix64(3)
    return sorted(distribution.draw(luck) for _ in range(count))


def test_a_log_normal_has_its_median_and_its_spread() -> None:
    drawn = draws(LogNormal(median_s=2, sigma=0.5, max_s=1000))
    assert statistics.median(drawn) == pytest.approx(2, rel=0.02)
    assert drawn[round(0.8413 * len(drawn))] == pytest.approx(2 * 2.71828**0.5, rel=0.03)


def test_a_log_normal_is_cut_at_its_maximum() -> None:
    drawn = draws(LogNormal(median_s=2, sigma=0.5, max_s=2.5), 1000)
    assert drawn[-1] == 2.5
    assert drawn[0] > 0


def test_an_empirical_one_has_the_quantiles_it_was_given() -> None:
    drawn = draws(Empirical(quantiles_s=(0.5, 1, 2, 5, 20)))
    told = [drawn[round(share * (len(drawn) - 1))] for share in (0, 0.25, 0.5, 0.75, 1)]
    assert told == pytest.approx([0.5, 1, 2, 5, 20], rel=0.03)


def test_a_median_between_two_quantiles_is_found() -> None:
    assert (Empirical(quantiles_s=(1, 3)).median_s, Empirical(quantiles_s=(1, 2, 9)).median_s) == (2, 2)


@given(SEEDS, QUANTILES)
def test_no_pause_lies_outside_of_what_was_measured(seed: int, quantiles: list[float]) -> None:
    measured = Empirical(quantiles_s=tuple(quantiles))
    pause = measured.draw(SplitMix64(seed))
    assert quantiles[0] <= pause <= quantiles[-1] == measured.max_s


@pytest.mark.parametrize(
    "think_time",
    [
        LogNormal(median_s=1.2, sigma=0.6, max_s=10),
        LogNormal(median_s=2.0, sigma=1.5, max_s=3),
        LogNormal(median_s=2.0, sigma=0.0, max_s=3),
        Empirical(quantiles_s=(0.2, 0.8, 1.2, 3, 30)),
    ],
)
def test_the_mean_is_that_of_the_draws(think_time: LogNormal | Empirical) -> None:
    draws = SplitMix64(3)
    drawn = sum(think_time.draw(draws) for _ in range(100_000)) / 100_000
    assert think_time.mean_s == pytest.approx(drawn, rel=0.02)
