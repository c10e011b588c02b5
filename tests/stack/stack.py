"""The stack of docker-compose.yml under way: starting it, playing runs on it, and asking what came of them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.stack.podman import OURS, Podman
from tests.waiting import wait_for

EXPORTERS = ("exporter-loadgen", "exporter-stock", "exporter-orders")
RECEIVER = """
import http.server
class Taker(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        print(self.rfile.read(int(self.headers["Content-Length"])).decode(), flush=True)
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("0.0.0.0", 18099), Taker).serve_forever()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A run that is over and judged: the verdict's exit code, what its master said, and its documents."""

    name: str
    code: int
    said: str
    run: dict[str, Any]
    verdict: dict[str, Any]

    @property
    def lost(self) -> dict[str, bool]:
        """Whether each worker was lost."""
        return {worker["name"]: worker["lost"] for worker in self.run["workers"]}

    @property
    def machine_was_late(self) -> bool:
        """Whether the verdict says that this machine kept the load generator from its schedule."""
        return any(one["subject"] in ("scheduling lag", "generator CPU") for one in self.verdict["findings"])

    @property
    def account_adds_up(self) -> bool:
        """Whether every planned session ended as exactly one thing."""
        account = self.run["account"]
        parts = [part for name, part in account.items() if name != "planned"]
        return bool(account["planned"] == sum(sum(p.values()) if isinstance(p, dict) else p for p in parts))


class Stack:
    """The stack under way, and the runs it made."""

    def __init__(self, podman: Podman) -> None:
        self.podman = podman
        self.runs = Path()

    def start(self) -> None:
        """Start everything in the order of the file's conditions, each when what it needs is healthy."""
        podman = self.podman
        podman.up("postgres")
        podman.keep_gateway()
        podman.up("payments", "alertmanager", *EXPORTERS)
        podman.podman(
            *("run", "-d", "--name", podman.name("receiver"), "--network", podman.network),
            *("--network-alias", "alert-receiver", OURS, "python", "-c", RECEIVER),
        )
        podman.wait_healthy("postgres", "payments", "alertmanager", *EXPORTERS)
        podman.up("shop-1", "shop-2", "prometheus")
        podman.wait_healthy("shop-1", "shop-2", "prometheus")
        podman.up("front")
        podman.up("worker", more=("--scale", "worker=2"))
        podman.wait_healthy("front", "worker")
        self.runs = podman.volume("runs")

    # -- runs ---------------------------------------------------------------------------------------------

    def begin(self) -> str:
        """Start a run; return its name once it is in its plateau and each worker has sent orders."""
        before = {path.name for path in self.runs.glob("*Z-stack-*")}
        self.podman.podman("rm", "-f", self.podman.name("master"), check=False)
        self.podman.up("master")
        # Looked at from outside: a podman call takes a good part of a core, which the load would feel.
        process = self.podman.process(self.podman.name("master"))
        (path,) = wait_for(lambda: self._new(before), "a run directory")
        wait_for(lambda: self._is_playing(path, process), "a plateau with orders of both workers")
        return str(path.name)

    def _new(self, before: set[str]) -> list[Path]:
        return [path for path in self.runs.glob("*Z-stack-*") if path.name not in before]

    def _is_playing(self, run: Path, process: Path) -> bool:
        assert process.exists(), self.podman.logs(self.podman.name("master"))
        ledgers = [path for path in run.glob("ledger-w*.jsonl") if path.stat().st_size]
        live = run / "live.json"
        return len(ledgers) == 2 and live.exists() and json.loads(live.read_text())["phase"] == "plateau"

    def end(self, name: str) -> Played:
        """Wait for the run's end and its verdict, and return what came of it."""
        master = self.podman.name("master")
        code = int(self.podman.podman("wait", master, timeout_s=180))
        return Played(
            name=name,
            code=code,
            said=self.podman.logs(master),
            run=self.document(name, "run.json"),
            verdict=self.document(name, "verdict.json"),
        )

    def document(self, run: str, name: str) -> dict[str, Any]:
        """Return one of a run's JSON documents."""
        value: dict[str, Any] = json.loads((self.runs / run / name).read_text())
        return value

    def rows(self, run: str, kind: str) -> list[dict[str, Any]]:
        """Return every row of one kind of record."""
        parts = sorted((self.runs / run).glob(f"{kind}-*.parquet"))
        return [row for path in parts for row in pq.read_table(path).to_pylist()]

    # -- workers, metrics, alerts -------------------------------------------------------------------------

    def joined(self, number: int) -> list[str]:
        """Return the runs that a worker's container joined, in order, over all its lives."""
        lines = self.podman.logs(self.podman.name("worker", number)).splitlines()
        return [line.split()[2] for line in lines if line.startswith("joining run ")]

    def prometheus(self, path: str) -> Any:
        """Return what Prometheus' API answers."""
        return self.podman.ask("prometheus", f"http://127.0.0.1:9090{path}")["data"]

    def up(self, played: Played) -> dict[str, set[str]]:
        """Return what every scrape of each job said of itself at the end of a run's judged time: 1 or 0."""
        found: dict[str, set[str]] = {}
        at = played.run["judged"]["ends_at"] / 1e9
        for series in self.prometheus(f"/api/v1/query?query=up&time={at:.3f}")["result"]:
            found.setdefault(series["metric"]["job"], set()).add(series["value"][1])
        return found

    def value(self, query: str) -> float | None:
        """Return the one value of a query now, None while there is none."""
        result = self.prometheus(f"/api/v1/query?query={query}")["result"]
        return float(result[0]["value"][1]) if result else None

    def alerts(self) -> list[dict[str, Any]]:
        """Return every alert that reached the webhook, in order."""
        lines = self.podman.logs(self.podman.name("receiver")).splitlines()
        return [alert for line in lines if line.startswith("{") for alert in json.loads(line)["alerts"]]
