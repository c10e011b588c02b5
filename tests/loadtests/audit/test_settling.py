"""Pending orders: for how long they may be, where they may stay so, and how long the audit waits for them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from loadtests.audit.checks import audit
from loadtests.audit.evidence import Evidence
from loadtests.audit.settling import Patience, read_when_settled
from tests.loadtests.audit.test_checks import attempt, broken, evidence, order, payment

SECOND = 1_000_000_000
ENDED = 10_000 * SECOND
PLACED = ENDED - 4 * SECOND
MINUTE = 60 * SECOND
HEARD = {"at": PLACED - SECOND, "replied_at": PLACED + SECOND}
# The shop's clock is known to be at most two seconds behind.
AHEAD_NS = 2 * SECOND


@dataclass
class Shop:
    """A shop whose pending order is settled so many seconds after the run's end, and the clock of its auditor."""

    settled_after_s: float
    window_ns: int | None = 5 * MINUTE
    now: int = ENDED + SECOND
    status: str = "pending"
    said: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    reading_s: float = 0.0

    def read(self) -> Evidence:
        read_at = self.now
        is_settled = read_at >= ENDED + self.settled_after_s * SECOND
        self.now += round(self.reading_s * SECOND)
        placed = [order(1, created_at=PLACED), order(2, created_at=PLACED)]
        placed[1] = placed[1] if is_settled else placed[1].model_copy(update={"status": self.status})
        attempts = (attempt(1, **HEARD), attempt(2, outcome="unknown", order_id=None, amount_cents=3000))
        return evidence(attempts, placed, [payment(1), payment(2)] if is_settled else [payment(1)], ended_at=ENDED,
                        orders_read_at=read_at, pending_ns=self.window_ns)  # fmt: skip

    def pause(self, pause_s: float) -> None:
        assert pause_s >= 0  # as time.sleep has it
        self.pauses.append(pause_s)
        self.now += round(pause_s * SECOND)

    def audited(self) -> dict[str, str]:
        patience = Patience(now=lambda: self.now, pause=self.pause, say=self.said.append)
        return {one.name: one.outcome for one in audit(read_when_settled(self.read, patience))}


def test_what_is_pending_is_waited_for_until_it_is_settled() -> None:
    shop = Shop(settled_after_s=20)
    assert shop.audited()["order-settled"] == "holds"
    assert shop.said == [
        "1 orders aren't settled yet: asked for again until they are, 297 s at most",
        "waited 30 s for them",
    ]


def test_an_order_that_stays_pending_is_waited_for_until_its_own_time_is_over_and_is_broken_then() -> None:
    shop = Shop(settled_after_s=1e6)
    assert shop.audited()["order-settled"] == "broken"
    assert PLACED + 5 * MINUTE < shop.now <= PLACED + 5 * MINUTE + AHEAD_NS + SECOND
    assert max(shop.pauses) <= 15
    assert shop.said[-1] == "waited 297 s for them"


@pytest.mark.parametrize("began_s", [100, 290, 296])
def test_a_reading_that_ends_after_an_order_s_own_time_is_made_once_more(began_s: int) -> None:
    shop = Shop(settled_after_s=1e6, now=ENDED + began_s * SECOND, reading_s=40)
    assert shop.audited()["order-settled"] == "broken"


def test_nothing_is_waited_for_or_said_where_nothing_is_pending() -> None:
    shop = Shop(settled_after_s=0)
    assert shop.audited()["order-settled"] == "holds"
    assert (shop.pauses, shop.said) == ([], [])


def test_a_window_of_a_day_is_waited_for_while_the_stock_still_says_what_the_run_did() -> None:
    shop = Shop(settled_after_s=1e6, window_ns=24 * 60 * MINUTE)
    assert shop.audited()["order-settled"] == "unknown"
    assert shop.now <= ENDED + 9 * MINUTE + SECOND
    assert shop.said[-1] == "1 orders aren't settled after 539 s"


def test_an_audit_long_after_the_run_waits_for_nothing() -> None:
    shop = Shop(settled_after_s=1e6, window_ns=24 * 60 * MINUTE, now=ENDED + 10 * MINUTE)
    assert shop.audited()["order-settled"] == "unknown"
    assert shop.pauses == []


def test_a_payment_under_way_is_waited_for() -> None:
    readings = [evidence(payments=[payment(1), payment(2, status="pending")]), evidence()]
    said: list[str] = []
    patience = Patience(now=lambda: 1000, pause=lambda _: None, say=said.append)
    last = read_when_settled(lambda: readings.pop(0), patience)
    assert {one.outcome for one in audit(last)} == {"holds"}
    assert said[0].startswith("1 orders aren't settled yet")


@pytest.mark.parametrize("status", ["pending", "invoiced"])
def test_an_order_may_stay_unpaid_where_the_shop_says_so(status: str) -> None:
    window = None if status == "pending" else 5 * MINUTE
    told = evidence(orders=[order(1), order(2, status=status)], payments=[payment(1)], pending_ns=window,
                    orders_read_at=ENDED)  # fmt: skip
    assert {one.name: one.outcome for one in audit(told)} == dict.fromkeys((one.name for one in audit(told)), "holds")
    shop = Shop(settled_after_s=1e6, window_ns=window, status=status)
    assert shop.audited()["order-settled"] == "holds"
    assert shop.pauses == []


UNPAID: Sequence[tuple[str, int | None]] = (("pending", None), ("invoiced", 5 * MINUTE))


@pytest.mark.parametrize(("status", "window"), UNPAID)
def test_what_may_stay_unpaid_is_not_paid_twice_and_not_refused(status: str, window: int | None) -> None:
    attempts = [attempt(1), attempt(2, outcome="refused", order_id=None)]
    orders = [order(1, status=status), order(2, status=status)]
    twice = [payment(1), payment(3, reference="o1")]
    assert broken(evidence(attempts, orders, twice, pending_ns=window)) == {
        "paid-once": ["order o1 was paid 2 times"],
        "refused-not-ordered": [f"order o2 was refused to its shopper and is {status} in the shop"],
    }


@pytest.mark.parametrize("window_s", [1, 86_400])
def test_the_window_is_the_shop_s_own(window_s: int) -> None:
    told = evidence(orders=[order(1), order(2, status="pending")], pending_ns=window_s * SECOND,
                    orders_read_at=3700 * SECOND, payments=[payment(1)])  # fmt: skip
    found = next(one for one in audit(told) if one.name == "order-settled")
    assert (found.outcome, found.detail) == (
        ("broken", "1 of 2: order o2 has been pending for 3,700 s, and keeps what it holds")
        if window_s == 1
        else ("unknown", "1 orders have been pending for under 86,400 s: audit again after that")
    )
