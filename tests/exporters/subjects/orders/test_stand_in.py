"""On the stand-in with real orders: what is exported is what its database holds, also when its presses stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from exporters.subjects.orders.config import OrdersConfig
from loadtests.runtime.clock import Clock
from tests.exporters.subjects.orders.fixtures import context, not_at_midnight, of, orders_subject, scraped, targets
from tests.ports import free_port
from tests.record_pages import record_pages
from tests.staging.harness import TOKEN, Replica, check_out, command, fill_cart, started
from tests.waiting import wait_for

pytestmark = pytest.mark.heavy
SKU = "tearex-m-navy"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Replica]:
    """Give a replica whose presses print an order in 10 ms, and its environment in targets.yaml."""
    admin = f"http://127.0.0.1:{(port := free_port())}"
    with started(command("payments", "--port", "0", "--database", f"sqlite:///{tmp_path}/payments.db")) as (payments,):
        own = ("--port", "0", "--admin-port", str(port), "--database", f"sqlite:///{tmp_path}/shop.db")
        with started(command("shop", *own, "--payments", payments.url, "--print-ms", "10")) as (one,):
            targets(
                tmp_path,
                shop_records=record_pages(
                    orders=f"{admin}/admin/orders",
                    funnel=f"{admin}/admin/funnel",
                    payments=f"{payments.url}/payments",
                ),
            )
            yield Replica(one.url, admin)


def order(shop: Replica, key: str, **more: object) -> None:
    shopper = shop.shopper()
    fill_cart(shop, shopper, (SKU, 1)).raise_for_status()
    assert check_out(shop, shopper, key, **{"run": "", **more}).status_code in (201, 402)  # type: ignore[arg-type]


def test_the_figures_are_the_database_s_also_while_the_presses_stand_still(shop: Replica, tmp_path: Path) -> None:
    not_at_midnight()
    subject = orders_subject(context(tmp_path, TOKEN, Clock.start().now), fulfilment={"promise_s": 2, "print_s": 0.01})
    for number in range(3):
        order(shop, f"posted-{number}", delivery={"method": "collect", "location": "store-leeds"} if number else None)
    order(shop, "declined", card="tok_declined")
    order(shop, "a-test", run="20261127T100000Z-peak-0000")
    wait_for(lambda: of(scraped(subject), "orders_print_queue_depth") == {(): 0}, "their printing")
    shop.put("release", {"release": "late-orders"}).raise_for_status()
    wait_for(lambda: of(scraped(subject), "orders_time_to_ship_seconds_count") == {(): 3}, "their shipping")
    for number in range(2):
        order(shop, f"stalled-{number}")
    wait_for(lambda: of(scraped(subject), "orders_overdue") == {(): 2}, "two overdue orders")
    found = scraped(subject)
    with create_engine(f"sqlite:///{tmp_path}/shop.db").connect() as database:
        own = "FROM orders WHERE run IS NULL"
        rows = database.execute(text(f"SELECT status, count(*), sum(total_cents) {own} GROUP BY status")).all()
        at = database.execute(text(f"SELECT location, count(*) {own} AND status = 'accepted' GROUP BY location")).all()
        oldest = database.scalar(text(f"SELECT min(paid_at) {own} AND status = 'accepted' AND printed_at IS NULL"))
        newest = database.scalar(text(f"SELECT max(created_at) {own}"))
    ended = {(status,): number for status, number, _ in rows}
    assert of(found, "orders_ended_total") == {("failed",): 0, ("cancelled",): 0, **ended}
    assert ended == {("accepted",): 5, ("declined",): 1}
    assert found["orders_revenue_cents_total",] == next(cents for status, _, cents in rows if status == "accepted")
    assert of(found, "orders_of_location_total") == {(location,): number for location, number in at}
    assert of(found, "orders_declined_total") == {("card_declined",): 1}
    assert found["orders_left_out_total", "test"] == 1
    assert found["orders_print_queue_depth",] == 2
    assert found["orders_print_queue_oldest_timestamp_seconds",] == oldest / 1e9
    assert found["orders_newest_timestamp_seconds",] == newest / 1e9
    assert of(found, "orders_payments_total")["unnamed", "captured"] == 6
    assert of(found, "orders_payments_total")["unnamed", "declined"] == 1
    assert found["orders_funnel_sessions_total", "order"] == 6
    assert of(found, "orders_not_given") == {}
    again = orders_subject(context(tmp_path, TOKEN, Clock.start().now), fulfilment={"promise_s": 2, "print_s": 0.01})
    moving = {"orders_records_read_timestamp_seconds", "orders_exporter_scrape_duration_seconds"}
    assert {name: value for name, value in scraped(again).items() if name[0] not in moving} == {
        name: value for name, value in found.items() if name[0] not in moving
    }
    shop.put("release", {"release": "stable"}).raise_for_status()
    wait_for(lambda: of(scraped(subject), "orders_shipped_late_total") == {(): 2}, "their late shipping")
    assert scraped(subject)["orders_overdue",] == 0


def test_the_records_are_read_at_most_as_often_as_configured() -> None:
    assert OrdersConfig(environment="shop").every_s == 30
