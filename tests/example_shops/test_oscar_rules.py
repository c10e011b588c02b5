"""The rules of an objective work on a real shop: django-oscar under OpenTelemetry's automatic instrumentation.

Two indicators of the same requests: OpenTelemetry's HTTP metrics as the shop exposes them, and span metrics as the
recorder makes them of its traces. The dashboards of both have data of it too.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml

from dashboards.grafana.archive import kind_of
from dashboards.grafana.build import build
from dashboards.grafana.queries import Timing, fill, panels, unchosen
from exporters.spans.recorder import Recorder
from loadtests.results.run_directory import RunDirectory
from slo.burn_rates import pairs, period_s
from tests.example_shops.oscar import oscar
from tests.ports import free_port
from tests.promtool import NEEDED, PROMTOOL

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300), NEEDED]
TARGET = 0.9
OBJECTIVE = """
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  service: oscar
  timeWindow: [{{duration: 28d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: {target}}}]
  indicator:
    metadata: {{name: {name}}}
    spec:
      ratioMetric:
        counter: true
        good: {{metricSource: {{type: prometheus, spec: {spec}}}}}
        total: {{metricSource: {{type: prometheus, spec: {spec}}}}}
"""
INDICATORS = {
    "by-http-metrics": "{indicator: opentelemetry, match: {job: oscar}}",
    "by-span-metrics": "{indicator: opentelemetry-spans, match: {service_name: oscar}}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A measured shop, and the Prometheus that watches it by the rules."""

    url: str
    prometheus: str
    database: Path

    def ask(self, seconds: float) -> list[int]:
        """Ask for a page four times a second; return the statuses."""
        ends_at, found = time.monotonic() + seconds, []
        while time.monotonic() < ends_at:
            found.append(requests.get(f"{self.url}/en-gb/catalogue/", timeout=10).status_code)
            time.sleep(0.25)
        return found

    def values(self, query: str) -> dict[str, float]:
        """Return the values of a query by objective."""
        reply = requests.get(f"{self.prometheus}/api/v1/query", params={"query": query}, timeout=10).json()
        return {one["metric"]["objective"]: float(one["value"][1]) for one in reply["data"]["result"]}

    def until(self, query: str, met: Callable[[dict[str, float]], bool], within_s: float = 60) -> dict[str, float]:
        """Return the values of a query as soon as they are `met`, and after `within_s` whatever they are."""
        ends_at = time.monotonic() + within_s
        while not met(found := self.values(query)) and time.monotonic() < ends_at:
            time.sleep(0.5)
        return found

    def shows(self, board: str, begun_s: float) -> set[str]:
        """Return the titles of a dashboard's panels that have data of the time since `begun_s`."""
        dashboard, now_s = build()[board], time.time()
        variables = unchosen(dashboard, Timing.over(round(begun_s * 1e9), round(now_s * 1e9)))
        when = {"instant": {"time": str(now_s)}, "range": {"start": str(begun_s), "end": str(now_s), "step": "1"}}
        found = set()
        for panel in panels(dashboard):
            for target in panel["targets"]:
                kind = kind_of(target)
                asked = {"query": fill(target["expr"], variables), **when[kind]}
                path = "query" if kind == "instant" else "query_range"
                reply = requests.get(f"{self.prometheus}/api/v1/{path}", params=asked, timeout=10).json()
                assert reply["status"] == "success", reply
                if reply["data"]["result"]:
                    found.add(panel["title"])
        return found


def rules(folder: Path) -> Path:
    """Write the objectives, and the rules that `peakproof rules build` makes of them for staging."""
    path = folder / "objectives.yaml"
    path.write_text("---".join(OBJECTIVE.format(name=n, target=TARGET, spec=s) for n, s in INDICATORS.items()))
    command = [sys.executable, "-P", "-m", "scripts.cli", "rules", "build", str(path), "--environment", "staging"]
    subprocess.run([*command, "--to", str(folder / "rules"), "--scrape-interval", "1s"], check=True, timeout=60)
    return folder / "rules"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("oscar-rules")
    recorder = Recorder(RunDirectory(path=folder / "run"))
    (folder / "run").mkdir()
    recorder.start()
    metrics, prometheus = free_port(), free_port()
    measured = {
        "OTEL_SERVICE_NAME": "oscar",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "prometheus",
        "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(metrics),
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": recorder.url,
        "OTEL_BSP_SCHEDULE_DELAY": "500",
    }
    scraped = {"oscar": f"127.0.0.1:{metrics}", "spans": recorder.metrics_url.split("/")[2]}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [f"{rules(folder)}/*.yml"],
        "scrape_configs": [
            {
                "job_name": job,
                "honor_labels": job == "spans",
                "static_configs": [{"targets": [target], "labels": {"environment": "staging"}}],
            }
            for job, target in scraped.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    program = Path(str(PROMTOOL)).with_name("prometheus")
    with (
        oscar(folder / "shop", **measured) as (server, _),
        (folder / "prometheus.log").open("wb") as log,
        subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{prometheus}",
            ],
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            yield Shop(
                url=server.url,
                prometheus=f"http://127.0.0.1:{prometheus}",
                database=folder / "shop" / "shop.sqlite3",
            )
        finally:
            process.terminate()
            recorder.stop()


def test_the_error_ratio_is_recorded_from_its_metrics_and_from_its_spans(shop: Shop) -> None:
    ratio = 'objective:errors:ratio_rate5m{environment="staging"}'
    healthy = shop.ask(15)
    assert set(healthy) == {200}
    known = shop.until(ratio, lambda found: set(found) == set(INDICATORS))
    assert known == dict.fromkeys(INDICATORS, 0.0)

    shop.database.rename(shop.database.with_suffix(".away"))
    broken = shop.ask(20)
    shop.database.with_suffix(".away").rename(shop.database)
    assert set(broken) == {500}
    wanted = len(broken) / len(healthy + broken)
    # A rate doesn't know what a new series had counted before its first scrape, so the shares aren't quite those sent.
    burning = shop.until(ratio, lambda found: all(abs(value - wanted) < 0.2 for value in found.values()))
    assert burning == dict.fromkeys(INDICATORS, pytest.approx(wanted, abs=0.2))
    assert shop.until('objective:events:rate5m{environment="staging"}', lambda found: min(found.values()) > 0)


def test_the_thresholds_of_its_alerts_are_those_of_the_objective(shop: Shop) -> None:
    reply = requests.get(f"{shop.prometheus}/api/v1/rules?type=alert", timeout=10).json()
    alerts = [rule for group in reply["data"]["groups"] for rule in group["rules"]]
    assert "err" not in {rule["health"] for rule in alerts}  # the slow ones weren't evaluated yet
    burns = [rule for rule in alerts if rule["name"] == "ErrorBudgetBurn"]
    assert "ok" in {rule["health"] for rule in burns}
    usable = [one for one in pairs(period_s("28d"), 1 - TARGET, 1) if hasattr(one, "severity")]
    assert len(burns) == len(usable) * len(INDICATORS)


@pytest.mark.parametrize("board", ["shop-health", "traces"])
def test_the_dashboards_of_its_own_metrics_and_of_its_spans_have_data(shop: Shop, board: str) -> None:
    begun_s = time.time()
    shop.ask(15)
    wanted = {panel["title"] for panel in panels(build()[board]) if not panel["fieldConfig"]["defaults"].get("noValue")}
    assert {"Requests by route", "Latency p95 by route"} <= wanted or board == "traces"
    assert wanted - shop.shows(board, begun_s) == set()
