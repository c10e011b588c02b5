"""Five locations of one shop with five stock systems of different kinds and schemas, and the web shop's own number.

What each holds is made from one table of facts, written here as plain numbers; what the exporter must say of them is
computed from that table alone.
"""

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg

from tests.mariadb import MariaDb

COUNT = 240
WAREHOUSE, NORTH, SOUTH, EAST, WEST = "warehouse", "store-north", "store-south", "store-east", "store-west"
LOCATIONS = (WAREHOUSE, NORTH, SOUTH, EAST, WEST)
TOKEN = "west-token-of-the-test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Units available by location and SKU, as each location counts and as the web shop believes."""

    own: dict[str, dict[str, int]]
    shop: dict[str, dict[str, int]]

    def drift(self, location: str) -> dict[str, int]:
        """Return the shop's number less the location's own, of the SKUs that differ."""
        own, shop = self.own[location], self.shop[location]
        found = {sku: shop.get(sku, 0) - own.get(sku, 0) for sku in own.keys() | shop.keys()}
        return {sku: units for sku, units in found.items() if units}


def sku(number: int) -> str:
    return f"TT-{number:04}"


def facts() -> Facts:
    """Return facts with known differences: each location has its own kind of disagreement."""
    own = {
        name: {sku(n): -2 if n % 60 == place else (n * (7 + 2 * place)) % 41 for n in range(COUNT)}
        for place, name in enumerate(LOCATIONS)
    }
    shop = {name: dict(levels) for name, levels in own.items()}
    for n in range(0, COUNT, 10):
        shop[WAREHOUSE][sku(n)] += 3  # sells what isn't there
    for n in range(5, COUNT, 24):
        shop[NORTH][sku(n)] -= 4  # lies unsold
    del shop[SOUTH][sku(7)]  # the shop has never heard of it
    shop[EAST]["TT-9999"] = 6  # the store has never heard of it
    return Facts(own=own, shop=shop)


def fill_postgresql(url: str, one: Facts) -> None:
    """Fill the warehouse's system, and the web shop's: quantities with what is reserved in them."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("drop table if exists article, level")
        columns = "article_no text primary key, on_hand numeric(12,2), allocated int, changed timestamptz"
        db.execute(f"create table article ({columns})")
        db.execute("create table level (sku text, place text, quantity int, reserved int)")
        with db.cursor() as cursor:
            cursor.executemany(
                "insert into article values (%s, %s, %s, now() - interval '2 minutes')",
                [(code, units + 5, 5) for code, units in one.own[WAREHOUSE].items()],
            )
            cursor.executemany(
                "insert into level values (%s, %s, %s, %s)",
                [(code, place, units + 1, 1) for place, levels in one.shop.items() for code, units in levels.items()],
            )


def fill_mariadb(server: MariaDb, one: Facts, folder: Path) -> None:
    """Fill the northern store's till: bar codes, which a file turns into SKUs."""
    rows = ",".join(f"('40{int(code[3:]):011}', {units})" for code, units in one.own[NORTH].items())
    server.execute(
        "drop table if exists bestand",
        "create table bestand (ean char(13) primary key, menge int not null)",
        f"insert into bestand values {rows}",  # noqa: S608 - of numbers made here
    )
    codes = "".join(f"40{int(code[3:]):011},{code}\n" for code in one.own[NORTH])
    (folder / "ean.csv").write_text(f"code,sku\n{codes}")


def fill_sqlite(folder: Path, one: Facts) -> None:
    """Fill the southern store's program: one row a shelf, codes of its own writing."""
    path = folder / "south.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("create table shelf (code text, shelf int, pieces int)")
        for code, units in one.own[SOUTH].items():
            own = f"s/{code.lower()}"
            db.executemany("insert into shelf values (?, ?, ?)", [(own, 1, units - 1), (own, 2, 1)])


def drop_csv(folder: Path, one: Facts, name: str = "stock-2026-11-29.csv", age_s: float = 60) -> Path:
    """Write the eastern store's nightly export."""
    path = folder / "drops" / name
    path.parent.mkdir(exist_ok=True)
    rows = "".join(f'"{code}";Größe M;{units}\r\n' for code, units in one.own[EAST].items())
    path.write_bytes(f"Artikel;Größe;Bestand\r\n{rows}".encode("cp1252"))
    then = time.time() - age_s
    os.utime(path, (then, then))
    return path


@dataclass(slots=True, kw_only=True)
class WestApi:
    """The western store's service: pages of nested JSON; a test may set what it answers instead."""

    levels: dict[str, int]
    url: str = ""
    page: int = 100
    instead: bytes | None = None
    status: int = 200
    hold: threading.Event | None = None
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> bytes:
        """Return the page that `path` asks for."""
        self.asked.append(path)
        if self.instead is not None:
            return self.instead
        begin = int(parse_qs(urlsplit(path).query).get("from", ["0"])[0])
        rows = list(self.levels.items())
        items = [
            {"product": {"sku": code}, "stock": {"free": units}} for code, units in rows[begin : begin + self.page]
        ]
        following = begin + self.page
        link = f"/stock?from={following}" if following < len(rows) else None
        return json.dumps({"data": {"items": items}, "links": {"next": link}}).encode()


@contextmanager
def west_api(one: Facts) -> Iterator[WestApi]:
    """Serve the western store's service on 127.0.0.1."""
    api = WestApi(levels=dict(one.own[WEST]))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if api.hold is not None:
                api.hold.wait(30)
            allowed = self.headers.get("X-Api-Key") == TOKEN
            body = api.answer(self.path) if allowed else b"{}"
            self.send_response(api.status if allowed else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}/stock"
    try:
        yield api
    finally:
        if api.hold is not None:
            api.hold.set()
        server.shutdown()
        server.server_close()


def document(west_url: str) -> dict[str, Any]:
    """Return the configuration of the five locations and the web shop."""
    return {
        "top_skus": 20,
        "web_shop": {
            "sql": {"url": {"env": "SHOP_DB"}, "query": "select sku, place, quantity, reserved from level"},
            "columns": {"sku": "sku", "location": "place", "quantity": "quantity", "reserved": "reserved"},
        },
        "locations": {
            WAREHOUSE: {
                "kind": "warehouse",
                "sql": {
                    "url": {"env": "WAREHOUSE_DB"},
                    "query": "select article_no, on_hand, allocated, changed from article",
                },
                "columns": {
                    "sku": "article_no", "quantity": "on_hand", "reserved": "allocated", "updated_at": "changed",
                },
            },
            NORTH: {
                "sql": {"url": {"env": "NORTH_DB"}, "query": "select ean, menge from bestand"},
                "columns": {"sku": "ean", "quantity": "menge"},
                "sku": {"codes": "ean.csv"},
            },
            SOUTH: {
                "sql": {"url": {"value": "sqlite:///south.db"}, "query": "select code, pieces from shelf"},
                "columns": {"sku": "code", "quantity": "pieces"},
                "sku": {"remove_prefix": "s/", "upper_case": True},
                "duplicates": "add",
            },
            EAST: {
                "csv": {"path": "drops/stock-*.csv", "delimiter": ";", "encoding": "cp1252"},
                "columns": {"sku": "Artikel", "quantity": "Bestand"},
            },
            WEST: {
                "http_json": {
                    "url": west_url,
                    "headers": {"X-Api-Key": {"env": "WEST_KEY"}},
                    "items": "data.items",
                    "next": "links.next",
                },
                "columns": {"sku": "product.sku", "quantity": "stock.free"},
            },
        },
    }  # fmt: skip
