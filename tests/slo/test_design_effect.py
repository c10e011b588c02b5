"""What fails together counts as less: error bursts by blocks, shoppers by sessions, drift by thirds."""

import numpy as np
import numpy.typing as npt
import pytest

from slo.design_effect import (
    DesignEffects,
    StepCounts,
    blocks_of,
    design_effects,
    longest_error_burst_s,
    thirds_of,
)
from slo.statistics import p_value_of_miss, upper_bad_ratio

Ints = npt.NDArray[np.int64]
ALONE = (2,) * 20


def effects(
    *counts: StepCounts, rate: float = 10.0, burst_s: float = 0.0, sessions: float | None = None
) -> DesignEffects:
    return design_effects(counts, rate_per_s=rate, assumed_error_burst_s=burst_s, session_scatter=sessions)


def one(bad: tuple[int, ...], events: int = 50) -> StepCounts:
    return StepCounts(step="a", events=(events,) * len(bad), bad=bad)


def test_twenty_blocks_of_three_seconds_or_fewer() -> None:
    assert [blocks_of(seconds) for seconds in (1, 30, 59, 60, 75, 7200)] == [1, 10, 19, 20, 20, 20]


def test_thirds_hold_each_block_once() -> None:
    places = [list(range(20))[third] for third in thirds_of(20)]
    assert [len(third) for third in places] == [6, 7, 7]
    assert [place for third in places for place in third] == list(range(20))
    assert [list(range(1))[third] for third in thirds_of(1)] == [[], [], [0]]


def test_even_blocks_have_no_design_effect() -> None:
    found = effects(one(ALONE))
    assert (found.met.value, found.miss.value) == (1.0, 1.0)
    assert found.miss.known_from == "measured over 20 blocks, in thirds"


def test_bad_events_in_one_block_count_for_little() -> None:
    found = effects(one((40, *(0,) * 19))).met
    # Its third's scatter about its mean on 17 degrees of freedom; then what one burst can't show of its own size.
    assert found.value == pytest.approx(1 + 3 * (50.612 - 1), abs=0.01)
    assert found.known_from == "measured over 20 blocks"


def test_the_more_bursts_are_seen_the_less_is_left_unknown_of_their_size() -> None:
    single = effects(one((20, *(0,) * 19), 500)).met.value
    five = effects(one((20, 0, 0, 0) * 5, 500)).met.value
    assert single > 2 * five > 2 * 15


def test_steps_with_different_ratios_are_no_clustering() -> None:
    """Residuals are about each step's own mean: a changing mix of steps must not count as error bursts."""
    bad_step = StepCounts(step="a", events=(100, 0) * 10, bad=(50, 0) * 10)
    good_step = StepCounts(step="b", events=(0, 100) * 10, bad=(0, 0) * 10)
    assert effects(bad_step, good_step).met.value == 1.0


def test_steps_that_fail_together_are_one_cluster() -> None:
    step = one((10, 0) * 10)
    alone = effects(step).met.value
    together = effects(step, StepCounts(step="b", events=step.events, bad=step.bad)).met.value
    assert 2.0 < together / alone < 2.2


@pytest.mark.parametrize("bad", [(0,) * 20, (1,) * 19 + (0,), ALONE, (2,) * 19], ids=["none", "19", "40", "19 blocks"])
def test_a_pass_is_never_without_the_bursts_that_the_plan_assumes(bad: tuple[int, ...]) -> None:
    found = effects(one(bad), rate=50.0, burst_s=0.2).met
    assert (found.value, found.known_from) == (11.0, "assumed error bursts of 200 ms")


def test_a_miss_is_measured_where_enough_is_seen_and_else_assumes_the_bursts_too() -> None:
    assert effects(one(ALONE), rate=50.0, burst_s=1.0).miss.value == 1.0
    assert effects(one((1,) * 19 + (0,)), rate=50.0, burst_s=1.0).miss.value == 51.0
    assert effects(one((2,) * 19), rate=50.0, burst_s=1.0).miss.value == 51.0


def test_a_measured_effect_above_the_assumed_counts_however_few_bad_events() -> None:
    found = effects(one((8, *(0,) * 19)), rate=1.0, burst_s=1.0)
    assert found.met.value == pytest.approx(1 + 3 * (9.0131 - 1), abs=0.01)
    assert found.met.known_from == "measured over 20 blocks, on 8 bad events"
    assert found.miss == found.met


def test_a_shop_that_gets_worse_is_no_shop_of_huge_bursts() -> None:
    """GATE's drift: bad only in the last third; about the whole window's mean nothing could ever be shown missed."""
    drift = one((0,) * 13 + (30,) * 7, events=200)
    found = effects(drift)
    bad, events = sum(drift.bad), sum(drift.events)
    assert found.miss.value == 1.0
    assert found.met.value > 25
    assert p_value_of_miss(bad, events, 0.035, found.miss.value) < 0.001
    assert p_value_of_miss(bad, events, 0.035, found.met.value) > 0.05


def test_shoppers_whose_every_request_fails_are_clusters_that_no_block_shows() -> None:
    even = effects(one(ALONE), sessions=8.0)
    assert even.met.value == even.miss.value == pytest.approx(1 + 7 * (1 + 2 * 8 / 40))
    assert even.miss.known_from == "measured over 20 blocks and over sessions, in thirds"
    assert effects(one(ALONE), sessions=0.7).met.value == 1.0
    assert effects(one((0,) * 20), sessions=None).met.value == 1.0


def test_blocks_and_sessions_are_clusters_of_two_ways() -> None:
    bursts = effects(one((10, 0) * 10)).met.value
    both = effects(one((10, 0) * 10), sessions=8.0).met.value
    assert both == pytest.approx(bursts + 7 * (1 + 2 * 8 / 100))


def test_a_single_bad_event_is_one_of_chance_alone() -> None:
    """Its residuals are those of one draw: what is left over 1 is Korn and Graubard's factor, of 19 degrees of freedom.

    And three times that, as one burst knows nothing of bursts' sizes.
    """
    adjusted = 20 / 19 * 0.95 / 0.999 * (1.729133 / 1.644854) ** 2
    assert effects(one((1, *(0,) * 19))).met.value == pytest.approx(1 + 3 * (adjusted - 1), abs=1e-5)


def test_of_a_single_bad_event_the_sessions_scatter_knows_least() -> None:
    alone = effects(one((1, *(0,) * 19)), sessions=1.0).met.value
    assert effects(one((1, *(0,) * 19)), sessions=3.0).met.value == pytest.approx(alone + 2 * (1 + 2 * 3 / 1))


def test_steps_that_are_cut_into_other_numbers_of_blocks_are_not_measured() -> None:
    bursts = one((40, *(0,) * 19))
    found = effects(bursts, one((0,) * 19), burst_s=2.0)
    assert found.met == found.miss
    assert (found.met.value, found.met.known_from) == (21.0, "assumed error bursts of 2 s")


def test_where_all_are_bad_or_none_is_there_is_no_scatter() -> None:
    assert effects(one((50,) * 20)).met.value == effects(one((0,) * 20)).met.value == 1.0


def test_shoppers_count_where_there_are_too_few_blocks_to_measure() -> None:
    found = effects(one((2,) * 10), sessions=8.0)
    assert found.met.value == pytest.approx(1 + 7 * (1 + 2 * 8 / 20))
    assert found.met.known_from == "measured over 10 blocks and over sessions, on 20 bad events"


def test_counts_that_can_not_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^bad events of a must lie between 0 and the block's events$"):
        StepCounts(step="a", events=(1, 1), bad=(0, 2))
    with pytest.raises(ValueError, match=r"^2 blocks of events but 1 of bad events$"):
        StepCounts(step="a", events=(1, 1), bad=(0,))


def test_the_longest_burst_a_pass_survives_is_the_one_at_which_its_bound_is_the_budget() -> None:
    """Without a bad one 2,995 independent events show 0.1 %: 29,950 show it for bursts of ten events."""
    assert longest_error_burst_s(0, 29_950, 0.001, 50.0) == pytest.approx(9 / 50, rel=0.001)
    found_s = longest_error_burst_s(3, 29_950, 0.001, 50.0)
    assert upper_bad_ratio(3, 29_950, 1 + found_s * 50) == pytest.approx(0.001)
    assert longest_error_burst_s(30, 29_950, 0.001, 50.0) == 0.0


@pytest.mark.parametrize(("rate", "burst_s"), [(0.0, 0.0), (0.5, 18.0), (1.0, 9.0)])
def test_the_rarer_events_are_the_longer_a_burst_may_be(rate: float, burst_s: float) -> None:
    assert longest_error_burst_s(0, 29_950, 0.001, rate) == pytest.approx(burst_s, rel=0.001)
    assert longest_error_burst_s(0, 0, 0.001, rate) == longest_error_burst_s(0, 1, 0.001, rate) == 0.0


def _runs(kind: str, ratio: float, seconds: int, per_s: float, runs: int) -> tuple[Ints, Ints]:
    """Events and bad events by run and block; bad ones independent, in bursts of 3 s, or from an AR(1) log ratio."""
    rng = np.random.default_rng(11)
    events = rng.poisson(per_s, (runs, seconds))
    chance = np.full((runs, seconds), ratio)
    if kind == "bursts":
        share = ratio / 0.5
        bad_now = rng.random(runs) < share
        for second in range(seconds):
            chance[:, second] = np.where(bad_now, 0.5, 0.0)
            leaves, enters = 1 / 3, share / (1 - share) / 3
            draw = rng.random(runs)
            bad_now = np.where(bad_now, draw > leaves, draw < enters)
    elif kind == "autoregressive":
        state = rng.normal(size=runs)
        for second in range(seconds):
            chance[:, second] = np.minimum(1.0, ratio * np.exp(0.5 * state - 0.125))
            state = 0.7 * state + np.sqrt(1 - 0.49) * rng.normal(size=runs)
    bad = rng.binomial(events, chance)
    cut = np.arange(20) * seconds // 20
    return np.add.reduceat(events, cut, axis=1), np.add.reduceat(bad, cut, axis=1)


def _false_decisions(
    kind: str, budget: float, seconds: int, per_s: float, *, measured: bool = True
) -> tuple[float, float]:
    """How often a shop exactly at its budget is shown met, and shown missed."""
    passed, failed, runs = 0, 0, 1000
    for events, bad in zip(*_runs(kind, budget, seconds, per_s, runs), strict=True):
        counts = StepCounts(step="a", events=tuple(events.tolist()), bad=tuple(bad.tolist()))
        found = effects(counts, rate=per_s, burst_s=0.0)
        met, miss = (found.met.value, found.miss.value) if measured else (1.0, 1.0)
        x, n = float(bad.sum()), float(events.sum())
        passed += upper_bad_ratio(x, n, met) <= budget
        failed += p_value_of_miss(x, n, budget, miss) < 0.05
    return passed / runs, failed / runs


@pytest.mark.parametrize(
    ("kind", "budget", "seconds", "per_s"),
    [
        ("independent", 0.05, 75, 20.0),
        ("independent", 0.05, 75, 6.0),
        ("independent", 0.01, 900, 6.0),
        ("bursts", 0.05, 1200, 20.0),
        ("bursts", 0.01, 900, 6.0),
        ("autoregressive", 0.05, 1200, 20.0),
        ("autoregressive", 0.01, 900, 6.0),
    ],
)
def test_at_most_five_in_a_hundred_shops_at_their_budget_are_judged_wrongly(
    kind: str, budget: float, seconds: int, per_s: float
) -> None:
    """0.05 and two standard errors of 1,000 runs; both errors, for a PASS and for a FAIL."""
    passed, failed = _false_decisions(kind, budget, seconds, per_s)
    assert passed <= 0.064
    assert failed <= 0.064


def test_without_the_design_effect_bad_spells_would_be_judged_wrongly() -> None:
    passed, failed = _false_decisions("bursts", 0.05, 1200, 20.0, measured=False)
    assert passed > 0.3
    assert failed > 0.3
