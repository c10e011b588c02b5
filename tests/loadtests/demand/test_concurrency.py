"""How many sessions are under way at a plan's peak."""

import math

import pytest

from loadtests.demand.concurrency import accounts_needed, session_s
from loadtests.demand.plan import Plan
from tests.loadtests.fakes import small_plan

STEPS = {"steps": {"home": 1, "login": 1, "account": 2}, "orders": 0}


def plan(rate: float = 10.0, **changes: object) -> Plan:
    demand = {
        "source": "made up",
        "forecast_orders_per_hour": rate * 3600,
        "factor": 1.0,
        "orders_per_session": 1.0,
        "peak_sessions_per_s": rate,
    }
    phases = [
        {"name": "warm-up", "kind": "warm-up", "duration_s": 60, "level": [0.5, 0.5]},
        {"name": "plateau", "kind": "plateau", "duration_s": 600, "level": [1.0, 1.0]},
        {"name": "drain", "kind": "drain", "duration_s": 1.0},
    ]
    facts = {"journeys": {"mine": 1.0}, "visits": {"mine": STEPS}, "think_time": {"quantiles_s": [2, 2]}}
    return small_plan(**{"demand": demand, "phases": phases, **facts, **changes})


def test_a_session_lasts_its_replies_and_the_think_times_between_them() -> None:
    assert session_s(plan(), reply_s=0.5) == pytest.approx(4 * 0.5 + 3 * 2)
    mixed = plan(
        journeys={"mine": 0.25, "looks": 0.75}, visits={"mine": STEPS, "looks": {"steps": {"home": 1}, "orders": 0}}
    )
    assert session_s(mixed, reply_s=0.5) == pytest.approx(0.25 * 8 + 0.75 * 0.5)


def test_the_need_is_littles_law_and_room_for_busy_moments() -> None:
    need = accounts_needed(plan(), 0.4, reply_s=0.5)
    assert [need.rate, need.session_s] == pytest.approx([4.0, 8.0])
    mean = 32
    # the least k with P(Poisson(32) <= k) >= 0.999
    below = [math.fsum(math.exp(-mean) * mean**n / math.factorial(n) for n in range(k + 1)) for k in range(70)]
    assert need.accounts == next(k for k, chance in enumerate(below) if chance >= 0.999) == 51


def test_each_worker_needs_room_for_its_own_busy_moments() -> None:
    alone, four = accounts_needed(plan(), 0.4), accounts_needed(plan(), 0.4, workers=4)
    quarter = accounts_needed(plan(rate=2.5), 0.4)
    assert four.accounts == 4 * quarter.accounts
    assert 2 * alone.accounts > four.accounts > alone.accounts > 40


def test_the_highest_level_is_the_peak() -> None:
    phases = [
        {"name": "warm-up", "kind": "warm-up", "duration_s": 60, "level": [0.5, 0.5]},
        {"name": "plateau", "kind": "plateau", "duration_s": 600, "level": [1.0, 1.5]},
        {"name": "drain", "kind": "drain", "duration_s": 1.0},
    ]
    assert accounts_needed(plan(phases=phases), 0.4).rate == pytest.approx(6.0)


def test_no_more_are_needed_than_there_are_sessions() -> None:
    phases = [
        {"name": "warm-up", "kind": "warm-up", "duration_s": 0.5, "level": [1, 1]},
        {"name": "plateau", "kind": "plateau", "duration_s": 1, "level": [1.0, 1.0]},
        {"name": "drain", "kind": "drain", "duration_s": 60.0},
    ]
    assert accounts_needed(plan(phases=phases), 1.0).accounts == 15
    assert accounts_needed(plan(), 0.0).accounts == 0


def test_a_journey_whose_visits_are_not_counted_is_named() -> None:
    with pytest.raises(ValueError, match=r"^the steps of journey mine are not given$"):
        accounts_needed(plan(visits={}), 1.0)
