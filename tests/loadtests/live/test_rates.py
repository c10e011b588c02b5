"""Criteria on orders and good replies a minute in the live view: the last window against the plan."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.demand.plan import Plan, read_plan
from loadtests.live.board import Board
from loadtests.live.rates import FollowedRate, rates_of
from loadtests.live.worker_figures import WorkerFigures
from loadtests.results.live_document import Criterion
from slo.policy.criteria import ErrorsCriterion, OrdersCriterion, RequestsCriterion
from tests.loadtests.fakes import SECOND, batch
from tests.loadtests.live.test_board import ALWAYS, START, TIMETABLE, checkout, gauges

DEMO = Path(__file__).parents[3] / "loadtests" / "demand" / "plans" / "demo.yaml"
ORDERS = OrdersCriterion(name="few", kind="orders", under_plan_ratio=0.9, window_s=5)
CHECKOUTS = RequestsCriterion(name="idle", kind="requests", steps=("checkout",), under_plan_ratio=0.5, window_s=5)


@pytest.fixture
def plan() -> Plan:
    return read_plan(DEMO)


def followed(each: float = 0.5, lag_s: float = 0.0, judged_s: tuple[float, float] = (10.0, 40.0)) -> FollowedRate:
    return FollowedRate(criterion=ORDERS, each_session=each, lag_s=lag_s, judged_s=judged_s)


def play(one: FollowedRate, done: list[int], rate: float = 8.0) -> list[Criterion]:
    """Close a second for each number of orders that came in it; return what was shown after each."""
    shown, total = [], 0
    for second, orders in enumerate(done, start=1):
        total += orders
        one.close_second(float(second), total, rate)
        shown.append(one.entry)
    return shown


def test_orders_and_good_replies_are_followed_by_what_a_session_of_the_plan_makes(plan: Plan) -> None:
    errors = ErrorsCriterion(name="bad", kind="errors", over_ratio=0.02, window_s=5)
    orders, checkouts = rates_of((errors, ORDERS, CHECKOUTS), plan)
    assert (orders.steps, checkouts.steps) == (None, ("checkout",))
    assert orders.each_session == checkouts.each_session == pytest.approx(0.92)
    assert orders.judged_s == (48.0, 168.0)
    assert 0 < orders.lag_s <= 48


def test_a_plan_that_wants_none_of_it_or_does_not_count_its_visits_follows_none(plan: Plan) -> None:
    browsing = plan.model_validate({**plan.model_dump(), "journeys": {"window-shop": 1.0}})
    assert list(rates_of((ORDERS, CHECKOUTS), browsing)) == []
    of_another_shop = plan.model_validate({**plan.model_dump(), "journeys": {"their-own": 1.0}})
    assert list(rates_of((ORDERS, CHECKOUTS), of_another_shop)) == []


def test_nothing_is_said_before_a_whole_window_of_the_judged_time() -> None:
    shown = play(followed(), [0] * 20)
    assert [one.value for one in shown[:14]] == [None] * 14
    assert (shown[14].value, shown[14].beyond, shown[14].beyond_s) == (0.0, True, 1)


@given(st.integers(0, 8))
def test_the_share_is_what_came_of_what_the_plan_wants_and_beyond_is_under_the_limit(each: int) -> None:
    last = play(followed(), [each] * 30)[-1]
    assert last.value == pytest.approx(each / 4)
    assert last.beyond == (each / 4 < 0.9)
    assert last.beyond_s == (16 if last.beyond else 0)
    assert (last.name, last.limit, last.enforce) == ("few", 0.9, False)
    assert last.says == "orders a minute under 90 % of the plan in any 5 s"


def test_what_was_wanted_by_sessions_before_may_come_a_sessions_length_later() -> None:
    """Twice as many sessions from the 20th second on, whose orders come three seconds later."""

    def shown(lag_s: float) -> list[bool]:
        one, total, found = followed(lag_s=lag_s), 0, []
        for second in range(1, 31):
            total += 4 if second <= 23 else 8
            one.close_second(float(second), total, 8.0 if second <= 20 else 16.0)
            found.append(one.is_beyond)
        return found

    assert any(shown(0.0))
    assert not any(shown(3.0))


def test_after_the_judged_time_nothing_more_is_counted() -> None:
    one = followed()
    play(one, [4] * 40)
    assert one.beyond_s == 0
    for second in range(41, 60):
        one.close_second(float(second), 160, 8.0)
    assert (one.beyond_s, one.entry.value) == (0, 1.0)


def test_a_window_of_which_the_plan_wants_less_than_one_tells_nothing() -> None:
    last = play(followed(each=0.01), [0] * 30)[-1]
    assert (last.value, last.beyond) == (None, False)


def test_the_live_snapshot_shows_them_from_what_workers_count() -> None:
    rates = [
        FollowedRate(criterion=one, each_session=0.5, lag_s=0.0, judged_s=(0.0, 20.0)) for one in (ORDERS, CHECKOUTS)
    ]
    board, figures = Board(TIMETABLE, (), START, rates), WorkerFigures((), ALWAYS)
    for second in range(12):
        figures.steps_ended(batch(checkout(second), checkout(second, error="http_5xx"), checkout(second, step="home")))
        now = START + (second + 1) * SECOND
        board.merge("w0", figures.take(now), gauges(orders={"accepted": (second + 1) // 2}))
        live = board.snapshot(now, "running")
    few, idle = live.criteria
    assert (few.name, few.value, few.beyond) == ("few", 0.6, True)
    assert (idle.name, idle.value, idle.beyond) == ("idle", 1.0, False)
