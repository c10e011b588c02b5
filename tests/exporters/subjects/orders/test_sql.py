"""Orders read by a user's own SQL, from PostgreSQL and SQLite: what is exported is what is stored."""

import time
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from exporters.serving.at_most_every import AtMostEvery
from staging.database import Database
from staging.shop.orders import Order, OrderLine, Status, accept, enter, release
from staging.shop.printing.presses import Presses
from staging.shop.printing.queue import PrintQueue
from staging.shop.schema import orders
from tests.exporters.subjects.orders.fixtures import context, not_at_midnight, of, orders_subject, scraped, targets
from tests.staging.conftest import busy_database as busy_database  # noqa: PLC0414 - a fixture
from tests.staging.conftest import postgres as postgres  # noqa: PLC0414 - the fixture's own

MINE = """\
from loadtests.audit.own_records import ShopRecords


class Mine(ShopRecords):
    def orders(self, run):
        yield from self.sql(
            "SELECT order_id, run, status, location, total_cents, lines, created_at, paid_at, printed_at, shipped_at,"
            " due_at, decline FROM orders WHERE created_at >= :since",
            since=int(self.since.timestamp() * 1e9),
        )
"""
S = 10**9


def stored(database: Database, number: int, status: Status, created_at: int) -> None:
    name = f"{status}-{number}"
    line = OrderLine(sku="tearex-m-navy", quantity=1, unit_cents=100, design_id=None)
    order = Order(
        order_id=name, key=name, session="s", run=None, status=Status.PENDING, location="store-leeds",
        total_cents=100 + number, created_at=created_at, lines=(line,),
    )  # fmt: skip
    with database.writing() as connection:
        enter(connection, order)
    if status is Status.ACCEPTED:
        accept(database, name)
    elif status is not Status.PENDING:
        release(database, order, status)


def test_the_figures_follow_the_database_from_sale_to_late_shipment(busy_database: Database, tmp_path: Path) -> None:
    not_at_midnight()
    (tmp_path / "mine.py").write_text(MINE)
    address: Any = busy_database._engine.url
    dsn = address.set(drivername=address.get_backend_name()).render_as_string(hide_password=False)
    targets(tmp_path, shop_records={"file": "mine.py", "settings": {"dsn": {"env": "DSN"}}})
    given = context(tmp_path, "unused", time.time_ns)
    given.variables["DSN"] = dsn  # type: ignore[index] # a dict here
    subject = orders_subject(given, fulfilment={"promise_s": 2})
    now = time.time_ns()
    for number in range(4):
        stored(busy_database, number, Status.ACCEPTED, now - 3 * S)
    stored(busy_database, 0, Status.DECLINED, now)
    stored(busy_database, 0, Status.PENDING, now)
    queue = PrintQueue(busy_database, lambda: True, presses=2, print_s=0.001)
    with busy_database.alone("printing") as connection:
        assert connection is not None
        queue.look(connection, Presses(2, 3600 * S), since=time.time_ns(), until=time.time_ns() + S)
        time.sleep(0.01)
        found = scraped(subject)
        columns = orders.c.order_id, orders.c.paid_at, orders.c.printed_at
        rows = connection.execute(
            select(*columns).where(orders.c.status == "accepted").order_by(orders.c.paid_at)
        ).all()
    waiting = [paid_at for _, paid_at, printed_at in rows if printed_at is None]
    assert found["orders_exporter_up", "orders"] == 1
    assert found["orders_revenue_cents_total",] == 406
    assert found["orders_ended_total", "declined"] == 1
    assert found["orders_pending",] == 1
    assert found["orders_print_queue_depth",] == len(waiting) == 2
    assert found["orders_print_queue_oldest_timestamp_seconds",] == waiting[0] / 1e9
    assert (found["orders_overdue",], found["orders_shipped_late_total",]) == (2, 2)
    with busy_database.writing() as writing:
        late = update(orders).where(orders.c.printed_at.is_(None), orders.c.status == "accepted")
        writing.execute(late.values(printed_at=now, shipped_at=now + S // 100))
    for read in subject.sources.values():
        assert isinstance(read, AtMostEvery)
        read._asked_at = float("-inf")
    found = scraped(subject)
    assert (found["orders_overdue",], found["orders_print_queue_depth",]) == (0, 0)
    assert found["orders_shipped_late_total",] == 4
    assert of(found, "orders_time_to_ship_seconds_count") == {(): 4}
