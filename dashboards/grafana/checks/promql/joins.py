"""Two vectors in one operation: whether their series meet, each one other, and what the results carry."""

from dataclasses import dataclass

import promql_parser as ast

from dashboards.grafana.checks.promql.series import Notes, Series
from dashboards.grafana.known_metrics import TARGET_LABELS

_INCLUDE = ast.LabelModifierType.Include
Cardinality = ast.VectorMatchCardinality


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """How the series of two vectors find each other: `on` these labels, or on all but those `ignored`."""

    op: str
    on: frozenset[str] | None
    ignored: frozenset[str]
    many: str  # "", "left" or "right"
    carried: frozenset[str]

    @classmethod
    def of(cls, node: ast.BinaryExpr) -> "Matching":
        """Return what stands between the two sides of `node`."""
        modifier = node.modifier
        labels = frozenset(modifier.matching.labels) if modifier and modifier.matching else frozenset()
        is_on = bool(modifier and modifier.matching and modifier.matching.type == _INCLUDE)
        card = modifier.card if modifier else Cardinality.OneToOne
        return cls(
            op=str(node.op),
            on=labels if is_on else None,
            ignored=frozenset() if is_on else labels,
            many="left" if card == Cardinality.ManyToOne else "right" if card == Cardinality.OneToMany else "",
            carried=frozenset((modifier.group_labels if modifier else None) or ()),
        )

    def of_side(self, labels: frozenset[str]) -> frozenset[str]:
        """Return the labels of a side that its series are matched by."""
        return labels & self.on if self.on is not None else labels - self.ignored


def check_meeting(left: Series, right: Series, matching: Matching, notes: Notes) -> None:
    """Note where the series of two vectors never match: both sides must be matched by the same labels."""
    if left.labels is None or right.labels is None:
        return
    for label in sorted(matching.on or ()):
        for side, words in ((left, "left"), (right, "right")):
            if not side.has(label):
                notes.add("join", f"on ({label}): the {words} side of {matching.op} has no such label")
    if matching.on is None:
        _check_same(left, right, matching, notes)


def _check_same(left: Series, right: Series, matching: Matching, notes: Notes) -> None:
    one, other = matching.of_side(left.labels or frozenset()), matching.of_side(right.labels or frozenset())
    if matching.many:
        one, other = one - matching.carried, other - matching.carried
    if one != other:
        notes.add(
            "join",
            f"the two sides of {matching.op} have other labels and so never match: {_listed(one)} on the left, "
            f"{_listed(other)} on the right",
        )
    elif one >= TARGET_LABELS and not _subjects(left) & _subjects(right) and _subjects(left) and _subjects(right):
        notes.add("join", f"the two sides of {matching.op} come from other jobs and so never match: aggregate both")


def _subjects(series: Series) -> set[str]:
    return {metric.subject for metric in series.metrics}


def check_one_to_one(left: Series, right: Series, matching: Matching, notes: Notes) -> None:
    """Note where several series of a side can match one of the other: Prometheus refuses that when it happens."""
    sides = (("left", left), ("right", right))
    for words, side in sides:
        if side.labels is None or matching.many == words:
            continue
        carried = matching.carried if matching.many else frozenset()
        extra = side.labels - matching.of_side(side.labels) - carried
        if extra:
            notes.add(
                "join",
                f"several series of the {words} side of {matching.op} can match one: they also differ by "
                f"{_listed(extra)}; aggregate, or carry the label with group_left",
            )
    one = {"left": right, "right": left}.get(matching.many)
    for label in sorted(matching.carried):
        if one is not None and not one.has(label):
            notes.add("join", f"group_{matching.many} ({label}): the other side has no such label")


def result_labels(left: Series, right: Series, matching: Matching) -> frozenset[str] | None:
    """Return the labels of what an arithmetic operation or a comparison returns."""
    many = right if matching.many == "right" else left
    if many.labels is None:
        return None
    if matching.many:
        return many.labels | matching.carried
    return matching.of_side(many.labels)


def _listed(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels)) or "none"
