"""What is read again is what may have changed: nothing twice, nothing missed, within the deadline."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from exporters.serving.source import Deadline, Unreadable
from exporters.subjects.orders import reading
from exporters.subjects.orders.order_book import OrderBook, OrdersView
from exporters.subjects.orders.payment_book import PaymentBook
from exporters.subjects.orders.reading import OwnRecords, PagedRecords
from loadtests.audit.shop_records import Order, Payment
from loadtests.audit.unavailable import RecordsError, SourceUnavailableError
from tests.exporters.subjects.orders.test_order_book import FOLLOW_NS, HOUR_NS, MIDNIGHT, NOON, S, book, order

FAR = Deadline(at=30.0, clock=lambda: 0.0)
OVER = Deadline(at=0.0, clock=lambda: 0.0)


@dataclass
class Shop:
    """Orders in pages of three, numbered from 1, and what was asked."""

    orders: list[Order] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)
    fails: bool = False

    def page(self, after: int) -> tuple[list[tuple[str, Order]], int | None]:
        self.asked.append(after)
        if self.fails:
            raise SourceUnavailableError("unreachable: HTTP 500")
        rows = self.orders[after : after + 3]
        return [(one.order_id, one) for one in rows], after + 3 if len(rows) == 3 else None

    def since(self, at: int) -> Iterator[Order]:
        self.asked.append(at)
        if self.fails:
            raise RecordsError("mine.py: orders(): line 3: ConnectionError: no answer")
        return (one for one in self.orders if one.created_at >= at)

    def asked_now(self) -> list[int]:
        asked, self.asked = self.asked, []
        return asked


def paged(shop: Shop, one: OrderBook) -> PagedRecords[Order, OrdersView]:
    return PagedRecords("orders", shop.page, one, lambda: NOON)


def shipped(name: str) -> Order:
    return order(name, at=NOON - HOUR_NS, shipped_at=NOON - S)


def test_pages_that_hold_nothing_open_are_not_read_again() -> None:
    shop = Shop([shipped(f"{n}") for n in range(7)])
    read, one = paged(shop, kept := book()), kept
    assert read(FAR).day.placed == 7
    assert shop.asked_now() == [0, 3, 6]
    shop.orders[7:] = [order("open", at=NOON - HOUR_NS), shipped("8"), shipped("9")]
    assert read(FAR).day.placed == 10
    assert shop.asked_now() == [6, 9]
    assert read(FAR).day.placed == 10
    assert shop.asked_now() == [6, 9]
    assert len(one._orders) == 4
    shop.orders[7] = shipped("open")
    assert read(FAR).overdue == 0
    assert read(FAR).day.placed == 10
    assert shop.asked_now() == [6, 9, 9]
    assert len(one._orders) == 1


def stuck() -> list[Order]:
    """Return a page of orders that nobody ships, and then one of shipped ones, which alone say that any are."""
    return [*(order(f"stuck-{n}", at=NOON - 2 * HOUR_NS) for n in range(3)), *(shipped(f"{n}") for n in range(3))]


def test_orders_that_wait_are_found_also_before_the_first_that_was_shipped() -> None:
    shop = Shop(stuck())
    read = paged(shop, book())
    seen = read(FAR)
    assert (seen.overdue, seen.day.placed, shop.asked_now()) == (3, 6, [0, 3, 6, 0, 3, 6])
    assert (read(FAR).overdue, shop.asked_now()) == (3, [0, 6])


def test_orders_of_a_user_s_file_that_wait_are_found_also_before_the_first_that_was_shipped() -> None:
    shop = Shop(stuck()[:3])
    read = OwnRecords("orders", shop.since, book(), lambda: NOON)
    assert (read(FAR).overdue, read(FAR).overdue) == (None, None)
    shop.orders = stuck()
    for _ in range(2):
        seen = read(FAR)
        assert (seen.overdue, seen.day.placed) == (3, 6)


def test_a_read_that_is_not_done_by_its_deadline_goes_on_with_the_next() -> None:
    shop = Shop([shipped(f"{n}") for n in range(7)])
    read = paged(shop, book())
    for place in (3, 6):
        with pytest.raises(Unreadable) as late:
            read(OVER)
        assert str(late.value) == f"orders: still reading what there was before, now from place {place}"
    assert read(OVER).day.placed == 7
    assert shop.asked == [0, 3, 6]


def test_a_page_that_can_not_be_read_is_told_and_nothing_is_lost() -> None:
    shop = Shop([shipped(f"{n}") for n in range(4)])
    read = paged(shop, book())
    read(FAR)
    shop.fails = True
    with pytest.raises(Unreadable, match=r"^orders: unreachable: HTTP 500$"):
        read(FAR)
    shop.fails = False
    shop.orders.append(shipped("4"))
    assert read(FAR).day.placed == 5


def test_too_many_pages_that_may_change_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_PAGES_AGAIN", 1)
    shop = Shop([order(f"{n}", due_at=NOON) for n in range(7)])
    with pytest.raises(Unreadable, match=r"^orders: over 1 pages hold something that may still change$"):
        paged(shop, book())(FAR)


def test_a_user_s_file_is_asked_from_the_oldest_open_order_on_with_an_overlap() -> None:
    shop = Shop([shipped("a"), order("open", at=NOON - 1800 * S), order("new", at=NOON - S)])
    read = OwnRecords("orders", shop.since, book(), lambda: NOON)
    assert read(FAR).day.placed == 3
    assert read(FAR).day.placed == 3
    shop.orders[1] = order("open", at=NOON - 1800 * S, shipped_at=NOON - S)
    shop.orders.append(order("late in the database", at=NOON - 500 * S))
    assert read(FAR).day.placed == 4
    read(FAR)
    assert shop.asked == [NOON - FOLLOW_NS, NOON - 1800 * S, NOON - 1800 * S, NOON - 601 * S]


def test_a_user_s_file_that_fails_is_told_and_nothing_is_lost() -> None:
    shop = Shop([shipped("a")])
    read = OwnRecords("orders", shop.since, book(), lambda: NOON)
    read(FAR)
    shop.fails = True
    with pytest.raises(Unreadable, match=r"^mine.py: orders\(\): line 3: ConnectionError: no answer$"):
        read(FAR)
    shop.fails = False
    assert read(FAR).day.placed == 1


def payment(payment_id: str, status: str, at: int = NOON, provider: str | None = None) -> Payment:
    return Payment(
        payment_id=payment_id, reference="o", amount_cents=1, status=status, created_at=at, provider=provider
    )


def test_payments_are_counted_by_provider_once_they_have_ended() -> None:
    one = PaymentBook(MIDNIGHT)
    one.begin(NOON)
    for now in (
        [payment("a", "authorised", provider="red"), payment("b", "declined", provider="blue"), payment("c", "failed")],
        [payment("a", "captured", provider="red"), payment("old", "captured", at=MIDNIGHT - 1)],
        [payment("a", "refunded", provider="red")],
    ):
        for each in now:
            one.take(each, NOON)
    counted = {labels: count for labels, count in one.view(NOON).day.ended.items() if count}
    assert counted == {("red", "captured"): 1, ("blue", "declined"): 1, ("unnamed", "failed"): 1}
    assert one.view(NOON).day.ended["blue", "captured"] == 0
    with pytest.raises(Unreadable, match=r"^payments: 'a' stands twice, with different created_at$"):
        one.take(payment("a", "captured", at=NOON - 1), NOON)
