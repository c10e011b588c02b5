"""Coupons and gift cards: a cart shows what they take off, an order uses them up, once."""

import threading
from dataclasses import replace

import pytest

from staging.database import Database
from staging.shop.carts import CartLine, replace_cart
from staging.shop.checkout import Checkout, CheckoutRequest
from staging.shop.offers.vouchers import CodeRefusedError, Codes, Kind, Voucher, set_vouchers, vouchers_page
from staging.shop.orders import Status, orders_page
from staging.shop.provider import Payment
from staging.shop.releases.behaviour import Behaviour
from staging.shop.releases.faults import behaviour_with
from tests.staging.conftest import Stack
from tests.staging.harness import Replica, check_out
from tests.staging.test_checkout import SetProvider, checkout_of, on_hand

SKU, PRICE = "tearex-m-navy", 2299
GIFT = Voucher(code="GIFT-1", kind=Kind.GIFT_CARD, percent=0, cents=500, uses_left=1)


def put_in_cart(database: Database, session: str, codes: Codes) -> None:
    replace_cart(database, session, [CartLine(sku=SKU, quantity=1, design_id=None)], codes)


def uses_left(database: Database, code: str) -> int | None:
    page, _ = vouchers_page(database, 0, 100)
    return next(one.uses_left for one in page if one.code == code)


def test_an_order_costs_what_its_codes_leave_and_uses_them_up(database: Database) -> None:
    set_vouchers(database, [GIFT])
    put_in_cart(database, "shopper", Codes(coupon="WELCOME10", gift_card="GIFT-1"))
    order = Checkout(database, SetProvider()).place(checkout_of("k"), Behaviour()).order
    assert order.total_cents == PRICE - 229 - 500
    assert order.discount is not None
    assert (order.discount.discount_cents, order.discount.gift_card_cents) == (229, 500)
    assert (uses_left(database, "GIFT-1"), uses_left(database, "WELCOME10")) == (0, None)
    (stored,) = orders_page(database, None, 0, 10)[0]
    assert (stored.discount, stored.total_cents) == (order.discount, order.total_cents)


def test_a_used_gift_card_is_refused_and_nothing_is_entered(database: Database) -> None:
    set_vouchers(database, [replace(GIFT, uses_left=0)])
    put_in_cart(database, "shopper", Codes(gift_card="GIFT-1"))
    with pytest.raises(CodeRefusedError, match=r"^gift_card_used$"):
        Checkout(database, SetProvider()).place(checkout_of("k"), Behaviour())
    assert (on_hand(database), orders_page(database, None, 0, 10)[0]) == (5, [])


@pytest.mark.parametrize(
    ("codes", "error"),
    [(Codes(gift_card="NONE"), "gift_card_unknown"), (Codes(coupon="GIFT-1"), "coupon_unknown")],
)
def test_a_code_that_is_none_or_of_another_kind_is_unknown(database: Database, codes: Codes, error: str) -> None:
    set_vouchers(database, [GIFT])
    put_in_cart(database, "shopper", codes)
    with pytest.raises(CodeRefusedError, match=rf"^{error}$"):
        Checkout(database, SetProvider()).place(checkout_of("k"), Behaviour())


def test_an_order_that_is_not_paid_gives_its_gift_card_back(database: Database) -> None:
    set_vouchers(database, [GIFT])
    put_in_cart(database, "shopper", Codes(coupon="WELCOME10", gift_card="GIFT-1"))
    placed = Checkout(database, SetProvider([Payment.DECLINED])).place(checkout_of("k"), Behaviour())
    assert placed.order.status is Status.DECLINED
    assert (uses_left(database, "GIFT-1"), uses_left(database, "WELCOME10")) == (1, None)


def orders_at_once(database: Database, behaviour: Behaviour) -> int:
    """Return how many of five shoppers with one gift card, all at once, ordered with it."""
    set_vouchers(database, [GIFT])
    checkout, accepted = Checkout(database, SetProvider()), []
    together = threading.Barrier(5)

    def buy(request: CheckoutRequest) -> None:
        together.wait()
        try:
            accepted.append(checkout.place(request, behaviour).order.status is Status.ACCEPTED)
        except CodeRefusedError:
            accepted.append(False)

    for number in range(5):
        put_in_cart(database, f"shopper {number}", Codes(gift_card="GIFT-1"))
    threads = [
        threading.Thread(target=buy, args=(checkout_of(f"k{number}", session=f"shopper {number}"),))
        for number in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accepted) == 5
    return sum(accepted)


def test_of_five_orders_at_once_one_uses_the_gift_card(busy_database: Database) -> None:
    assert orders_at_once(busy_database, Behaviour()) == 1
    assert (on_hand(busy_database), uses_left(busy_database, "GIFT-1")) == (4, 0)


def test_the_reused_gift_card_release_takes_it_from_each(busy_database: Database) -> None:
    assert orders_at_once(busy_database, behaviour_with(["gift-card-use-not-looked-at"])) == 5


def put(stack: Stack, *given: dict[str, object]) -> None:
    stack.first.put("vouchers", {"vouchers": list(given)}).raise_for_status()


def cart(shop: Replica, **codes: str) -> tuple[object, dict[str, object]]:
    shopper = shop.shopper()
    lines = [{"sku": SKU, "quantity": 2}]
    reply = shopper.post(f"{shop.url}/cart", json={"lines": lines, **codes}, timeout=20)
    return shopper, {"status": reply.status_code, **reply.json()}


def test_a_cart_shows_what_its_codes_leave_and_a_second_order_is_refused(stack: Stack) -> None:
    put(
        stack,
        {"code": "TWICE-1", "kind": "gift-card", "cents": 1000},
        {"code": "ONCE-1", "kind": "coupon", "percent": 30, "uses": 1},
    )
    shown = {"subtotal_cents": 4598, "discount_cents": 1379, "gift_card_cents": 1000, "total_cents": 2219}
    carts = [cart(stack.front, coupon="ONCE-1", gift_card="TWICE-1") for _ in range(2)]
    for _, reply in carts:
        assert {**shown, "status": 200}.items() <= reply.items()
    first, second = (check_out(stack.front, shopper, f"twice-{n}") for n, (shopper, _) in enumerate(carts))  # type: ignore[arg-type]
    assert first.status_code == 201
    assert shown.items() <= first.json().items()
    assert (second.status_code, second.json()) == (409, {"error": "coupon_used"})
    assert cart(stack.front, gift_card="TWICE-1")[1] == {"status": 409, "error": "gift_card_used"}
    assert cart(stack.front, gift_card="NONE-1")[1] == {"status": 422, "error": "gift_card_unknown"}
    listed = stack.first.get("vouchers").json()["vouchers"]
    assert {"code": "TWICE-1", "kind": "gift-card", "percent": 0, "cents": 1000, "uses_left": 0} in listed


@pytest.mark.parametrize(
    "given",
    [
        {"code": "short", "kind": "coupon", "percent": 10},
        {"code": "GIFT-2", "kind": "coupon", "percent": 31},
        {"code": "GIFT-2", "kind": "gift-card", "cents": 1001},
        {"code": "GIFT-2", "kind": "gift-card", "cents": 5, "uses": 2},
    ],
)
def test_a_code_that_could_leave_nothing_to_pay_is_refused(stack: Stack, given: dict[str, object]) -> None:
    assert stack.first.put("vouchers", {"vouchers": [given]}).status_code == 400
