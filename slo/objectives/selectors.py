"""Plain selectors of counters: a metric's name and the conditions on its labels.

Counters are read at given moments, so there is nothing to compute in such a query. `name{label="value", …}` and no
more: what a function, a range, an offset or arithmetic comes to is said in slo/objectives/promql.py.
"""

import re
from dataclasses import dataclass

import promql_parser as ast

from slo.objectives.promql_tree import parsed

COUNTER = ("_total", "_count", "_bucket", "_sum")
"""What names of counters end in: https://prometheus.io/docs/practices/naming/ and, of histograms, the text format."""
_GAUGE = re.compile(
    r"up|.*_(?:bytes|seconds|ratio|percent|celsius|info|timestamp|current|in_flight|utilization|usage|connections)"
)
_OPS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


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

    @property
    def is_named_a_counter(self) -> bool:
        """Whether its name ends as counters' names do."""
        return self.metric.endswith(COUNTER)

    @property
    def is_named_a_gauge(self) -> bool:
        """Whether its name ends in a unit or a state, without what a counter's name adds."""
        return _GAUGE.fullmatch(self.metric) is not None


def selector_of(metric: str, matchers: tuple[Matcher, ...]) -> Selector:
    """Return the selector of a metric under `matchers`, as one would write it."""
    inside = ",".join(f"{one.label}{one.op}{quoted(one.value)}" for one in matchers)
    return Selector(text=f"{metric}{{{inside}}}" if inside else metric, metric=metric, matchers=matchers)


def quoted(value: str) -> str:
    """Return a string in double quotes, escaped as PromQL and the text format read it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def parse_selector(text: str) -> Selector:
    """Parse the selector of a counter, `name{label="value", …}`; raises ValueError that says what is allowed."""
    text = text.strip()
    tree = parse_promql(text)
    found = selected(tree) if isinstance(tree, ast.VectorSelector) else None
    if found is None:
        raise ValueError("expected a metric's name and its matchers only, no function, range, offset or arithmetic")
    if not found.is_named_a_counter:
        raise ValueError(f"expected a counter, whose name ends in one of {', '.join(COUNTER)}")
    return Selector(text=text, metric=found.metric, matchers=found.matchers)


def parse_promql(text: str) -> ast.Expr:
    """Return the tree of a query; raises ValueError with what Prometheus would say against it."""
    try:
        return parsed(text)
    except ValueError as error:
        raise ValueError(f"no PromQL: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise ValueError("no PromQL that can be read: it is nested too deeply") from None


def selected(tree: ast.VectorSelector) -> Selector | None:
    """Return the selector that a tree's leaf is, None where it has no name, an offset, a moment or alternatives."""
    if tree.name is None or tree.offset is not None or tree.at is not None or tree.matchers.or_matchers:
        return None
    matchers = tree.matchers.matchers
    return selector_of(
        tree.name,
        tuple(Matcher(label=one.name, op=_OPS[str(one.op).rpartition(".")[2]], value=one.value) for one in matchers),
    )
