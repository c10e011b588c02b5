"""What the recording rules of a scene would have recorded in its past: queried and written, rule by rule.

A rule that reads what others record is queried after theirs is there, so the work goes by levels.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.drilling.configuration import evaluated_each_s, seconds

_RANGE = re.compile(r"\[(\w+)")
# After a metric's name: its matchers, and then what makes Prometheus look into its past.
_PAST = r"\s*(\{[^}]*\})?\s*(\[|offset\b|@)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule as it stands in a rule file; `name` is what it records, or its alert."""

    name: str
    expr: str
    labels: Mapping[str, str]
    interval_s: float
    is_alert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A recording rule that an alert reads: `is_ranged` where it reads a span or an earlier value, else its last."""

    rule: Rule
    level: int
    is_ranged: bool


def rules_in(document: Mapping[str, Any]) -> list[Rule]:
    """Return the rules of a rule file in order."""
    return [
        Rule(
            name=rule.get("alert") or rule["record"],
            expr=rule["expr"],
            labels=rule.get("labels", {}),
            interval_s=evaluated_each_s(group.get("interval")),
            is_alert="alert" in rule,
        )
        for group in document["groups"]
        for rule in group["rules"]
    ]


def past_of(alerts: Sequence[Rule], rules: Sequence[Rule]) -> list[Past]:
    """Return the recording rules that the alerts read, directly or through others, each after those that it reads."""
    found: dict[int, Past] = {}
    for alert in alerts:
        for needed in _read_by(alert, rules):
            _collect(needed, rules, found, frozenset())
    ranged = _ranged([*alerts, *(past.rule for past in found.values())], rules)
    return sorted(
        (Past(rule=past.rule, level=past.level, is_ranged=past.rule.name in ranged) for past in found.values()),
        key=lambda past: past.level,
    )


def longest_range_s(exprs: Iterable[str]) -> float:
    """Return the longest range that expressions read, 0 without any."""
    return max((seconds(text) for expr in exprs for text in _RANGE.findall(expr)), default=0.0)


def _collect(rule: Rule, rules: Sequence[Rule], found: dict[int, Past], above: frozenset[int]) -> int:
    key = id(rule)
    if key not in found:
        read = [one for one in _read_by(rule, rules) if id(one) not in above | {key}]
        level = 1 + max((_collect(one, rules, found, above | {key}) for one in read), default=0)
        found[key] = Past(rule=rule, level=level, is_ranged=False)
    return found[key].level


def _read_by(rule: Rule, rules: Sequence[Rule]) -> Iterator[Rule]:
    return (one for one in rules if not one.is_alert and one is not rule and _names(rule.expr, one.name))


def _names(expr: str, metric: str, then: str = "") -> bool:
    return re.search(rf"(?<![\w:]){re.escape(metric)}(?![\w:]){then}", expr) is not None


def _ranged(readers: Sequence[Rule], rules: Sequence[Rule]) -> set[str]:
    """Return what is read from further back, and all that this is made from: its past is made from theirs."""
    ranged = {
        rule.name
        for rule in rules
        if not rule.is_alert and any(_names(reader.expr, rule.name, _PAST) for reader in readers)
    }
    while True:
        more = {
            one.name for rule in rules if rule.name in ranged and not rule.is_alert for one in _read_by(rule, rules)
        }
        if more <= ranged:
            return ranged
        ranged |= more
