"""A run against a shop that keeps its word, drawn with a seed: what its ledger, its records and its clocks hold."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.audit.checks import Check, audit
from loadtests.audit.shop_records import Order, Payment, StockDocument, StockLevel
from loadtests.audit.sources import Played, Sources, gather
from loadtests.results.ledger import Attempt, Ledger, Line, OrderReply
from loadtests.results.run_directory import RunDirectory, write_json

SECOND, MINUTE = 1_000_000_000, 60_000_000_000
BEGAN = 1_796_000_000 * SECOND
ENDED = BEGAN + 2 * MINUTE
LEVELS = [(f"tee-{size}", place) for size in "sml" for place in ("warehouse", "store-york")]
PRICE = {"tee-s": 1900, "tee-m": 1950, "tee-l": 2000}
Level = tuple[str, str]


@dataclass(kw_only=True)
class World:
    """What is left of a run: lies of a shop change it."""

    rows: list[tuple[Attempt, OrderReply | None]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)
    before: Counter[Level] = field(default_factory=Counter)
    after: Counter[Level] = field(default_factory=Counter)
    reserved: Counter[Level] = field(default_factory=Counter)
    stock_read_at: int = BEGAN - 5 * SECOND
    read_at: int = ENDED + 20 * SECOND
    shop_clock_ns: int = 0
    paid: int = 0

    def attempt(self, outcome: str, place: int = 0) -> Attempt:
        """Return the attempt at that place among those with an outcome."""
        return [attempt for attempt, _ in self.rows if attempt.outcome == outcome][place]

    def order_of(self, attempt: Attempt) -> Order:
        """Return the order that an attempt made."""
        return next(order for order in self.orders if order.key == attempt.key)

    def change(self, order: Order, **changes: Any) -> Order:
        """Change an order of the shop's."""
        changed = order.model_copy(update=changes)
        self.orders[self.orders.index(order)] = changed
        return changed

    def pay(self, order: Order, **changes: Any) -> Payment:
        """Let an order be paid once more."""
        self.paid += 1
        made = {"payment_id": f"p{self.paid}", "amount_cents": order.total_cents, "created_at": order.created_at}
        payment = Payment(reference=order.order_id, status="captured", **made).model_copy(update=changes)
        self.payments.append(payment)
        return payment

    def payment_of(self, order: Order) -> Payment:
        """Return the payment of an order."""
        return next(payment for payment in self.payments if payment.reference == order.order_id)

    def change_payment(self, order: Order, **changes: Any) -> None:
        """Change the payment of an order."""
        payment = self.payment_of(order)
        self.payments[self.payments.index(payment)] = payment.model_copy(update=changes)

    def sell(self, order: Order, times: int = 1) -> None:
        """Take the units of an order from the stock, or put them back."""
        for line in order.lines:
            self.after[line.sku, line.location] -= times * line.quantity


class _Records(Sources):
    def __init__(self, world: World, draw: random.Random) -> None:
        super().__init__({})
        self._world, self._draw = world, draw

    def declares(self, kind: str) -> bool:  # noqa: ARG002 - all of them
        return True

    def orders(self, run: str | None, since: int = 0) -> Iterator[Order]:  # noqa: ARG002 - everyone's
        them = [one for one in self._world.orders if one.created_at >= since - MINUTE]
        yield from self._draw.sample(them, len(them))  # a row of another run says so

    def payments(self, since: int) -> Iterator[Payment]:
        them = [one for one in self._world.payments if one.created_at >= since]
        yield from self._draw.sample(them, len(them))

    def stock_document(self) -> StockDocument:
        return _document(self._world.after, self._world.reserved, self._world.read_at)


def _document(levels: Counter[Level], reserved: Counter[Level], at: int) -> StockDocument:
    rows = [
        StockLevel(sku=sku, location=place, quantity=left + reserved[sku, place], reserved=reserved[sku, place])
        for (sku, place), left in levels.items()
    ]
    return StockDocument(taken_at=at, stock=rows)


def audited(world: World, folder: Path) -> dict[str, Check]:
    """Return what the audit of a run says, by check: its ledger is written and read as that of any run."""
    directory = RunDirectory(path=folder / "r1")
    directory.path.mkdir()
    ledger = Ledger(directory.ledger("w0"))
    for attempt, reply in world.rows:
        ledger.attempt(attempt, attempt.at)
        if reply is not None:
            ledger.outcome(attempt.key, attempt.outcome, attempt.replied_at, reply)
    ledger.close()
    write_json(directory.stock_before, _document(world.before, Counter(), world.stock_read_at).model_dump(mode="json"))
    played = Played(started_at=BEGAN, ended_at=ENDED)
    records = _Records(world, random.Random(1))  # noqa: S311 - the order of its rows
    evidence = gather(directory, records, played, lambda: world.read_at)
    return {check.name: check for check in audit(evidence)}


def honest(seed: int, *, keys: str = "ours", shoppers: int = 40) -> World:
    """Return a run of some shoppers at an honest shop, with time-outs, retries, refunds and customers beside it."""
    draw = random.Random(seed)  # noqa: S311 - the same
    world = World(read_at=ENDED + draw.randint(20, 500) * SECOND, shop_clock_ns=draw.randint(-50, 50) * SECOND)
    world.before.update({level: draw.choice((500, 900)) for level in LEVELS})
    world.after.update(world.before)
    shop = _Shop(world, draw, keys)
    for number in range(shoppers):
        shop.shopper(number, _WAYS[number % len(_WAYS)] if number < 2 * len(_WAYS) else draw.choice(_WAYS))
    for number in range(draw.randint(0, 6)):
        shop.customer(number)
    return world


_WAYS = (
    "accepted", "accepted", "reply lost", "request lost", "again after a time-out", "declined", "sold out", "repaid",
    "returned", "again after a refusal", "free", "given up", "authorised", "accepted again after a failure",
)  # fmt: skip


class _Shop:
    """Enters what comes in, once, and takes the money and the stock for it."""

    def __init__(self, world: World, draw: random.Random, keys: str) -> None:
        self._world, self._draw, self._keys = world, draw, keys
        self._provider_clock_ns = draw.randint(-50, 50) * SECOND
        self._puts_back_what_it_repaid = draw.random() < 0.5
        self._orders = 0

    def shopper(self, number: int, way: str) -> None:
        at = BEGAN + self._draw.randint(1, 115) * SECOND + self._draw.randint(0, SECOND)
        lines = tuple(self._lines())
        cents = 0 if way == "free" else sum(PRICE[line.sku] * line.quantity for line in lines)
        key = f"k{number}"
        asked = Attempt(session=number, key=key, lines=lines, amount_cents=cents, at=at, replied_at=at + SECOND // 4)
        if way == "sold out":
            self._answer(asked, "refused")
        elif way == "declined":
            self._enter(asked, status="declined", paid="declined")
            self._answer(asked, "refused")
        elif way == "request lost":
            self._answer(asked, "unknown")
        elif way == "reply lost":
            self._enter(asked)
            self._answer(asked, "unknown")
        elif way == "given up":
            self._enter(asked, status="cancelled", paid="cancelled")
            self._answer(asked, "unknown")
        else:
            self._told(asked, way)

    def _told(self, asked: Attempt, way: str) -> None:
        """Answer a shopper who hears in the end that the order is in."""
        if way == "again after a time-out":
            self._answer(asked, "unknown")
        elif way == "again after a refusal":
            self._answer(asked, "refused")
        elif way == "accepted again after a failure":
            self._enter(asked, status="failed", paid="failed")
        status, paid = {"repaid": ("refunded", "refunded"), "returned": ("returned", "refunded")}.get(
            way, ("accepted", "authorised" if way == "authorised" else "captured")
        )
        order = self._enter(asked, status=status, paid="" if way == "free" else paid)
        if status == "refunded" and not self._puts_back_what_it_repaid:
            self._world.sell(order)
        self._answer(asked, "accepted", order.order_id)

    def customer(self, number: int) -> None:
        """Let a customer, or another run, buy: before the run, in it, or after it and before the stock is read."""
        world, draw = self._world, self._draw
        by_our_clock = draw.choice((BEGAN - 30 * MINUTE, BEGAN + MINUTE, ENDED + 10 * SECOND))
        asked = Attempt(session=0, key=f"c{number}", lines=tuple(self._lines()), amount_cents=900, at=by_our_clock)
        is_before = by_our_clock < BEGAN
        status = draw.choice(("accepted", "cancelled")) if not is_before else "accepted"
        order = self._enter(asked, status=status, paid="captured" if status == "accepted" else "cancelled")
        world.change(order, run=draw.choice((None, "r0")))
        if is_before:
            world.sell(order, -1)  # its stock was gone before; its payment comes in the middle of the run
            payment = world.payment_of(order)
            late = payment.model_copy(update={"created_at": BEGAN + 40 * SECOND})
            world.payments[world.payments.index(payment)] = late

    def _enter(self, asked: Attempt, status: str = "accepted", paid: str = "captured") -> Order:
        self._orders += 1
        at = asked.at + SECOND // 8
        lines = tuple(self._draw.sample(asked.lines, len(asked.lines)))
        order = Order(
            order_id=f"o{self._orders}",
            key={"ours": asked.key, "none": None}.get(self._keys, f"cart_{self._orders}"),
            run="r1",
            status=status,
            created_at=at + self._world.shop_clock_ns,
            total_cents=asked.amount_cents,
            lines=lines,
        )
        self._world.orders.append(order)
        if paid:
            self._world.pay(order, status=paid, created_at=at + self._provider_clock_ns)
        if status == "accepted":
            self._world.sell(order)
        return order

    def _answer(self, asked: Attempt, outcome: Any, order_id: str | None = None) -> None:
        attempt = Attempt(
            session=asked.session, key=asked.key, lines=asked.lines, amount_cents=asked.amount_cents,
            outcome=outcome, order_id=order_id, at=asked.at, replied_at=asked.replied_at,
        )  # fmt: skip
        cents = asked.amount_cents if outcome == "accepted" else None
        reply = OrderReply(status=0 if outcome == "unknown" else 200, order_id=order_id, total_cents=cents)
        self._world.rows.append((attempt, reply))

    def _lines(self) -> Iterator[Line]:
        for sku, place in self._draw.sample(LEVELS, self._draw.randint(1, 2)):
            yield Line(sku=sku, quantity=self._draw.randint(1, 3), location=place)
