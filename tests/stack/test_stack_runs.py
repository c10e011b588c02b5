"""docker-compose.yml is run: every role of ours, PostgreSQL, Prometheus and Alertmanager, with two workers.

Grafana, Tempo and the Collector have no image here: `test_stack_files.py` holds their files, `scripts/stack_smoke.py`
asks the real ones. Spans go straight to the run's recorder in the Collector's place.
"""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.stack.podman import OURS, ROOT, Podman, missing

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.skip(reason="the services' CPU limits make the good shop slow on two cores: being set"),
    pytest.mark.timeout(480),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

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
EXPORTERS = ("exporter-loadgen", "exporter-stock", "exporter-orders")


class Stack:
    """The stack under way, and the runs it made."""

    def __init__(self, podman: Podman) -> None:
        self.podman = podman
        self.runs = Path()

    def start(self) -> None:
        """Start everything in the order of the file's conditions, each when what it needs is healthy."""
        podman = self.podman
        for together in (("postgres", "payments"), ("shop-1", "shop-2"), ("front", *EXPORTERS)):
            podman.up(*together)
            podman.wait_healthy(*together)
        podman.up("worker", more=("--scale", "worker=2"))
        podman.up("alertmanager")
        podman.podman(
            *("run", "-d", "--name", podman.name("receiver"), "--network", f"{podman.project}_peakproof"),
            *("--network-alias", "alert-receiver", OURS, "python", "-c", RECEIVER),
        )
        podman.wait_healthy("alertmanager")
        podman.up("prometheus")
        podman.wait_healthy("prometheus", "worker")
        self.runs = podman.volume("runs")

    def begin_run(self) -> str:
        """Start a run and return its name as soon as it plays."""
        before = set(self.names())
        self.podman.podman("rm", "-f", self.podman.name("master"), check=False)
        self.podman.up("master")
        eventually(lambda: [n for n in self.names() if n not in before and (self.runs / n / "live.json").exists()], 60)
        (name,) = set(self.names()) - before
        return name

    def end_run(self) -> int:
        """Wait for the run's end and return its exit code."""
        return int(self.podman.podman("wait", self.podman.name("master"), timeout_s=120))

    def names(self) -> list[str]:
        """Return the runs there are."""
        return sorted(path.name for path in self.runs.glob("*Z-stack-*"))

    def judge(self, name: str) -> dict[str, Any]:
        """Audit and judge a run inside the stack, and return the verdict."""
        for verb in ("audit", "judge"):
            self.podman.compose(
                *("run", "--rm", "--no-deps", "-T", "master", "peakproof", verb, name), check=False, timeout_s=120
            )
        return self.document(name, "verdict.json")

    def document(self, run: str, name: str) -> dict[str, Any]:
        """Return one of a run's JSON documents."""
        value: dict[str, Any] = json.loads((self.runs / run / name).read_text())
        return value

    def rows(self, run: str, kind: str) -> list[dict[str, Any]]:
        """Return every row of one kind of record."""
        return [
            r for path in sorted((self.runs / run).glob(f"{kind}-*.parquet")) for r in pq.read_table(path).to_pylist()
        ]

    def alerts(self) -> list[dict[str, Any]]:
        """Return every alert that reached the webhook."""
        lines = self.podman.logs(self.podman.name("receiver")).splitlines()
        return [alert for line in lines if line.startswith("{") for alert in json.loads(line)["alerts"]]

    def prometheus(self, path: str) -> Any:
        """Return what Prometheus' API answers."""
        return self.podman.ask("prometheus", f"http://127.0.0.1:9090{path}")["data"]


def eventually(look: Callable[[], Any], deadline_s: float) -> Any:
    """Look until there is something to see."""
    until = time.monotonic() + deadline_s
    while not (seen := look()):
        assert time.monotonic() < until, "it did not come in time"
        time.sleep(0.5)
    return seen


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Build and start the stack; end it whatever happens."""
    podman = Podman(
        folder=ROOT / "build" / "containers",
        project=f"stack{secrets.token_hex(2)}",
        variables={
            "PEAKPROOF_SHOP_TOKEN": secrets.token_hex(16),
            "PEAKPROOF_METRICS_TOKEN": secrets.token_hex(16),
            "PEAKPROOF_RUN_TOKEN": secrets.token_hex(16),
            "PEAKPROOF_DATABASE_PASSWORD": secrets.token_hex(16),
            "GRAFANA_ADMIN_PASSWORD": secrets.token_hex(16),
            "PEAKPROOF_SHOP_PORT": "21480",
            "PEAKPROOF_SPANS_URL": "http://master:18086",
            "PEAKPROOF_PLAN": "./tests/stack/plan.yaml",
        },
    )
    podman.configure()
    podman.build()
    made = Stack(podman)
    try:
        made.start()
        yield made
    finally:
        podman.down()


def test_a_run_over_two_workers_gives_one_verdict_with_spans_and_metrics_of_the_whole(stack: Stack) -> None:
    eventually(
        lambda: {r["health"] for g in stack.prometheus("/api/v1/rules")["groups"] for r in g["rules"]} == {"ok"}, 30
    )
    name = stack.begin_run()
    assert stack.end_run() == 0, stack.podman.logs(stack.podman.name("master"))
    run, verdict = stack.document(name, "run.json"), stack.judge(name)
    assert (run["ended"], [w["name"] for w in run["workers"]]) == ("completed", ["w0", "w1"])
    assert all(w["parts_expected"] == w["parts_received"] > 0 and not w["lost"] for w in run["workers"])
    assert sum(w["arrivals"] for w in run["workers"]) == run["account"]["planned"] == run["account"]["completed"]
    requests = stack.rows(name, "requests")
    assert run["requests"]["sent"] == len(requests)
    assert {one["service"] for one in stack.rows(name, "spans")} == {"shopper", "shop", "payments"}
    answers = pq.read_table(stack.runs / name / "metrics" / "objectives.parquet").to_pylist()
    assert any(row["at"] for row in answers)
    assert verdict["run"] == name
    assert [check for check in verdict["checks"] if check["status"] in ("bad", "unknown")] == []
    assert verdict["outcome"] in ("PASS", "INCONCLUSIVE", "FAIL")


def test_a_worker_that_is_killed_is_lost_and_counted_and_does_not_come_back_into_the_run(stack: Stack) -> None:
    name = stack.begin_run()
    time.sleep(8)
    stack.podman.podman("kill", stack.podman.name("worker", 2))
    assert stack.end_run() == 75
    run, verdict = stack.document(name, "run.json"), stack.judge(name)
    assert sorted(w["lost"] for w in run["workers"]) == [False, True]
    assert sum(run["account"]["lost"].values()) > 0
    account = run["account"]
    assert account["planned"] == sum(
        sum(part.values()) if isinstance(part, dict) else part for key, part in account.items() if key != "planned"
    )
    assert verdict["outcome"] != "PASS"
    assert "worker" in json.dumps(verdict["findings"])
    stack.podman.podman("start", stack.podman.name("worker", 2))


def test_a_database_that_dies_is_never_a_pass_and_its_alert_reaches_the_webhook(stack: Stack) -> None:
    name = stack.begin_run()
    time.sleep(8)
    stack.podman.podman("stop", "-t", "0", stack.podman.name("postgres"))
    eventually(lambda: "PeakproofSourceUnreadable" in {a["labels"]["alertname"] for a in stack.alerts()}, 90)
    code = stack.end_run()
    run, verdict = stack.document(name, "run.json"), stack.judge(name)
    assert run["ended"] in ("completed", "aborted")
    assert run["requests"]["errors"] > 0
    assert (verdict["outcome"] in ("FAIL", "INCONCLUSIVE"), code in (0, 75)) == (True, True)
