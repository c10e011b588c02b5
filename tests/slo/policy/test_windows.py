"""A criterion is about every window: when it was breached, by how much, and how often chance alone would do it."""

import numpy as np
import pytest

from slo.objectives.indicators import Window
from slo.policy.criteria import ErrorsCriterion, LatencyCriterion, OrdersCriterion
from slo.policy.criterion_results import CriterionResult, distrusted, evaluate_criteria
from slo.policy.windows import Seconds, evaluate

SECOND = 1_000_000_000
JUDGED = Window(starts_at=1_000 * SECOND, ends_at=1_900 * SECOND)
ERRORS = ErrorsCriterion(name="error-spell", kind="errors", over_ratio=0.02, window_s=10)
ORDERS = OrdersCriterion(name="orders", kind="orders", under_plan_ratio=0.95, window_s=60)
SLOW = LatencyCriterion(name="slow", kind="latency", steps=("checkout",), quantile=0.95, over_s=0.8, window_s=30)


def _steady(bad: float = 0.0, events: float = 50.0, length: int = 900) -> tuple[np.ndarray, np.ndarray]:
    return np.full(length, bad), np.full(length, events)


def _result(criterion: ErrorsCriterion | OrdersCriterion | LatencyCriterion, counts: Seconds | str) -> CriterionResult:
    (found,) = evaluate_criteria(
        [criterion], {criterion.name: counts}, JUDGED, lambda _one, windows: [1.2] * len(windows)
    )
    return found


def test_a_spell_of_errors_is_found_where_it_was_and_by_how_much() -> None:
    bad, events = _steady()
    bad[300:304] = 25  # 100 of the 500 requests of a window
    found = _result(ERRORS, Seconds(part=bad, whole=events))
    assert found.outcome == "breached"
    assert [(one.from_s, one.to_s) for one in found.breaches] == [(291.0, 313.0)]
    assert found.breaches[0].starts_at == JUDGED.starts_at + 291 * SECOND
    assert found.because == "20 % failed, 10 times the limit, from 291 to 313 s of the judged time"
    assert found.finding is not None
    assert found.finding.severity.value == "note"  # advisory


def test_the_same_errors_spread_over_the_run_breach_nothing() -> None:
    bad, events = _steady()
    bad[::9] = 1
    assert _result(ERRORS, Seconds(part=bad, whole=events)).outcome == "held"


def test_the_share_at_the_limit_is_not_over_it() -> None:
    bad, events = _steady(bad=1.0)
    assert _result(ERRORS, Seconds(part=bad, whole=events)).outcome == "held"


def test_a_quantile_is_over_its_limit_when_more_than_it_leaves_out_are_slower() -> None:
    slow, events = _steady(bad=2.0, events=40.0)  # 5 %, and p95 leaves out 5 %
    assert _result(SLOW, Seconds(part=slow, whole=events)).outcome == "held"
    slow[100:140] += 1
    found = _result(SLOW, Seconds(part=slow, whole=events))
    assert found.outcome == "breached"
    assert found.because.startswith("p95 1.2 s, 400 ms over the limit; 7.5 % of its requests took longer or failed")


def test_a_window_without_a_request_is_unknown_and_never_good() -> None:
    bad, events = _steady()
    events[400:420] = 0
    found = _result(ERRORS, Seconds(part=bad, whole=events))
    assert found.outcome == "unknown"
    assert found.unknown_windows == 11
    assert found.finding is not None
    assert not found.finding.known


def test_enforced_a_breach_fails_and_what_is_not_known_is_inconclusive() -> None:
    enforced = ERRORS.model_copy(update={"enforce": True})
    bad, events = _steady()
    bad[300:304] = 25
    breached = _result(enforced, Seconds(part=bad, whole=events)).finding
    unknown = _result(enforced, "nothing was counted").finding
    assert breached is not None
    assert unknown is not None
    assert (breached.severity.value, unknown.severity.value) == ("fail", "inconclusive")


def test_a_single_bad_request_among_too_few_tells_nothing_and_two_do() -> None:
    bad, events = _steady(events=2.0)
    bad[300] = 1
    assert _result(ERRORS, Seconds(part=bad, whole=events)).outcome == "unknown"
    bad[301] = 1
    assert _result(ERRORS, Seconds(part=bad, whole=events)).outcome == "breached"


def test_a_judged_time_shorter_than_the_window_shows_nothing() -> None:
    bad, events = _steady(length=9)
    assert _result(ERRORS, Seconds(part=bad, whole=events)).outcome == "unknown"


def test_orders_may_come_as_late_after_their_sessions_as_these_last() -> None:
    wanted = np.concatenate([np.linspace(1, 10, 30), np.full(900, 10.0)])  # a ramp before the judged time
    came = np.concatenate([np.linspace(1, 10, 30), np.full(870, 10.0)])
    assert _result(ORDERS, Seconds(part=came, whole=wanted, lag=30)).outcome == "held"
    came[500:560] = 0
    found = _result(ORDERS, Seconds(part=came, whole=wanted, lag=30))
    assert found.outcome == "breached"
    assert found.value == 0.0


def test_of_a_run_that_is_not_valid_too_few_orders_are_unknown() -> None:
    came, wanted = np.zeros(900), np.full(900, 10.0)
    (found,) = distrusted([_result(ORDERS, Seconds(part=came, whole=wanted))], "worker w1 was lost")
    assert (found.outcome, found.because) == ("unknown", "the run isn't valid: worker w1 was lost")


@pytest.mark.parametrize(("level", "least", "most"), [(0.002, 0.0, 0.01), (0.012, 0.1, 1.0)])
def test_chance_is_what_independent_runs_at_that_level_show(level: float, least: float, most: float) -> None:
    random = np.random.default_rng(5)
    runs = [random.binomial(50, level, 900).astype(float) for _ in range(12)]
    breached = sum(evaluate(ERRORS, Seconds(part=one, whole=np.full(900, 50.0))).breached for one in runs) / 12
    chances = [evaluate(ERRORS, Seconds(part=one, whole=np.full(900, 50.0))).chance for one in runs[:3]]
    told = float(np.mean([one.ratio for one in chances if one is not None]))
    assert least <= told <= most
    assert abs(told - breached) < 0.4


def test_a_level_at_which_chance_breaches_often_is_not_taken_for_a_better_one() -> None:
    level = 0.009  # of which 86 % of runs have a breach, and their rest a level of 0.0086
    random = np.random.default_rng(5)
    runs = [random.binomial(50, level, 900).astype(float) for _ in range(12)]
    chances = [evaluate(ERRORS, Seconds(part=one, whole=np.full(900, 50.0))).chance for one in runs]
    levels = [one.level for one in chances if one is not None]
    assert float(np.mean(levels)) == pytest.approx(level, rel=0.015)


def test_a_real_outage_is_no_part_of_the_level_that_chance_is_told_of() -> None:
    random = np.random.default_rng(5)
    bad = random.binomial(50, 0.002, 900).astype(float)
    bad[300:330] = 50
    chance = evaluate(ERRORS, Seconds(part=bad, whole=np.full(900, 50.0))).chance
    assert chance is not None
    assert chance.level < 0.003
    assert chance.ratio < 0.05


def test_errors_in_bursts_breach_by_chance_more_often_than_single_ones() -> None:
    random = np.random.default_rng(5)
    single = random.binomial(50, 0.006, 900).astype(float)
    bursts = np.where(random.random(900) < 0.006 * 50 / 8, 8.0, 0.0)
    both = [evaluate(ERRORS, Seconds(part=one, whole=np.full(900, 50.0))).chance for one in (single, bursts)]
    assert both[0] is not None
    assert both[1] is not None
    assert both[1].dispersion > 3
    assert both[1].ratio > both[0].ratio
