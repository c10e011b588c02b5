"""Accepted orders are printed first in first out, on so many presses, by one replica at a time, and then shipped."""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from staging.database import Database
from staging.shop.orders import Order, OrderLine, Status, accept, enter, release, take_back
from staging.shop.printing.presses import Presses
from staging.shop.printing.queue import LOCK, PrintQueue
from staging.shop.schema import orders
from tests.ports import free_port
from tests.staging.conftest import Stack
from tests.staging.harness import Replica, check_out, command, fill_cart, started
from tests.waiting import wait_for

MS = 1_000_000
HOUR = 3600 * 10**9
SKU = "tearex-m-navy"


def pay(database: Database, *names: str, created_at: int = 0) -> list[Order]:
    """Enter orders and accept them, one after the other."""
    entered = [
        Order(
            order_id=name, key=name, session="s", run=None, status=Status.PENDING, location="warehouse", total_cents=1,
            created_at=created_at, lines=(OrderLine(sku=SKU, quantity=1, unit_cents=1, design_id=None),),
        )
        for name in names
    ]  # fmt: skip
    for order in entered:
        with database.writing() as connection:
            enter(connection, order)
        accept(database, order.order_id)
    return entered


def printed(database: Database) -> list[tuple[str, int, int]]:
    columns = orders.c.order_id, orders.c.printed_at, orders.c.shipped_at
    with database.reading() as connection:
        rows = connection.execute(
            select(*columns).where(orders.c.printed_at.is_not(None)).order_by(orders.c.printed_at)
        )
        return [(name, begun, shipped) for name, begun, shipped in rows]


def look(database: Database, queue: PrintQueue, presses: Presses, since: int, until: int) -> list[str]:
    with database.reading() as connection:
        return [one.order_id for one in queue.look(connection, presses, since, until)]


def queue_of(database: Database, presses: int = 1, print_s: float = 1.0) -> PrintQueue:
    return PrintQueue(database, lambda: True, presses, print_s)


@contextmanager
def printing(*queues: PrintQueue) -> Iterator[None]:
    stopping = threading.Event()
    threads = [threading.Thread(target=queue.keep_printing, args=(stopping,)) for queue in queues]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(
    ("number", "begun", "ready", "expected"),
    [
        (1, (), (0, 0, 0), [0, 10, 20]),
        (2, (), (0, 0, 0), [0, 0, 10]),
        (2, (), (0, 3, 30), [0, 3, 30]),
        (1, (95,), (100,), [105]),
        (2, (90, 95, 99), (100, 100, 100), [105, 109, None]),
    ],
)
def test_an_order_begins_when_it_is_ready_and_a_press_is_free(
    number: int, begun: Sequence[int], ready: Sequence[int], expected: list[int | None]
) -> None:
    presses = Presses(number, 10, begun)
    assert [presses.begin(at, until=110) for at in ready] == expected


def test_there_is_a_press_at_least() -> None:
    with pytest.raises(ValueError, match=r"^1 to 10000 presses, and a time that isn't negative$"):
        Presses(0, 1)


def test_orders_are_printed_first_in_first_out_each_half_a_second_after_it_was_placed_at_the_earliest(
    busy_database: Database,
) -> None:
    pay(busy_database, "a", "b", "c")
    queue = queue_of(busy_database)
    assert look(busy_database, queue, Presses(1, 1000 * MS), since=0, until=1500 * MS) == ["a", "b"]
    assert printed(busy_database) == [("a", 500 * MS, 1500 * MS), ("b", 1500 * MS, 2500 * MS)]
    with busy_database.reading() as connection:  # whoever takes over finds the presses as they are
        presses = queue.presses(connection)
    assert look(busy_database, queue, presses, since=1600 * MS, until=9000 * MS) == ["c"]
    assert printed(busy_database)[-1] == ("c", 2500 * MS, 3500 * MS)


def test_what_waited_while_the_presses_stood_still_is_not_printed_in_the_past(database: Database) -> None:
    pay(database, "a", "b")
    assert look(database, queue_of(database), Presses(1, 1000 * MS), since=HOUR, until=HOUR + 1) == ["a"]
    assert printed(database) == [("a", HOUR, HOUR + 1000 * MS)]


def test_only_orders_that_are_accepted_are_printed(database: Database) -> None:
    declined, returned = pay(database, "declined", "returned")
    with database.writing() as connection:
        connection.execute(update(orders).where(orders.c.order_id == "declined").values(status="pending"))
        take_back(connection, returned)
    release(database, declined, Status.DECLINED)
    assert look(database, queue_of(database), Presses(1, 1), since=0, until=HOUR) == []


def test_who_looked_at_the_same_orders_at_once_prints_none_twice(database: Database) -> None:
    pay(database, "a")
    queue = queue_of(database)
    with database.reading() as connection:
        first = queue.look(connection, Presses(1, 1), 0, HOUR)
        late = [queue._row(one) for one in first]
    with database.writing() as connection:
        connection.execute(update(orders).values(printed_at=7))
    from staging.shop.printing.queue import _PRINT  # noqa: PLC0415 - what a late replica would still run

    with database.writing() as connection:
        connection.execute(_PRINT, late)
    assert [begun for _, begun, _ in printed(database)] == [7]


def test_replicas_on_one_database_keep_to_the_presses_there_are(busy_database: Database) -> None:
    before = time.time_ns()
    pay(busy_database, *(f"o{number}" for number in range(12)), created_at=before - HOUR)
    replicas = [queue_of(busy_database, presses=2, print_s=0.2) for _ in range(3)]
    with printing(*replicas):
        rows = wait_for(lambda: rows if len(rows := printed(busy_database)) == 12 else None, "twelve printed orders")
    assert [int(name.removeprefix("o")) // 2 for name, *_ in rows] == sorted(n // 2 for n in range(12))
    of_press = [[at for _, at, _ in rows[press::2]] for press in range(2)]
    assert all(after - at >= 200 * MS for starts in of_press for at, after in pairwise(starts))
    assert all(shipped == at + 200 * MS and at > before for _, at, shipped in rows)


def test_one_process_at_a_time_prints_and_another_takes_over(busy_database: Database) -> None:
    with busy_database.alone(LOCK) as first:
        assert first is not None
        with busy_database.alone(LOCK) as second:
            assert second is None
        with busy_database.alone("another") as other:
            assert other is not None
    with busy_database.alone(LOCK) as again:
        assert again is not None


def listed(shop: Replica, run: str) -> list[dict[str, Any]]:
    return list(shop.get(f"orders?run={run}").json()["orders"])


def order(shop: Replica, run: str) -> str:
    shopper = shop.shopper()
    fill_cart(shop, shopper, (SKU, 1))
    reply = check_out(shop, shopper, f"{run}-{time.time_ns()}", run=run)
    assert reply.status_code == 201
    return str(reply.json()["order_id"])


def test_where_the_presses_stop_orders_wait_and_are_printed_when_they_run_again(stack: Stack) -> None:
    for replica in (stack.first, stack.second):
        replica.put("release", {"release": "late-orders"}).raise_for_status()
    try:
        for _ in range(3):
            order(stack.front, "stalled")
        wait_for(lambda: time.time_ns() > max(one["due_at"] for one in listed(stack.first, "stalled")), "the promise")
        found = [one[name] for one in listed(stack.first, "stalled") for name in ("printed_at", "shipped_at")]
        assert found == [None] * 6
    finally:
        again = time.time_ns()
        for replica in (stack.first, stack.second):
            replica.put("release", {"release": "stable"}).raise_for_status()
    wait_for(lambda: all(one["shipped_at"] for one in listed(stack.first, "stalled")), "their shipping")
    assert all(one["printed_at"] > again - 400 * MS for one in listed(stack.first, "stalled"))
    assert all(one["shipped_at"] > one["due_at"] for one in listed(stack.first, "stalled"))


@pytest.mark.heavy
def test_when_the_replica_that_prints_is_killed_another_goes_on(stack: Stack, tmp_path: Path) -> None:
    def shop(admin: int) -> list[str]:
        return command(
            "shop",
            *("--port", str(free_port()), "--admin-port", str(admin), "--payments", stack.payments),
            *("--database", f"sqlite:///{tmp_path}/shop.db", "--presses", "5", "--print-ms", "10"),
        )

    admins = [free_port(), free_port()]
    with started(shop(admins[0])) as (first,), started(shop(admins[1])) as (second,):
        replica = Replica(second.url, f"http://127.0.0.1:{admins[1]}")
        order(replica, "before")
        wait_for(lambda: listed(replica, "before")[0]["shipped_at"], "its shipping")
        first.end(signal.SIGKILL)
        order(replica, "after")
        wait_for(lambda: listed(replica, "after")[0]["shipped_at"], "its shipping by the other")
        (one,) = listed(replica, "before")
        assert one["shipped_at"] - one["printed_at"] == 10 * MS
