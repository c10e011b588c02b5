"""The stand-in's own checkout, audited: an honest release with time-outs breaks no promise, each data fault does."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from loadtests.audit.checks import audit
from loadtests.audit.shop_records import Order, Payment, StockDocument
from loadtests.audit.sources import Played, Sources, gather
from loadtests.results.ledger import Attempt, Ledger, Line, OrderReply
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.runtime.clock import Clock
from staging.database import Database
from staging.shop import admin, provider
from staging.shop.carts import CartLine, replace_cart
from staging.shop.catalogue import twisted_threads
from staging.shop.checkout import Checkout, CheckoutRequest
from staging.shop.orders import Status, orders_page
from staging.shop.releases.behaviour import Behaviour
from staging.shop.releases.releases import read_releases
from staging.shop.stock import OutOfStockError, all_stock

RUN = "r1"
STYLES = [twisted_threads().styles[name] for name in ("tearex", "puglife", "byteme")]
OUTCOMES = {Status.ACCEPTED: "accepted", Status.DECLINED: "refused", Status.PENDING: "unknown"}
NAMED = {
    "lost-orders": "order-exists",
    "leaked-reservations": "stock-moved-by-what-was-sold",
    "price-drift": "order-as-promised",
    "double-charge": "paid-once",
}


@dataclass
class LosingProvider:
    """Captures once a key, and loses one reply in four."""

    draw: random.Random
    charged: dict[str, provider.Bill] = field(default_factory=dict)

    def pay(self, bill: provider.Bill, key: provider.PaymentKey) -> provider.Payment:
        if bill.card_token == "tok_declined":
            return provider.Payment.DECLINED
        for attempt in range(provider.ATTEMPTS):
            self.charged.setdefault(key(bill.order_id, attempt), bill)
            if self.draw.random() >= 0.25:
                return provider.Payment.CAPTURED
        return provider.Payment.UNKNOWN


class Records(Sources):
    """The records of a shop as its admin interface and its provider have them."""

    def __init__(self, database: Database, provider: LosingProvider) -> None:
        self._database, self._provider, self._readers = database, provider, {}

    def declares(self, kind: str) -> bool:
        return kind in ("orders", "payments", "stock")

    def orders(self, run: str | None, since: int = 0) -> Iterator[Order]:
        assert since <= Clock.start().now()
        for order in orders_page(self._database, run, 0, 1000)[0]:
            yield Order.model_validate(admin._order_json(order))

    def payments(self, since: int) -> Iterator[Payment]:
        for key, bill in self._provider.charged.items():
            made = {"payment_id": f"pay-{key}", "reference": bill.order_id, "amount_cents": bill.amount_cents}
            yield Payment.model_validate({**made, "status": "captured", "created_at": since})

    def stock_document(self) -> StockDocument:
        rows = {"taken_at": Clock.start().now(), "stock": all_stock(self._database)}
        return StockDocument.model_validate(rows)


def shop_once(checkout: Checkout, behaviour: Behaviour, ledger: Ledger, draw: random.Random, session: int) -> None:
    """Let one shopper order, whose reply may never come, and write what it learns."""
    style, now = draw.choice(STYLES), Clock.start().now
    lines = [CartLine(sku=sku.sku, quantity=1, design_id=None) for sku in draw.sample(style.skus, draw.randint(1, 3))]
    replace_cart(checkout._database, f"s{session}", lines)
    wanted = tuple(Line(sku=line.sku, quantity=1, location="warehouse") for line in lines)
    amount = style.price_cents * len(lines)
    ledger.attempt(Attempt(session=session, key=f"k{session}", lines=wanted, amount_cents=amount), now())
    request = CheckoutRequest(
        key=f"k{session}",
        session=f"s{session}",
        run=RUN,
        location="warehouse",
        card_token="tok_declined" if draw.random() < 0.1 else "tok_ok",
    )
    outcome, reply = "refused", OrderReply(status=409, reason="out_of_stock")
    if draw.random() >= 0.1:  # else the request never reaches the shop
        try:
            order = checkout.place(request, behaviour).order
            accepted = order.status is Status.ACCEPTED
            outcome = OUTCOMES[order.status]
            reply = OrderReply(status=201, order_id=order.order_id if accepted else None)
        except OutOfStockError:
            pass
    if draw.random() < 0.2:
        outcome, reply = "unknown", OrderReply(status=0, reason="timeout")
    ledger.outcome(f"k{session}", outcome, now(), reply)  # type: ignore[arg-type]  # one of its words


def broken(database: Database, folder: Path, release: str, seed: int) -> dict[str, str]:
    """Return what the audit of a run of thirteen shoppers finds, by check."""
    directory, began = RunDirectory(path=folder / RUN), Clock.start().now()
    draw = random.Random(seed)  # noqa: S311 - a test's luck is the same each time
    directory.path.mkdir()
    losing = LosingProvider(draw)
    records = Records(database, losing)
    write_json(directory.stock_before, records.stock_document().model_dump(mode="json"))
    ledger, behaviour = Ledger(directory.ledger("w0")), read_releases()[release].behaviour
    for session in range(13):
        shop_once(Checkout(database, losing), behaviour, ledger, draw, session)
    ledger.close()
    played = Played(started_at=began, ended_at=Clock.start().now())
    evidence = gather(directory, records, played, Clock.start().now)
    return {check.name: check.detail for check in audit(evidence) if check.outcome == "broken"}


@pytest.mark.parametrize("seed", range(3))
def test_an_honest_release_with_time_outs_and_lost_replies_breaks_no_promise(
    database: Database, tmp_path: Path, seed: int
) -> None:
    assert broken(database, tmp_path, "stable", seed) == {}


@pytest.mark.parametrize("release", NAMED)
def test_each_data_fault_of_a_release_is_named(database: Database, tmp_path: Path, release: str) -> None:
    assert NAMED[release] in broken(database, tmp_path, release, 3)
