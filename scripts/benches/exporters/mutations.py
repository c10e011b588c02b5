"""Changes to rules that a person could make by mistake, each of which a test must notice."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Rule = dict[str, Any]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A rule file with one change: its kind and rule, what it is, and what text lay where in the expression before."""

    kind: str
    rule: str
    change: str
    expr: str
    text: str
    position: int
    document: Document

    @property
    def line(self) -> str:
        """The line of the expression in which it lies; empty where the expression stays as it is."""
        if not self.text:
            return ""
        return self.expr[self.expr.rfind("\n", 0, self.position) + 1 :].partition("\n")[0].strip()

    def __str__(self) -> str:
        """Say which it is."""
        return f"{self.kind}: {self.rule}: {self.change}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """A change to each place of an expression that `pattern` finds."""

    kind: str
    pattern: str
    into: Callable[[re.Match[str]], str]


def _text(into: str) -> Callable[[re.Match[str]], str]:
    return lambda _: into


def _times(factor: float) -> Callable[[re.Match[str]], str]:
    return lambda found: f"{found[1]}{float(found[2]) * factor:.10g}" if float(found[2]) else found[0]


_NUMBER = r"((?:[><]=?|[*/]|,) )(\d+(?:\.\d+)?)(?![\w.])"
_SHOWN = 40
_EDITS = (
    _Edit(kind="threshold doubled", pattern=_NUMBER, into=_times(2)),
    _Edit(kind="threshold halved", pattern=_NUMBER, into=_times(0.5)),
    _Edit(kind="window doubled", pattern=r"\[(\d+)([mhd])", into=lambda m: f"[{int(m[1]) * 2}{m[2]}"),
    _Edit(kind="window a third", pattern=r"\[(\d+)([mhd])", into=lambda m: f"[{int(m[1]) * 20}{_less(m[2])}"),
    _Edit(kind="offset halved", pattern=r"offset 1d", into=_text("offset 12h")),
    _Edit(kind="comparison turned", pattern=r" > ", into=_text(" < ")),
    _Edit(kind="comparison turned", pattern=r" >= ", into=_text(" < ")),
    _Edit(kind="comparison turned", pattern=r" == ", into=_text(" != ")),
    _Edit(kind="and for or", pattern=r"\band\b(?! on)", into=_text("or")),
    _Edit(kind="and for unless", pattern=r"\band on \(\)", into=_text("unless on ()")),
    _Edit(kind="or for and", pattern=r"\n *or\n", into=_text("\nand\n")),
    _Edit(kind="or-clause dropped", pattern=r"\n *or\n *.+", into=_text("")),
    _Edit(kind="guard dropped", pattern=r"\nand\n.+ >= [\d.]+$", into=_text("")),
    _Edit(kind="no traffic is let through", pattern=r" > 0\n", into=_text("\n")),
    _Edit(kind="sum for avg", pattern=r"\bsum\(", into=_text("avg(")),
    _Edit(kind="sum for max", pattern=r"\bsum\(", into=_text("max(")),
    _Edit(kind="rate for irate", pattern=r"\brate\(", into=_text("irate(")),
    _Edit(kind="increase for rate", pattern=r"\bincrease\(", into=_text("rate(")),
    _Edit(kind="mean for sum", pattern=r"\bsum_over_time\(", into=_text("max_over_time(")),
    _Edit(kind="mean for sum", pattern=r"\bavg_over_time\(", into=_text("max_over_time(")),
    _Edit(kind="coverage unbounded", pattern=r"clamp_max\(", into=_text("clamp_min(")),
    _Edit(kind="coverage dropped", pattern=r"\n\* objective:events:coverage\S+", into=_text("")),
    _Edit(kind="sign", pattern=r"1 - ", into=_text("1 + ")),
    _Edit(kind="matcher dropped", pattern=r'(?<=[{,])\w+(?:=~|!~|!=|=)"[^"]*",?', into=_text("")),
    _Edit(kind="matcher turned", pattern=r'!~"5', into=_text('=~"5')),
    _Edit(kind="good is total", pattern=r'(?<=le=")[\d.]+', into=_text("+Inf")),
    _Edit(kind="another series", pattern=r"(?<=objective:)good_events(?=:)", into=_text("events")),
    _Edit(kind="another series", pattern=r"(?<=objective:)events(?=:rate)", into=_text("good_events")),
)


def mutants(document: Document) -> Iterator[Mutant]:
    """Yield every single change to the rules of a rule file."""
    for at, group in enumerate(document["groups"]):
        for index, rule in enumerate(group["rules"]):
            for one in _changes(rule):
                mutated = copy.deepcopy(document)
                rules = mutated["groups"][at]["rules"]
                rules[index : index + 1] = [] if one.rule is None else [one.rule]
                yield Mutant(
                    kind=one.kind,
                    rule=_name(rule),
                    change=one.change,
                    expr=rule["expr"],
                    text=one.text,
                    position=one.position,
                    document=mutated,
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """One change, the rule that it makes, and the `text` of the expression whose place it takes."""

    kind: str
    change: str = ""
    text: str = ""
    position: int = 0
    rule: Rule | None


def _changes(rule: Rule) -> Iterator[_Change]:
    yield _Change(kind="rule removed", rule=None)
    for edit in _EDITS:
        for number, found in enumerate(re.finditer(edit.pattern, rule["expr"])):
            into = edit.into(found)
            expr = rule["expr"][: found.start()] + into + rule["expr"][found.end() :]
            if into != found[0]:
                yield _Change(
                    kind=edit.kind,
                    change=f"place {number}: {_short(found[0])} → {_short(into)}",
                    text=found[0],
                    position=found.start(),
                    rule={**rule, "expr": expr},
                )
    for label, value in rule["labels"].items():
        labels = {**rule["labels"], label: _other(label, value)}
        yield _Change(kind="label changed", change=label, rule={**rule, "labels": labels})
    if "record" in rule:
        yield _Change(kind="recorded under another name", rule={**rule, "record": f"{rule['record']}_old"})
    else:
        for waits in ("30m", None):
            if waits != rule.get("for"):
                changed = {key: value for key, value in rule.items() if key != "for"}
                changed = changed if waits is None else {**changed, "for": waits}
                yield _Change(kind="for changed", change=str(waits), rule=changed)


def _other(label: str, value: str) -> str:
    turned = {"page": "ticket", "ticket": "page"} if label == "severity" else {}
    return turned.get(value, f"{value}-other")


def _less(unit: str) -> str:
    return {"m": "s", "h": "m", "d": "h"}[unit]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _name(rule: Rule) -> str:
    labels = rule["labels"]
    windows = "/".join(labels[one] for one in ("long_window", "short_window") if one in labels)
    return f"{rule.get('record') or rule['alert']} {windows}".strip()
