"""The bounds are Clopper and Pearson's on effective counts, and hold in simulation."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import betainc

from slo.statistics import (
    StepCounts,
    blocks_of,
    breach_is_certain,
    chance_of_proof,
    design_effect,
    events_needed,
    events_needed_at,
    events_to_miss_at,
    holm,
    lower_bad_ratio,
    p_value_of_miss,
    upper_bad_ratio,
)

Ints = npt.NDArray[np.int64]


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


def test_twenty_blocks_of_three_seconds_or_fewer() -> None:
    assert [blocks_of(seconds) for seconds in (1, 30, 59, 60, 75, 7200)] == [1, 10, 19, 20, 20, 20]


def test_even_blocks_have_no_design_effect() -> None:
    counts = StepCounts(step="a", events=(50,) * 20, bad=(2,) * 20)
    effect = design_effect([counts], 2.0)
    assert (effect.value, effect.known_from) == (1.0, "measured over 20 blocks")


def test_bad_events_in_one_block_count_for_little() -> None:
    counts = StepCounts(step="a", events=(50,) * 20, bad=(40, *(0,) * 19))
    effect = design_effect([counts], 2.0)
    assert round(effect.value) == round(1 + 3 * (46.0 - 1))  # one burst: its size, and what one burst can't show
    assert effect.known_from == "measured over 20 blocks"


def test_the_more_spells_are_seen_the_less_is_left_unknown_of_their_size() -> None:
    one = design_effect([StepCounts(step="a", events=(500,) * 20, bad=(20, *(0,) * 19))], 1.0).value
    five = design_effect([StepCounts(step="a", events=(500,) * 20, bad=(20, 0, 0, 0) * 5)], 1.0).value
    assert one > 2 * five > 2 * 15


def test_steps_with_different_ratios_are_no_clustering() -> None:
    """Residuals are about each step's own mean: a changing mix of steps must not count as error bursts."""
    bad_step = StepCounts(step="a", events=(100, 0) * 10, bad=(50, 0) * 10)
    good_step = StepCounts(step="b", events=(0, 100) * 10, bad=(0, 0) * 10)
    assert design_effect([bad_step, good_step], 2.0).value == 1.0


def test_steps_that_fail_together_are_one_cluster() -> None:
    one = StepCounts(step="a", events=(50,) * 20, bad=(10, 0) * 10)
    alone = design_effect([one], 1.0).value
    together = design_effect([one, StepCounts(step="b", events=one.events, bad=one.bad)], 1.0).value
    assert 2.0 < together / alone < 2.2


@pytest.mark.parametrize(
    ("blocks", "bad", "prior", "value", "known_from"),
    [
        (20, 0, 2.0, 2.0, "the plan's prior"),
        (20, 19, 2.0, 2.0, "the plan's prior"),
        (20, 20, 2.0, 1.0, "measured over 20 blocks"),
        (19, 190, 2.0, 2.0, "the plan's prior"),
        (20, 0, 0.5, 1.0, "the plan's prior"),
    ],
)
def test_the_prior_stands_in_when_too_little_was_measured(
    blocks: int, bad: int, prior: float, value: float, known_from: str
) -> None:
    spread = tuple(bad * (block + 1) // blocks - bad * block // blocks for block in range(blocks))
    effect = design_effect([StepCounts(step="a", events=(50,) * blocks, bad=spread)], prior)
    assert (effect.value, effect.known_from) == (value, known_from)


def test_a_measured_effect_above_the_prior_counts_however_few_bad_events() -> None:
    effect = design_effect([StepCounts(step="a", events=(50,) * 20, bad=(8, *(0,) * 19))], 2.0)
    assert round(effect.value, 1) == round(1 + 3 * (8.912 - 1), 1)
    assert effect.known_from == "measured over 20 blocks, on 8 bad events"


def test_counts_that_can_not_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^bad events of a must lie between 0 and the block's events$"):
        StepCounts(step="a", events=(1,), bad=(2,))
    with pytest.raises(ValueError, match=r"^2 blocks of events but 1 of bad events$"):
        StepCounts(step="a", events=(1, 1), bad=(0,))


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


def test_a_breach_is_certain_only_if_the_rest_being_good_would_not_save_it() -> None:
    planned, alpha = 2400, 0.05 / 8
    certain = [bad for bad in range(400) if breach_is_certain(bad, planned, 0.95, 2.0, alpha)]
    first = certain[0]
    assert certain == list(range(first, 400))
    assert lower_bad_ratio(first, planned, 2.0, alpha) > 0.05 >= lower_bad_ratio(first - 1, planned, 2.0, alpha)


def test_a_breach_is_never_certain_within_the_budget() -> None:
    assert not breach_is_certain(0, 0, 0.95, 2.0, 0.05)
    assert not breach_is_certain(120, 2400, 0.95, 2.0, 0.05)


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
        effect = design_effect([counts], 2.0).value if measured else 1.0
        x, n = float(bad.sum()) / effect, float(events.sum()) / effect
        passed += upper_bad_ratio(x, n) <= budget
        failed += x > 0 and float(betainc(x, n - x + 1, budget)) < 0.05
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
