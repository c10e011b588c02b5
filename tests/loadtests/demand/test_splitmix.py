"""A shopper's luck is reproducible, fair, and draws nothing that isn't there."""

import statistics
from collections import Counter
from math import log

import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from loadtests.demand.splitmix import SplitMix64

SEEDS = st.integers(0, 2**64 - 1)
ALPHA = 1e-6  # a fair generator fails one in a million times; the seeds are fixed


def test_the_numbers_are_those_of_the_published_algorithm() -> None:
    # SplitMix64 from seed 1234567, as its reference implementation prints it
    first = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    luck = SplitMix64(1234567)
    assert [luck.random() for _ in first] == [(number >> 11) / 2**53 for number in first]


@given(SEEDS)
def test_the_same_seed_is_the_same_luck_and_another_one_is_not(seed: int) -> None:
    one, same, other = SplitMix64(seed), SplitMix64(seed), SplitMix64(seed + 1)
    drawn = [one.random() for _ in range(5)]
    assert drawn == [same.random() for _ in range(5)]
    assert drawn != [other.random() for _ in range(5)]
    assert all(0 <= number < 1 for number in drawn)


def test_numbers_are_even_and_neighbouring_seeds_have_nothing_in_common() -> None:
    luck = SplitMix64(1)
    assert scipy.stats.kstest([luck.random() for _ in range(20_000)], "uniform").pvalue > ALPHA
    firsts = [SplitMix64(seed).random() for seed in range(20_000)]
    assert scipy.stats.kstest(firsts, "uniform").pvalue > ALPHA
    assert abs(statistics.correlation(firsts[:-1], firsts[1:])) < 0.05


def test_every_whole_number_between_two_comes_as_often() -> None:
    luck = SplitMix64(2)
    counts = Counter(luck.randint(3, 7) for _ in range(20_000))
    assert sorted(counts) == [3, 4, 5, 6, 7]
    assert scipy.stats.chisquare(list(counts.values())).pvalue > ALPHA


def test_every_item_is_chosen_as_often_and_none_from_nothing() -> None:
    luck = SplitMix64(3)
    counts = Counter(luck.choice("abc") for _ in range(20_000))
    assert sorted(counts) == ["a", "b", "c"]
    assert scipy.stats.chisquare(list(counts.values())).pvalue > ALPHA
    with pytest.raises(IndexError):
        luck.choice([])


def test_every_order_of_a_sample_comes_as_often() -> None:
    luck = SplitMix64(4)
    counts = Counter("".join(luck.sample("abcd", 2)) for _ in range(24_000))
    assert len(counts) == 12
    assert scipy.stats.chisquare(list(counts.values())).pvalue > ALPHA


@given(SEEDS, st.lists(st.integers(), max_size=12, unique=True), st.integers(-1, 13))
def test_a_sample_holds_different_items_of_the_whole(seed: int, items: list[int], count: int) -> None:
    if not 0 <= count <= len(items):
        with pytest.raises(ValueError, match=f"can't draw {count} of {len(items)}"):
            SplitMix64(seed).sample(items, count)
        return
    drawn = SplitMix64(seed).sample(items, count)
    assert (len(drawn), len(set(drawn)), set(drawn) <= set(items)) == (count, count, True)


def test_the_logarithm_of_a_log_normal_is_normal() -> None:
    luck = SplitMix64(5)
    drawn = [log(luck.lognormvariate(1, 0.5)) for _ in range(20_000)]
    assert scipy.stats.kstest(drawn, "norm", (1, 0.5)).pvalue > ALPHA


def test_a_draw_of_zero_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SplitMix64, "random", lambda _: 0.0)
    assert 0 < SplitMix64(0).lognormvariate(0, 1) < 0.001
