"""Rules as files."""

import yaml

from slo.rules.build import build
from slo.rules.scope import Scope
from slo.rules.write import Links, prometheus_rule, rule_file
from tests.slo.rules.conftest import Make

SCOPE = Scope(environment="staging")
LINKS = Links(runbooks="https://wiki.test/runbooks/", dashboards="https://grafana.test/")


def test_the_same_rules_are_the_same_text(objective: Make) -> None:
    assert rule_file(build([objective()], SCOPE).groups, SCOPE) == rule_file(build([objective()], SCOPE).groups, SCOPE)


def test_an_alert_carries_its_labels_and_what_a_person_needs(objective: Make) -> None:
    groups = build([objective()], SCOPE, dashboard="shop").groups
    rules = yaml.safe_load(rule_file(groups, SCOPE, LINKS))["groups"][0]["rules"]
    alert = next(rule for rule in rules if "alert" in rule)
    assert alert["labels"] == {
        "severity": "page",
        "environment": "staging",
        "objective": "checkout",
        "service": "shop",
        "long_window": "1h",
        "short_window": "5m",
    }
    assert list(alert["annotations"]) == ["summary", "description", "reason", "runbook_url", "dashboard_url"]
    assert alert["annotations"]["runbook_url"] == "https://wiki.test/runbooks/error-budget-burn.md"
    assert alert["annotations"]["dashboard_url"] == "https://grafana.test/d/shop"
    assert alert["annotations"]["summary"] == "Checkout answers burns its error budget 13.44 times too fast over 1h."
    assert "for" not in alert


def test_without_grafanas_address_there_is_no_link_to_it(objective: Make) -> None:
    text = rule_file(build([objective()], SCOPE, dashboard="shop").groups, SCOPE)
    assert "dashboard_url" not in text
    assert "runbook_url: docs/runbooks/error-budget-burn.md" in text


def test_a_prometheus_rule_holds_the_same_groups(objective: Make) -> None:
    groups = build([objective()], SCOPE).groups
    resource = yaml.safe_load(prometheus_rule("peakproof-checkout", groups, SCOPE))
    assert (resource["apiVersion"], resource["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert resource["metadata"]["name"] == "peakproof-checkout"
    assert resource["spec"] == yaml.safe_load(rule_file(groups, SCOPE))
