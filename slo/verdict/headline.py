"""The reason of a verdict in one line."""

from typing import TYPE_CHECKING

from slo.findings import Severity
from slo.formatting import percent, seconds
from slo.outcomes import Outcome
from slo.verdict.objective_results import ObjectiveResult, observed
from slo.verdict.promises import NEEDS, SOURCES

if TYPE_CHECKING:  # a verdict holds its headline
    from slo.verdict.verdict import Verdict


def headline(verdict: "Verdict") -> str:
    """Return one line: the outcome and its first reason, with what grew when that is known, and why it was aborted."""
    told = _reason(verdict)
    return told if verdict.aborted is None or verdict.aborted in told else f"{told}; {verdict.aborted}"


def _reason(verdict: "Verdict") -> str:
    if verdict.outcome is Outcome.PASS:
        return f"PASS  {_earned(verdict)}"
    wanted = Severity.FAIL if verdict.outcome is Outcome.FAIL else Severity.INCONCLUSIVE
    reasons = [finding for finding in verdict.findings if finding.severity is wanted and finding.kind != "objective"]
    if verdict.outcome is Outcome.FAIL and verdict.missed and not (reasons and verdict.invalid_because):
        first = f"{verdict.missed[0].name}: {seen(verdict.missed[0])}"
        more = len(verdict.missed) - 1 + len(reasons)
        return f"FAIL  {first}{_and_more(more)}{_grew(verdict, verdict.missed[0].name)}"
    objectives = [one for one in verdict.findings if one.severity is wanted and one.kind == "objective"]
    first_finding = [*reasons, *objectives][0]
    reason = f"{first_finding.subject}: {first_finding.message}"
    settle = f"; {first_finding.change}" if first_finding.change else ""
    return f"{verdict.outcome.value}  {reason}{settle}{_and_more(len(reasons) + len(objectives) - 1)}"


def seen(result: ObjectiveResult) -> str:
    """Return what was seen of one objective: its share of bad requests and, of a latency, the quantile."""
    share = f"{observed(result)}, allowed {percent(result.budget)}"
    if result.threshold_s is None:
        return share
    quantile, limit = f"p{result.target * 100:g}", f"limit {seconds(result.threshold_s)}"
    if result.observed_quantile_s is not None:
        return f"{share} ({quantile} {seconds(result.observed_quantile_s)}, {limit})"
    if result.observed_quantile_at_least_s is not None:  # a run that is stopped early cuts off the slowest
        return f"{share} ({quantile} at least {seconds(result.observed_quantile_at_least_s)}, {limit})"
    return share


def _and_more(more: int) -> str:
    return f"; and {more} more" if more > 0 else ""


def _grew(verdict: "Verdict", objective: str) -> str:
    cause = next((one for one in verdict.causes if one.objective == objective), None)
    if cause is None:
        return ""
    steps = next(one.steps for one in verdict.objectives if one.name == objective)
    return f"; grew: {cause.in_words(steps)}"


def _earned(verdict: "Verdict") -> str:
    met = sum(one.outcome == "met" for one in verdict.objectives)
    summary = f"{met} objective{'' if met == 1 else 's'} met"
    given_up = [one for one in verdict.objectives if one.outcome == "not_judged"]
    if given_up:
        why = "; ".join(f"{one.name}: {one.because}" for one in given_up)
        summary += f", {len(given_up)} not judged ({why})"
    if verdict.waived:
        summary += f", {len(verdict.waived)} failure{'' if len(verdict.waived) == 1 else 's'} waived"
    return f"{summary}, {_held(verdict)}"


def _held(verdict: "Verdict") -> str:
    good = {point.name for point in verdict.checks if point.kind == "audit" and point.status == "good"}
    claims = [
        claim
        for claim, names in (
            ("lost", {"order-exists", "order-once", "order-as-promised"}),
            ("oversold", {"stock-not-negative", "stock-moved-by-what-was-sold"}),
            ("paid twice", {"paid-once"}),
        )
        if names <= good
    ]
    if not claims:
        return "orders not audited"
    held = claims[0] if len(claims) == 1 else f"{', '.join(claims[:-1])} or {claims[-1]}"
    missing = [source for source in SOURCES if not any(source in NEEDS[name] for name in NEEDS.keys() & good)]
    return f"no order {held}" + (f" ({', '.join(missing)} not audited)" if missing else "")
