"""The subject `orders` reads what an environment declares, names what it doesn't, and is never wrong about a liar."""

import json
import logging
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric

from exporters.names.catalogue import FAMILIES
from exporters.serving.at_most_every import AtMostEvery
from exporters.serving.scrape import Subject
from exporters.serving.source import Deadline
from loadtests.audit.http_records import HttpPages
from slo.documents import BadInput
from tests.exporters.fakes import FUNNEL, TOKEN, Samples, Shop, shop_admin
from tests.exporters.subjects.orders.fixtures import context, exposition, of, orders_subject, scraped, targets
from tests.exporters.subjects.orders.test_order_book import HOUR_NS, NOON, S
from tests.promtool import NEEDED, PROMTOOL
from tests.record_pages import record_pages

LINE = {"sku": "tee", "quantity": 1, "location": "warehouse"}
ORDER = {
    "order_id": "a",
    "run": None,
    "status": "accepted",
    "created_at": NOON - 10 * S,
    "total_cents": 1999,
    "lines": [LINE],
    "paid_at": NOON - 9 * S,
    "printed_at": NOON - 8 * S,
    "shipped_at": NOON - 7 * S,
    "due_at": NOON - 8 * S,
}
MINE = """\
from loadtests.audit.own_records import ShopRecords


class Mine(ShopRecords):
    def orders(self, run):
        yield dict(order_id=1, created_at={noon} - 5 * 10**9, total_cents=100, lines=[("tee", 1, "leeds")])
        yield dict(order_id=2, created_at={noon} - 4 * 10**9, total_cents=100, lines=[], status="declined")

    def payments(self, since):
        yield dict(payment_id=1, reference=1, amount_cents=100, created_at={noon}, provider="red")

    def funnel(self):
        yield dict(step="visit", sessions=10)
        yield dict(step="order", sessions=3)
"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with shop_admin() as one:
        yield one


def says(shop: Shop, *orders: dict[str, Any]) -> None:
    shop.says({**FUNNEL, "orders": list(orders), "next": None})


def of_page(shop: Shop, folder: Path, **changes: Any) -> Subject[Any]:
    targets(folder, shop_records=record_pages(orders=shop.url))
    return orders_subject(context(folder, TOKEN), **changes)


def test_orders_of_a_page_are_exported_whole(shop: Shop, tmp_path: Path) -> None:
    waiting = {**ORDER, "order_id": "b", "printed_at": None, "shipped_at": None}
    says(
        shop,
        ORDER,
        waiting,
        {**ORDER, "order_id": "c", "run": "a-test"},
        {**ORDER, "order_id": "d", "status": "declined"},
    )
    found = scraped(of_page(shop, tmp_path, fulfilment={"promise_s": 10, "print_s": 1}))
    buckets = {"1.0": 0, "2.5": 0, **dict.fromkeys(("5.0", "7.5", "9.0", "10.0", "12.5", "15.0", "20.0", "40.0"), 1)}
    expected: Samples = {
        ("orders_exporter_up", "orders"): 1,
        ("orders_counted_since_timestamp_seconds",): (NOON - 12 * HOUR_NS) / 1e9,
        ("orders_records_read_timestamp_seconds",): NOON / 1e9,
        ("orders_placed_total",): 3,
        ("orders_ended_total", "accepted"): 2,
        ("orders_ended_total", "declined"): 1,
        ("orders_ended_total", "failed"): 0,
        ("orders_ended_total", "cancelled"): 0,
        ("orders_revenue_cents_total",): 3998,
        ("orders_of_location_total", "warehouse"): 2,
        ("orders_left_out_total", "test"): 1,
        ("orders_pending",): 0,
        ("orders_print_queue_depth",): 1,
        ("orders_print_queue_oldest_timestamp_seconds",): (NOON - 9 * S) / 1e9,
        ("orders_overdue",): 1,
        ("orders_shipped_late_total",): 1,
        **{("orders_time_to_ship_seconds_bucket", le): count for le, count in {**buckets, "+Inf": 1}.items()},
        ("orders_time_to_ship_seconds_count",): 1,
        ("orders_time_to_ship_seconds_sum",): 3,
        ("orders_newest_timestamp_seconds",): (NOON - 10 * S) / 1e9,
        ("orders_label_values_cut", "location"): 0,
        ("orders_label_values_cut", "reason"): 0,
        **{("orders_not_given", what): 1 for what in ("decline", "funnel", "payments")},
    }  # fmt: skip
    assert found == expected


def test_orders_payments_and_funnel_of_a_user_s_file_are_exported(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE.format(noon=NOON))
    targets(tmp_path, shop_records={"file": "mine.py"})
    subject = orders_subject(context(tmp_path, TOKEN), funnel={"visit": "visit"})
    found = scraped(subject)
    assert of(found, "orders_ended_total") == {("accepted",): 1, ("declined",): 1, ("failed",): 0, ("cancelled",): 0}
    assert of(found, "orders_of_location_total") == {("leeds",): 1}
    assert of(found, "orders_payments_total") == {
        ("red", status): status == "captured" for status in ("captured", "declined", "failed", "cancelled")
    }
    assert of(found, "orders_funnel_sessions_total") == {("visit",): 10, ("order",): 3}
    assert found["orders_conversion_ratio",] == 0.3
    assert ("orders_cart_abandonment_ratio",) not in found
    assert ("orders_print_queue_depth",) not in found
    missing = {what for (what,) in of(found, "orders_not_given")}
    assert missing == {"run", "decline", "printed_at", "shipped_at", "due_at", "funnel step cart"}
    assert subject.about == "orders, payments and funnel of shop"


def test_a_subject_that_is_closed_ends_the_process_of_the_user_s_file(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    tells = f"import os, pathlib\npathlib.Path({str(pid)!r}).write_text(str(os.getpid()))\n"
    (tmp_path / "mine.py").write_text(tells + MINE.format(noon=NOON))
    targets(tmp_path, shop_records={"file": "mine.py"})
    subject = orders_subject(context(tmp_path, TOKEN))
    assert scraped(subject)["orders_placed_total",] == 2
    process = int(pid.read_text())
    os.kill(process, 0)
    subject.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_subject_that_is_closed_gives_its_connections_back(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back: list[HttpPages] = []

    def close(one: HttpPages) -> None:
        given_back.append(one)

    monkeypatch.setattr(HttpPages, "close", close)
    says(shop, ORDER)
    subject = of_page(shop, tmp_path)
    scraped(subject)
    assert given_back == []
    subject.close()
    assert len(given_back) == 1


def test_what_is_not_given_is_named_once_in_the_log_and_on_the_landing_page(
    shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    says(shop, ORDER)
    subject = of_page(shop, tmp_path)
    with caplog.at_level(logging.INFO, "exporters.subjects.orders"):
        for _ in range(2):
            scraped(subject)
    assert subject.about == "orders, payments and funnel of shop; not given: payments, funnel"
    assert [record.message for record in caplog.records] == [
        "orders: the shop records don't give decline, funnel, payments: what needs it is absent"
    ]


def test_who_gives_no_orders_can_not_be_exported(tmp_path: Path) -> None:
    path = targets(tmp_path, shop_records=record_pages(funnel="http://127.0.0.1:1/funnel"))
    with pytest.raises(BadInput) as refused:
        orders_subject(context(tmp_path, TOKEN))
    wanted = "orders are required to export orders, by sql, http or a file's orders()"
    assert str(refused.value) == f"{path}: environments.shop: shop_records: {wanted}"


@pytest.mark.parametrize(
    "changes",
    [
        {"created_at": float("nan")},
        {"total_cents": float("inf")},
        {"total_cents": "19.99"},
        {"total_cents": 1 << 70},
        {"created_at": None},
        {"lines": "tee"},
        {"printed_at": NOON - HOUR_NS},
        {"order_id": 7},
    ],
)
def test_a_shop_that_lies_is_down_and_nothing_is_told_of_its_orders(
    shop: Shop, tmp_path: Path, changes: dict[str, Any]
) -> None:
    says(shop, ORDER | changes)
    found = scraped(of_page(shop, tmp_path))
    assert of(found, "orders_exporter_up") == {("orders",): 0}
    assert {name for name, *_ in found} == {"orders_exporter_up", "orders_not_given"}


def test_the_same_order_twice_counts_once(shop: Shop, tmp_path: Path) -> None:
    says(shop, ORDER, ORDER)
    assert scraped(of_page(shop, tmp_path))["orders_placed_total",] == 1


def test_a_source_that_is_down_takes_no_other_with_it_and_comes_back(shop: Shop, tmp_path: Path) -> None:
    targets(tmp_path, shop_records=record_pages(orders=shop.url, funnel="http://127.0.0.1:1/funnel"))
    subject = orders_subject(context(tmp_path, TOKEN))
    says(shop, ORDER)
    found = scraped(subject)
    assert of(found, "orders_exporter_up") == {("orders",): 1, ("funnel",): 0}
    assert found["orders_placed_total",] == 1
    shop.status = 500
    for read in subject.sources.values():
        assert isinstance(read, AtMostEvery)
        read._asked_at = float("-inf")
    found = scraped(subject)
    assert (found["orders_exporter_up", "orders"], ("orders_placed_total",) in found) == (0, False)
    shop.status = 200
    for read in subject.sources.values():
        read._asked_at = float("-inf")  # type: ignore[attr-defined] # as above
    assert scraped(subject)["orders_placed_total",] == 1


def test_a_shop_that_hangs_is_down_at_the_deadline(shop: Shop, tmp_path: Path) -> None:
    says(shop, ORDER)
    shop.gate.clear()
    found = scraped(of_page(shop, tmp_path), within_s=0.05)
    assert of(found, "orders_exporter_up") == {("orders",): 0}


def test_a_secret_is_in_no_message(shop: Shop, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shop.body = json.dumps({"orders": TOKEN, "next": None}).encode()
    scraped(of_page(shop, tmp_path))
    assert "orders (orders): can't be read: orders: unreachable: not the reply expected" in caplog.text
    assert TOKEN not in caplog.text


@NEEDED
def test_promtool_finds_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE.format(noon=NOON))
    targets(tmp_path, shop_records={"file": "mine.py"})
    text = exposition(orders_subject(context(tmp_path, TOKEN), fulfilment={"promise_s": 10}))
    assert PROMTOOL
    done = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_exported_is_in_the_catalogue_with_its_labels(shop: Shop, tmp_path: Path) -> None:
    targets(tmp_path, shop_records=record_pages(orders=shop.url, payments=shop.url, funnel=shop.url))
    declined = {**ORDER, "order_id": "b", "status": "declined", "decline": "card"}
    waiting = {**ORDER, "order_id": "c", "printed_at": None, "shipped_at": None}
    a_week_ago = {**ORDER, "order_id": "d", "created_at": NOON - 169 * HOUR_NS}
    payment = {"payment_id": "p", "reference": "a", "amount_cents": 1, "status": "captured", "created_at": NOON}
    orders = [ORDER, declined, waiting, a_week_ago, {**ORDER, "order_id": "e", "run": "a-test"}]
    page = {"orders": orders, "payments": [payment], "next": None}
    families: dict[str, Metric] = {}
    for name, body in {"orders": page, "payments": page, "funnel": FUNNEL}.items():
        shop.says(body)
        subject = orders_subject(context(tmp_path, TOKEN))
        values = {name: subject.sources[name](Deadline(at=30.0, clock=lambda: 0.0))}
        families |= {family.name: family for family in subject.families(values)}
    listed = {family.name.removesuffix("_total"): family for family in FAMILIES["orders"]}
    assert families.keys() == listed.keys()
    for name in families.keys() - {"orders_not_given"}:  # everything is
        own = {label for sample in families[name].samples for label in sample.labels} - {"le"}
        assert own == set(listed[name].labels)
        assert bool(listed[name].bounded_by) == bool(own)
