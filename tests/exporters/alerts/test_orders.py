"""Each alert's threshold follows from the configuration, and its cases from arithmetic."""

import math
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporters.alerts.orders import alerts
from exporters.names.catalogue import FAMILIES
from exporters.subjects.orders.config import OrdersConfig
from slo.rules.model import Alert, Group
from slo.rules.scope import Scope
from slo.rules.signals import Ago, Level, Rate
from slo.rules.write import rule_file
from tests.slo.promtool import NEEDED, PROMTOOL

SCOPE = Scope(environment="shop")
HERE = '{environment="shop"}'


def found(**changes: Any) -> dict[str, Alert]:
    config = OrdersConfig.model_validate({"environment": "shop", **changes})
    return {alert.name: alert for alert in alerts(config, SCOPE)}


DOWN = ("OrdersExporterDown", "OrdersSourceDown")


def test_without_a_promise_or_a_number_nothing_is_made_up() -> None:
    assert list(found()) == ["OrdersLate", "NoOrders", "PaymentDeclinesSpike", *DOWN]
    assert set(found(late={"most": 3}, fulfilment={"promise_s": 9})) == {
        *("OrdersLate", "OrdersOverdue", "PrintQueueStalled", "NoOrders", "PaymentDeclinesSpike", *DOWN),
    }


def test_too_many_late_orders_are_a_share_of_enough_of_them() -> None:
    alert = found(late={"share": 0.02})["OrdersLate"]
    late = f"(orders_overdue{HERE} + increase(orders_shipped_late_total{HERE}[86400s]))"
    total = f"(orders_overdue{HERE} + increase(orders_time_to_ship_seconds_count{HERE}[86400s]))"
    assert alert.expr == f"{late} / {total} > 0.02 and {total} >= 500"
    (case,) = alert.cases
    assert case.signals[0].faulty == Level(value=1000)


def test_a_number_of_overdue_orders_is_allowed() -> None:
    alert = found(late={"most": 7})["OrdersOverdue"]
    assert alert.expr == f"orders_overdue{HERE} > 7"
    assert [signal.healthy for case in alert.cases for signal in case.signals] == [Level(value=7)]


def test_the_queue_stands_still_when_an_order_can_not_be_printed_in_time_any_more() -> None:
    alert = found(fulfilment={"promise_s": 172_800, "print_s": 3600})["PrintQueueStalled"]
    assert alert.expr == f"time() - orders_print_queue_oldest_timestamp_seconds{HERE} > 169200"
    assert (alert.severity, alert.for_s) == ("page", 60)
    assert alert.cases[0].signals[0].faulty == Ago(seconds=169_260)
    late_already = found(fulfilment={"promise_s": 10, "print_s": 60})["PrintQueueStalled"]
    assert late_already.expr.endswith(" > 0")


def test_silence_is_measured_by_what_was_to_be_expected_in_it() -> None:
    alert = found()["NoOrders"]
    day = f"increase(orders_placed_total{HERE}[86400s]"
    assert alert.expr == (
        f"(time() - orders_newest_timestamp_seconds{HERE}) * orders_expected_per_second{HERE} * on () group_left () "
        f"(clamp(max({day})) / (max({day} offset 1w)) > 0), 0.1, 1) or vector(1)) > 20"
    )
    newest, expected = (signal.faulty for signal in alert.cases[0].signals)
    assert isinstance(newest, Ago)
    assert isinstance(expected, Level)
    assert newest.seconds * expected.value > 20
    assert math.exp(-20 / 2) == pytest.approx(1 / 22_000, rel=0.01)  # as its reason says


def test_declines_are_a_spike_beyond_chance_beyond_twice_the_usual_and_beyond_one_customer() -> None:
    alert = found(declines={"usual": 0.04, "window_s": 600})["PaymentDeclinesSpike"]
    by, payments = "sum by (provider) (max by (provider, status)", 'orders_payments_total{environment="shop",status=~'
    bad, total = (f'{by} (increase({payments}"{status}"}}[600s])))' for status in ("declined", "declined|captured"))
    assert alert.expr == (
        f"{bad} > 0.04 * {total} + 4 * sqrt(0.0384 * {total}) and {bad} > 0.08 * {total} and {bad} >= 10"
    )
    (case,) = alert.cases
    assert case.labels == (("provider", "main"),)
    assert [signal.faulty for signal in case.signals] == [Rate(per_s=1.0), Rate(per_s=0.0)]
    needed = max(0.04 * 600 + 4 * math.sqrt(0.0384 * 600), 0.08 * 600, 10)
    held = 600 * 0.04 + (case.fires_after_s - alert.for_s) * 0.96
    assert held == pytest.approx(needed)
    left = (600 - case.clears_after_s) * 1.0 + case.clears_after_s * 0.04
    assert left == pytest.approx(needed)


@pytest.mark.parametrize(("every_s", "for_s"), [(1, 60), (30, 60), (300, 600)])
def test_a_state_lasts_for_two_reads_before_it_is_told(every_s: float, for_s: int) -> None:
    named = found(every_s=every_s, late={"most": 1}, fulfilment={"promise_s": 1})
    assert {alert.for_s for name, alert in named.items() if name not in DOWN} == {for_s}
    assert all(case.fires_after_s >= for_s for case in named["OrdersLate"].cases)


def test_what_is_alerted_on_is_exported_by_this_subject() -> None:
    exported = {family.name for family in FAMILIES["orders"]} | {"orders_exporter_up"}
    for alert in found(late={"most": 1}, fulfilment={"promise_s": 1}).values():
        assert alert.exporter == "orders"
        for case in alert.cases:
            assert {signal.metric.removesuffix("_count") for signal in case.signals} <= exported
            assert {signal.metric for signal in case.signals if signal.metric in alert.expr}


@NEEDED
@pytest.mark.parametrize(("silent_s", "fires"), [(400, False), (1200, True)])
def test_after_a_week_of_five_times_the_orders_a_usual_gap_is_no_silence(
    silent_s: int, tmp_path: Path, *, fires: bool
) -> None:
    (tmp_path / "rules.yml").write_text(
        rule_file([Group(name="g", rules=(found()["NoOrders"],), interval_s=600)], SCOPE)
    )
    week = {
        f"orders_placed_total{HERE}": "0+100x1008 100820+20x288",  # in ten minutes: a hundred, then twenty
        f"orders_expected_per_second{HERE}": f"{100 / 600}x1296",
        f"orders_newest_timestamp_seconds{HERE}": f"-{silent_s}+600x1296",
    }
    firing = [{"labels": "{}", "value": 1}] if fires else []
    test = {
        "interval": "10m",
        "input_series": [{"series": series, "values": values} for series, values in week.items()],
        "promql_expr_test": [
            {"expr": 'count(ALERTS{alertstate="firing"})', "eval_time": "210h", "exp_samples": firing}
        ],
    }
    document = {"rule_files": ["rules.yml"], "evaluation_interval": "10m", "tests": [test]}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(document))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
