"""A shop that keeps orders, payments, stock and accounts, and takes them back when its admin says so."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loadtests.shopper.canaries import Canaries
from tests.scripts.made_run import START

LINE = {"sku": "tee-M-black", "quantity": 1, "location": "warehouse"}
KEY = "sesame-of-the-admin"


@dataclass(kw_only=True)
class KeepingShop:
    """What the shop keeps, by id; `trouble` is what it answers to a path before it does as it is told.

    A status there is an answer, None a silence of a few seconds.
    """

    url: str = ""
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    money: dict[str, str] = field(default_factory=dict)
    stock: int = 10
    accounts: set[str] = field(default_factory=set)
    trouble: dict[str, list[int | None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    runs: set[str | None] = field(default_factory=set)
    under_way: int = 0
    most_under_way: int = 0
    delay_s: float = 0.0

    def place(self, number: int, run: str | None = "run", **changed: Any) -> None:
        """Place an order and take its money and its units."""
        facts = {"order_id": f"o{number}", "key": f"k{number}", "run": run, "status": "accepted", "created_at": START}
        self.orders[f"o{number}"] = {**facts, "total_cents": 9, "lines": [LINE], **changed}
        self.money[f"o{number}"] = "captured"
        self.stock -= 1

    def answer(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, object]:
        """Return a status and a JSON value."""
        if method == "POST" and path.startswith("/cancel/"):
            return self._cancel(path.removeprefix("/cancel/"))
        if method == "DELETE" and path.startswith("/accounts/"):
            user = path.removeprefix("/accounts/")
            there = user in self.accounts
            self.accounts.discard(user)
            return (204 if there else 404), None
        if path == "/admin/orders":
            run = query.get("run")
            return 200, {"orders": [o for o in self.orders.values() if not run or o["run"] == run[0]], "next": None}
        if path == "/payments":
            rows = [
                {"payment_id": f"p-{o}", "reference": o, "amount_cents": 9, "status": s, "created_at": START}
                for o, s in self.money.items()
            ]
            return 200, {"payments": rows, "next": None}
        if path == "/admin/stock":
            level = {"sku": "tee-M-black", "location": "warehouse", "quantity": self.stock}
            return 200, {"format": "peakproof/stock/v1", "taken_at": START, "stock": [level]}
        return (200, {"version": "1"}) if path == "/healthz" else (404, {"error": "no such page"})

    def _cancel(self, name: str) -> tuple[int, object]:
        order = self.orders.get(name)
        if order is None or order["status"] == "cancelled":
            return 404, {"error": "gone"}
        order["status"], self.money[name] = "cancelled", "refunded"
        self.stock += 1
        return 200, {"id": name, "customer": Canaries("run").of_session(int(name.removeprefix("o")))}


@contextmanager
def keeping_shop() -> Iterator[KeepingShop]:
    """Serve a shop on a free port; every connection has ended when this ends."""
    shop, lock = KeepingShop(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def _do(self) -> None:
            parts = urlsplit(self.path)
            changes = self.command != "GET"
            with lock:
                if changes:
                    shop.asked.append(f"{self.command} {parts.path}")
                    shop.runs.add(self.headers.get("X-Peakproof-Run"))
                    shop.under_way += 1
                    shop.most_under_way = max(shop.most_under_way, shop.under_way)
            time.sleep(shop.delay_s if changes else 0)
            with lock:
                trouble = shop.trouble.get(parts.path, [])
                wrong = trouble.pop(0) if trouble else 0
                if wrong == 0 and changes and self.headers.get("Authorization") != f"Bearer {KEY}":
                    wrong = 401
                status, value = (
                    shop.answer(self.command, parts.path, parse_qs(parts.query))
                    if wrong == 0
                    else (wrong or 200, {"error": f"trouble, {KEY}"})
                )
            if wrong is None:
                time.sleep(3)
            with lock:
                shop.under_way -= changes
            body = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _do  # noqa: N815 - the standard library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Keep quiet of those who are killed while they wait."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
