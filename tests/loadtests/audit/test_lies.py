"""No lie of a shop passes: each is named by the promise that it breaks, and by no other."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.audit.shop_records import Order
from loadtests.results.ledger import Attempt, Line, OrderReply
from tests.loadtests.audit.honest_shop import ENDED, LEVELS, MINUTE, SECOND, World, audited, honest

SEED = 4
LATER = ENDED + 9 * MINUTE
MORE = (Line(sku="tee-s", quantity=9, location="warehouse"),)


def missing(world: World) -> None:
    order = world.order_of(world.attempt("accepted"))
    world.orders.remove(order)
    world.payments.remove(world.payment_of(order))
    world.sell(order, -1)


def cancelled_unseen(world: World) -> None:
    order = world.order_of(world.attempt("accepted"))
    world.change(order, status="cancelled")
    world.change_payment(order, status="cancelled")
    world.sell(order, -1)


def lost_of_two_under_one_key(world: World) -> None:
    first = world.attempt("accepted")
    order = world.order_of(first)
    world.orders[world.orders.index(order)] = order.model_copy(update={"order_id": "twin"})
    world.change_payment(order, reference="twin")
    second = replace(first, order_id="twin", at=first.at + SECOND)
    world.rows.append((second, OrderReply(status=200, order_id="twin", total_cents=first.amount_cents)))


def another(world: World, order: Order, **changes: object) -> Order:
    """Let the shop enter an order once more, paid and sold, whatever it says of it."""
    made = order.model_copy(update={"order_id": f"again-{order.order_id}", **changes})
    world.orders.append(made)
    world.pay(made)
    world.sell(made)
    return made


def made_twice(world: World) -> None:
    another(world, world.order_of(world.attempt("accepted")))


def made_twice_after_a_time_out(world: World) -> None:
    another(world, world.order_of(silent(world)))


def made_twice_and_one_repaid(world: World) -> None:
    made = another(world, world.order_of(world.attempt("accepted")), status="refunded")
    world.change_payment(made, status="refunded")


def invented(world: World) -> None:
    another(world, world.order_of(world.attempt("accepted")), key="nobody-s")


def invented_without_a_key(world: World) -> None:
    another(world, world.order_of(world.attempt("accepted")), key=None)


def one_order_for_two(world: World) -> None:
    first, second = world.attempt("accepted", 0), world.attempt("accepted", 1)
    again = world.order_of(second)
    world.orders.remove(again)
    world.payments.remove(world.payment_of(again))
    world.sell(again, -1)
    place = next(place for place, (attempt, _) in enumerate(world.rows) if attempt is second)
    told = replace(second, order_id=first.order_id)
    world.rows[place] = told, OrderReply(status=200, order_id=first.order_id, total_cents=second.amount_cents)


def numbers_mixed_up(world: World) -> None:
    first, second = (world.order_of(world.attempt("accepted", place)) for place in (0, 1))
    world.change(first, key=second.key)
    world.change(second, key=first.key)


def silent(world: World) -> Attempt:
    """Return an attempt whose shopper never heard that the shop has its order."""
    keys = {order.key for order in world.orders if order.status == "accepted"}
    heard = {attempt.key for attempt, _ in world.rows if attempt.outcome != "unknown"}
    return next(one for one, _ in world.rows if one.key in keys - heard)


def of_other_units(world: World, attempt: Attempt) -> None:
    order = world.order_of(attempt)
    world.sell(order, -1)
    world.sell(world.change(order, lines=MORE))


def other_units(world: World) -> None:
    of_other_units(world, world.attempt("accepted"))


def more_units_unheard(world: World) -> None:
    of_other_units(world, silent(world))


def sent_from_elsewhere(world: World) -> None:
    order = world.order_of(world.attempt("accepted"))
    elsewhere = tuple(Line(sku=one.sku, quantity=one.quantity, location="store-york") for one in order.lines)
    world.sell(order, -1)
    if elsewhere == order.lines:
        elsewhere = tuple(Line(sku=one.sku, quantity=one.quantity, location="warehouse") for one in order.lines)
    world.sell(world.change(order, lines=elsewhere))


def of_another_total(world: World, attempt: Attempt) -> None:
    order = world.order_of(attempt)
    made = world.change(order, total_cents=order.total_cents + 100)
    world.change_payment(made, amount_cents=made.total_cents)


def another_total(world: World) -> None:
    of_another_total(world, world.attempt("accepted"))


def another_total_unheard(world: World) -> None:
    of_another_total(world, silent(world))


def dearer_when_acknowledged(world: World) -> None:
    attempt = world.attempt("accepted")
    of_another_total(world, attempt)
    place = next(place for place, (one, _) in enumerate(world.rows) if one is attempt)
    dearer = OrderReply(status=200, order_id=attempt.order_id, total_cents=attempt.amount_cents + 100)
    world.rows[place] = attempt, dearer


def refused(world: World) -> Order:
    """Return what would be the order of an attempt that the shop refused."""
    keys = {order.key for order in world.orders}
    once_more = [one.key for one, _ in world.rows]
    attempt = next(one for one, _ in world.rows if one.outcome == "refused" and once_more.count(one.key) == 1)
    if attempt.key in keys:
        dead = world.order_of(attempt)
        world.orders.remove(dead)
        world.payments.remove(world.payment_of(dead))
    made = Order(
        order_id="unsaid", key=attempt.key, run="r1", status="accepted", created_at=attempt.at + SECOND // 8,
        total_cents=attempt.amount_cents, lines=attempt.lines,
    )  # fmt: skip
    world.orders.append(made)
    return made


def refused_and_accepted(world: World) -> None:
    made = refused(world)
    world.pay(made)
    world.sell(made)


def refused_and_accepted_at_another_total(world: World) -> None:
    made = world.change(refused(world), total_cents=1)
    world.pay(made)
    world.sell(made)


def refused_and_accepted_without_a_key(world: World) -> None:
    made = world.change(refused(world), key=None)
    world.pay(made)
    world.sell(made)


def refused_and_reserved(world: World) -> None:
    world.sell(world.change(refused(world), status="pending"))
    world.read_at = LATER


def refused_and_charged(world: World) -> None:
    world.pay(world.change(refused(world), status="declined"))


def unheard_and_pending_for_ever(world: World) -> None:
    world.change(world.order_of(silent(world)), status="pending")
    world.read_at = LATER


def acknowledged_and_pending_for_ever(world: World) -> None:
    world.change(world.order_of(world.attempt("accepted")), status="pending")
    world.read_at = LATER


def pending_and_charged_twice(world: World) -> None:
    order = world.order_of(silent(world))
    unheard_and_pending_for_ever(world)
    world.pay(order)


def charged_twice(world: World) -> None:
    world.pay(world.order_of(world.attempt("accepted")))


def charged_twice_unheard(world: World) -> None:
    world.pay(world.order_of(silent(world)))


def charged_twice_in_the_provider_s_words(world: World) -> None:
    world.pay(world.order_of(world.attempt("accepted")), status="Succeeded")


def charged_and_reserved(world: World) -> None:
    world.pay(world.order_of(world.attempt("accepted")), status="authorised")


def repaid_once_of_two(world: World) -> None:
    order = next(order for order in world.orders if order.status == "returned")
    world.pay(order)
    world.pay(order)


def never_charged(world: World) -> None:
    world.payments.remove(world.payment_of(world.order_of(world.attempt("accepted"))))


def accepted_on_a_declined_card(world: World) -> None:
    world.change_payment(world.order_of(world.attempt("accepted")), status="declined")


def charged_too_much(world: World) -> None:
    order = world.order_of(world.attempt("accepted"))
    world.change_payment(order, amount_cents=order.total_cents + 1)


def charged_too_much_unheard(world: World) -> None:
    order = world.order_of(silent(world))
    world.change_payment(order, amount_cents=order.total_cents * 2)


def charged_without_an_order(world: World) -> None:
    world.pay(world.order_of(world.attempt("accepted")).model_copy(update={"order_id": "nowhere"}))


def unheard_and_charged_without_an_order(world: World) -> None:
    order = world.order_of(silent(world))
    world.orders.remove(order)
    world.sell(order, -1)


def cancelled_and_charged(world: World) -> None:
    world.change_payment(
        next(one for one in world.orders if one.status == "cancelled" and one.run == "r1"), status="paid"
    )


def repaid_in_the_shop_only(world: World) -> None:
    order = next(order for order in world.orders if order.status == "refunded")
    world.change_payment(order, status="captured")


def sold_without_stock(world: World) -> None:
    world.sell(world.order_of(world.attempt("accepted")), -1)


def kept_after_a_refusal(world: World) -> None:
    world.after[LEVELS[0]] -= 2


def taken_from_another_place(world: World) -> None:
    world.after[LEVELS[0]] -= 1
    world.after[LEVELS[1]] += 1


def vanished(world: World) -> None:
    del world.after[LEVELS[2]]


def fewer_than_none(world: World) -> None:
    world.after[LEVELS[0]] -= world.before[LEVELS[0]]
    world.before[LEVELS[0]] = 0


def more_reserved_than_there_is(world: World) -> None:
    sold = world.before[LEVELS[0]] - world.after[LEVELS[0]]
    world.before[LEVELS[0]] = sold - 1
    world.after[LEVELS[0]] = -1
    world.reserved[LEVELS[0]] = 3


EXISTS, ONCE, PROMISED = "order-exists", "order-once", "order-as-promised"
REFUSED, SETTLED = "refused-not-ordered", "order-settled"
PAID, AMOUNT, WITHOUT = "paid-once", "paid-right-amount", "no-payment-without-order"
MOVED, NEGATIVE = "stock-moved-by-what-was-sold", "stock-not-negative"
LIES: list[tuple[Callable[[World], None], set[str]]] = [
    (missing, {EXISTS}),
    (cancelled_unseen, {EXISTS}),
    (lost_of_two_under_one_key, {EXISTS}),
    (made_twice, {ONCE}),
    (made_twice_after_a_time_out, {ONCE}),
    (made_twice_and_one_repaid, {ONCE}),
    (invented, {ONCE}),
    (invented_without_a_key, {ONCE}),
    (one_order_for_two, {ONCE}),
    (numbers_mixed_up, {ONCE}),
    (other_units, {PROMISED}),
    (more_units_unheard, {PROMISED}),
    (sent_from_elsewhere, {PROMISED}),
    (another_total, {PROMISED}),
    (another_total_unheard, {PROMISED}),
    (dearer_when_acknowledged, {PROMISED}),
    (refused_and_accepted, {REFUSED}),
    (refused_and_accepted_at_another_total, {REFUSED, PROMISED}),
    (refused_and_accepted_without_a_key, {REFUSED}),
    (refused_and_reserved, {REFUSED, SETTLED}),
    (refused_and_charged, {WITHOUT}),
    (unheard_and_pending_for_ever, {SETTLED}),
    (acknowledged_and_pending_for_ever, {SETTLED}),
    (pending_and_charged_twice, {PAID, SETTLED}),
    (charged_twice, {PAID}),
    (charged_twice_unheard, {PAID}),
    (charged_twice_in_the_provider_s_words, {PAID}),
    (charged_and_reserved, {PAID}),
    (repaid_once_of_two, {PAID}),
    (never_charged, {PAID}),
    (accepted_on_a_declined_card, {PAID}),
    (charged_too_much, {AMOUNT}),
    (charged_too_much_unheard, {AMOUNT}),
    (charged_without_an_order, {WITHOUT}),
    (unheard_and_charged_without_an_order, {WITHOUT}),
    (cancelled_and_charged, {WITHOUT}),
    (repaid_in_the_shop_only, {WITHOUT}),
    (sold_without_stock, {MOVED}),
    (kept_after_a_refusal, {MOVED}),
    (taken_from_another_place, {MOVED}),
    (vanished, {MOVED}),
    (fewer_than_none, {NEGATIVE}),
    (more_reserved_than_there_is, {NEGATIVE}),
]


@pytest.mark.parametrize(("lie", "promises"), LIES, ids=[lie.__name__ for lie, _ in LIES])
def test_a_lie_is_named_by_the_promise_it_breaks(
    lie: Callable[[World], None], promises: set[str], tmp_path: Path
) -> None:
    world = honest(SEED)
    lie(world)
    found = audited(world, tmp_path)
    assert {name: check.detail for name, check in found.items() if check.outcome == "broken"}.keys() == promises


def sold_out_and_vanished(world: World) -> None:
    level = LEVELS[2]
    world.before[level] -= world.after[level]
    del world.after[level]


def pending_for_a_moment(world: World) -> None:
    order = world.order_of(silent(world))
    world.change(order, status="pending", created_at=ENDED - SECOND)


def in_words_that_mean_nothing(world: World) -> None:
    world.change(world.order_of(world.attempt("accepted")), status="kept in mind")


def paid_in_words_that_mean_nothing(world: World) -> None:
    world.change_payment(world.order_of(world.attempt("accepted")), status="banked")


def acknowledged_and_of_another_run(world: World) -> None:
    world.change(world.order_of(world.attempt("accepted")), run="20260101T000000Z-other-0000")


def nothing_attempted(world: World) -> None:
    world.rows, world.orders, world.payments = [], [], []
    world.after = world.before.copy()


ORDERS = {EXISTS, ONCE, PROMISED, REFUSED, SETTLED, PAID, AMOUNT, WITHOUT}
OPEN: list[tuple[Callable[[World], None], set[str]]] = [
    (sold_out_and_vanished, {MOVED, NEGATIVE}),
    (pending_for_a_moment, {SETTLED}),
    (in_words_that_mean_nothing, {*ORDERS, MOVED}),
    (paid_in_words_that_mean_nothing, {PAID, AMOUNT}),
    (acknowledged_and_of_another_run, {EXISTS}),
    (nothing_attempted, ORDERS),
]


@pytest.mark.parametrize(("lie", "promises"), OPEN, ids=[lie.__name__ for lie, _ in OPEN])
def test_what_shows_nothing_is_unknown(lie: Callable[[World], None], promises: set[str], tmp_path: Path) -> None:
    world = honest(SEED)
    lie(world)
    found = audited(world, tmp_path)
    assert {name for name, check in found.items() if check.outcome == "unknown"} == promises
    assert not {name for name, check in found.items() if check.outcome == "broken"}


@pytest.mark.parametrize("lie", [sold_without_stock, kept_after_a_refusal, fewer_than_none])
def test_a_stock_that_is_read_long_after_the_run_is_not_blamed_on_it(
    lie: Callable[[World], None], tmp_path: Path
) -> None:
    world = honest(SEED)
    lie(world)
    world.read_at = ENDED + 180 * MINUTE
    found = audited(world, tmp_path)
    assert {check.outcome for name, check in found.items() if name in {MOVED, NEGATIVE}} <= {"holds", "unknown"}
    assert any("the stock was read 180 min after the run's end" in check.detail for check in found.values())
