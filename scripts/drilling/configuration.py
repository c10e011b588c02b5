"""The files of a drill: every scene's rules, Prometheus' configuration, and Alertmanager's with our webhook in it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from scripts.drilling.page import METRICS, WEBHOOK
from scripts.drilling.scenes import Scene
from scripts.local_stack.ports import HOST
from slo.rules.alertmanager import Receivers, Routing, routing_text
from slo.rules.model import Group, Recording
from slo.rules.scope import Scope
from slo.rules.write import rule_file

Build = Callable[[Scope], tuple[Group, ...]]
PAGE, TICKET, OTHER = "drill-page", "drill-ticket", "drill-other"
# One scene is played where no page pages.
QUIET = "drill-not-production"
_WAIT = "1s"
EVALUATION_S = 30
SCRAPE_S = 5
# Longer than the far history's steps, and short enough that a series that ended in the history is soon gone.
LOOKBACK_S = 75


def needed(groups: Sequence[Group], alert: str) -> tuple[Group, ...]:
    """Return the group that holds the alert, and those that record what the rules of these read."""
    wanted = {group.name for group in groups if any(one.name == alert for one in group.alerts)}
    while True:
        text = "\n".join(rule.expr for group in groups if group.name in wanted for rule in group.rules)
        more = {
            group.name
            for group in groups
            if any(isinstance(rule, Recording) and rule.record in text for rule in group.rules)
        }
        if more <= wanted:
            return tuple(group for group in groups if group.name in wanted)
        wanted |= more


def rules_of(alert: str, environment: str, build: Build) -> dict[str, Any]:
    """Return the rules that a scene needs in its environment, as the product writes them."""
    document: dict[str, Any] = yaml.safe_load(rule_file(needed(build(Scope(environment=environment)), alert)))
    return document


def prometheus(page_url: str, alertmanager_port: int | None, rules: str) -> str:
    """Return Prometheus' configuration: the drill's page as it stands, the rules, Alertmanager."""
    document: dict[str, Any] = {
        "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{EVALUATION_S}s"},
        "rule_files": [rules],
        "scrape_configs": [
            {
                "job_name": "drill",
                "honor_labels": True,
                "metrics_path": METRICS,
                "scrape_timeout": f"{SCRAPE_S}s",
                "static_configs": [{"targets": [page_url.removeprefix("http://")]}],
            }
        ],
    }
    if alertmanager_port is not None:
        targets = [{"static_configs": [{"targets": [f"{HOST}:{alertmanager_port}"]}]}]
        document["alerting"] = {"alertmanagers": targets}
    return yaml.safe_dump(document, sort_keys=False)


def alertmanager(environments: Sequence[str], webhook: str, own: Mapping[str, Any] | None, rest: Receivers | None) -> str:
    """Return Alertmanager's configuration: generated routes and inhibition, without their waiting, and our receivers.

    Every environment of `environments` pages. `own` is the user's receiver that is notified too, with the keys of their
    file that it may need.
    """
    routing = Routing(page=PAGE, ticket=TICKET, other=OTHER, page_environments=tuple(environments))
    document = yaml.safe_load(routing_text(routing))
    for route in (document["route"], *document["route"]["routes"]):
        route.update(group_wait=_WAIT, group_interval=_WAIT)
    if rest is not None:
        document.update(rest.rest)
    document["receivers"] = [_receiver(name, webhook, own) for name in (PAGE, TICKET, OTHER)]
    return yaml.safe_dump(document, sort_keys=False)


def _receiver(name: str, webhook: str, own: Mapping[str, Any] | None) -> dict[str, Any]:
    receiver = {key: value for key, value in (own or {}).items() if key != "name"}
    ours = {"url": f"{webhook}{WEBHOOK}{name}", "send_resolved": True}
    return {"name": name, **receiver, "webhook_configs": [*receiver.get("webhook_configs", []), ours]}
