"""The audit says `unknown` with its reason where there is nothing to find, and blames a run for nothing of others'."""

from collections.abc import Mapping
from typing import Any

import pytest

from loadtests.audit.attempts import attempts_of
from loadtests.audit.batches import RecordsContradictError, order_batches, payment_batches
from loadtests.audit.checks import audit, audit_document
from loadtests.audit.evidence import Evidence
from loadtests.audit.run_orders import orders_of_run
from loadtests.audit.run_payments import payments_of_run
from loadtests.audit.shop_records import Order, StockDocument, StockLevel
from loadtests.results.ledger import Line
from loadtests.results.ledger_columns import attempt_columns
from tests.loadtests.audit.test_checks import ENDED, LINES, attempt, broken, evidence, moved, order, payment


def unnamed(number: int, **changes: Any) -> Order:
    """Return an order whose row says nothing of a run."""
    return Order.model_validate(order(number, **changes).model_dump(exclude={"run"}))


def answers(told: Evidence) -> dict[str, str]:
    return {check.name: check.outcome for check in audit(told)}


def details(told: Evidence) -> dict[str, str]:
    """Return why a check is unknown, by its name."""
    return {check.name: check.detail for check in audit(told) if check.outcome == "unknown"}


def test_orders_of_other_runs_are_left_out_and_counted() -> None:
    told = evidence(orders=[order(1), order(2), order(7, run="r0"), order(8, run=None)])
    assert set(answers(told).values()) == {"holds"}
    assert (audit_document(told, (), 1).counts or {})["orders_left_out"] == 2


def test_an_order_that_says_nothing_of_a_run_is_the_run_s_when_the_ledger_knows_it() -> None:
    told = evidence(orders=[unnamed(1), unnamed(2, key=None)])
    assert set(answers(told).values()) == {"holds"}


def test_an_order_that_says_nothing_of_a_run_and_that_the_ledger_does_not_know_leaves_once_open() -> None:
    told = evidence(orders=[order(1), order(2), unnamed(7), unnamed(8)])
    assert details(told) == {
        "order-once": "2 orders say nothing of a run and are in no row of the ledger:"
        " give each row its `run`, null for a customer's"
    }


def test_an_acknowledged_order_is_the_run_s_and_one_that_names_another_run_is_found() -> None:
    told = evidence(orders=[order(1), order(2, run="r0")])
    assert {name for name, answer in answers(told).items() if answer != "holds"} == {"order-exists"}
    assert details(told) == {
        "order-exists": "1 orders were acknowledged in this run and their rows name another, such as o2, which names"
        " r0: either the number was given twice, or the shop mixes up what it is told"
    }


WORDS = "name its meaning in `status`"


def test_a_payment_in_a_word_that_means_nothing_leaves_open_what_depends_on_it_and_nothing_else() -> None:
    told = evidence(payments=[payment(1), payment(2, status="unknown", status_word="'banked'")])
    said = f"1 payments have a status that means nothing here: 'banked' (1, first p2); {WORDS}"
    assert details(told) == {"paid-once": said, "paid-right-amount": said}
    assert broken(told) == {}


def test_other_payments_are_judged_whatever_words_some_have() -> None:
    strange = payment(2, status="unknown", status_word="'banked'")
    paid = [payment(1), payment(3, reference="o1"), strange, payment(4, reference="o9")]
    assert broken(evidence(payments=paid)) == {
        "paid-once": ["order o1 was paid 2 times"],
        "no-payment-without-order": ["payment p4 was captured and its order o9 is not in the shop"],
    }


def test_the_words_that_mean_nothing_are_counted_and_of_a_payment_without_an_order_only_that_is_open() -> None:
    paid = [payment(1), payment(2), *(payment(n, reference="o9", status="unknown", status_word=word)
            for n, word in ((5, "'x'"), (6, "'y'"), (7, "'x'")))]  # fmt: skip
    said = f"3 payments have a status that means nothing here: 'x' (2, first p5), 'y' (1, first p6); {WORDS}"
    assert details(evidence(payments=paid)) == {"no-payment-without-order": said}


def test_of_many_words_that_mean_nothing_the_first_are_named() -> None:
    paid = [payment(n, reference="o9", status="unknown", status_word=f"'w{n}'") for n in range(3, 403)]
    told = details(evidence(payments=[payment(1), payment(2), *paid]))["no-payment-without-order"]
    assert told.startswith("400 payments have a status that means nothing here: 'w3' (1, first p3), 'w4'")
    assert told.endswith(f"'w7' (1, first p7) and 395 other words; {WORDS}")


def test_an_order_in_a_word_that_means_nothing_is_neither_lost_nor_kept_and_others_are_judged() -> None:
    strange = order(2, status="unknown", status_word="'kept in mind'")
    told = evidence(orders=[order(1, total_cents=1), strange])
    assert broken(told).keys() == {"order-as-promised", "paid-right-amount"}
    assert "'kept in mind' (1, first o2)" in details(told)["order-exists"]
    lost = evidence(orders=[strange])
    assert broken(lost)["order-exists"] == ["order o1 was acknowledged and is not in the shop"]


def test_orders_without_a_key_are_told_by_their_ids() -> None:
    told = evidence(orders=[order(1, key=None), order(2, key="cart_2")])
    assert set(answers(told).values()) == {"holds"}


def test_an_order_without_a_key_that_no_attempt_can_have_made_breaks_the_promise() -> None:
    told = evidence(orders=[order(1), order(2), order(3, key=None)], payments=PAID_3, stock_after=moved(6, 3))
    assert broken(told) == {"order-once": ["order o3 of this run was never attempted"]}


PAID_3 = [payment(1), payment(2), payment(3)]


def test_an_order_without_a_key_may_be_that_of_an_attempt_without_an_answer() -> None:
    attempts = [attempt(1), attempt(2), attempt(3, outcome="unknown", order_id=None)]
    told = evidence(
        attempts=attempts, orders=[order(1), order(2), order(3, key=None)], payments=PAID_3, stock_after=moved(6, 3)
    )
    assert details(told) == {
        "order-once": "1 orders of the run have no key of the ledger: whether an attempt made two can't be told"
    }


def test_keys_of_another_kind_count_as_none() -> None:
    orders = [order(n, key=f"cart_{n}") for n in (1, 2, 3)]
    attempts = [attempt(1), attempt(2), attempt(3, outcome="unknown", order_id=None)]
    told = evidence(attempts=attempts, orders=orders, payments=PAID_3, stock_after=moved(6, 3))
    assert list(details(told)) == ["order-once"]
    told = evidence(orders=orders, payments=PAID_3, stock_after=moved(6, 3))
    assert broken(told) == {"order-once": ["order o3 of this run was never attempted"]}


@pytest.mark.parametrize("made", [order, unnamed])
def test_orders_with_neither_an_id_nor_a_key_of_the_ledger_speak_of_something_else(made: Any) -> None:
    orders = [made(n, order_id=f"#{n}", key=None) for n in (1, 2)]
    told = evidence(orders=orders, payments=[payment(n, reference=f"#{n}") for n in (1, 2)])
    why = (
        "none of the shop's 2 orders of the run has an id or a key of the ledger:"
        " order_id must be what the storefront gave to accepted(), key the key of its order"
    )
    by_row = ("order-exists", "order-once", "order-as-promised")
    assert {name: why for name, why in details(told).items() if name in by_row} == dict.fromkeys(by_row, why)


def test_orders_whose_keys_are_known_under_other_ids_do_not_pass_for_lost() -> None:
    orders = [order(n, order_id=f"#{n}") for n in (1, 2)]
    told = evidence(orders=orders, payments=[payment(n, reference=f"#{n}") for n in (1, 2)])
    assert details(told) == {
        "order-exists": "the keys of 2 acknowledged orders are in the shop, and none of their ids:"
        " order_id must be what the storefront gave to accepted()",
    }


def test_payments_that_refer_to_something_else_are_not_called_lost() -> None:
    told = evidence(payments=[payment(n, reference=f"cart_{n}") for n in (1, 2)])
    why = "none of 2 payments refers to one of the run's 2 orders: reference must be the order_id of its order"
    assert details(told) == {
        "paid-once": why,
        "paid-right-amount": "nothing was checked, though 2 orders were acknowledged",
        "no-payment-without-order": why,
    }


def test_a_stock_in_other_words_was_not_left_untouched() -> None:
    told = evidence(stock_before={("TEE", "1"): 5}, stock_after={("TEE", "1"): 5})
    assert details(told) == {
        "stock-moved-by-what-was-sold": "nothing of what was sold is in the stock: orders say mug at store-york,"
        " the stock TEE at 1; both must use the same words"
    }


def test_a_stock_without_a_level_shows_nothing() -> None:
    told = evidence(attempts=[], orders=[], payments=[], stock_before={}, stock_after={}, buys=False)
    why = "the shop named no level of its stock"
    assert list(details(told).values())[8:] == [why, why]


NO_ORDER: Mapping[str, Any] = {"orders": [], "payments": [], "stock_after": moved(0, 0)}


def test_where_shoppers_were_to_buy_and_no_order_was_acknowledged_nothing_is_shown() -> None:
    told = evidence(attempts=[], **NO_ORDER)
    assert list(details(told).values()) == ["nothing to check: no order was acknowledged"] * 8


def test_where_nobody_was_to_buy_there_is_nothing_to_promise() -> None:
    told = evidence(attempts=[], buys=False, **NO_ORDER)
    assert list(details(told).values()) == ["nothing to check: nobody was to buy"] * 8
    assert audit_document(told, (), 1).buys is False


def test_a_key_that_stands_for_two_attempts_is_named() -> None:
    told = evidence(attempts=[attempt(1), attempt(2, key="k1"), attempt(3, key="k1", outcome="unknown", order_id=None)])
    assert details(told) == {
        "order-once": "the key k1 stands for two attempts of the ledger: give each order a key of its own, or none"
    }


def test_a_key_that_is_used_again_after_a_refusal_stands_for_one_attempt() -> None:
    told = evidence(attempts=[attempt(1, outcome="refused", order_id=None), attempt(1), attempt(2)])
    assert set(answers(told).values()) == {"holds"}
    again = evidence(attempts=[attempt(1), attempt(1, outcome="refused", order_id=None), attempt(2)])
    assert set(answers(again).values()) == {"holds"}


@pytest.mark.parametrize("status", ["authorised", "authorized"])
def test_an_authorised_payment_pays_its_order(status: str) -> None:
    told = evidence(payments=[payment(1, status=status), payment(2, status=status)])
    assert set(answers(told).values()) == {"holds"}
    assert broken(evidence(payments=[payment(1, status=status), payment(2, amount_cents=1, status=status)])) == {
        "paid-right-amount": ["order o2 costs 3000, paid was 1"]
    }


def test_a_payment_that_was_refunded_pays_nothing() -> None:
    told = evidence(payments=[payment(1), payment(2, status="refunded")])
    assert broken(told) == {"paid-once": ["order o2 was paid 0 times"]}


def test_an_authorisation_without_an_order_has_taken_nothing() -> None:
    assert broken(evidence(payments=[payment(1), payment(2), payment(9, status="authorised")])) == {}


def test_what_is_reserved_is_no_more_for_sale() -> None:
    levels = [StockLevel(sku="tee", location="warehouse", quantity=10, reserved=11)]
    assert StockDocument(taken_at=1, stock=levels).levels() == {("tee", "warehouse"): -1}


OVERSOLD: Mapping[str, Any] = {
    "stock_before": {("tee", "warehouse"): 10, ("mug", "store-york"): 5, ("cap", "warehouse"): 3},
    "stock_after": {("tee", "warehouse"): -1, ("mug", "store-york"): 3, ("cap", "warehouse"): 3},
}
SEVEN_TEES = (Line(sku="tee", quantity=7, location="warehouse"),)


def test_what_others_bought_after_the_run_is_no_oversell_of_the_run_s() -> None:
    later = order(9, run="r2", created_at=ENDED + 1, lines=SEVEN_TEES)
    assert broken(evidence(foreign=[later], **OVERSOLD)) == {}
    meanwhile = order(9, run="r2", created_at=ENDED - 1, lines=SEVEN_TEES)
    assert broken(evidence(foreign=[meanwhile], **OVERSOLD)) == {
        "stock-not-negative": ["warehouse: -1 of tee are left"]
    }


def test_what_was_oversold_before_the_run_is_blamed_on_it_only_where_it_sold_more() -> None:
    levels = {("cap", "warehouse"): -4, ("tee", "warehouse"): 4, ("mug", "store-york"): 2}
    assert broken(evidence(stock_before=levels, stock_after={**levels, **SOLD_2})) == {}
    negative = {**levels, ("tee", "warehouse"): -4}
    after = {**levels, ("tee", "warehouse"): -8, ("mug", "store-york"): 0}
    assert broken(evidence(stock_before=negative, stock_after=after)) == {
        "stock-not-negative": ["warehouse: -8 of tee are left"]
    }


SOLD_2 = {("tee", "warehouse"): 0, ("mug", "store-york"): 0}


def test_what_the_orders_of_others_may_explain_is_not_broken_when_they_can_not_be_read() -> None:
    told = evidence(payments=[payment(1), payment(2), payment(7)], others_unread="they are unreachable: HTTP 500")
    assert details(told) == {
        "no-payment-without-order": "payment p7 was captured and its order o7 is not in the shop;"
        " orders of others may explain that, and they are unreachable: HTTP 500"
    }
    lost = evidence(orders=[order(1)], payments=[payment(1)], others_unread="x", stock_after=moved(2, 1))
    assert list(broken(lost)) == ["order-exists"]


def test_an_order_that_is_there_twice_can_not_be_counted() -> None:
    with pytest.raises(RecordsContradictError, match=r"^order o1 is there twice: one row an order$"):
        orders_of_run(
            "r1", attempts_of(attempt_columns([attempt(1), attempt(2)])), order_batches([order(1), order(2), order(1)])
        )


def test_a_payment_that_is_there_twice_can_not_be_counted() -> None:
    with pytest.raises(RecordsContradictError, match=r"^payment p1 is there twice: one row a payment$"):
        payments_of_run(None, payment_batches([payment(1), payment(1)]))


@pytest.mark.parametrize("name", ["paid_at", "printed_at", "shipped_at", "due_at"])
def test_nothing_happens_to_an_order_before_it_is_there(name: str) -> None:
    minute = 60_000_000_000
    row = {**order(1).model_dump(), "lines": LINES, "created_at": 10 * minute}
    assert getattr(Order.model_validate({**row, name: 9 * minute}), name) == 9 * minute
    with pytest.raises(ValueError, match=f"{name} must not be more than a minute before created_at"):
        Order.model_validate({**row, name: 9 * minute - 1})
