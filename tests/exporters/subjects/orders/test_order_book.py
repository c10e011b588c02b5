"""Orders are followed: each event counts once and in its own day, whenever and however often it is read."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.metrics_core import Metric

from exporters.serving.source import Unreadable
from exporters.subjects.orders import order_book
from exporters.subjects.orders.config import FunnelSteps
from exporters.subjects.orders.day import DAY_NS, bounds_s
from exporters.subjects.orders.labels import Labels
from exporters.subjects.orders.order_book import OrderBook, OrdersView
from exporters.subjects.orders.record_families import RecordFamilies
from loadtests.audit.shop_records import Order

S = 10**9
HOUR_NS = 3600 * S
MIDNIGHT = 20_000 * DAY_NS
NOON = MIDNIGHT + DAY_NS // 2
FOLLOW_NS = 14 * DAY_NS


def order(order_id: str, at: int = NOON, **more: Any) -> Order:
    lines = [{"sku": "tee", "quantity": 1, "location": where} for where in more.pop("locations", ("here",))]
    return Order.model_validate(
        {"order_id": order_id, "run": None, "status": "accepted", "created_at": at, "total_cents": 100, "lines": lines}
        | more
    )


def book(promise_s: float | None = 60, now: int = NOON, *, include_tests: bool = False) -> OrderBook:
    promise_ns = None if promise_s is None else round(promise_s * S)
    return OrderBook(now - FOLLOW_NS, FOLLOW_NS, promise_ns, include_tests=include_tests)


def read(one: OrderBook, orders: Sequence[Order], now: int = NOON) -> OrdersView:
    one.begin(now)
    for each in orders:
        one.take(each, now)
    return one.view(now)


def test_orders_are_counted_by_how_they_ended_with_their_revenue_and_locations() -> None:
    view = read(
        book(),
        [
            order("a", locations=("warehouse", "leeds", "leeds")),
            order("b", total_cents=250, status="refunded", locations=("leeds",)),
            order("c", status="declined", decline="card_declined"),
            order("d", status="declined"),
            order("e", status="cancelled"),
            order("f", status="pending"),
        ],
    )
    assert view.day.placed == 6
    assert view.day.ended == {"accepted": 2, "declined": 2, "cancelled": 1}
    assert view.day.revenue_cents == 350
    assert view.day.by_location == {"warehouse": 1, "leeds": 2}
    assert view.day.declined == {"card_declined": 1, "unknown": 1}
    assert view.pending == 1


def test_an_order_that_is_read_again_counts_once_and_its_later_end_counts_then() -> None:
    one = book()
    first = read(one, [order("a", status="pending"), order("b")])
    for _ in range(3):
        again = read(one, [order("a"), order("b")])
    assert (first.day.ended["accepted"], again.day.ended["accepted"]) == (1, 2)
    assert (again.day.placed, again.day.revenue_cents, again.pending) == (2, 200, 0)


def test_a_test_s_order_is_left_out_and_told_unless_it_is_wanted() -> None:
    orders = [order("a", run="20261127T100000Z-peak-0000"), order("b")]
    without = read(book(), orders)
    assert (without.day.placed, without.day.left_out) == (1, {"test": 1})
    assert read(book(include_tests=True), orders).day.placed == 2


def test_what_can_not_be_an_order_is_left_out_and_told() -> None:
    one = book()
    wrong = [order("a", total_cents=-1), order("b", at=NOON + 61 * S), order("c", at=NOON + 59 * S)]
    for _ in range(2):
        view = read(one, wrong)
    assert view.day.left_out == {"negative_total": 1, "in_the_future": 1}
    assert (view.day.placed, view.newest) == (1, NOON + 59 * S)


def test_two_orders_of_one_id_are_a_contradiction() -> None:
    one = book()
    read(one, [order("a")])
    with pytest.raises(Unreadable, match=r"^orders: 'a' stands twice, with different created_at$"):
        one.take(order("a", at=NOON - 1), NOON)


def test_more_orders_than_memory_is_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_book, "MOST_FOLLOWED", 2)
    with pytest.raises(Unreadable, match=r"^orders: more than 2 to follow at once$"):
        read(book(), [order(name) for name in "abc"])


def test_the_print_queue_is_what_is_accepted_and_not_printed() -> None:
    done = order("done", at=NOON - 90 * S, printed_at=NOON - 80 * S, shipped_at=NOON - 70 * S)
    waiting = [order("a", at=NOON - 50 * S, paid_at=NOON - 40 * S), order("b", at=NOON - 30 * S)]
    on_a_press = order("c", at=NOON - 60 * S, printed_at=NOON - 1)
    planned = order("d", printed_at=NOON + 1)
    view = read(book(), [done, *waiting, on_a_press, planned, order("x", status="returned")])
    assert (view.queue_depth, view.queue_oldest) == (3, NOON - 40 * S)


def test_late_is_what_is_past_its_promise_and_what_was_shipped_after_it() -> None:
    view = read(
        book(promise_s=60),
        [
            order("in time", at=NOON - 200 * S, shipped_at=NOON - 140 * S),
            order("late", at=NOON - 200 * S, shipped_at=NOON - 139 * S),
            order("overdue", at=NOON - 61 * S),
            order("promised for longer", at=NOON - 61 * S, due_at=NOON + 1),
            order("fresh", at=NOON - 59 * S),
            order("planned", at=NOON - 59 * S, shipped_at=NOON + 1),
        ],
    )
    assert (view.overdue, view.day.shipped_late) == (1, 1)
    assert sum(view.day.time_to_ship.counts) == 2
    assert view.day.time_to_ship.sum_ns == 121 * S
    at_promise = view.day.time_to_ship.bounds_s.index(60.0)
    assert view.day.time_to_ship.counts[at_promise : at_promise + 2] == [1, 1]


def test_what_a_shop_does_not_tell_is_unknown_and_not_zero() -> None:
    view = read(book(promise_s=None), [order("a", at=NOON - HOUR_NS)])
    assert (view.queue_depth, view.queue_oldest, view.overdue, view.expected_per_s) == (None, None, None, None)
    assert view.gives == {"run"}
    promised = read(book(promise_s=1), [order("a", at=NOON - HOUR_NS)])
    assert promised.overdue is None  # nothing says that this shop tells of shipments


def test_the_buckets_are_around_the_promise() -> None:
    assert bounds_s(60) == (6, 15, 30, 45, 54, 60, 75, 90, 120, 240)
    assert bounds_s(None)[-1] == 14 * 86_400


def test_at_midnight_a_new_day_begins_with_nothing() -> None:
    one = book()
    read(one, [order("a")])
    view = read(one, [order("a"), order("b", at=MIDNIGHT + DAY_NS)], now=MIDNIGHT + DAY_NS + S)
    assert (view.day.since, view.day.placed, view.day.revenue_cents) == (MIDNIGHT + DAY_NS, 1, 100)


def test_a_shipment_counts_on_the_day_it_was() -> None:
    yesterday = MIDNIGHT - HOUR_NS
    view = read(book(), [order("a", at=yesterday, printed_at=yesterday, shipped_at=MIDNIGHT + HOUR_NS)])
    assert (view.day.placed, sum(view.day.time_to_ship.counts)) == (0, 1)


def test_an_order_that_is_paid_after_midnight_is_of_yesterday_and_its_revenue_of_today() -> None:
    view = read(book(), [order("a", at=MIDNIGHT - S, paid_at=MIDNIGHT + S)])
    assert (view.day.placed, view.day.ended["accepted"], view.day.revenue_cents) == (0, 1, 100)


def placed(count: int, at: int) -> list[Order]:
    return [order(f"{at}-{n}", at=at + n * S) for n in range(count)]


@pytest.mark.parametrize(("yesterday", "a_week_ago", "expected"), [(36, 72, 36), (72, 36, 36), (0, 36, 0), (36, 0, 0)])
def test_expected_is_what_came_in_the_same_hour_of_the_quieter_of_two_days(
    yesterday: int, a_week_ago: int, expected: int
) -> None:
    week = 7 * DAY_NS
    orders = placed(yesterday, NOON - DAY_NS) + placed(a_week_ago, NOON - week) + placed(1, NOON - week - HOUR_NS)
    assert read(book(), orders).expected_per_s == expected / 3600


def test_nothing_is_expected_where_the_records_may_not_reach_back_a_week() -> None:
    whole = placed(36, NOON - DAY_NS) + placed(36, NOON - 7 * DAY_NS)
    assert read(book(), whole).expected_per_s == 36 / 3600
    assert read(book(), [one for one in whole if one.created_at != NOON - 7 * DAY_NS]).expected_per_s is None


def test_an_order_is_followed_for_so_long_and_no_longer() -> None:
    shipped = order("shipped", at=NOON - S, shipped_at=NOON)
    old = order("old", at=NOON - FOLLOW_NS)
    one = book()
    assert not one.take(shipped, NOON)
    assert one.take(order("open"), NOON)
    assert not one.take(old, NOON)
    assert one.take(order("pending", status="pending"), NOON)
    assert not one.take(order("left", status="pending", at=NOON - HOUR_NS), NOON)


def test_what_is_closed_is_forgotten_and_not_counted_again() -> None:
    one = book()
    orders = [order(f"{n}", at=NOON - 5000 * S + n * S, shipped_at=NOON - S) for n in range(4000)]
    read(one, [*orders, order("open", at=NOON - 2000 * S)])
    assert one.resume_from(600 * S) == NOON - 2000 * S
    assert len(one._orders) == 1000 + 1
    view = read(one, orders)
    assert view.day.placed == 4001


def test_the_first_values_of_a_label_are_kept_and_the_rest_adds_up_in_other() -> None:
    labels = Labels(2)
    values = ["a", "b", "c", "a", "d", "", "x" * 129, "other"]
    assert [labels.of(value) for value in values] == ["a", "b", "other", "a", *["other"] * 4]
    assert labels.cut == 5


def test_a_million_locations_are_fifty_and_other() -> None:
    view = read(book(), [order(f"{n}", locations=(f"place {n}",)) for n in range(1000)])
    assert len(view.day.by_location) == 51
    assert view.day.by_location["other"] == 950
    assert view.day.by_location.total() == 1000
    assert view.day.locations.cut == 950


def shown(view: OrdersView) -> list[Metric]:
    return list(RecordFamilies(("orders",), FunnelSteps())({"orders": view}))


STATES = st.sampled_from(["accepted", "pending", "declined", "failed", "returned"])


@st.composite
def histories(draw: st.DrawFn) -> list[list[Order]]:
    """Return what the shop says at some moments: orders that come, end, and are shipped."""
    final = [
        order(
            f"{n}",
            at=(at := MIDNIGHT + draw(st.integers(-2 * 3600, 12 * 3600)) * S),
            status=draw(STATES),
            total_cents=draw(st.integers(0, 10_000)),
            paid_at=at + S,
            printed_at=at + 2 * S,
            shipped_at=at + draw(st.integers(3, 7200)) * S,
        )
        for n in range(draw(st.integers(0, 12)))
    ]
    moments = []
    for seen in sorted(draw(st.lists(st.integers(0, 12 * 3600), min_size=1, max_size=5))):
        at = MIDNIGHT + seen * S
        moments.append([one for one in final if one.created_at <= at])
    return [*moments, final]


@settings(max_examples=60, deadline=None)
@given(histories())
def test_who_started_just_now_has_the_counts_of_who_has_been_running_since_midnight(history: list[list[Order]]) -> None:
    running = book(now=MIDNIGHT)
    for seen in history:
        running.resume_from(600 * S)
        view = read(running, seen, now=NOON + 2 * HOUR_NS)
    fresh = read(book(now=NOON + 2 * HOUR_NS), history[-1], now=NOON + 2 * HOUR_NS)
    assert shown(view) == shown(fresh)
