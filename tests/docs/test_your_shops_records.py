"""What the page on shop records declares is read from such a shop, and each message that it names is given."""

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from loadtests.audit.http_records import HttpPages
from loadtests.audit.sql_child import Reader
from loadtests.audit.status_words import Words
from loadtests.environment.credentials import record_access_of
from loadtests.environment.pinned_http import PinnedHttp
from loadtests.environment.record_targets import NextPage, OrdersSource, RecordSource
from loadtests.environment.targets import Environment, read_targets
from slo.documents import BadInput

PAGE = (Path(__file__).parents[2] / "docs" / "your-shops-records.md").read_text(encoding="utf-8")
TARGETS, WINDOW = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
NOON = 1_795_867_200
SHOP = """
    create table orders (id integer, cart_id text, run text, state text, placed_at text, total real);
    create table order_lines (order_id integer, sku text, quantity integer);
    create table stock (sku text, on_hand integer, held integer);
    insert into orders values (1, 'c1', 'r1', 'processing', '2026-11-28 12:00:00', 19.99);
    insert into orders values (2, 'c2', null, 'in_production', '2026-11-28 12:00:01', 5);
    insert into orders values (3, 'c3', 'r1', 'withdrawn', '2026-11-28 12:00:02', 5);
    insert into orders values (4, 'c4', 'r1', 'complete', '2026-11-27 12:00:00', 5);
    insert into order_lines values (1, 'tee', 2), (1, 'mug', 1), (2, 'tee', 1);
    insert into stock values ('tee', 10, 3);
"""
INTENTS = [
    {"id": f"pi_{n}", "metadata": {"order": n}, "amount": 1999, "status": status, "created": NOON}
    for n, status in enumerate(("succeeded", "requires_capture", "disputed"))
]


class Handler(BaseHTTPRequestHandler):
    """Pages of two payments as Stripe has them, and the visits of a shop."""

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        at = 2 if query.get("starting_after") == "pi_1" else 0
        page: object = {"data": INTENTS[at : at + 2], "has_more": at == 0}
        if "visits" in self.path:
            page = {"steps": [{"name": "visit", "count": 10}, {"name": "order", "count": 3}]}
        elif (self.headers["Authorization"], query["created[gte]"]) != ("Bearer key-of-pay", str(NOON)):
            page = {}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(page).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environment]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    path = tmp_path_factory.mktemp("page") / "targets.yaml"
    path.write_text(re.sub(r"https://(pay|staging)\.example\.com", f"http://127.0.0.1:{server.server_port}", TARGETS))
    yield read_targets(path).environments["staging"]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("db") / "shop.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(SHOP)
    return f"sqlite:///{path}"


def rows(kind: str, source: RecordSource, database: str) -> list[dict[str, Any]]:
    call = {"kind": kind, "run": "r1", "since": NOON * 10**9, "first": None, "deadline_s": 30.0}
    return list(Reader(kind, source, database).rows(call))


def pages(kind: str, environment: Environment) -> HttpPages:
    source = environment.records_declared[kind]
    access = record_access_of(kind, source, {"PAY_KEY": "key-of-pay"})
    return HttpPages(kind, source, access, None, PinnedHttp(environment))


def test_the_orders_and_the_stock_of_the_page_are_read_by_sql(environment: Environment, database: str) -> None:
    declared = environment.records_declared
    orders = rows("orders", declared["orders"], database)
    lines = [sorted((line["sku"], line["quantity"], line["location"]) for line in one["lines"]) for one in orders]
    assert [(one["order_id"], one["key"], one["run"], one["status"], one["total_cents"]) for one in orders] == [
        ("1", "c1", "r1", "accepted", 1999),
        ("2", "c2", None, "accepted", 500),
        ("3", "c3", "r1", "cancelled", 500),
    ]
    assert lines == [[("mug", 1, "London"), ("tee", 2, "London")], [("tee", 1, "London")], []]
    assert rows("stock", declared["stock"], database) == [
        {"sku": "tee", "quantity": 10, "reserved": 3, "location": "London"}
    ]


def test_the_payments_and_the_funnel_of_the_page_are_read_by_http(environment: Environment) -> None:
    payments = list(pages("payments", environment).payments(NOON * 10**9))
    assert [(one.payment_id, one.reference, one.status, one.created_at) for one in payments] == [
        ("pi_0", "0", "captured", NOON * 10**9),
        ("pi_1", "1", "authorised", NOON * 10**9),
        ("pi_2", "2", "unknown", NOON * 10**9),
    ]
    assert pages("funnel", environment).funnel(NOON) == {"visit": 10, "order": 3}


def test_each_way_to_the_next_page_is_one_that_may_be_declared() -> None:
    ways = re.findall(r"^\| `(\{.*?\})` \|", PAGE, re.MULTILINE)
    assert len(ways) == 6
    for way in ways:
        given = re.findall(r"(\w+): ([\w.:-]+)", way)
        values = {name: {"true": True, "1": 1}.get(value, value) for name, value in given}
        NextPage.model_validate(values)


def test_the_fields_of_the_table_are_those_there_are(environment: Environment) -> None:
    table = {kind: re.findall(r"`(\w+)`", row) for kind, row in re.findall(r"^\| `(\w+)` \|(.*)$", PAGE, re.MULTILINE)}
    for kind, source in environment.records_declared.items():
        assert set(table[kind]) - {"order_id"} == set(source.FIELDS) - {"order_id"}


def test_the_messages_of_the_table_are_given(environment: Environment, database: str) -> None:
    source = environment.records_declared["orders"]
    assert source.sql is not None
    changed = {"query": "SELECT o.id AS order_id, NULL AS total, 'tee' AS sku, 1 AS quantity FROM orders o"}
    other = type(source).model_validate({"sql": {"url": "sqlite:///x", **changed}, "one_row_per": "line"})
    with pytest.raises(BadInput) as refusal:
        rows("orders", other, database)
    assert str(refusal.value).startswith("no column for created_at, total_cents; its columns: order_id, total, ")
    query = "SELECT id AS order_id, placed_at AS created_at, total AS total_cents, '[]' AS lines FROM orders"
    naive = type(source).model_validate({"sql": {"url": "sqlite:///x", "query": query}, "money": "decimal"})
    with pytest.raises(BadInput, match=r"^row 1: created_at: says no time zone: name it, as in zone: UTC"):
        rows("orders", naive, database)


def test_the_window_of_the_page_is_one_of_an_environment(tmp_path: Path) -> None:
    document = yaml.safe_load(TARGETS)
    document["environments"]["staging"] |= yaml.safe_load(WINDOW)
    (tmp_path / "targets.yaml").write_text(yaml.safe_dump(document))
    staging = read_targets(tmp_path / "targets.yaml").environments["staging"]
    assert staging.pending_window_ns == 900 * 10**9
    source = staging.records_declared["orders"]
    assert isinstance(source, OrdersSource)
    assert [Words("orders", source.status).ours(word) for word in ("on-hold", "Invoice sent")] == ["invoiced"] * 2


@pytest.mark.parametrize("window", [0, -1, 2592001, None, "never", True])
def test_a_window_that_is_none_of_a_payment_is_refused_by_its_place(window: object, tmp_path: Path) -> None:
    document = yaml.safe_load(TARGETS)
    document["environments"]["staging"]["shop_records"]["pending_window_s"] = window
    (tmp_path / "targets.yaml").write_text(yaml.safe_dump(document))
    with pytest.raises(BadInput, match=r"environments\.staging\.shop_records\.pending_window_s: must be seconds"):
        read_targets(tmp_path / "targets.yaml")
