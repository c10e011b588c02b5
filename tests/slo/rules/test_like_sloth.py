"""An objective written for Sloth alerts under our rules when it does under rules of Sloth's windows and factors.

Sloth's side is written here from what it publishes (its windows for 30 days, the workbook's): a page when either of two
pairs burns, a ticket when either of two others does, each a ratio of two sums, without `for` and without a guard.
"""

import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import yaml

from slo.burn_rates import DAY_S, HOUR_S, WINDOWS, detection_s, reset_s
from slo.objectives.reading import read_objectives
from slo.rules.build import Pace, objective_groups
from slo.rules.promql import duration
from slo.rules.scope import Scope
from slo.rules.write import rule_file
from tests.promtool import NEEDED, PROMTOOL

PERIOD_S, BUDGET, SCRAPE_S, EVERY_S = 30 * DAY_S, 0.001, 60, 300
HEALTHY_S = 3 * DAY_S + 6 * HOUR_S
EDGE_S = 900
ERRORS = 'sum(rate(http_requests_total{job="shop",code=~"5.."}[{{.window}}]))'
TOTAL = 'sum(rate(http_requests_total{job="shop"}[{{.window}}]))'
SPECIFICATION = {
    "version": "prometheus/v1",
    "service": "shop",
    "slos": [
        {"name": "answers", "objective": 99.9, "sli": {"events": {"error_query": ERRORS, "total_query": TOTAL}}},
    ],
}
pytestmark = pytest.mark.heavy
FAULTS = [(1.0, HOUR_S), (0.1, 2 * HOUR_S), (0.01, 8 * HOUR_S), (0.005, DAY_S), (0.0025, 2 * DAY_S)]


def thresholds() -> dict[str, list[tuple[float, int, int]]]:
    """Return for each severity its pairs: the error ratio above which each burns, the long and the short window."""
    out: dict[str, list[tuple[float, int, int]]] = {"page": [], "ticket": []}
    for one in WINDOWS:
        out[one.severity].append((one.share * PERIOD_S / one.long_s * BUDGET, one.long_s, one.short_s))
    return out


def sloth_rules() -> dict[str, Any]:
    """Return the rules that Sloth's windows make of the specification."""
    windows = sorted({window for pairs in thresholds().values() for _, *pair in pairs for window in pair})
    rules: list[dict[str, Any]] = []
    for window in windows:
        errors, total = (text.replace("{{.window}}", duration(window)) for text in (ERRORS, TOTAL))
        rules.append({"record": f"slo:sli_error:ratio_rate{duration(window)}", "expr": f"({errors}) / ({total})"})
    for severity, pairs in thresholds().items():
        burns = [
            f"(slo:sli_error:ratio_rate{duration(short)} > {limit:.9f}"
            f" and slo:sli_error:ratio_rate{duration(long)} > {limit:.9f})"
            for limit, long, short in pairs
        ]
        rules.append({"alert": f"Sloth{severity}", "expr": " or ".join(burns)})
    return {"groups": [{"name": "sloth", "rules": rules}]}


def firing(selector: str) -> str:
    return f'((count(ALERTS{{{selector},alertstate="firing"}}) > bool 0) or vector(0))'


def ours(severity: str) -> str:
    return firing(f'alertname="ErrorBudgetBurn",severity="{severity}"')


def sloth(severity: str) -> str:
    return firing(f'alertname="Sloth{severity}"')


def edges(error_ratio: float, lasts_s: int) -> Iterator[tuple[str, float, float]]:
    """Yield for each pair that burns its severity, when it begins and when it ends, by arithmetic."""
    for severity, pairs in thresholds().items():
        for limit, long, short in pairs:
            begins_s = max(detection_s(limit, long, error_ratio), detection_s(limit, short, error_ratio))
            if begins_s < lasts_s:
                yield severity, HEALTHY_S + begins_s, HEALTHY_S + lasts_s + reset_s(limit, short, error_ratio)


def moments(found: list[tuple[str, float, float]], ends_s: float) -> list[int]:
    """Return moments of the fault and after it that are far enough from every pair's begin and end."""
    near = [edge for _, *both in found for edge in both]
    every = range(HEALTHY_S, int(ends_s), 1200)
    return [at for at in every if all(abs(at - edge) > EDGE_S for edge in near)]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write both sets of rules; return their folder."""
    folder = tmp_path_factory.mktemp("rules")
    (folder / "sloth.yaml").write_text(yaml.safe_dump(SPECIFICATION))
    scope = Scope(environment="production", matcher="")
    groups = objective_groups(read_objectives([folder / "sloth.yaml"]), scope, pace=Pace(interval_s=EVERY_S))
    alerting = [group for group in groups if group.alerts]
    (folder / "ours.yml").write_text(rule_file(alerting, scope))
    (folder / "theirs.yml").write_text(yaml.safe_dump(sloth_rules()))
    return folder


def values(healthy_per_s: float, faulty_per_s: float, lasts_s: int, after_s: int) -> str:
    """Return a counter at two rates, and at the first again, in promtool's notation."""
    steps = [(healthy_per_s, HEALTHY_S), (faulty_per_s, lasts_s), (healthy_per_s, after_s)]
    at, parts = 0.0, []
    for per_s, seconds in steps:
        samples = seconds // SCRAPE_S
        parts.append(f"{at:.6f}+{per_s * SCRAPE_S:.6f}x{samples - 1}")
        at += per_s * SCRAPE_S * samples
    return " ".join(parts)


def evaluated(rules: Path, per_s: float, fault: tuple[float, int], checks: list[tuple[str, int, float]]) -> str:
    """Let promtool evaluate expressions under both sets of rules; returns nothing when each has its value."""
    (error_ratio, lasts_s), name = fault, f"test-{next(NUMBERS)}.yml"
    last_s = max(at for _, at, _ in checks)
    after_s = max(EVERY_S * 2, last_s - HEALTHY_S - lasts_s + EVERY_S * 2)
    good = values(per_s, per_s * (1 - error_ratio), lasts_s, after_s)
    bad = values(0, per_s * error_ratio, lasts_s, after_s)
    document = {
        "rule_files": ["ours.yml", "theirs.yml"],
        "evaluation_interval": f"{EVERY_S}s",
        "tests": [
            {
                "interval": f"{SCRAPE_S}s",
                "input_series": [
                    {"series": 'http_requests_total{job="shop",code="200"}', "values": good},
                    {"series": 'http_requests_total{job="shop",code="500"}', "values": bad},
                ],
                "promql_expr_test": [
                    {"expr": expr, "eval_time": f"{at}s", "exp_samples": [{"labels": "{}", "value": value}]}
                    for expr, at, value in checks
                ],
            }
        ],
    }
    (rules / name).write_text(yaml.safe_dump(document))
    command = [str(PROMTOOL), "test", "rules", name]
    done = subprocess.run(command, cwd=rules, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


NUMBERS = count()


@NEEDED
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_with_enough_events_both_alert_on_the_same(rules: Path, fault: tuple[float, int]) -> None:
    found = list(edges(*fault))
    ends_s = max(end for *_, end in found) + HOUR_S
    checks = []
    for at in moments(found, ends_s):
        for severity in ("page", "ticket"):
            burns = any(of == severity and begin < at < end for of, begin, end in found)
            checks += [(side(severity), at, float(burns)) for side in (ours, sloth)]
    assert {value for *_, value in checks} == {0, 1}
    assert evaluated(rules, 10.0, fault, checks) == ""


@NEEDED
def test_where_one_error_would_page_the_guard_on_traffic_holds_ours_back(rules: Path) -> None:
    """Eleven requests an hour, a few of which fail: Sloth's rules page, ours wait for ten errors' worth of traffic."""
    at = HEALTHY_S + 900
    checks = [(sloth("page"), at, 1.0), (ours("page"), at, 0.0)]
    assert evaluated(rules, 0.003, (1.0, 900), checks) == ""
