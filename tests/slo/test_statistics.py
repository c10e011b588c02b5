"""The bounds are Clopper and Pearson's on effective counts, and hold in simulation."""

import numpy as np
import pytest
import scipy
from hypothesis import given
from hypothesis import strategies as st

from slo.statistics import (
    chance_of_proof,
    chance_of_proof_alone,
    events_needed,
    events_needed_at,
    events_to_miss_at,
    holm,
    lower_bad_ratio,
    miss_is_certain,
    p_value_of_miss,
    upper_bad_ratio,
)


@pytest.mark.parametrize(
    ("budget", "needed"),
    [(0.05, [59, 93, 153, 208]), (0.01, [299, 473, 773, 1049]), (0.001, [2995, 4742, 7752, 10511])],
)
def test_the_events_needed_are_the_known_ones(budget: float, needed: list[int]) -> None:
    assert [events_needed(budget, bad) for bad in (0, 1, 3, 5)] == needed


def test_events_and_bad_events_are_both_divided_by_the_design_effect() -> None:
    """Dividing the events alone would give 9.5 %."""
    assert round(upper_bad_ratio(12, 600, 3), 3) == 0.045
    assert round(upper_bad_ratio(12, 200), 3) == 0.095


def test_the_edges_of_the_bounds_are_zero_and_one() -> None:
    assert lower_bad_ratio(0, 10) == 0.0
    assert upper_bad_ratio(10, 10) == 1.0
    assert p_value_of_miss(0, 10, 0.01) == 1.0


def test_the_p_value_and_the_lower_bound_decide_alike() -> None:
    for bad in range(1, 60):
        rejected = p_value_of_miss(bad, 500, 0.05, 1.7) < 0.01
        assert rejected == (lower_bad_ratio(bad, 500, 1.7, 0.01) > 0.05)


def test_holm_tests_the_smallest_at_alpha_over_their_number() -> None:
    tested = holm({"a": 0.02, "b": 0.001, "c": 0.03, "d": 0.5})
    assert [(name, round(one.alpha, 4), one.rejected) for name, one in tested.items()] == [
        ("b", 0.0125, True),
        ("a", 0.0167, False),
        ("c", 0.0167, False),
        ("d", 0.0167, False),
    ]


def test_ten_good_objectives_together_raise_at_most_five_false_alarms_in_a_hundred() -> None:
    chance = np.random.default_rng(1).uniform(size=(4000, 10))
    alarms = [any(one.rejected for one in holm({str(n): p for n, p in enumerate(row)}).values()) for row in chance]
    assert float(np.mean(alarms)) <= 0.057  # 0.05 and two standard errors


def test_what_would_settle_it_supposes_that_the_ratio_stays() -> None:
    assert events_needed_at(0.0, 0.05) == 59
    assert events_needed_at(0.05, 0.05) is None
    assert events_to_miss_at(0.05, 0.05, 1.0, 0.05) is None


def test_at_the_budget_itself_nothing_would_be_shown_but_by_luck_for_which_no_number_is_asked() -> None:
    assert events_needed_at(0.05, 0.05, chance=0.01) is None
    assert events_to_miss_at(0.05, 0.05, 1.0, 0.05, chance=0.01) is None


@pytest.mark.parametrize(("ratio", "budget"), [(0.02, 0.05), (0.0025, 0.01), (0.04, 0.05)])
def test_as_many_requests_as_are_asked_for_show_it_met_nine_times_of_ten(ratio: float, budget: float) -> None:
    needed = events_needed_at(ratio, budget)
    assert needed is not None
    drawn = np.random.default_rng(7).binomial(needed, ratio, 4000)
    shown = np.mean([upper_bad_ratio(int(bad), needed) <= budget for bad in drawn])
    assert 0.88 < shown < 0.96


def test_as_many_requests_as_are_asked_for_show_it_missed_nine_times_of_ten() -> None:
    needed = events_to_miss_at(0.1, 0.05, 1.0, 0.05)
    assert needed is not None
    drawn = np.random.default_rng(7).binomial(needed, 0.1, 4000)
    shown = np.mean([p_value_of_miss(int(bad), needed, 0.05) < 0.05 for bad in drawn])
    assert 0.88 < shown < 0.96


def test_the_chance_of_proof_is_none_below_the_events_needed_and_grows_with_them() -> None:
    chances = [chance_of_proof(events, 2.0, 0.05, 0.0125) for events in (117, 118, 600, 2000)]
    assert [round(chance, 2) for chance in chances] == [0.0, 0.48, 0.99, 1.0]


def test_the_chance_of_proof_is_what_a_simulation_finds() -> None:
    bad = np.random.default_rng(2).binomial(400, 0.02, size=5000)
    proven = np.mean([upper_bad_ratio(int(x), 400) <= 0.05 for x in bad])
    assert abs(float(proven) - chance_of_proof(400, 1.0, 0.05, 0.02)) < 0.02


def test_a_miss_is_certain_only_if_the_rest_being_good_would_not_save_it() -> None:
    planned, alpha = 2400, 0.05 / 8
    certain = [bad for bad in range(400) if miss_is_certain(bad, planned, 0.05, 2.0, alpha)]
    first = certain[0]
    assert certain == list(range(first, 400))
    assert lower_bad_ratio(first, planned, 2.0, alpha) > 0.05 >= lower_bad_ratio(first - 1, planned, 2.0, alpha)


def test_a_miss_is_never_certain_within_the_budget() -> None:
    assert not miss_is_certain(0, 0, 0.05, 2.0, 0.05)
    assert not miss_is_certain(120, 2400, 0.05, 2.0, 0.05)


def test_what_comes_by_chance_as_often_as_the_level_is_no_certain_miss() -> None:
    """One event that is bad has a chance of 5 % where 5 % may be."""
    assert not miss_is_certain(1, 1, 0.05, 1.0, 0.05)
    assert miss_is_certain(1, 1, 0.05, 1.0, 0.051)


def test_a_chance_with_events_bad_each_by_itself_is_what_a_simulation_finds() -> None:
    bad = np.random.default_rng(3).binomial(6000, 0.0025, size=5000)
    proven = np.mean([upper_bad_ratio(int(x), 6000, 10.0) <= 0.01 for x in bad])
    assert abs(float(proven) - chance_of_proof_alone(6000, 10.0, 0.01, 0.0025)) < 0.02
    assert chance_of_proof_alone(2000, 10.0, 0.01, 0.0025) == 0.0


def test_next_to_the_budget_no_number_of_requests_settles_it() -> None:
    assert events_needed_at(0.05 * (1 - 1e-7), 0.05, 500.0) is None
    assert events_to_miss_at(0.05 * (1 + 1e-7), 0.05, 500.0, 0.05) is None


def test_how_many_requests_settle_it_is_known_beyond_two_to_the_31st() -> None:
    """By the normal approximation: (z of 95 % + z of 90 %)² times the variance over the distance squared."""
    normal = (1.6449 + 1.2816) ** 2 * 0.05 * 0.95 / 0.0001**2 * 500
    assert events_needed_at(0.0499, 0.05, 500.0) == pytest.approx(normal, rel=0.01)
    assert events_to_miss_at(0.0501, 0.05, 500.0, 0.05) == pytest.approx(normal, rel=0.01)


@given(st.integers(0, 9), st.integers(1, 400), st.sampled_from([0.05, 0.01]))
def test_as_many_events_are_needed_as_bring_the_bound_to_the_budget_itself(bad: int, more: int, alpha: float) -> None:
    """Both ways round: the bound of n events is the budget that n events are needed for."""
    assert events_needed(upper_bad_ratio(bad, bad + more, 1.0, alpha), bad, alpha) == bad + more


def test_one_event_is_enough_where_nearly_all_may_be_bad() -> None:
    """A single good event comes with a chance of 4 % where 96 % are bad."""
    assert events_needed(0.96) == events_needed_at(0.0, 0.96) == 1


def test_two_million_million_events_are_looked_for_and_no_more() -> None:
    """Without a bad one ln(1 / 0.05) / budget events are needed."""
    assert events_needed(1.8e-12) == pytest.approx(2.9957 / 1.8e-12, rel=1e-3)
    with pytest.raises(ValueError, match="no number of events is enough"):
        events_needed(1e-12)


def test_what_is_certain_is_a_chance_of_one() -> None:
    """Where no event is bad, 59 show it met for certain; where all are, two show it missed: 0.05 squared is rarer."""
    assert events_needed_at(0.0, 0.05, chance=1.0) == 59
    assert events_to_miss_at(1.0, 0.05, 1.0, 0.05, chance=1.0) == 2
    assert events_to_miss_at(1.0, 0.05, 1.0, 0.051, chance=1.0) == 1


def test_a_bound_that_is_the_budget_shows_it_met() -> None:
    """One event, good: its bound at 50 % is a half, and that it is good has a chance of 90 % where a tenth are bad."""
    assert chance_of_proof(1, 1.0, 0.5, 0.1, alpha=0.5) == pytest.approx(0.9)
    assert chance_of_proof_alone(1, 1.0, 0.5, 0.1, alpha=0.5) == pytest.approx(0.9)
    assert chance_of_proof(0, 1.0, 0.5, 0.1) == chance_of_proof_alone(0, 1.0, 0.5, 0.1) == 0.0


@given(st.integers(0, 40), st.integers(1, 400), st.floats(0.001, 0.5))
def test_the_p_value_is_the_binomial_tail(bad: int, more: int, budget: float) -> None:
    """Abramowitz and Stegun 26.5.24: the incomplete beta function is the tail of the binomial distribution."""
    events = bad + more
    expected = float(scipy.stats.binom.sf(bad - 1, events, budget))
    assert p_value_of_miss(bad, events, budget) == pytest.approx(expected, abs=1e-9)


@given(st.integers(1, 2000), st.floats(0.001, 0.2), st.floats(0.0, 0.3))
def test_the_chance_of_proof_is_that_of_the_counts_whose_bound_is_within_the_budget(
    events: int, budget: float, ratio: float
) -> None:
    shown = [bad for bad in range(events + 1) if upper_bad_ratio(bad, events) <= budget]
    expected = float(scipy.stats.binom.cdf(shown[-1], events, ratio)) if shown else 0.0
    assert chance_of_proof(events, 1.0, budget, ratio) == pytest.approx(expected, abs=1e-9)
    assert chance_of_proof_alone(events, 1.0, budget, ratio) == pytest.approx(expected, abs=1e-9)
