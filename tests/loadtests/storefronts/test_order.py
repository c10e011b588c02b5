"""Whatever happens in an order's block, the ledger holds the attempt before it and one outcome after it."""

from pathlib import Path

import gevent
import pytest

from loadtests.client.interface import Request
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import Shop
from loadtests.storefronts.journey import journey
from loadtests.storefronts.order import Order, UnsettledOrderError
from tests.loadtests.fakes import SECOND, Blocking, arrival, ledger_rows, ok, worker
from tests.loadtests.storefronts.shopping import Shopper


def outcome(shopper: Shopper) -> tuple[object, ...]:
    attempt, row = shopper.ledger
    assert (attempt["event"], row["event"], attempt["key"]) == ("attempt", "outcome", row["key"])
    return row["outcome"], row["status"], row["order_id"], row["reason"], row["total_cents"]


def test_an_accepted_order_is_written_before_it_is_sent_and_after(tmp_path: Path) -> None:
    shopper, before = Shopper(tmp_path), []
    with shopper.shop.order([shopper.shop.line("tee-s", 2), shopper.shop.line("mug", location="York")], 900) as order:
        before.append(len(shopper.ledger))
        order.accepted(17, cents=900, status=201)
    assert (before, order.placed, order.order_id, order.refusal) == ([1], True, "17", None)
    assert outcome(shopper) == ("accepted", 201, "17", None, 900)
    attempt, row = shopper.ledger
    assert attempt["lines"] == [
        {"sku": "tee-s", "quantity": 2, "location": "warehouse"},
        {"sku": "mug", "quantity": 1, "location": "York"},
    ]
    assert (attempt["amount_cents"], attempt["session"], attempt["at"] <= row["at"]) == (900, 0, True)


def test_a_refusal_is_written_and_goes_no_further(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, lambda _: ok({"left": 0}, 409)._replace(error="http_4xx"))
    with shopper.shop.order([], 1, key="cart-7") as order:
        shopper.shop.post("checkout", "/checkout", refused={"out_of_stock": 409})
        raise AssertionError("it was refused")
    assert (order.placed, order.refusal, order.key) == (False, "out_of_stock", "cart-7")
    assert outcome(shopper) == ("refused", 409, None, "out_of_stock", None)
    assert shopper.session.lacked == "out_of_stock"
    with shopper.shop.order([], 1) as again:
        again.accepted("o2")
    assert shopper.session.lacked is None  # it found something else


def test_an_order_that_met_an_error_is_unknown(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path, lambda _: ok()._replace(error="timeout"))

    def place() -> None:
        with shopper.shop.order([], 1):
            shopper.shop.post("checkout", "/checkout")

    with pytest.raises(SessionFailedError):
        place()
    assert outcome(shopper) == ("unknown", 0, None, "checkout: timeout", None)


def test_an_order_that_was_cut_off_is_unknown(tmp_path: Path) -> None:
    client = Blocking()
    shared = worker(tmp_path, client)
    session = Session(shared, arrival(), shared.clock.now())

    def place() -> None:
        with Order(session, (), 1, None, None):
            session.step(Request(step="checkout", method="POST", path="/"))

    greenlet = gevent.spawn(place)
    assert client.under_way.wait(10)
    assert [row["event"] for row in ledger_rows(tmp_path)] == ["attempt"]
    greenlet.kill()
    assert [(row.get("outcome"), row.get("reason")) for row in ledger_rows(tmp_path)] == [
        (None, None),
        ("unknown", "cut_off"),
    ]


@pytest.mark.parametrize("error", [None, KeyError("sku"), RuntimeError("a slip")])
def test_a_storefront_s_mistake_in_an_order_leaves_an_unknown_one(tmp_path: Path, error: Exception | None) -> None:
    shopper = Shopper(tmp_path)

    def place() -> None:
        with shopper.shop.order([], 1):
            if error is not None:
                raise error

    with pytest.raises(UnsettledOrderError if error is None else type(error)):
        place()
    assert outcome(shopper) == ("unknown", 0, None, "storefront", None)


def test_what_was_accepted_stays_so_whatever_comes_after_it_in_the_block(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path)

    def place() -> None:
        with shopper.shop.order([], 1) as order:
            order.accepted("o1")
            raise KeyError("later")

    with pytest.raises(KeyError):
        place()
    assert outcome(shopper)[:3] == ("accepted", 200, "o1")


def test_every_order_has_a_key_of_its_own(tmp_path: Path) -> None:
    shopper, keys = Shopper(tmp_path), set()
    for _ in range(50):
        with shopper.shop.order([], 1) as order:
            order.accepted("o")
        keys.add(order.key)
    assert len(keys) == 50


@pytest.mark.parametrize("after_s", [0.001, 0.05, 0.0999])
def test_orders_placed_together_are_sent_at_the_same_moment_on_every_worker(tmp_path: Path, after_s: float) -> None:
    sent: list[int] = []

    class Drop(Shop):
        @journey(buys=True, sold_out_ok=True)
        def look(self) -> None:
            with self.order([], 1, together=0.1) as order:
                order.accepted(self.post("checkout", "/checkout").status)

    shopper = Shopper(tmp_path, lambda _: ok(), Drop)
    started_at = shopper.context.clock.now() - round(0.3 * SECOND)
    object.__setattr__(shopper.context, "started_at", started_at)
    shopper.session.due_at = started_at + round((0.3 + after_s) * SECOND)
    shopper.play()
    (step,) = shopper.memory.steps
    sent.append(step.scheduled_at - started_at)
    assert sent == [round(0.4 * SECOND)]
    assert step.sent_at >= step.scheduled_at


def test_a_round_that_has_just_come_is_not_missed(tmp_path: Path) -> None:
    shopper = Shopper(tmp_path)
    object.__setattr__(shopper.context, "started_at", 7)
    shopper.session.due_at = 7 + 5 * SECOND
    assert shopper.session.next_round(5) == 7 + 5 * SECOND
    assert shopper.session.next_round(2.5) == 7 + 5 * SECOND
    assert shopper.session.next_round(3) == 7 + 6 * SECOND
