"""The files of a drill: every scene's rules, Prometheus' configuration, and Alertmanager's with our webhook in it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from scripts.drilling.page import METRICS, WEBHOOK
from scripts.drilling.scenes import Scene
from scripts.local_stack.ports import HOST
from slo.rules.alertmanager import Receivers, Routing, routing_text
from slo.rules.model import Alert, Group, Recording
from slo.rules.names import OBJECTIVE
from slo.rules.scope import Scope
from slo.rules.write import alert_labels, rule_file

Build = Callable[[Scope], tuple[Group, ...]]
PAGE, TICKET, OTHER = "drill-page", "drill-ticket", "drill-other"
# One scene is played where no page pages.
QUIET = "drill-not-production"
_WAIT = "1s"
EVALUATION_S = 30
SCRAPE_S = 5
# Longer than the far history's steps, and short enough that a series that ended in the history is soon gone.
LOOKBACK_S = 75

_SPAN = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """A receiver of the user's that is notified beside the drill's webhook, and the file that it stands in."""

    receiver: Mapping[str, Any]
    file: Receivers


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneRules:
    """The rules of a scene's environment as the product writes them, and the alert that is tried."""

    alert: Alert
    labels: Mapping[str, str]
    document: Mapping[str, Any]


def rules_of(scene: Scene, build: Build) -> SceneRules:
    """Return the rules that a scene needs: its alert's group, and those that record what it reads.

    A scene of inhibition has every group of its objective or exporter.
    """
    scope = Scope(environment=scene.environment)
    groups = build(scope)
    group, place = scene.position
    alert = groups[group].rules[place]
    if not isinstance(alert, Alert):
        raise TypeError(f"{groups[group].name}: rule {place} is no alert")
    first = {group} if scene.kind != "inhibition" else _about_the_same(groups, alert)
    document = yaml.safe_load(rule_file(_with_what_they_read(groups, first), scope))
    for one in document["groups"]:
        one["interval"] = f"{evaluated_each_s(one.get('interval'))}s"
    return SceneRules(alert=alert, labels={"alertname": alert.name, **alert_labels(alert, scope)}, document=document)


def evaluated_each_s(interval: str | None) -> int:
    """Return how often a drill evaluates a group: as often as it says, and a slow one each `EVALUATION_S`.

    Minutes between evaluations save Prometheus work and change no figure, and a drill would wait for them.
    """
    return EVALUATION_S if interval is None else min(EVALUATION_S, round(seconds(interval)))


def seconds(duration: str) -> float:
    """Return the seconds of a duration as Prometheus writes it, such as 1m30s."""
    return sum(int(number) * _UNITS_S[unit] for number, unit in _SPAN.findall(duration))


def _about_the_same(groups: Sequence[Group], alert: Alert) -> set[int]:
    """Return the groups with alerts of the same objective or exporter: those that may hold each other back."""
    return {
        place
        for place, group in enumerate(groups)
        if any(
            (one.exporter, one.labels.get(OBJECTIVE)) == (alert.exporter, alert.labels.get(OBJECTIVE))
            for one in group.alerts
        )
    }


def _with_what_they_read(groups: Sequence[Group], first: set[int]) -> list[Group]:
    wanted = set(first)
    while True:
        text = "\n".join(rule.expr for place in wanted for rule in groups[place].rules)
        more = {
            place
            for place, group in enumerate(groups)
            if any(isinstance(rule, Recording) and rule.record in text for rule in group.rules)
        }
        if more <= wanted:
            return [group for place, group in enumerate(groups) if place in wanted]
        wanted |= more


def prometheus_text(page_url: str, alertmanager_port: int | None, rules: str) -> str:
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


def alertmanager(environments: Sequence[str], webhook: str, own: Own | None, evaluation_s: int = EVALUATION_S) -> str:
    """Return Alertmanager's configuration: generated routes and inhibition, and our receivers.

    What changes in a group is told at once; the first wait stays, so that what inhibits is there before.

    Every environment of `environments` pages. With `own`, the other keys of the user's file are there too.
    """
    routing = Routing(
        page=PAGE, ticket=TICKET, other=OTHER, page_environments=tuple(environments), evaluation_s=evaluation_s
    )
    document = yaml.safe_load(routing_text(routing))
    for route in (document["route"], *document["route"]["routes"]):
        route.update(group_interval=_WAIT)
    if own is not None:
        document.update(own.file.rest)
    document["receivers"] = [
        _receiver(name, webhook, {} if own is None else own.receiver) for name in (PAGE, TICKET, OTHER)
    ]
    return yaml.safe_dump(document, sort_keys=False)


def _receiver(name: str, webhook: str, own: Mapping[str, Any]) -> dict[str, Any]:
    receiver = {key: value for key, value in own.items() if key != "name"}
    ours = {"url": f"{webhook}{WEBHOOK}{name}", "send_resolved": True}
    return {"name": name, **receiver, "webhook_configs": [*receiver.get("webhook_configs", []), ours]}
