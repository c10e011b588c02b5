"""A shop's admin interface made by hand, with its bad days, and a reader of what exporters expose."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, ...], float]

LIVE = {
    "format": "peakproof/live/v1",
    "sequence": 7,
    "at": 1_700_000_000_500_000_000,
    "run": "r",
    "gaps": 0,
    "started_at": 1_700_000_000_000_000_000,
    "phase": "plateau",
    "state": "running",
    "elapsed_s": 30.0,
    "left_s": 60,
    "planned": {"sessions_per_s": 11.5, "sessions_total": 300},
    "achieved": {
        "sessions_per_s": 11.0,
        "requests_per_s": 60.0,
        "sessions_total": 290,
        "requests_total": 1500,
        "open_sessions": 42,
    },
    "latency_s": {"p50": 0.1, "p95": None, "p99": None},
    "errors": {"total": 5, "per_s": 0.0, "by_step": {"checkout": {"http_5xx": 3, "timeout": 2}}},
    "orders": {
        "attempted_total": 210,
        "accepted_total": 200,
        "refused_total": 9,
        "unknown_total": 1,
        "per_minute": 100.0,
    },
    "steps": {
        "checkout": {
            "requests_total": 210,
            "errors_total": 5,
            "latency": {"buckets": {"0.1": 100, "1": 200, "0.25": 150}, "sum": 33.5, "count": 210},
        }
    },
    "lag_s": {"p99": 0.004},
    "generator_cpu": 0.4,
    "dropped_total": 6,
    "factor": 1.1,
    "paused": False,
    "message": "1.1 x the plan from second 9.0 on (the key +)",
    "workers": 2,
    "objectives": [{"name": "checkout", "bad": 5, "total": 210, "certain_breach": False}],
}
STOCK = {
    "format": "peakproof/stock/v1",
    "taken_at": 1_700_000_000_000_000_000,
    "stock": [
        {"sku": "tee-M-black", "location": "warehouse", "quantity": 12},
        {"sku": "tee-M-black", "location": "store-leeds", "quantity": -1},
    ],
}
FUNNEL = {
    "funnel": {"session": 100, "search": 60, "product": 50, "cart": 30, "checkout": 20, "order": 18},
    "orders": {"accepted": 18, "out_of_stock": 1, "declined": 1, "failed": 0},
    "orders_by_location": {"warehouse": 15, "store-leeds": 3},
}

TOKEN = "fake-admin-token"


@dataclass
class Shop:
    """What the admin interface answers, changed by the test, and what it was asked."""

    url: str = ""
    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    declared_length: int | None = None
    drip: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self.gate.set()

    def says(self, value: object) -> None:
        """Answer with `value` as JSON from now on."""
        self.body = json.dumps(value).encode()


@contextmanager
def shop_admin() -> Iterator[Shop]:
    """Run the admin interface on a free port; every connection has ended when this ends."""
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shop.asked.append(self.path)
            shop.entered.release()
            shop.gate.wait()
            refused = self.headers.get("Authorization") != f"Bearer {TOKEN}"
            self.send_response(401 if refused else shop.status)
            length = len(shop.body) if shop.declared_length is None else shop.declared_length
            for name, value in {"Content-Length": str(length), **shop.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.send_body()
            except OSError:
                self.close_connection = True

        def send_body(self) -> None:
            if not shop.drip:
                self.wfile.write(shop.body)
                return
            never = threading.Event()
            while True:
                self.wfile.write(b" ")
                never.wait(0.01)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            del format, args

    class Server(ThreadingHTTPServer):
        daemon_threads = False

        def handle_error(self, request: object, client_address: object) -> None:
            del request, client_address

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        shop.url = f"http://127.0.0.1:{server.server_address[1]}/admin"
        try:
            yield shop
        finally:
            shop.gate.set()
            server.shutdown()
            thread.join()


def samples(text: str, without: Callable[[str], bool] = lambda name: name.endswith("_duration_seconds")) -> Samples:
    """Read an exposition back: values by name and label values (in the order of the labels' names)."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not without(sample.name)
    }
