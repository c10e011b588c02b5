"""A drill's Alertmanager has the product's routes and inhibition, the drill's receivers, and no one else's."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from scripts.drilling.configuration import OTHER, PAGE, QUIET, TICKET, Own, alertmanager, prometheus_text
from slo.rules.alertmanager import Routing, read_receivers, routing_text

WEBHOOK = "http://127.0.0.1:9"
RECEIVERS = """\
global: {resolve_timeout: 1m}
receivers:
  - name: pager
    webhook_configs: [{url: http://127.0.0.1:9/pager}]
  - name: team-drill
    webhook_configs: [{url: http://127.0.0.1:9/team}]
"""


def own(folder: Path) -> Own:
    (folder / "receivers.yml").write_text(RECEIVERS)
    file = read_receivers(folder / "receivers.yml")
    return Own(receiver=file.by_name["team-drill"], file=file)


def test_routes_and_inhibition_are_the_products_but_for_the_interval_of_a_group() -> None:
    drilled = yaml.safe_load(alertmanager(["drill-001"], WEBHOOK, None))
    built = yaml.safe_load(
        routing_text(Routing(page=PAGE, ticket=TICKET, other=OTHER, page_environments=("drill-001",)))
    )
    assert drilled["inhibit_rules"] == built["inhibit_rules"]
    for route, meant in zip(
        (drilled["route"], *drilled["route"]["routes"]), (built["route"], *built["route"]["routes"]), strict=True
    ):
        assert (route["group_wait"], route["group_interval"]) == ("30s", "1s")
        assert {**route, "routes": None, "group_interval": None} == {
            **meant, "routes": None, "group_interval": None
        }  # fmt: skip


def test_every_receiver_is_the_drills_own(tmp_path: Path) -> None:
    alone = yaml.safe_load(alertmanager(["drill-001"], WEBHOOK, None))
    assert {one["name"]: [hook["url"] for hook in one["webhook_configs"]] for one in alone["receivers"]} == {
        name: [f"{WEBHOOK}/alerts/{name}"] for name in (PAGE, TICKET, OTHER)
    }
    beside = yaml.safe_load(alertmanager(["drill-001"], WEBHOOK, own(tmp_path)))
    assert [[hook["url"] for hook in one["webhook_configs"]] for one in beside["receivers"]] == [
        ["http://127.0.0.1:9/team", f"{WEBHOOK}/alerts/{name}"] for name in (PAGE, TICKET, OTHER)
    ]
    assert beside["global"] == {"resolve_timeout": "1m"}
    assert "pager" not in str(beside)


def test_amtool_accepts_it_and_routes_by_it(tmp_path: Path) -> None:
    amtool = shutil.which("amtool")
    if amtool is None:
        pytest.skip("amtool is not on PATH")
    config = tmp_path / "alertmanager.yml"
    config.write_text(alertmanager(["drill-001", "drill-002"], WEBHOOK, own(tmp_path)))
    assert subprocess.run([amtool, "check-config", config], capture_output=True, check=False).returncode == 0
    for environment, severity, expected in (
        ("drill-002", "page", PAGE),
        ("drill-001", "ticket", TICKET),
        (QUIET, "page", OTHER),
    ):
        labels = [f"environment={environment}", f"severity={severity}"]
        command = [amtool, "config", "routes", "test", f"--config.file={config}", *labels]
        assert subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == expected


def test_prometheus_takes_the_page_as_it_stands() -> None:
    config = yaml.safe_load(prometheus_text("http://127.0.0.1:123", 456, "rules/*.yml"))
    (scrape,) = config["scrape_configs"]
    assert (scrape["honor_labels"], scrape["static_configs"]) == (True, [{"targets": ["127.0.0.1:123"]}])
    assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["127.0.0.1:456"]}]}]
