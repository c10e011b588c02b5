"""Groups of rules as files: Prometheus' own format, and the PrometheusRule that its operator reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from slo import yaml_text
from slo.rules import names
from slo.rules.model import Alert, Group, Recording
from slo.rules.promql import duration
from slo.rules.scope import Scope

EXPORTER = "exporter"
HEAD = "# Written by `peakproof rules build`: change the objectives or exporters.yaml instead.\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where an alert's pages are: the folder of runbooks, and Grafana's address, None where there is none."""

    runbooks: str = "docs/runbooks"
    dashboards: str | None = None

    def runbook(self, slug: str) -> str:
        """Return the address of a runbook."""
        return f"{self.runbooks.rstrip('/')}/{slug}.md"

    def dashboard(self, uid: str | None) -> str | None:
        """Return the address of a dashboard."""
        return None if uid is None or self.dashboards is None else f"{self.dashboards.rstrip('/')}/d/{uid}"


LINKS = Links()


def rule_file(groups: Iterable[Group], scope: Scope, links: Links = LINKS) -> str:
    """Return the text of a Prometheus rule file."""
    return HEAD + dumped({"groups": [_group(group, scope, links) for group in groups]})


def prometheus_rule(name: str, groups: Iterable[Group], scope: Scope, links: Links = LINKS) -> str:
    """Return the text of a PrometheusRule (monitoring.coreos.com/v1) called `name`."""
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "peakproof"}},
        "spec": {"groups": [_group(group, scope, links) for group in groups]},
    }
    return HEAD + dumped(document)


def alert_labels(alert: Alert, scope: Scope) -> dict[str, str]:
    """Return every label that an alerting rule adds to what its expression returns."""
    fed_by = {} if alert.exporter is None else {EXPORTER: alert.exporter}
    return {names.SEVERITY: alert.severity, **scope.labels, **fed_by, **alert.labels}


def _group(group: Group, scope: Scope, links: Links) -> dict[str, Any]:
    interval = {} if group.interval_s is None else {"interval": duration(group.interval_s)}
    rules = [_alert(rule, scope, links) if isinstance(rule, Alert) else _recording(rule, scope) for rule in group.rules]
    return {"name": group.name, **interval, "rules": rules}


def _recording(rule: Recording, scope: Scope) -> dict[str, Any]:
    return {"record": rule.record, "expr": rule.expr, "labels": {**scope.labels, **rule.labels}}


def _alert(alert: Alert, scope: Scope, links: Links) -> dict[str, Any]:
    waits = {"for": duration(alert.for_s)} if alert.for_s else {}
    dashboard = links.dashboard(alert.dashboard)
    return {
        "alert": alert.name,
        "expr": alert.expr,
        **waits,
        "labels": alert_labels(alert, scope),
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "reason": alert.reason,
            "runbook_url": links.runbook(alert.runbook),
            **({} if dashboard is None else {"dashboard_url": dashboard}),
        },
    }


class _Dumper(yaml_text.Dumper):
    """Writes text of several lines as a block, and repeats values in place of anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _text(dumper: yaml_text.Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def dumped(document: object) -> str:
    """Return a document as YAML, the same for the same document."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
