"""A world for commands to run in: a folder, variables, someone who listens, and a shop that answers as it is told."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from scripts.cli import main
from scripts.context import Context
from tests.record_pages import record_pages

TOKEN = "made-up"
PLAN = """\
format: peakproof/plan/v1
name: small
seed: 7
demand: {source: a test, forecast_orders_per_hour: 72000, factor: 1.0, orders_per_session: 1.0, peak_sessions_per_s: 20}
phases:
  - {name: reference, kind: reference, duration_s: 5, level: [1, 1]}
  - {name: warm-up, kind: warm-up, duration_s: 2, level: [1, 1]}
  - {name: plateau, kind: plateau, duration_s: 20, level: [1, 1]}
  - {name: drain, kind: drain, duration_s: 2}
journeys: {search-and-buy: 1.0}
think_time: {median_s: 0.1, sigma: 0.3, max_s: 0.3}
cart_lines: {min: 1, max: 3}
trace_sampling: 1.0
limits: {open_sessions: 100}
assumed_error_burst_s: 0.05
"""
TOTAL = 'http_server_request_duration_seconds_count{job="shop"}'
GOOD = 'http_server_request_duration_seconds_count{job="shop",http_response_status_code!~"5.."}'


def slo(name: str, good: str, total: str, kind: str = "peakproof-records", target: float = 0.95) -> str:
    """Return one OpenSLO document; `good` and `total` are the specs of its sources."""
    return f"""\
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  service: shop
  timeWindow: [{{duration: 28d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: {target}}}]
  indicator:
    metadata: {{name: {name}}}
    spec:
      ratioMetric:
        counter: true
        good: {{metricSource: {{type: {kind}, spec: {good}}}}}
        total: {{metricSource: {{type: {kind}, spec: {total}}}}}
"""


OBJECTIVES = "---\n".join(
    (
        slo("checkout-answers", "{steps: [checkout]}", "{steps: [checkout]}"),
        slo("checkout-waits", "{steps: [checkout], within_s: 0.4}", "{steps: [checkout]}"),
        slo("server-answers", f"{{query: '{GOOD}'}}", f"{{query: '{TOTAL}', steps: [checkout]}}", "prometheus"),
    )
)


def targets(shop: str = "http://127.0.0.1:9", **changed: Any) -> str:
    """Return a targets file with the environment `staging`, whose keys may be changed or, with None, left out."""
    environment: dict[str, Any] = {
        "base_url": shop,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 500, "open_sessions": 2000, "orders": 20000},
        "release_probe": {"path": "/healthz", "field": "version"},
        "traces": True,
        "shop_records": record_pages(
            orders=f"{shop}/admin/orders", payments=f"{shop}/payments", stock=f"{shop}/admin/stock"
        ),
        "token_env": "SHOP_TOKEN",
    }
    kept = {key: value for key, value in {**environment, **changed}.items() if value is not None}
    return json.dumps({"format": "peakproof/targets/v1", "environments": {"staging": kept}})


def write_inputs(folder: Path, **given: str) -> None:
    """Write plan.yaml, objectives.yaml and targets.yaml below `folder`, each as given or good."""
    good = {"plan": PLAN, "objectives": OBJECTIVES, "targets": targets()}
    for name, text in {**good, **given}.items():
        (folder / f"{name}.yaml").write_text(text)


@dataclass(kw_only=True)
class World:
    """A folder with variables; what is said is kept."""

    folder: Path
    environment: dict[str, str] = field(default_factory=lambda: {"SHOP_TOKEN": TOKEN, "PATH": "/nowhere"})
    said: list[str] = field(default_factory=list)

    def context(self, **environment: str) -> Context:
        """Return the context of a command that is run in this world."""
        return Context(
            environment={**self.environment, **environment},
            folder=self.folder,
            say=self.said.append,
            is_terminal=False,
            command="peakproof run plan.yaml --on staging",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """`peakproof` called in this process, in a folder of its own."""

    capture: pytest.CaptureFixture[str]
    folder: Path

    def __call__(self, *arguments: str) -> Ended:
        self.capture.readouterr()
        try:
            code = main(list(arguments))
        except SystemExit as ended:  # argparse's own way out
            code = int(ended.code or 0)
        said = self.capture.readouterr()
        assert "Traceback" not in said.out + said.err
        return Ended(code=code, out=said.out, err=said.err)


Answer = tuple[int, object]


@dataclass(kw_only=True)
class FakeShop:
    """What a shop answers, by path: a status and a JSON value, or bytes as they are."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, list[str]], str | None]] = field(default_factory=list)


@contextmanager
def fake_shop(answers: Mapping[str, Answer], tls: ssl.SSLContext | None = None) -> Iterator[FakeShop]:
    """Serve `answers` on a free port, over TLS with a context; every connection has ended when this ends."""
    shop = FakeShop(answers=dict(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            shop.asked.append((parts.path, parse_qs(parts.query), self.headers.get("Authorization")))
            status, value = shop.answers.get(parts.path, (404, {"error": "no such page"}))
            body = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for name, value in shop.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the standard library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def script(path: Path, text: str) -> Path:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


Damage = Callable[[Path], object]
