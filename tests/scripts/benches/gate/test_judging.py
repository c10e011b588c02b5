"""Played runs are judged by the product: its ending, its finding about the last third, its early stop."""

from itertools import pairwise

import numpy as np
import pytest

from loadtests.demand.visits import planned_events
from scripts.benches.gate.early_stop import Setting, Watched, plan_of, play
from scripts.benches.gate.judging import evidence, evidence_of, objective, play_and_judge, shares
from scripts.benches.gate.planned import shortest_provable_s
from scripts.benches.gate.shops import Independent, Late, Played, Shop
from slo.objectives.planning import proofs


def _judged(shop: Shop, budget: float, duration_s: float) -> dict[str, float]:
    return dict(shares(play_and_judge(np.random.default_rng(1), 5, shop, budget, duration_s)))


def test_a_good_shop_passes_a_bad_one_fails_and_a_short_run_settles_nothing() -> None:
    good, bad = (Independent(rate_per_s=50.0, bad_ratio=ratio) for ratio in (0.0, 0.2))
    assert _judged(good, 0.05, 300.0) == {"PASS": 1, "FAIL": 0, "INCONCLUSIVE": 0, "late": 0}
    assert _judged(bad, 0.05, 300.0) == {"PASS": 0, "FAIL": 1, "INCONCLUSIVE": 0, "late": 0}
    assert _judged(good, 0.05, 10.0) == {"PASS": 0, "FAIL": 0, "INCONCLUSIVE": 1, "late": 0}


def test_a_pass_prints_the_bursts_that_it_would_survive() -> None:
    shop = Independent(rate_per_s=50.0, bad_ratio=0.0)
    judged = play_and_judge(np.random.default_rng(1), 3, shop, 0.05, 300.0)
    assert len(judged.survives_s) == 3
    assert all(1 < burst_s < 300 * 0.05 for burst_s in judged.survives_s)


def test_a_shop_that_gets_worse_does_not_pass() -> None:
    assert _judged(Late(rate_per_s=500.0, bad_ratio=0.005), 0.05, 7200.0)["PASS"] == 1
    assert _judged(Late(rate_per_s=500.0, bad_ratio=0.025), 0.05, 7200.0) == {
        "PASS": 0,
        "FAIL": 0,
        "INCONCLUSIVE": 1,
        "late": 1,
    }


def test_evidence_is_each_runs_own_and_no_request_is_no_data() -> None:
    played = Played(events=np.array([[3, 4], [0, 0]]), bad=np.array([[1, 0], [0, 0]]), session_scatter=np.ones(2))
    first, second = evidence_of(played, "cart")
    assert (first.events, first.bad, first.session_scatter) == (7, 1, 1.0)
    assert second.no_data == "no judged request"
    assert evidence("cart", np.array([2]), np.array([2]), None).session_scatter is None


def test_the_simulated_plan_plans_what_is_played() -> None:
    plan = plan_of(90, 50.0, ("a", "b"))
    start_s, end_s = plan.judged_span()
    assert end_s - start_s == 90
    assert planned_events(plan, [objective(0.05, "b")])["b"] == pytest.approx(50 * 90)


def test_a_broken_shop_stops_early_and_fails_and_a_good_one_plays_to_its_end() -> None:
    broken, good = (
        Setting(budget=0.05, duration_s=90, rate_per_s=20.0, shop=Independent(rate_per_s=20.0, bad_ratio=ratio))
        for ratio in (0.5, 0.01)
    )
    (stopped,) = play(np.random.default_rng(2), 1, broken)
    assert stopped.stopped_s is not None
    assert 20 <= stopped.stopped_s < 60
    assert (stopped.ended, stopped.played_out) == ("FAIL", "FAIL")
    (whole,) = play(np.random.default_rng(2), 1, good)
    assert whole.stopped_s is None
    assert whole.ended == whole.played_out != "FAIL"


def test_a_run_that_is_aborted_cannot_pass() -> None:
    setting = Setting(budget=0.05, duration_s=90, rate_per_s=50.0, shop=Independent(rate_per_s=50.0, bad_ratio=0.0))
    watched = Watched.of(setting)
    ticks = {name: (np.full(900, 5), np.zeros(900, dtype=int)) for name in watched.names}
    assert watched.ending(ticks, 90, aborted=False) == "PASS"
    assert watched.ending(ticks, 80, aborted=True) == "INCONCLUSIVE"


def test_the_shortest_provable_window_is_provable_and_a_second_less_is_not() -> None:
    shortest_s = shortest_provable_s(0.05, 5.0, 1.0)
    one = objective(0.05)
    possible = [
        proofs([one], {one.name: 5 * duration_s}, duration_s, 1.0)[0].possible
        for duration_s in (shortest_s - 1, shortest_s)
    ]
    assert [(before, after) for before, after in pairwise(possible)] == [(False, True)]
