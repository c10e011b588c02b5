"""Alertmanager's configuration: routes, grouping and inhibition from what rules carry, receivers from the user.

Alerts are told apart by the labels that every rule of ours has: `severity` and `environment`, and `objective` or
`exporter`. Only a page of an environment that is named pages; everything else, an alert without an environment
included, goes elsewhere, so that staging wakes nobody. Alertmanager's own words: prometheus.io/docs/alerting.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import ConfigDict, Field, field_validator

from slo.burn_rates import WINDOWS, Severity
from slo.documents import BadInput, Document, parse_yaml, read_text, validate
from slo.rules.scope import ENVIRONMENT

SOURCE_DOWN_SUFFIX, EXPORTER_DOWN_SUFFIX = "SourceDown", "ExporterDown"
SOURCE_DOWN, EXPORTER_DOWN = f".+{SOURCE_DOWN_SUFFIX}", f".+{EXPORTER_DOWN_SUFFIX}"
# Two alerts of one worry, the ticket before it is bad and the page when it is, have the same value of this label.
WORRY = "worry"
OF_WHAT = ("system", "host", "target", "location", "sku", "provider")
EVALUATION_S = 30
GROUP_BY = ("alertname", ENVIRONMENT, "objective", "exporter")
_ENVIRONMENT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_WIDTH = 118


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How long Alertmanager waits: for a group's first notification, for its next, and until it repeats itself."""

    group_wait_s: int
    group_interval_s: int
    repeat_s: int
    reason: str


def waiting(severity: Severity, evaluation_s: int) -> Waiting:
    """Return what a notification of `severity` waits for, where rules are evaluated each `evaluation_s`."""
    windows = [window for window in WINDOWS if window.severity == severity]
    short_s, long_s = min(window.short_s for window in windows), min(window.long_s for window in windows)
    share = min(window.share for window in windows)
    return Waiting(
        group_wait_s=evaluation_s,
        group_interval_s=short_s,
        repeat_s=long_s,
        reason=f"One evaluation, {_span(evaluation_s)}: by then every alert of an incident has come, so that what"
        f" inhibits is there before what it inhibits. Again after {_span(short_s)}, the shortest window of a"
        f" {severity}, when alerts have come or gone, and after {_span(long_s)} when none has: a burn that is"
        f" still {'paged' if severity == 'page' else 'a ticket'} then has spent another {share:.0%} of its budget.",
    )


class _Receiver(Document):
    model_config = ConfigDict(extra="allow")
    name: Annotated[str, Field(min_length=1)]


class _ReceiversFile(Document):
    """What of Alertmanager's configuration is the user's; Alertmanager itself checks the inside of it."""

    receivers: Annotated[list[_Receiver], Field(min_length=1)]
    global_: Annotated[dict[str, Any] | None, Field(alias="global")] = None
    templates: list[str] | None = None
    time_intervals: list[dict[str, Any]] | None = None

    @field_validator("receivers")
    @classmethod
    def _named_once(cls, receivers: list[_Receiver]) -> list[_Receiver]:
        names = [receiver.name for receiver in receivers]
        if len(set(names)) < len(names):
            raise ValueError("expected each name once")
        return receivers


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """The user's receivers: `text` is their file as it stands, `by_name` each receiver as Alertmanager has it."""

    text: str
    by_name: Mapping[str, Mapping[str, Any]]
    rest: Mapping[str, Any]

    def named(self, name: str, flag: str) -> str:
        """Return `name` when there is such a receiver; raises BadInput, which names the flag."""
        if name not in self.by_name:
            raise BadInput(f"{flag} {name}: no receiver of that name; there are: {', '.join(self.by_name)}")
        return name


def read_receivers(path: Path) -> Receivers:
    """Read a file with the keys `receivers` and, if wanted, `global`, `templates` and `time_intervals`."""
    text = read_text(path)
    data = parse_yaml(text, path)
    if isinstance(data, dict) and (own := sorted({"route", "inhibit_rules"} & data.keys())):
        raise BadInput(f"{path}: {own[0]}: is generated; expected receivers, global, templates and time_intervals only")
    validate(data, _ReceiversFile, path)
    by_name = {receiver["name"]: receiver for receiver in data["receivers"]}
    rest = {key: value for key, value in data.items() if key != "receivers"}
    return Receivers(text=text, by_name=by_name, rest=rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """Which receiver takes the pages and the tickets of the environments that page, and which everything else."""

    page: str
    ticket: str
    other: str
    page_environments: tuple[str, ...]
    evaluation_s: int = EVALUATION_S

    def __post_init__(self) -> None:
        """Refuse an environment that can't be a name in targets.yaml."""
        for name in self.page_environments:
            if not _ENVIRONMENT.fullmatch(name):
                raise BadInput(f"--page-environment {name}: expected letters, digits, and . _ - between them")


def routing_text(routing: Routing) -> str:
    """Return `route` and `inhibit_rules` as YAML, with a comment that gives each one's reason."""
    page, ticket = (waiting(severity, routing.evaluation_s) for severity in ("page", "ticket"))
    lines = [
        "# Everything that no route below takes: environments that don't page, alerts without an environment.",
        "route:",
        f"  receiver: {_quoted(routing.other)}",
        f"  group_by: [{', '.join(GROUP_BY)}]",
        *_waiting_lines(page, "  "),
        *(["  routes:"] if routing.page_environments else []),
    ]
    if routing.page_environments:
        environments = "|".join(name.replace(".", "[.]") for name in routing.page_environments)
        matcher = f'{ENVIRONMENT}=~"{environments}"'
        for severity, receiver, waits in (("page", routing.page, page), ("ticket", routing.ticket, ticket)):
            lines += [
                f"    - receiver: {_quoted(receiver)}",
                f"      matchers: ['severity=\"{severity}\"', '{matcher}']",
                *_waiting_lines(waits, "      "),
            ]
    return "\n".join([*lines, "", *_inhibition_lines()]) + "\n"


def document(routing: Routing, receivers: Receivers) -> str:
    """Return the whole configuration: what is generated, then the receivers as they were given."""
    for flag, name in (("--page", routing.page), ("--ticket", routing.ticket), ("--other", routing.other)):
        receivers.named(name, flag)
    head = "# Generated by `peakproof rules alertmanager`; what follows the line of dashes is the file of receivers.\n"
    return f"{head}\n{routing_text(routing)}\n# {'-' * 80}\n\n{receivers.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """While an alert that `source` matches fires, those that `target` matches and that share `equal` are held back."""

    source: tuple[str, ...]
    target: tuple[str, ...]
    equal: tuple[str, ...]
    reason: str


# A label that both lack counts as equal, hence the matchers that ask for one.
INHIBITIONS = (
    Inhibition(
        source=('severity="page"', 'objective=~".+"'),
        target=('severity="ticket"', 'objective=~".+"'),
        equal=(ENVIRONMENT, "objective"),
        reason="A page of an objective silences its tickets: they tell of the same budget, more slowly.",
    ),
    Inhibition(
        source=('severity="page"', f'{WORRY}=~".+"'),
        target=('severity="ticket"', f'{WORRY}=~".+"'),
        equal=(ENVIRONMENT, "exporter", WORRY, *OF_WHAT),
        reason="A page of a worry silences the ticket that came before it, of the same thing.",
    ),
    Inhibition(
        source=(f'alertname=~"{SOURCE_DOWN}"', 'exporter=~".+"', 'source=~".+"'),
        target=(f'alertname!~"{SOURCE_DOWN}|{EXPORTER_DOWN}"', 'exporter=~".+"', 'source=~".+"'),
        equal=(ENVIRONMENT, "exporter", "source"),
        reason="A source that can't be read silences the alerts that name it: nothing is known of what it feeds.",
    ),
    Inhibition(
        source=(f'alertname=~"{SOURCE_DOWN}"', 'exporter=~".+"'),
        target=(f'alertname!~"{SOURCE_DOWN}|{EXPORTER_DOWN}"', 'exporter=~".+"', 'source=""'),
        equal=(ENVIRONMENT, "exporter"),
        reason="And those of its exporter that name no source: their figures were made from it too.",
    ),
    Inhibition(
        source=(f'alertname=~"{EXPORTER_DOWN}"', 'exporter=~".+"'),
        target=(f'alertname!~"{EXPORTER_DOWN}"', 'exporter=~".+"'),
        equal=(ENVIRONMENT, "exporter"),
        reason="An exporter that is down silences everything that it feeds.",
    ),
)


def _inhibition_lines() -> list[str]:
    lines = ["inhibit_rules:"]
    for rule in INHIBITIONS:
        lines += [
            *_comment(rule.reason, "  "),
            f"  - source_matchers: [{', '.join(map(_single, rule.source))}]",
            f"    target_matchers: [{', '.join(map(_single, rule.target))}]",
            f"    equal: [{', '.join(rule.equal)}]",
        ]
    return lines


def _waiting_lines(waits: Waiting, indent: str) -> list[str]:
    return [
        *_comment(waits.reason, indent),
        f"{indent}group_wait: {waits.group_wait_s}s",
        f"{indent}group_interval: {waits.group_interval_s}s",
        f"{indent}repeat_interval: {waits.repeat_s}s",
    ]


def _comment(text: str, indent: str) -> Iterable[str]:
    line = f"{indent}#"
    for word in text.split():
        if len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = f"{indent}#"
        line += f" {word}"
    yield line


def _span(duration_s: int) -> str:
    for unit_s, unit in ((3600, "h"), (60, "min")):
        if duration_s % unit_s == 0:
            return f"{duration_s // unit_s} {unit}"
    return f"{duration_s} s"


def _single(matcher: str) -> str:
    return f"'{matcher}'"


def _quoted(name: str) -> str:
    """Return a name as a YAML scalar: JSON's strings are YAML's."""
    return name if re.fullmatch(r"[a-z][a-z0-9-]*", name) else json.dumps(name)


def matches(matcher: str, labels: Mapping[str, str]) -> bool:
    """Whether labels match one of our own matchers, such as `severity="page"`; a label that is missing is empty."""
    parts = re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', matcher)
    if parts is None:
        raise ValueError(f"not a matcher: {matcher}")
    name, op, text = parts.groups()
    found = labels.get(name, "")
    same = re.fullmatch(text, found) is not None if "~" in op else found == text
    return same == op.startswith("=")
