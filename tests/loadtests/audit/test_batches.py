"""Rows become columns without losing anything that the audit asks for."""

from loadtests.audit import batches
from loadtests.audit.batches import ORDERS, PAYMENTS, order_batches, payment_batches
from loadtests.audit.shop_records import Order
from tests.loadtests.audit.test_checks import LINES, order, payment


def test_orders_keep_what_the_audit_asks_for() -> None:
    unnamed = Order.model_validate(order(2, key=None, lines=()).model_dump(exclude={"run"}))
    (batch,) = order_batches([order(1), unnamed, order(3, run=None)])
    assert batch.schema == ORDERS
    assert batch.column("run").to_pylist() == ["r1", None, None]
    assert batch.column("names_run").to_pylist() == [True, False, True]
    assert batch.column("key").to_pylist() == ["k1", None, "k3"]
    lines = [{"sku": line.sku, "quantity": line.quantity, "location": line.location} for line in LINES]
    assert batch.column("lines").to_pylist() == [lines, [], lines]


def test_payments_keep_what_the_audit_asks_for() -> None:
    (batch,) = payment_batches([payment(1), payment(2, status="authorised")])
    assert batch.schema == PAYMENTS
    assert batch.to_pylist()[1] == {
        "payment_id": "p2",
        "reference": "o2",
        "amount_cents": 3000,
        "status": "authorised",
        "created_at": 6,
    }


def test_rows_are_handed_on_as_they_come() -> None:
    taken: list[int] = []

    def rows() -> object:
        for number in range(batches.ROWS_A_BATCH + 1):
            taken.append(number)
            yield payment(number)

    next(payment_batches(rows()))  # type: ignore[arg-type]
    assert len(taken) == batches.ROWS_A_BATCH
