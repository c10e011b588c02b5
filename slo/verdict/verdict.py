"""The verdict: whether the release was shown good, shown bad, or neither, from facts alone.

A PASS is earned: at least one objective shown met, none undecided or without data, every declared promise shown to
hold, the run valid, and where sessions or orders failed, one that came through. Nothing that is missing counts for it.
A FAIL is a fact: an objective shown missed in a valid run (also one the plan had given up on), or a broken promise in
any run, for an oversold order is oversold whatever the load was. Everything else is INCONCLUSIVE and names what would
settle it.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from slo.causes.causes import Cause
from slo.findings import Finding, Severity
from slo.formatting import count, percent, seconds
from slo.objectives.indicators import Evidence, Window
from slo.objectives.objective import Objective
from slo.outcomes import Outcome
from slo.statistics import ALPHA
from slo.validity.checks import check_validity
from slo.validity.context import Limits
from slo.validity.delivery import Delivered
from slo.validity.run_document import RunDocument
from slo.verdict.audit_document import AuditDocument
from slo.verdict.done import check_done
from slo.verdict.objective_results import ObjectiveResult, judge_objectives, observed
from slo.verdict.promises import NEEDS, NOTHING, SOURCES, check_promises, vacuous

Status = Literal["good", "bad", "unknown", "left out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a judgement rests on.

    `run` is run.json, `audit` audit.json (None when there is none); `evidence` maps an
    objective's name to what was read; `declared` is what targets.yaml declares for the environment (of `orders`,
    `payments`, `stock`, `release`, `traces`); `not_judged` maps the objectives that the plan gives up on to why;
    `left_out` counts the requests outside of the judged window by phase.
    """

    run: RunDocument
    records: Delivered
    objectives: tuple[Objective, ...]
    evidence: Mapping[str, Evidence]
    audit: AuditDocument | None
    declared: frozenset[str]
    not_judged: Mapping[str, str]
    design_effect_prior: float
    decided_at: int
    alpha: float = ALPHA
    limits: Limits = field(default_factory=Limits)
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One audit or validity check's status, kept or not, for renderings that list them all."""

    kind: Literal["audit", "validity"]
    name: str
    status: Status
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement of one run, `verdict.json` as a value."""

    run: str
    outcome: Outcome
    headline: str
    decided_at: int
    judged: Window | None
    left_out: Mapping[str, int]
    objectives: tuple[ObjectiveResult, ...]
    findings: tuple[Finding, ...]
    checks: tuple[Checkpoint, ...]
    causes: tuple[Cause, ...] = ()

    @property
    def missed(self) -> tuple[ObjectiveResult, ...]:
        """Return the objectives shown missed, the largest miss first and records before counters."""
        missed = (one for one in self.objectives if one.outcome == "missed")
        return tuple(sorted(missed, key=lambda one: (one.source != "records", -(one.budget_burn or 0.0), one.name)))


def judge(case: Case) -> Verdict:
    """Judge one run. Pure: the same case gives the same verdict."""
    run = case.run
    window = run.judged_window
    validity = check_validity(run, case.records, case.declared, case.limits)
    promises = check_promises(case.audit, case.declared, run.orders.accepted if run.orders else None)
    objectives = judge_objectives(
        case.objectives,
        case.evidence,
        case.not_judged,
        case.design_effect_prior,
        window_s=None if window is None else window.duration_s,
        alpha=case.alpha,
    )
    invalid = tuple(finding for checked in validity for finding in checked.findings)
    findings = (
        *promises,
        *invalid,
        *_objective_findings(case, objectives),
        *_unreached(case, objectives),
        *_aborted(run, objectives),
        *check_done(run, case.records.failed_journeys),
    )
    verdict = Verdict(
        run=run.run or "?",
        outcome=_outcome(promises, invalid, objectives, findings),
        headline="",
        decided_at=case.decided_at,
        judged=window,
        left_out=dict(case.left_out),
        objectives=objectives,
        findings=findings,
        checks=(
            *_promise_checkpoints(promises, case.declared, vacuous(case.audit)),
            *(_checkpoint("validity", checked.name, checked.findings) for checked in validity),
        ),
    )
    return dataclasses.replace(verdict, headline=_headline(verdict))


def with_causes(verdict: Verdict, causes: tuple[Cause, ...], notes: tuple[Finding, ...] = ()) -> Verdict:
    """Return the verdict with what grew behind its missed objectives, the first of it in the headline as well."""
    verdict = dataclasses.replace(verdict, causes=causes, findings=(*verdict.findings, *notes))
    return dataclasses.replace(verdict, headline=_headline(verdict))


def with_notes(verdict: Verdict, notes: tuple[Finding, ...]) -> Verdict:
    """Return the verdict with more notes, which change no outcome; raises ValueError for a finding that does."""
    if any(one.severity is not Severity.NOTE for one in notes):
        raise ValueError("only notes may be added to a verdict")
    return dataclasses.replace(verdict, findings=(*verdict.findings, *notes))


def _outcome(
    promises: tuple[Finding, ...],
    validity: tuple[Finding, ...],
    objectives: tuple[ObjectiveResult, ...],
    findings: tuple[Finding, ...],
) -> Outcome:
    if any(finding.severity is Severity.FAIL for finding in promises):
        return Outcome.FAIL
    if any(finding.severity is Severity.INCONCLUSIVE for finding in validity):
        return Outcome.INCONCLUSIVE
    if any(result.outcome == "missed" for result in objectives):
        return Outcome.FAIL
    unsettled = any(finding.severity is not Severity.NOTE for finding in findings)
    judged = [result for result in objectives if result.outcome != "not_judged"]
    earned = bool(judged) and all(result.outcome == "met" for result in judged)
    return Outcome.PASS if earned and not unsettled else Outcome.INCONCLUSIVE


def _objective_findings(case: Case, objectives: tuple[ObjectiveResult, ...]) -> tuple[Finding, ...]:
    found = [_objective_finding(result) for result in objectives if result.outcome != "met"]
    if all(result.outcome == "not_judged" for result in objectives):
        message = "no objective was judged"
        change = "judge at least one: plan show lists what a plan can prove"
        found.append(_finding(Severity.INCONCLUSIVE, "objectives", message, change))
    unknown = sorted(case.not_judged.keys() - {result.name for result in objectives})
    for name in unknown:
        message = "the plan declares it not judged, but there is no such objective"
        found.append(_finding(Severity.NOTE, name, message, "correct the plan's not_judged"))
    return tuple(found)


def _unreached(case: Case, objectives: tuple[ObjectiveResult, ...]) -> Iterator[Finding]:
    """Find objectives shown met of which more requests never reached the shop than half of the budget is.

    Had they been bad, the objective might not be met; that they are few of all requests says nothing about these.
    """
    for result in objectives:
        evidence = case.evidence.get(result.name)
        if result.outcome != "met" or evidence is None:
            continue
        asked = evidence.events + evidence.left_out
        if evidence.unreached > result.budget / 2 * asked:
            message = (
                f"{count(evidence.unreached)} of its {count(asked)} requests never reached the shop, at most"
                f" {percent(result.budget / 2)} may, half of its budget"
            )
            change = "let the generator through the firewall, rate limit or proxy"
            yield _finding(Severity.INCONCLUSIVE, result.name, message, change)


def _objective_finding(result: ObjectiveResult) -> Finding:
    if result.outcome == "missed":
        facts = {"events": result.events, "bad": result.bad, "target": result.target}
        message = f"{_seen(result)}; {result.because}"
        return Finding(kind="objective", severity=Severity.FAIL, subject=result.name, message=message, facts=facts)
    if result.outcome == "not_judged":
        return _finding(Severity.NOTE, result.name, f"not judged: {result.because}", "")
    what = "undecided" if result.outcome == "undecided" else "no data"
    return _finding(Severity.INCONCLUSIVE, result.name, f"{what}: {result.because}", result.needs or "")


def _aborted(run: RunDocument, objectives: tuple[ObjectiveResult, ...]) -> tuple[Finding, ...]:
    """Judge an aborted run by what it recorded: a miss holds, and anything else is not known."""
    if run.ended != "aborted" or any(result.outcome == "missed" for result in objectives):
        return ()
    message = f"the run was aborted: {run.ended_because or 'no reason recorded'}"
    finding = Finding(
        kind="validity", severity=Severity.INCONCLUSIVE, subject="ended", message=message, change="run it to its end"
    )
    return (finding,)


def _finding(severity: Severity, subject: str, message: str, change: str) -> Finding:
    return Finding(kind="objective", severity=severity, subject=subject, message=message, change=change)


def _promise_checkpoints(
    promises: tuple[Finding, ...], declared: frozenset[str], empty: frozenset[str]
) -> tuple[Checkpoint, ...]:
    """Each promise in its fixed order, then whatever else the audit was about; `empty` had nothing to be checked on."""
    by_subject: dict[str, list[Finding]] = {}
    for finding in promises:
        by_subject.setdefault(finding.subject, []).append(finding)
    wanted = declared & frozenset(SOURCES)
    unaudited = any(finding.severity is Severity.INCONCLUSIVE for finding in by_subject.get("audit", ()))
    points = []
    for name, needs in NEEDS.items():
        found = tuple(by_subject.pop(name, ()))
        if found:
            points.append(_checkpoint("audit", name, found))
        elif not needs <= wanted:
            lacking = f"the environment declares no {', '.join(sorted(needs - wanted))}"
            points.append(Checkpoint(kind="audit", name=name, status="left out", message=lacking))
        elif unaudited:
            points.append(Checkpoint(kind="audit", name=name, status="unknown", message="the run was not audited"))
        elif name in empty:
            points.append(Checkpoint(kind="audit", name=name, status="left out", message=NOTHING))
        else:
            points.append(Checkpoint(kind="audit", name=name, status="good", message="holds"))
    others = {name: found for name, found in by_subject.items() if name != "audit"}
    return (*points, *(_checkpoint("audit", name, tuple(found)) for name, found in others.items()))


def _checkpoint(kind: Literal["audit", "validity"], name: str, findings: tuple[Finding, ...]) -> Checkpoint:
    severities = {finding.severity for finding in findings}
    status: Status = "good"
    if Severity.FAIL in severities:
        status = "bad"
    elif Severity.INCONCLUSIVE in severities:
        status = "unknown"
    return Checkpoint(kind=kind, name=name, status=status, message="; ".join(one.message for one in findings) or "fine")


def _headline(verdict: Verdict) -> str:
    """One line: the outcome and its first reason, with what grew when that is known."""
    if verdict.outcome is Outcome.PASS:
        return f"PASS  {_earned(verdict)}"
    wanted = Severity.FAIL if verdict.outcome is Outcome.FAIL else Severity.INCONCLUSIVE
    reasons = [finding for finding in verdict.findings if finding.severity is wanted and finding.kind != "objective"]
    if verdict.outcome is Outcome.FAIL and verdict.missed and not _invalid(verdict):
        first = f"{verdict.missed[0].name}: {_seen(verdict.missed[0])}"
        more = len(verdict.missed) - 1 + len(reasons)
        return f"FAIL  {first}{_and_more(more)}{_grew(verdict, verdict.missed[0].name)}"
    objectives = [one for one in verdict.findings if one.severity is wanted and one.kind == "objective"]
    first_finding = [*reasons, *objectives][0]
    reason = f"{first_finding.subject}: {first_finding.message}"
    settle = f"; {first_finding.change}" if first_finding.change else ""
    return f"{verdict.outcome.value}  {reason}{settle}{_and_more(len(reasons) + len(objectives) - 1)}"


def _invalid(verdict: Verdict) -> bool:
    return any(one.kind == "validity" and one.severity is Severity.INCONCLUSIVE for one in verdict.findings)


def _seen(result: ObjectiveResult) -> str:
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


def _grew(verdict: Verdict, objective: str) -> str:
    cause = next((one for one in verdict.causes if one.objective == objective), None)
    if cause is None:
        return ""
    steps = next(one.steps for one in verdict.objectives if one.name == objective)
    each = f"a {steps[0]}" if len(steps) == 1 else "a request"
    calls = f"{cause.calls_per_trace_before:.3g} → {cause.calls_per_trace_now:.3g} calls"
    return f'; grew: {cause.service} "{cause.span}" +{seconds(cause.grew_s)} {each} ({calls})'


def _earned(verdict: Verdict) -> str:
    met = sum(one.outcome == "met" for one in verdict.objectives)
    summary = f"{met} objective{'' if met == 1 else 's'} met"
    given_up = [one for one in verdict.objectives if one.outcome == "not_judged"]
    if given_up:
        why = "; ".join(f"{one.name}: {one.because}" for one in given_up)
        summary += f", {len(given_up)} not judged ({why})"
    return f"{summary}, {_held(verdict)}"


def _held(verdict: Verdict) -> str:
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


def summary_counts(verdict: Verdict) -> str:
    """Return in one phrase how many objectives came out how."""
    order = ("missed", "undecided", "no_data", "met", "not_judged")
    counts = [(name, sum(one.outcome == name for one in verdict.objectives)) for name in order]
    return ", ".join(f"{count(number)} {name.replace('_', ' ')}" for name, number in counts if number)
