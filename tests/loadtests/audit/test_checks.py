"""The audit finds each way in which a shop can break its word, and blames it for nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from loadtests.audit.attempts import attempts_of
from loadtests.audit.batches import order_batches, payment_batches
from loadtests.audit.checks import Check, audit, audit_document
from loadtests.audit.evidence import Evidence
from loadtests.audit.found import EXAMPLES
from loadtests.audit.others import ClockOffset, Stretch, others_of
from loadtests.audit.run_orders import orders_of_run
from loadtests.audit.run_payments import payments_of_run
from loadtests.audit.shop_records import Order, Payment
from loadtests.results.ledger import Attempt, Line
from loadtests.results.ledger_columns import attempt_columns

LINES = (Line(sku="tee", quantity=2, location="warehouse"), Line(sku="mug", quantity=1, location="store-york"))
ENDED, SECOND = 1000, 1_000_000_000
ASKED = {"orders": "read", "payments": "read", "stock": "read"}
NAMES = [
    "order-exists",
    "order-once",
    "order-as-promised",
    "refused-not-ordered",
    "order-settled",
    "paid-once",
    "paid-right-amount",
    "no-payment-without-order",
    "stock-moved-by-what-was-sold",
    "stock-not-negative",
]


def attempt(number: int, **changes: Any) -> Attempt:
    whole = Attempt(
        session=number, key=f"k{number}", lines=LINES, amount_cents=3000, outcome="accepted", order_id=f"o{number}"
    )
    return replace(whole, **changes)


def order(number: int, **changes: Any) -> Order:
    whole = Order(
        order_id=f"o{number}",
        key=f"k{number}",
        run="r1",
        status="accepted",
        created_at=5,
        total_cents=3000,
        lines=LINES,
    )
    return whole.model_copy(update=changes)


def payment(number: int, **changes: Any) -> Payment:
    whole = Payment(payment_id=f"p{number}", reference=f"o{number}", amount_cents=3000, status="captured", created_at=6)
    return whole.model_copy(update=changes)


def evidence(
    attempts: Sequence[Attempt] = (attempt(1), attempt(2)),
    orders: Sequence[Order] | None = (order(1), order(2)),
    payments: Sequence[Payment] | None = (payment(1), payment(2)),
    foreign: Sequence[Order] = (),
    **changes: Any,
) -> Evidence:
    """Return a run of two orders in which every promise holds, but for the changes."""
    ledger = attempts_of(attempt_columns(attempts))
    of_run = None if orders is None else orders_of_run("r1", ledger, order_batches(orders))
    paid = None if payments is None else payments_of_run(of_run, payment_batches(payments))
    others = None
    if of_run is not None and foreign:
        references = pa.array([], pa.string()) if paid is None else paid.orphan_references
        others = others_of(
            "r1",
            of_run,
            references,
            order_batches((*(orders or ()), *foreign)),
            Stretch(stock_read_at=0, stock_read_again_at=None, ended_at=ENDED, pending_ns=changes.get("pending_ns", 0)),
            ClockOffset(least=0, most=0),
        )
    whole = Evidence(
        run="r1",
        attempts=ledger,
        orders=of_run,
        payments=paid,
        others=others,
        stock_before={("tee", "warehouse"): 10, ("mug", "store-york"): 5, ("cap", "warehouse"): 3},
        stock_after={("tee", "warehouse"): 6, ("mug", "store-york"): 3, ("cap", "warehouse"): 3},
        sources=ASKED,
        orders_read_at=ENDED,
    )
    return replace(whole, **changes)


def broken(told: Evidence) -> dict[str, list[str]]:
    """Return the details of every broken promise by its check."""
    return {check.name: [one.detail for one in check.examples] for check in audit(told) if check.outcome == "broken"}


def moved(tee: int, mug: int) -> Mapping[tuple[str, str], int]:
    return {("tee", "warehouse"): 10 - tee, ("mug", "store-york"): 5 - mug, ("cap", "warehouse"): 3}


def test_every_promise_of_a_faultless_shop_holds() -> None:
    checks = audit(evidence())
    assert [(check.name, check.outcome, check.checked, check.detail) for check in checks] == [
        (name, "holds", count, f"all {count}")
        for name, count in zip(NAMES, [2, 2, 2, 2, 2, 2, 2, 2, 3, 3], strict=True)
    ]


SITUATIONS: dict[str, tuple[Evidence, dict[str, list[str]]]] = {
    "an acknowledged order is missing": (
        evidence(orders=[order(1)], payments=[payment(1)], stock_after=moved(2, 1)),
        {"order-exists": ["order o2 was acknowledged and is not in the shop"]},
    ),
    "an acknowledged order was cancelled and not paid": (
        evidence(orders=[order(1), order(2, status="cancelled")], payments=[payment(1)], stock_after=moved(2, 1)),
        {"order-exists": ["order o2 was acknowledged and is cancelled"]},
    ),
    "one attempt made two orders": (
        evidence(
            orders=[order(1), order(2), order(3, key="k1")],
            payments=[payment(1), payment(2), payment(3)],
            stock_after=moved(6, 3),
        ),
        {"order-once": ["one attempt made 2 orders: o1, o3"]},
    ),
    "an order of the run was never attempted": (
        evidence(
            orders=[order(1), order(2), order(9)],
            payments=[payment(1), payment(2), payment(9)],
            stock_after=moved(6, 3),
        ),
        {"order-once": ["order o9 of this run was never attempted"]},
    ),
    "an order holds other things": (
        evidence(orders=[order(1), order(2, lines=LINES[:1])], stock_after=moved(4, 1)),
        {"order-as-promised": ["order o2 holds other things than were ordered"]},
    ),
    "an order is sent from elsewhere": (
        evidence(
            orders=[order(1), order(2, lines=(LINES[0], replace(LINES[1], location="warehouse")))],
            stock_after={**moved(4, 1), ("mug", "warehouse"): -1},
        ),
        {
            "order-as-promised": ["order o2 holds other things than were ordered"],
            "stock-not-negative": ["warehouse: -1 of mug are left"],
        },
    ),
    "an order costs something else": (
        evidence(orders=[order(1), order(2, total_cents=2900)], payments=[payment(1), payment(2, amount_cents=2900)]),
        {"order-as-promised": ["order o2 costs 2900, promised was 3000"]},
    ),
    "an order was paid twice": (
        evidence(payments=[payment(1), payment(2), payment(3, reference="o2")]),
        {"paid-once": ["order o2 was paid 2 times"]},
    ),
    "an order was not paid": (
        evidence(payments=[payment(1)]),
        {"paid-once": ["order o2 was paid 0 times"]},
    ),
    "an order's payment was declined": (
        evidence(payments=[payment(1), payment(2, status="declined")]),
        {"paid-once": ["order o2 was paid 0 times"]},
    ),
    "a wrong amount was paid": (
        evidence(payments=[payment(1), payment(2, amount_cents=1)]),
        {"paid-right-amount": ["order o2 costs 3000, paid was 1"]},
    ),
    "a payment has no order": (
        evidence(payments=[payment(1), payment(2), payment(7)]),
        {"no-payment-without-order": ["payment p7 was captured and its order o7 is not in the shop"]},
    ),
    "a payment is kept for a cancelled order": (
        evidence(
            attempts=[attempt(1), attempt(2, outcome="refused", order_id=None)],
            orders=[order(1), order(2, status="cancelled")],
            stock_after=moved(2, 1),
        ),
        {"no-payment-without-order": ["payment p2 was captured and its order o2 is cancelled"]},
    ),
    "too little stock moved: oversold": (
        evidence(stock_after=moved(3, 2)),
        {"stock-moved-by-what-was-sold": ["warehouse: tee went down by 3, 4 were sold"]},
    ),
    "too much stock moved": (
        evidence(stock_after=moved(4, 4)),
        {"stock-moved-by-what-was-sold": ["store-york: mug went down by 4, 2 were sold"]},
    ),
    "the stock of another place moved": (
        evidence(stock_after={("tee", "warehouse"): 8, ("mug", "store-york"): 3, ("cap", "warehouse"): 1}),
        {
            "stock-moved-by-what-was-sold": [
                "warehouse: cap went down by 2, 0 were sold",
                "warehouse: tee went down by 2, 4 were sold",
            ]
        },
    ),
    "a stock's row vanished": (
        evidence(stock_after={("tee", "warehouse"): 6, ("mug", "store-york"): 3}),
        {"stock-moved-by-what-was-sold": ["warehouse: cap vanished from the stock, in which there were 3"]},
    ),
    "stock is negative": (
        evidence(
            stock_before={("tee", "warehouse"): 1, ("mug", "store-york"): 2},
            stock_after={("tee", "warehouse"): -3, ("mug", "store-york"): 0},
        ),
        {"stock-not-negative": ["warehouse: -3 of tee are left"]},
    ),
}


@pytest.mark.parametrize(("told", "expected"), SITUATIONS.values(), ids=list(SITUATIONS))
def test_each_broken_promise_is_found_and_no_other(told: Evidence, expected: dict[str, list[str]]) -> None:
    assert broken(told) == expected


EXPLAINED: dict[str, Evidence] = {
    "a foreign order's payment": evidence(
        payments=[payment(1), payment(2), payment(7)], foreign=(order(7, run=None),), stock_after=moved(6, 3)
    ),
    "stock that a foreign order moved": evidence(stock_after=moved(6, 3), foreign=(order(7, run=None),)),
    "a foreign order that failed": evidence(foreign=(order(7, run=None, status="failed"),)),
    "a declined payment without an order": evidence(payments=[payment(1), payment(2), payment(7, status="declined")]),
    "an unknown attempt that became an order": evidence(
        attempts=[attempt(1), attempt(2, outcome="unknown", order_id=None)]
    ),
    "an unknown attempt that became none": evidence(
        attempts=[attempt(1), attempt(2), attempt(3, outcome="unknown", order_id=None)]
    ),
    "a refused attempt": evidence(attempts=[attempt(1), attempt(2), attempt(3, outcome="refused", order_id=None)]),
    "a pending order of an unknown attempt, paid": evidence(
        attempts=[attempt(1), attempt(2, outcome="unknown", order_id=None)],
        orders=[order(1), order(2, status="pending")],
    ),
    "a failed order beside the one that came of the same key": evidence(
        orders=[order(1), order(2), order(3, key="k2", status="failed")]
    ),
    "lines in another order and split": evidence(
        orders=[order(1), order(2, lines=(LINES[1], replace(LINES[0], quantity=1), replace(LINES[0], quantity=1)))]
    ),
    "an order without a key": evidence(attempts=[attempt(1), attempt(2)], orders=[order(1), order(2, key=None)]),
}


@pytest.mark.parametrize("told", EXPLAINED.values(), ids=list(EXPLAINED))
def test_what_has_an_explanation_breaks_no_promise(told: Evidence) -> None:
    assert broken(told) == {}


@pytest.mark.parametrize(("pending_s", "why"), [(300, ["stock-moved-by-what-was-sold"]), (900, []), (None, [])])
def test_another_s_order_gives_its_units_back_for_as_long_as_it_may_be_pending(
    pending_s: int | None, why: list[str]
) -> None:
    tenth_minute = order(7, run=None, status="failed", created_at=-600 * SECOND)
    pending_ns = None if pending_s is None else pending_s * SECOND
    told = evidence(foreign=(tenth_minute,), stock_after=moved(2, 1), pending_ns=pending_ns)
    assert [*broken(told)] == why


@pytest.mark.parametrize(
    ("missing", "unknown"),
    [
        ("orders", NAMES[:-1]),
        ("payments", ["paid-once", "paid-right-amount", "no-payment-without-order"]),
        ("stock", ["stock-moved-by-what-was-sold", "stock-not-negative"]),
    ],
)
def test_a_source_that_could_not_be_read_makes_its_checks_unknown(missing: str, unknown: list[str]) -> None:
    checks = audit(evidence(sources={**ASKED, missing: "unreachable: HTTP 500"}))
    assert [check.name for check in checks] == NAMES
    assert [check.name for check in checks if check.outcome == "unknown"] == unknown
    assert {check.detail for check in checks if check.outcome == "unknown"} == {f"{missing} unreachable: HTTP 500"}


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        ("orders", ["stock-not-negative"]),
        ("payments", [*NAMES[:5], *NAMES[8:]]),
        ("stock", NAMES[:8]),
    ],
)
def test_a_source_that_is_not_declared_leaves_its_checks_out(missing: str, left: list[str]) -> None:
    checks = audit(evidence(sources={**ASKED, missing: "not declared"}))
    assert [check.name for check in checks] == left
    assert {check.outcome for check in checks} == {"holds"}


def test_nothing_declared_is_nothing_checked() -> None:
    assert audit(evidence(sources=dict.fromkeys(ASKED, "not declared"))) == ()


def test_two_sources_that_failed_are_both_named() -> None:
    checks = audit(evidence(sources={**ASKED, "orders": "unreachable: A", "payments": "unreachable: B"}))
    told = {check.name: check.detail for check in checks}
    assert told["paid-once"] == "orders unreachable: A; payments unreachable: B"


def test_every_broken_promise_is_counted_and_20_are_shown() -> None:
    told = evidence(attempts=[attempt(n) for n in range(100)], orders=[], payments=[], stock_after=moved(0, 0))
    (check,) = [check for check in audit(told) if check.outcome == "broken"]
    assert (check.name, check.checked, check.broken, len(check.examples)) == ("order-exists", 100, 100, EXAMPLES)
    assert check.detail == "100 of 100: order o0 was acknowledged and is not in the shop"


def test_audit_json_is_as_the_contract_says() -> None:
    told = evidence(payments=[payment(1)])
    value = audit_document(told, audit(told), 7).model_dump(mode="json")
    assert json.loads(json.dumps(value)) == value
    assert {name: value[name] for name in ("format", "checked_at", "sources", "counts")} == {
        "format": "peakproof/audit/v2",
        "checked_at": 7,
        "sources": ASKED,
        "counts": {
            "attempted": 2,
            "accepted": 2,
            "refused": 0,
            "unknown": 0,
            "orders_in_shop": 2,
            "orders_pending": 0,
            "orders_left_out": 0,
            "payments_in_provider": 1,
            "units_sold": 6,
        },
    }
    assert [check["name"] for check in value["checks"]] == NAMES
    assert value["checks"][5] == {
        "name": "paid-once",
        "outcome": "broken",
        "checked": 2,
        "broken": 1,
        "detail": "1 of 2: order o2 was paid 0 times",
        "examples": [{"key": "k2", "order_id": "o2", "detail": "order o2 was paid 0 times"}],
    }


def test_what_could_not_be_counted_is_null_and_never_zero() -> None:
    told = evidence(
        orders=None, payments=None, sources={**ASKED, "orders": "unreachable: A", "payments": "unreachable: B"}
    )
    counts = audit_document(told, audit(told), 7).model_dump(mode="json")["counts"]
    assert (counts["orders_in_shop"], counts["payments_in_provider"], counts["units_sold"]) == (None, None, None)


def test_outcomes_of_attempts_are_counted() -> None:
    told = evidence(attempts=[attempt(1), attempt(2, outcome="refused"), attempt(3, outcome="unknown")])
    counts = audit_document(told, (), 7).model_dump(mode="json")["counts"]
    assert [counts[name] for name in ("attempted", "accepted", "refused", "unknown")] == [3, 1, 1, 1]


def test_a_check_without_examples_has_none() -> None:
    check = Check(name="x", outcome="holds", checked=0, broken=0, detail="all 0")
    assert check.examples == ()


def test_where_rows_may_be_missing_a_broken_promise_is_still_broken_and_a_kept_one_is_unknown() -> None:
    checks = {check.name: check for check in audit(evidence(orders=[order(1)], payments=[payment(1)], lacking=["w1"]))}
    assert checks["order-exists"].outcome == "broken"
    assert (checks["order-once"].outcome, checks["order-once"].checked) == ("unknown", 1)
    assert checks["order-once"].detail == (
        "ledger rows of w1 may be missing;"
        " complete them with `peakproof audit RUN --worker-folder FOLDER`, the folder it wrote"
    )
    assert {checks[name].outcome for name in NAMES if name.startswith(("paid", "no-payment"))} == {"holds"}


def test_payments_for_orders_of_others_are_not_counted_as_the_runs() -> None:
    told = evidence(
        payments=[payment(1), payment(2), payment(7), payment(8)], foreign=[order(7, run=None, created_at=1)]
    )
    counts = audit_document(told, audit(told), 7).model_dump(mode="json")["counts"]
    assert counts["payments_in_provider"] == 3  # nobody's order explains the last
