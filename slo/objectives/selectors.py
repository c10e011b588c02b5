"""A parser for the only PromQL that an objective may hold: a plain selector of a counter.

Counters are read at two timestamps, so there is nothing to compute in the query. `name{label="value", …}` and no
more: a function, a range, an offset or arithmetic is refused.
"""

import re
from dataclasses import dataclass

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_COUNTER = ("_total", "_count", "_bucket", "_sum")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """One condition on a label."""

    label: str
    op: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A counter's name and the conditions on its labels; `text` is the query as it was written."""

    text: str
    metric: str
    matchers: tuple[Matcher, ...]

    def equals(self, label: str) -> str | None:
        """Return the value that `label` must equal, None without such a matcher."""
        return next((m.value for m in self.matchers if m.label == label and m.op == "="), None)


def selector_of(metric: str, matchers: tuple[Matcher, ...]) -> Selector:
    """Return the selector of a metric under `matchers`, as one would write it."""
    inside = ",".join(f"{one.label}{one.op}{quoted(one.value)}" for one in matchers)
    return Selector(text=f"{metric}{{{inside}}}" if inside else metric, metric=metric, matchers=matchers)


def quoted(value: str) -> str:
    """Return a string in double quotes, escaped as PromQL and the text format read it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def parse_selector(text: str) -> Selector:
    """Parse `name{label="value", …}`; raises ValueError that says what is allowed."""
    text = text.strip()
    metric = _METRIC.match(text)
    if metric is None:
        raise ValueError('expected a counter\'s selector such as name_total{label="value"}')
    rest = text[metric.end() :].strip()
    if rest and not (rest.startswith("{") and rest.endswith("}")):
        raise ValueError("expected a metric's name and its matchers only, no function, range, offset or arithmetic")
    if not metric.group().endswith(_COUNTER):
        raise ValueError(f"expected a counter, whose name ends in one of {', '.join(_COUNTER)}")
    return Selector(text=text, metric=metric.group(), matchers=_matchers(rest[1:-1]))


def _matchers(inside: str) -> tuple[Matcher, ...]:
    found, at = [], 0
    while inside[at:].strip():
        match = _MATCHER.match(inside, at)
        if match is None:
            raise ValueError(f'expected label="value" (or !=, =~, !~) at {inside[at : at + 30]!r}')
        label, op, value = match.groups()
        found.append(Matcher(label=label, op=op, value=value.replace('\\"', '"').replace("\\\\", "\\")))
        at = match.end()
        if at < len(inside) and inside[at] != ",":
            raise ValueError(f"expected a comma at {inside[at : at + 30]!r}")
        at += 1
    return tuple(found)
