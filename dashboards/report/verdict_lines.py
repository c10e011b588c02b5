"""The verdict's objectives in a line each, and its findings with the place on the page that shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.formatting import count, percent, seconds
from slo.verdict.verdict_document import FindingEntry, ObjectiveEntry, VerdictDocument

MAX_OBJECTIVES = 200
_SEVERITIES = ("fail", "inconclusive", "note")
# The bar of an error budget has the whole budget in its middle.
_BAR_OF_BUDGET = 50
# Where what a finding of a run's validity is about stands on the page; all else stands with the generator.
_PLACES = {
    "load": "load",
    "plan": "plan",
    "release": "provenance",
    "blocked": "steps",
    "proxy": "steps",
    "steps": "steps",
    "cut off": "steps",
    "journeys": "steps",
    "sessions": "steps",
    "orders": "orders",
    "spans": "traces",
    "account": "generator",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveLine:
    """One objective: `anchor` is the id of its detail, `bar` the width of its budget's bar in percent."""

    anchor: str
    entry: ObjectiveEntry
    sentence: str
    allowed: float | None
    bar: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingLine:
    """One finding, and the id of the place that shows what it is about."""

    entry: FindingEntry
    target: str


def objective_lines(verdict: VerdictDocument | None) -> list[ObjectiveLine]:
    """Return the objectives: what was missed first, then what is not known, then what was met."""
    order = {"missed": 0, "no_data": 1, "undecided": 1, "met": 2}
    entries = list(enumerate((verdict and verdict.objectives) or ()))[:MAX_OBJECTIVES]
    return [
        ObjectiveLine(
            anchor=f"objective-{place + 1}",
            entry=one,
            sentence=_sentence(one),
            allowed=None if one.target is None else round(1 - one.target, 6),
            bar=None if one.budget_burn is None else round(min(max(one.budget_burn, 0) * _BAR_OF_BUDGET, 100), 1),
        )
        for place, one in sorted(entries, key=lambda item: order.get(item[1].outcome, 3))
    ]


def finding_lines(findings: Sequence[FindingEntry], objectives: Sequence[ObjectiveLine]) -> list[FindingLine]:
    """Return the findings, the gravest first, each with its place."""
    order = {name: place for place, name in enumerate(_SEVERITIES)}
    anchors = {line.entry.name: line.anchor for line in objectives}
    ranked = sorted(findings, key=lambda finding: order.get(finding.severity, len(order)))
    return [FindingLine(entry=one, target=_place(one, anchors)) for one in ranked]


def why_no_cause(verdict: VerdictDocument | None) -> list[str]:
    """Return why no cause was named, each reason once."""
    notes = [
        one
        for one in (verdict and verdict.findings) or ()
        if one.kind == "cause" and not (one.facts or {}).get("error")
    ]
    return list(dict.fromkeys(note.message for note in notes))


def _place(finding: FindingEntry, anchors: Mapping[str, str]) -> str:
    match finding.kind:
        case "objective":
            return anchors.get(finding.subject or "", "objectives")
        case "audit" | "cleanup":
            return "audit"
        case "criterion":
            return "criteria"
        case "budget":
            return "objectives"
        case "cause":
            return "causes"
        case _:
            return _PLACES.get(finding.subject or "", "generator")


def _sentence(one: ObjectiveEntry) -> str:
    """Return what was seen against what is allowed; where it was not judged or has no events, why not."""
    if one.outcome in ("not_judged", "no_data") or one.bad is None or not one.events:
        return one.because or "nothing is known of it"
    told = [f"{count(one.bad)} of {count(one.events)} {'too slow' if one.threshold_s is not None else 'failed'}"]
    if one.target is not None:
        told.append(f"{percent(one.bad / one.events)}, {percent(round(1 - one.target, 6))} allowed")
    quantile = "" if one.threshold_s is None else f"{_quantile(one)}limit {seconds(one.threshold_s)}; "
    return quantile + ": ".join(told) + ("; too few to tell" if one.outcome == "undecided" else "")


def _quantile(one: ObjectiveEntry) -> str:
    value = one.quantile_or_least_s
    if value is None or one.target is None:
        return ""
    least = "at least " if one.observed_quantile_s is None else ""
    return f"p{count(one.target * 100)} {least}{seconds(value)}, "
