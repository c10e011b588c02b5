"""The checkout, on a database of its own and with a provider whose replies a test sets."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from staging.database import Database
from staging.shop import admin
from staging.shop.carts import CartLine, replace_cart
from staging.shop.catalogue import twisted_threads
from staging.shop.checkout import Checkout, CheckoutRequest, EmptyCartError, KeyReusedError
from staging.shop.orders import Order, Status, accept, enter, find_order, orders_page
from staging.shop.provider import Bill, Payment, PaymentKey
from staging.shop.releases.behaviour import Behaviour
from staging.shop.releases.faults import behaviour_with
from staging.shop.stock import OutOfStockError, all_stock

SKU, OTHER = "tearex-m-navy", "puglife-s-moss"
TEAREX = twisted_threads().styles["tearex"]


@dataclass
class SetProvider:
    """Answers with the outcomes given, then captures."""

    outcomes: list[Payment] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def pay(self, bill: Bill, key: PaymentKey) -> Payment:
        self.keys.append(key(bill.order_id, 0))
        return self.outcomes.pop(0) if self.outcomes else Payment.CAPTURED


def checkout_of(key: str, session: str = "shopper", location: str = "warehouse") -> CheckoutRequest:
    return CheckoutRequest(key=key, session=session, run="tests", location=location, card_token="tok_ok")


def put_in_cart(database: Database, *lines: tuple[str, int], session: str = "shopper") -> None:
    wanted = [CartLine(sku=sku, quantity=quantity, design_id=None) for sku, quantity in lines]
    replace_cart(database, session, wanted)


def on_hand(database: Database, sku: str = SKU, location: str = "warehouse") -> int:
    rows = {(row["sku"], row["location"]): row["quantity"] for row in all_stock(database)}
    return int(rows[sku, location])


def orders_with(database: Database, status: Status) -> int:
    return sum(order.status is status for order in orders_page(database, None, 0, 1000)[0])


def test_an_accepted_order_has_taken_its_stock(database: Database) -> None:
    put_in_cart(database, (SKU, 2), (OTHER, 1))
    placed = Checkout(database, SetProvider()).place(checkout_of("k"), Behaviour())
    assert (placed.new, placed.order.status) == (True, Status.ACCEPTED)
    assert (on_hand(database), on_hand(database, OTHER)) == (3, 4)


def test_collection_takes_the_stock_of_the_store(database: Database) -> None:
    put_in_cart(database, (SKU, 2))
    Checkout(database, SetProvider()).place(checkout_of("k", location="store-york"), Behaviour())
    assert (on_hand(database, SKU, "store-york"), on_hand(database)) == (1, 5)


def test_all_lines_or_none_are_taken_and_the_refusal_names_the_sku(database: Database) -> None:
    put_in_cart(database, (SKU, 2), (OTHER, 6))
    with pytest.raises(OutOfStockError) as refused:
        Checkout(database, SetProvider()).place(checkout_of("k"), Behaviour())
    assert refused.value.sku == OTHER
    assert (on_hand(database), on_hand(database, OTHER)) == (5, 5)


def test_lines_of_the_same_sku_count_together(database: Database) -> None:
    put_in_cart(database, (SKU, 3), (SKU, 3))
    with pytest.raises(OutOfStockError):
        Checkout(database, SetProvider()).place(checkout_of("k"), Behaviour())


def test_a_declined_card_puts_the_stock_back(database: Database) -> None:
    put_in_cart(database, (SKU, 2))
    placed = Checkout(database, SetProvider([Payment.DECLINED])).place(checkout_of("k"), Behaviour())
    assert (placed.order.status, on_hand(database)) == (Status.DECLINED, 5)


def test_a_payment_that_was_surely_not_made_puts_the_stock_back(database: Database) -> None:
    put_in_cart(database, (SKU, 2))
    placed = Checkout(database, SetProvider([Payment.NOT_MADE])).place(checkout_of("k"), Behaviour())
    assert (placed.order.status, on_hand(database)) == (Status.FAILED, 5)


def test_an_unknown_payment_keeps_order_and_stock_until_the_key_settles_it(database: Database) -> None:
    put_in_cart(database, (SKU, 2))
    provider = SetProvider([Payment.UNKNOWN, Payment.NOT_MADE])
    checkout = Checkout(database, provider)
    placed = [checkout.place(checkout_of("k"), Behaviour()) for _ in range(4)]
    assert [p.order.status for p in placed] == [Status.PENDING, Status.PENDING, Status.ACCEPTED, Status.ACCEPTED]
    assert len({p.order.order_id for p in placed}) == 1
    assert len(provider.keys) == 3
    assert len(set(provider.keys)) == 1
    assert on_hand(database) == 3


def test_a_crash_while_paying_leaves_an_order_that_the_key_takes_up_again(database: Database) -> None:
    class Crashing(SetProvider):
        def pay(self, bill: Bill, key: PaymentKey) -> Payment:
            raise SystemExit(bill.order_id, key)

    put_in_cart(database, (SKU, 2))
    with pytest.raises(SystemExit):
        Checkout(database, Crashing()).place(checkout_of("k"), Behaviour())
    assert (orders_with(database, Status.PENDING), on_hand(database)) == (1, 3)
    placed = Checkout(database, SetProvider()).place(checkout_of("k"), Behaviour())
    assert (placed.new, placed.order.status, on_hand(database)) == (False, Status.ACCEPTED, 3)


def test_no_cart_and_another_sessions_key_are_refused(database: Database) -> None:
    checkout = Checkout(database, SetProvider())
    with pytest.raises(EmptyCartError):
        checkout.place(checkout_of("k"), Behaviour())
    put_in_cart(database, (SKU, 1))
    checkout.place(checkout_of("k"), Behaviour())
    with pytest.raises(KeyReusedError):
        checkout.place(checkout_of("k", session="somebody else"), Behaviour())


def check_out_at_once(database: Database, requests: Sequence[CheckoutRequest], behaviour: Behaviour) -> int:
    """Return how many of the requests, all started together, were accepted."""
    checkout, accepted = Checkout(database, SetProvider()), []
    together = threading.Barrier(len(requests))

    def buy(request: CheckoutRequest) -> None:
        together.wait()
        try:
            accepted.append(checkout.place(request, behaviour).order.status is Status.ACCEPTED)
        except OutOfStockError:
            accepted.append(False)

    threads = [threading.Thread(target=buy, args=(request,)) for request in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accepted) == len(requests)
    return sum(accepted)


def twenty_shoppers(database: Database) -> list[CheckoutRequest]:
    for number in range(20):
        put_in_cart(database, (SKU, 1), session=f"shopper {number}")
    return [checkout_of(f"k{number}", session=f"shopper {number}") for number in range(20)]


def test_of_twenty_shoppers_at_once_five_get_the_last_five(busy_database: Database) -> None:
    assert check_out_at_once(busy_database, twenty_shoppers(busy_database), Behaviour()) == 5
    assert (on_hand(busy_database), orders_with(busy_database, Status.ACCEPTED)) == (0, 5)


def test_the_oversell_release_accepts_more_than_there_is(busy_database: Database) -> None:
    behaviour = behaviour_with(["stock-read-then-written"])
    assert check_out_at_once(busy_database, twenty_shoppers(busy_database), behaviour) > 5


def test_one_key_at_once_makes_one_order(busy_database: Database) -> None:
    put_in_cart(busy_database, (SKU, 1))
    assert check_out_at_once(busy_database, [checkout_of("k")] * 12, Behaviour()) == 12
    assert (on_hand(busy_database), orders_with(busy_database, Status.ACCEPTED)) == (4, 1)


def test_a_time_is_listed_once_it_was(database: Database) -> None:
    put_in_cart(database, (SKU, 1))
    order = Checkout(database, SetProvider()).place(checkout_of("k"), Behaviour()).order
    now = time.time_ns()
    given = replace(order, printed_at=now - 10, shipped_at=now + 3600 * 10**9)
    listed = admin._order_json(given)
    assert (listed["printed_at"], listed["shipped_at"]) == (now - 10, None)


def test_an_order_is_promised_for_two_seconds_after_it_was_placed_once_it_is_paid(database: Database) -> None:
    for key, hosted in (("card", False), ("page", True)):
        entered = Order(
            order_id=key, key=key, session="s", run=None, status=Status.PENDING, location="warehouse", total_cents=1,
            created_at=1, lines=(), hosted=hosted,
        )  # fmt: skip
        with database.writing() as connection:
            enter(connection, entered)
        assert (found := find_order(database, key)) is not None
        assert admin._order_json(found)["due_at"] is None
        assert accept(database, key)
        assert (paid := find_order(database, key)) is not None
        assert paid.placed_at is not None
        assert paid.due_at == paid.placed_at + 2_000_000_000


def ten_orders(database: Database, behaviour: Behaviour) -> list[Order]:
    """Return ten orders of one each, as they were acknowledged."""
    checkout = Checkout(database, SetProvider())
    orders = []
    for number in range(10):
        put_in_cart(database, (SKU if number % 2 else OTHER, 1), session=f"shopper {number}")
        request = replace(checkout_of(f"k{number}", session=f"shopper {number}"), recipient=f"name {number}")
        orders.append(checkout.place(request, behaviour).order)
    return orders


def test_the_release_that_loses_orders_acknowledges_one_that_is_not_there(database: Database) -> None:
    acknowledged = ten_orders(database, behaviour_with(["acknowledged-before-commit"]))
    assert {order.status for order in acknowledged} == {Status.ACCEPTED}
    lost = [number for number, order in enumerate(acknowledged, 1) if find_order(database, order.order_id) is None]
    assert lost == [8]
    assert on_hand(database) + on_hand(database, OTHER) == 1  # the lost one took nothing


def test_a_shop_that_loses_orders_refuses_what_is_sold_out_all_the_same(database: Database) -> None:
    put_in_cart(database, (SKU, 6))
    with pytest.raises(OutOfStockError):
        Checkout(database, SetProvider()).place(checkout_of("k"), behaviour_with(["acknowledged-before-commit"]))


def test_the_release_that_leaks_reservations_holds_stock_that_no_order_has(database: Database) -> None:
    behaviour = behaviour_with(["stock-taken-again-on-retry"])
    put_in_cart(database, (SKU, 1))
    with database.writing() as connection:
        (line,) = behaviour.lines.read(connection, [CartLine(sku=SKU, quantity=1, design_id=None)], "warehouse")
    held = []
    for _ in range(4):
        with database.writing() as connection:
            assert behaviour.stock.take(connection, [replace(line, quantity=0)], "warehouse")
        held.append(on_hand(database))
    for _ in range(4):
        with database.writing() as connection:
            assert behaviour.stock.take(connection, [line], "warehouse")
        held.append(on_hand(database))
    assert held == [5, 5, 5, 5, 3, 2, 1, 0]


def test_the_release_whose_prices_drift_charges_some_skus_otherwise_than_its_pages_show(database: Database) -> None:
    lines = [CartLine(sku=sku.sku, quantity=1, design_id=None) for sku in TEAREX.skus]
    with database.reading() as connection:
        read = behaviour_with(["prices-of-the-next-list"]).lines.read(connection, lines, "warehouse")
    charged = Counter(line.unit_cents for line in read)
    assert charged.keys() == {TEAREX.price_cents, TEAREX.price_cents + 100}


def test_the_release_that_mixes_sessions_up_shows_the_name_of_another(database: Database) -> None:
    orders = ten_orders(database, Behaviour())
    assert [Behaviour().name_shown(order) for order in orders] == [f"name {number}" for number in range(10)]
    shown = behaviour_with(["name-cached-for-all"]).name_shown
    assert {shown(order) for order in orders} == {"name 0"}
