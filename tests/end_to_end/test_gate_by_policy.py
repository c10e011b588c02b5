"""The gate by a policy that asks a real Prometheus of production, with objectives that are evaluated and of slices."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.drilling.history import make_blocks
from scripts.drilling.prometheus import DrillPrometheus
from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.shop import TOKEN_VARIABLE, start_shop
from tests.end_to_end.conftest import BRIEF
from tests.ports import free_base, free_port
from tests.promtool import PROMTOOL

PROMETHEUS = os.environ.get("PEAKPROOF_PROMETHEUS") or shutil.which("prometheus")
pytestmark = [
    pytest.mark.heavy,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not (PROMETHEUS and PROMTOOL), reason="prometheus and promtool are not both on PATH"),
]
METRIC = "http_server_request_duration_seconds"
# What share of a day's requests of each route failed in production; the objective allows 1 %.
BAD_RATIOS = {"/": 0.001, "/cart": 0.009, "/checkout": 0.02}
EVERY_S, PAST_S = 60, 25 * 3600
EVALUATED = f'histogram_quantile(0.95, sum by (le) (rate({METRIC}_bucket{{job="shop"}}[5s])))'


def objective(name: str, metric: str, objectives: str, method: str = "Occurrences") -> str:
    """Return an OpenSLO document over a day."""
    return f"""\
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  service: shop
  timeWindow: [{{duration: 1d, isRolling: true}}]
  budgetingMethod: {method}
  objectives: {objectives}
  indicator:
    metadata: {{name: {name}-indicator}}
    spec:
      {metric}
"""


def of_counters(name: str, route: str) -> str:
    """Return an objective about a route's answers, as counters of both production and the stand-in tell of them."""
    every = f'{METRIC}_count{{job="shop",http_route="{route}"'
    good, total = (
        f"{{metricSource: {{type: prometheus, spec: {{query: '{one}'}}}}}}"
        for one in (every + ',http_response_status_code!~"5.."}', every + "}")
    )
    return objective(name, f"ratioMetric: {{counter: true, good: {good}, total: {total}}}", "[{target: 0.99}]")


COUNTED = [of_counters(name, route) for name, route in (("home", "/"), ("cart", "/cart"), ("checkout", "/checkout"))]
OF_RECORDS = "{metricSource: {type: peakproof-records, spec: {steps: [home, product]}}}"
SLICED = objective(
    "quick-slices",
    f"ratioMetric: {{counter: true, good: {OF_RECORDS}, total: {OF_RECORDS}}}",
    "[{target: 0.5, timeSliceTarget: 0.5, timeSliceWindow: 1m}]",
    "Timeslices",
)
READ = objective(
    "server-p95",
    f"thresholdMetric: {{metricSource: {{type: prometheus, spec: {{query: '{EVALUATED}'}}}}}}",
    "[{op: lte, value: 5, target: 0.5}]",
)


def samples(now_s: int) -> Iterator[str]:
    """Yield a day of production's counters, a request a second of each route."""
    for route, bad_ratio in BAD_RATIOS.items():
        for code, share in (("200", 1 - bad_ratio), ("500", bad_ratio)):
            labels = f'environment="production",job="shop",http_route="{route}",http_response_status_code="{code}"'
            for at_s in range(now_s - PAST_S, now_s, EVERY_S):
                count = (at_s - now_s + PAST_S) * share
                yield f"{METRIC}_count{{{labels}}} {count:.3f} {at_s}\n"
    yield "# EOF\n"


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prometheus that holds a day of production; return its address."""
    folder = tmp_path_factory.mktemp("production")
    text, data, config = folder / "samples.txt", folder / "data", folder / "prometheus.yml"
    text.write_text("".join(samples(int(time.time()))))
    make_blocks(Path(str(PROMTOOL)), text, data)
    config.write_text("global: {}\n")
    program = DrillPrometheus(program=Path(str(PROMETHEUS)), port=free_port(), data=data, environment=os.environ)
    with Children(folder / "logs") as children:
        yield program.start(children, config)[0].url


def command(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run `peakproof` in a folder."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("peakproof")), *arguments],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def decisions(told: str) -> dict[str, str]:
    """Return the decision about each objective in a budget's document."""
    return {one["objective"]: one["decision"] for one in json.loads(told)["objectives"]}


def test_a_live_prometheus_tells_to_ship_to_ship_with_care_and_to_freeze(production: str, tmp_path: Path) -> None:
    (tmp_path / "objectives.yaml").write_text("---\n".join(COUNTED))
    asked = ("slo", "budget", "objectives.yaml", "--prometheus", production, "--matcher", 'environment="production"')
    told = command(tmp_path, *asked, "--json")
    assert told.returncode == 99, told.stderr
    assert decisions(told.stdout) == {"home": "ship", "cart": "care", "checkout": "freeze"}
    left = {one["objective"]: one["left"] for one in json.loads(told.stdout)["objectives"]}
    assert left == pytest.approx({"home": 0.9, "cart": 0.1, "checkout": -1.0}, abs=0.02)
    elsewhere = command(tmp_path, *asked[:-1], 'environment="staging"', "--json")
    assert (elsewhere.returncode, set(decisions(elsewhere.stdout).values())) == (75, {"no data"})
    for name, code in (("home", 0), ("cart", 0)):
        (tmp_path / "objectives.yaml").write_text(COUNTED[list(BAD_RATIOS).index({"home": "/", "cart": "/cart"}[name])])
        assert command(tmp_path, *asked).returncode == code


def test_the_gate_fails_by_a_budget_that_is_spent_and_judges_answers_and_slices(
    production: str, tmp_path: Path
) -> None:
    (tmp_path / "objectives.yaml").write_text("---\n".join((COUNTED[2], SLICED, READ)))
    budget = {"prometheus": production, "matcher": 'environment="production"'}
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump({"format": "peakproof/policy/v1", "budget": budget}))
    ports = Ports(base=free_base())
    plan = yaml.safe_load(BRIEF.read_text())
    for phase in plan["phases"]:
        phase.pop("represents_s", None)
        phase["duration_s"] = 62 if phase["kind"] == "plateau" else phase["duration_s"]  # one whole slice
    plan["not_judged"] = [{"objective": "checkout", "because": "half a minute is too short for 99 %"}]
    (tmp_path / "brief.yaml").write_text(yaml.safe_dump(plan))
    with Children(tmp_path / "logs") as children:
        shop = start_shop(children, tmp_path / "shop", ports, "stable", os.environ)
        gate = (
            *("gate", "brief.yaml", "--on", "stand-in", "--targets", str(shop.write_targets(tmp_path, "stand-in"))),
            *("--objectives", "objectives.yaml", "--policy", "policy.yaml", "--port-base", str(ports.base)),
        )
        done = command(tmp_path, *gate, **{TOKEN_VARIABLE: shop.token})
    assert "error budget: freeze" in done.stdout, done.stdout + done.stderr
    (run,) = (tmp_path / "runs").glob("20*")
    verdict: dict[str, Any] = json.loads((run / "verdict.json").read_text())
    assert decisions((run / "budget.json").read_text()) == {"checkout": "freeze"}
    assert "error-budget" in {one["subject"] for one in verdict["findings"]}
    found = {one["name"]: one for one in verdict["objectives"]}
    assert found["quick-slices"]["events_are"] == "slices of 60 s"
    assert found["quick-slices"]["events"] == 1
    assert found["server-p95"]["events_are"] == "answers over 15 s"
    assert found["server-p95"]["events"] == 4
    assert done.returncode == verdict["exit_code"] == 99
