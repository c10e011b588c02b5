"""What the board "Objectives" reckons from what is recorded, evaluated by Prometheus itself."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dashboards.grafana.boards.burn_panels import NEVER_S, of
from dashboards.grafana.build import build
from dashboards.grafana.promql import at
from dashboards.grafana.queries import expressions, fill, unchosen
from slo.burn_rates import DAY_S, HOUR_S, WINDOWS, Pair, pairs
from slo.rules import names
from tests.promtool import NEEDED, PROMTOOL

pytestmark = NEEDED
BOARD = build()["objectives"]
LEFT, BURN = names.REMAINING, names.burn_rate(HOUR_S)
PERIOD_S = 30 * DAY_S
Series = Mapping[str, float]


def query(panel: str, legend: str) -> str:
    """Return what a panel asks, nothing chosen."""
    asked = [
        target["expr"]
        for one, target in expressions(BOARD)
        if one["title"] == panel and target["legendFormat"] == legend
    ]
    (only,) = asked
    return fill(only, unchosen(BOARD))


def refused(folder: Path, recorded: Mapping[str, Series], expr: str, expected: Sequence[tuple[str, float]]) -> str:
    """Return what promtool says against `expr` being `expected`; `recorded` are values by series and labels."""
    samples = [{"labels": f"{{{labels}}}", "value": value} for labels, value in expected]
    test: dict[str, Any] = {
        "interval": "1m",
        "input_series": [
            {"series": f"{metric}{{{labels}}}", "values": f"{value:.12g}"}
            for metric, series in recorded.items()
            for labels, value in series.items()
        ],
        "promql_expr_test": [{"expr": expr, "eval_time": "0m", "exp_samples": samples}],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(path)], capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout + done.stderr if done.returncode else ""


def of_each(value: Mapping[str, float]) -> dict[str, float]:
    return {f'environment="e",service="s",objective="{name}"': one for name, one in value.items()}


RECORDED = {
    LEFT: of_each({"half": 0.5, "quiet": 0.5, "slow": 0.5, "over": -0.1, "spent": 0, "unknown": 0.5, "unheard": -1}),
    BURN: of_each({"half": 5, "quiet": 0, "slow": 0.5, "over": 2, "spent": 0}),
    names.PERIOD: of_each(
        dict.fromkeys(("half", "quiet", "slow", "over", "spent", "unknown", "unheard"), float(PERIOD_S))
    ),
}
LASTS_S = {"half": PERIOD_S / 10, "over": 0, "spent": 0, "unheard": 0}


def test_a_budget_lasts_for_what_is_left_by_its_burn_and_is_unknown_without_traffic(tmp_path: Path) -> None:
    expected = {**LASTS_S, "quiet": NEVER_S, "slow": NEVER_S}
    asked = query("All objectives, the least budget first", "Exhausted in")
    assert refused(tmp_path, RECORDED, asked, list(of_each(expected).items())) == ""


def test_over_time_never_is_the_period_itself(tmp_path: Path) -> None:
    expected = {**LASTS_S, "quiet": PERIOD_S, "slow": PERIOD_S}
    samples = [(f'environment="e",objective="{name}"', float(value)) for name, value in expected.items()]
    asked = query("Time to exhaustion at this burn", "{{objective}} {{environment}}")
    assert refused(tmp_path, RECORDED, asked, samples) == ""


def test_the_line_that_an_alert_fires_above_is_that_of_the_objectives_own_period(tmp_path: Path) -> None:
    found = [one for one in pairs(PERIOD_S, 0.01, 15) if isinstance(one, Pair)]
    titles = [
        "Page: burn over 1h and 5m",
        "Page: burn over 6h and 30m",
        "Ticket: burn over 1d and 2h",
        "Ticket: burn over 3d and 6h",
    ]
    for title, pair in zip(titles, found, strict=True):
        asked = query(title, "fires above")
        assert refused(tmp_path, {names.PERIOD: of_each({"a": PERIOD_S})}, asked, [("", pair.factor)]) == ""


def test_traffic_of_one_is_as_many_events_as_the_first_page_asks_for(tmp_path: Path) -> None:
    (pair, *_) = (one for one in pairs(PERIOD_S, 0.01, 15) if isinstance(one, Pair))
    assert pair.long_s == WINDOWS[0].long_s
    recorded = {
        names.PERIOD: of_each({"a": PERIOD_S}),
        names.TARGET: of_each({"a": 0.99}),
        names.counted(HOUR_S): of_each({"a": pair.min_events}),
    }
    expected = list(of_each({"a": 1.0}).items())
    asked = query("Coverage of the windows", "Traffic")
    assert refused(tmp_path, recorded, f"round({asked}, 0.000001)", expected) == ""


def test_an_alert_says_its_state_and_only_those_of_objectives_are_listed(tmp_path: Path) -> None:
    labels = 'environment="e",objective="a",alertname="ErrorBudgetBurn",severity="page"'
    recorded = {
        "ALERTS": {
            f'{labels},long_window="1h",short_window="5m",alertstate="firing"': 1.0,
            f'{labels},long_window="6h",short_window="30m",alertstate="pending"': 1.0,
            'environment="e",alertname="OrdersSourceDown",severity="ticket",alertstate="firing"': 1.0,
        }
    }
    expected = [
        (f'{labels},long_window="1h",short_window="5m"', 2.0),
        (f'{labels},long_window="6h",short_window="30m"', 1.0),
    ]
    assert refused(tmp_path, recorded, query("Alerts of these objectives", "State"), expected) == ""


def test_the_series_asked_for_are_those_that_are_recorded() -> None:
    assert at("a") == 'a{environment=~"$environment"}'
    assert of("a") == 'a{environment=~"$environment", objective=~"$objective"}'
