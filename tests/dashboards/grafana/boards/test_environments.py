"""What a board says of several environments, pools or alerts at once: none hides what is wrong in another."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from dashboards.grafana.boards import marks
from dashboards.grafana.build import build
from dashboards.grafana.queries import expressions, fill, unchosen
from tests.promtool import NEEDED, PROMTOOL

pytestmark = NEEDED
_MINUTES = 10
_AT_S = 60 * _MINUTES
Labels = Mapping[str, float]


def query(board: str, panel: str, legend: str) -> str:
    """Return what a panel asks, nothing chosen, of samples that are a minute apart."""
    made = build()[board]
    asked = [
        target["expr"]
        for one, target in expressions(made)
        if one["title"] == panel and target["legendFormat"] == legend
    ]
    (only,) = asked
    return fill(only, {**unchosen(made), "__rate_interval": "4m"})


def refused(
    folder: Path, recorded: Mapping[str, str], expr: str, expected: Labels, *, at_minute: int = _MINUTES
) -> str:
    """Return what promtool says against `expr` being `expected` at a minute; empty where it is."""
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in recorded.items()],
        "promql_expr_test": [
            {
                "expr": expr,
                "eval_time": f"{at_minute}m",
                "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()],
            }
        ],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", str(path)], capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout + done.stderr if done.returncode else ""


def grows(per_s: float) -> str:
    """Return a counter that grows so, as promtool writes it."""
    return f"0+{60 * per_s:g}x{_MINUTES}"


def stays(value: float) -> str:
    """Return a gauge that stays, as promtool writes it."""
    return f"{value:g}x{_MINUTES}"


@pytest.mark.parametrize(
    ("board", "panel", "legend", "value"),
    [
        ("incident", "Payments without an order, by provider", "captured without an order", 120),
        ("business", "Captured without an order", "of the payments captured", 0.2),
    ],
)
def test_orders_whose_payments_are_not_known_hide_no_charge_of_another_environment(
    board: str, panel: str, legend: str, value: float, tmp_path: Path
) -> None:
    recorded = {
        'orders_payments_total{environment="twice",provider="p",status="captured"}': grows(10),
        'orders_ended_total{environment="twice",status="accepted"}': grows(8),
        'orders_ended_total{environment="no-payments",status="accepted"}': grows(50),
    }
    assert not refused(tmp_path, recorded, query(board, panel, legend), {"{}": value})


def test_orders_that_nobody_expects_make_up_for_none_that_are_missing_elsewhere(tmp_path: Path) -> None:
    recorded = {
        'orders_ended_total{environment="fallen",status="accepted"}': grows(4),
        'orders_expected_per_second{environment="fallen"}': stays(10),
        'orders_ended_total{environment="new",status="accepted"}': grows(6),
    }
    assert not refused(tmp_path, recorded, query("incident", "Expected orders", "of expected"), {"{}": 0.4})


@pytest.mark.parametrize(("legend", "of_live", "of_staging"), [("age", 500, 60), ("gate", 0, 1)])
def test_a_release_has_the_age_and_the_gate_of_its_own_environment(
    legend: str, of_live: float, of_staging: float, tmp_path: Path
) -> None:
    live, staging = (f'environment="{name}",deployed_to="shop"' for name in ("live", "staging"))
    recorded = {
        f'release_info{{{live},version="1",commit="a"}}': stays(1),
        f'release_info{{{staging},version="2",commit="b"}}': stays(1),
        f"releases_last_deployment_timestamp_seconds{{{live}}}": stays(_AT_S - 500),
        f"releases_last_deployment_timestamp_seconds{{{staging}}}": stays(_AT_S - 60),
        f"release_gate_passed{{{live}}}": stays(0),
        f"release_gate_passed{{{staging}}}": stays(1),
    }
    expected = {
        f'{{{live},version="1",commit="a"}}': of_live,
        f'{{{staging},version="2",commit="b"}}': of_staging,
    }
    assert not refused(tmp_path, recorded, query("incident", "What is deployed", legend), expected)


def test_fresh_data_of_one_environment_hides_no_old_data_of_another(tmp_path: Path) -> None:
    recorded = {
        f'orders_records_read_timestamp_seconds{{environment="{name}"}}': stays(_AT_S - age_s)
        for name, age_s in (("fresh", 5), ("old", 300))
    }
    by_environment = {
        f'{{data="orders read",environment="{name}"}}': age_s for name, age_s in (("fresh", 5), ("old", 300))
    }
    assert not refused(
        tmp_path, recorded, query("exporters", "Age of the data, the oldest first", "Age"), by_environment
    )
    assert not refused(tmp_path, recorded, query("business", "Age of the records", "records read"), {"{}": 300})


def test_no_request_has_no_response_time(tmp_path: Path) -> None:
    recorded = {f'loadtest_response_seconds_bucket{{environment="e",le="{le}"}}': stays(7) for le in ("0.5", "+Inf")}
    assert not refused(tmp_path, recorded, query("peak-run", "Response time p95", "p95"), {})


def test_pages_stand_above_other_alerts_on_incident(tmp_path: Path) -> None:
    found = [
        ('environment="e",alertname="A",severity="ticket"', "firing", 2),
        ('environment="e",alertname="B",severity="page"', "firing", 3),
        ('environment="e",alertname="C",severity="page"', "pending", 1),
    ]
    recorded = {f'ALERTS{{{labels},alertstate="{state}"}}': stays(1) for labels, state, _ in found}
    expected = {f"{{{labels}}}": value for labels, _, value in found}
    asked = query("incident", "Alerts: what is broken, since when", "state")
    assert not refused(tmp_path, recorded, asked, {labels: float(value) for labels, value in expected.items()})


@pytest.mark.parametrize(
    ("figures", "marks_at"),
    [("_x8 _ 540 600", {"{}": _AT_S - 60}), ("0+60x7 stale 540 600", {}), ("0+60x10", {})],
    ids=["a test that began", "one failed scrape", "a test under way"],
)
def test_a_load_test_is_marked_where_it_began_and_not_after_a_failed_scrape(
    figures: str, marks_at: Labels, tmp_path: Path
) -> None:
    recorded = {'loadtest_snapshot_timestamp_seconds{environment="e"}': figures}
    asked = f"last_over_time(({fill(marks.LOAD_TESTS.expr, unchosen(build()['incident']))})[110s:1m])"
    assert not refused(tmp_path, recorded, asked, marks_at)


def test_orders_without_a_week_before_make_up_for_none_that_are_missing_elsewhere(tmp_path: Path) -> None:
    then, now = f"0+600x{_MINUTES}", f"0+300x{_MINUTES}"
    week = " ".join(["_"] * (7 * 24 * 60 - _MINUTES - 1))
    recorded = {
        'orders_placed_total{environment="fallen"}': f"{then} {week} {now}",
        'orders_placed_total{environment="new"}': f"_x{7 * 24 * 60} {now}",
    }
    asked = query("business", "Against last week", "of last week's").replace("[900s]", "[9m]")
    assert not refused(tmp_path, recorded, asked, {"{}": 0.5}, at_minute=7 * 24 * 60 + _MINUTES)


def test_an_idle_pool_hides_no_full_one(tmp_path: Path) -> None:
    process = 'environment="e",job="shop",instance="a"'
    recorded = {
        f"{metric}{{{process},db_client_connection_pool_name={pool}}}": stays(value)
        for metric, pool, value in (
            ("db_client_connection_count", '"writes",db_client_connection_state="used"', 5),
            ("db_client_connection_count", '"reads",db_client_connection_state="used"', 0),
            ("db_client_connection_max", '"writes"', 5),
            ("db_client_connection_max", '"reads"', 20),
        )
    }
    legend = "{{job}} {{instance}} {{db_client_connection_pool_name}}"
    pools = {
        f'{{job="shop",instance="a",db_client_connection_pool_name="{pool}"}}': used
        for pool, used in (("writes", 1), ("reads", 0))
    }
    assert not refused(tmp_path, recorded, query("shop-health", "Database connections used", legend), pools)
