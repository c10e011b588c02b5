"""The verdict: whether the release was shown good, shown bad, or neither, from facts alone.

A PASS is earned: at least one objective shown met, none undecided or without data, every declared promise shown to
hold, the run valid, and where sessions or orders failed, one that came through. Nothing that is missing counts for it.
A FAIL is a fact: an objective shown missed in a valid run (also one the plan had given up on), or a broken promise in
any run, for an oversold order is oversold whatever the load was. A run that was aborted because a miss was certain is
a FAIL whatever isn't known of it; what is known to have been wrong with it still makes it INCONCLUSIVE. A miss also
stands where sessions broke off before the steps that are judged, for it was shown by less load than planned, and where
the shop hangs when the run ends. Everything else is INCONCLUSIVE and names what would settle it, and so is a run whose
evidence isn't what it left, whole, or isn't known to be: who judges that all the same (`unverified`) gets no PASS.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Literal

from slo.causes.causes import Cause
from slo.findings import Finding, Severity
from slo.formatting import count, percent
from slo.objectives.indicators import Evidence, Window
from slo.objectives.objective import Objective
from slo.objectives.sources import Counters, CounterSums
from slo.outcomes import ExitCode, Outcome
from slo.policy.budget_document import BudgetDocument, budget_findings
from slo.policy.criterion_results import CriterionResult, distrusted
from slo.policy.policy import Policy
from slo.policy.waivers import Waived, WaiverResult, apply
from slo.statistics import ALPHA
from slo.validity.checks import BESIDE_A_MISS, Checked, check_validity
from slo.validity.consistency import CONSISTENCY
from slo.validity.context import JudgedBy, Limits
from slo.validity.delivery import Delivered
from slo.validity.manifest import UNVERIFIED, noted
from slo.validity.run_document import RunDocument
from slo.verdict.about import About, about
from slo.verdict.audit_document import AuditDocument
from slo.verdict.checkpoints import Checkpoint, checkpoint, promise_checkpoints
from slo.verdict.done import check_done
from slo.verdict.headline import headline, seen
from slo.verdict.not_shown import not_shown
from slo.verdict.objective_results import UNCOUNTED_RATIO, Basis, ObjectiveResult, judge_objectives
from slo.verdict.own_data import check_own_data, own_data_checkpoint
from slo.verdict.promises import check_promises, vacuous

_ABORTED = "the run was aborted: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything a judgement rests on.

    `run` is run.json, `audit` audit.json (None when there is none); `evidence` maps an
    objective's name to what was read; `declared` is what targets.yaml declares for the environment (of `orders`,
    `payments`, `stock`, `release`, `traces`); `not_judged` maps the objectives that the plan gives up on to why;
    `left_out` counts the requests outside of the judged window by phase; `planned_events` are, of an aborted run, the
    events by objective that its judged window would have had. `visits` are how often the plan says that a session makes
    each step, by journey, and `steps` those that it plays; `cached_steps` the steps that a cache may answer in the
    shop's place. `compression` is how many seconds of a real day a second of the run represents.
    `others_data` counts by step the replies of the whole run that showed another shopper's data.
    `policy` is what the team decided beside the objectives, None without one; `criteria` are the results of its
    criteria, `budget` what was left of the error budgets before the load.
    `altered` are the checks whether the evidence is the run's, whole and as it was recorded: what they find leaves no
    verdict, and is only noted of a run that is judged `unverified`. `inconsistent` is what contradicts itself in it.
    """

    run: RunDocument
    records: Delivered
    objectives: tuple[Objective, ...]
    evidence: Mapping[str, Evidence]
    audit: AuditDocument | None
    declared: frozenset[str]
    not_judged: Mapping[str, str]
    assumed_error_burst_s: float
    decided_at: int
    alpha: float = ALPHA
    limits: Limits = field(default_factory=Limits)
    left_out: Mapping[str, int] = field(default_factory=dict)
    planned_events: Mapping[str, float] = field(default_factory=dict)
    visits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    steps: frozenset[str] = frozenset()
    cached_steps: frozenset[str] = frozenset()
    compression: float = 1.0
    policy: Policy | None = None
    criteria: tuple[CriterionResult, ...] = ()
    budget: BudgetDocument | None = None
    others_data: Mapping[str, int] = field(default_factory=dict)
    altered: tuple[Checked, ...] = ()
    inconsistent: tuple[Finding, ...] = ()
    unverified: bool = False

    @property
    def judged_by(self) -> JudgedBy:
        """What the run is judged by: the objectives that the plan doesn't give up on, and the visits."""
        judged = tuple(one for one in self.objectives if one.name not in self.not_judged)
        return JudgedBy(objectives=judged, visits=self.visits)

    def sent(self, objective: Objective, but: frozenset[str] = frozenset()) -> int:
        """Return how many requests of a server-side objective's steps reached the shop, without those of some steps."""
        is_counted = isinstance(objective.indicator.source, Counters | CounterSums)
        if not is_counted or not objective.are_requests_its_events:
            return 0
        steps = self.records.steps or {}
        return sum(one.reached for step, one in steps.items() if step in objective.steps and step not in but)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement of one run, `verdict.json` as a value."""

    run: str
    about: About
    outcome: Outcome
    headline: str
    decided_at: int
    judged: Window | None
    left_out: Mapping[str, int]
    objectives: tuple[ObjectiveResult, ...]
    findings: tuple[Finding, ...]
    checks: tuple[Checkpoint, ...]
    is_altered: bool
    is_contradictory: bool
    causes: tuple[Cause, ...] = ()
    not_shown: tuple[str, ...] = ()
    criteria: tuple[CriterionResult, ...] = ()
    waivers: tuple[WaiverResult, ...] = ()
    waived: frozenset[tuple[str, str]] = frozenset()
    mode: Literal["enforce", "advisory"] = "enforce"
    on_inconclusive: Literal["block", "warn"] = "block"
    unverified: Outcome | None = None

    @property
    def exit_code(self) -> ExitCode:
        """Return the exit code: the outcome's, and 0 where the policy is advisory.

        A policy that may have been changed with the rest of the evidence, or since, decides nothing.
        """
        return ExitCode.OK if self.is_advisory else self.outcome.exit_code

    @property
    def is_advisory(self) -> bool:
        """Whether a policy lets the exit code be 0, and nothing of the evidence, which it is part of, is doubted."""
        is_doubted = self.is_altered or self.is_contradictory or self.unverified is not None
        return self.mode == "advisory" and not is_doubted

    @property
    def word(self) -> str:
        """Return the outcome, and that of unverified evidence."""
        if self.unverified is None:
            return self.outcome.value
        return f"{self.outcome.value}, UNVERIFIED (by what is there: {self.unverified.value})"

    @property
    def first_line(self) -> str:
        """Return the outcome and what it is about; the headline, its reason, comes next."""
        return f"{self.word}  {self.about.line}"

    @property
    def invalid_because(self) -> tuple[Finding, ...]:
        """Return the findings by which the run isn't valid."""
        return tuple(one for one in self.findings if one.kind == "validity" and one.severity is Severity.INCONCLUSIVE)

    @property
    def missed(self) -> tuple[ObjectiveResult, ...]:
        """Return the objectives shown missed, the largest miss first and records before counters."""
        missed = (
            one for one in self.objectives if one.outcome == "missed" and ("objective", one.name) not in self.waived
        )
        return tuple(sorted(missed, key=lambda one: (one.source == "prometheus", -(one.budget_burn or 0.0), one.name)))

    @property
    def aborted(self) -> str | None:
        """Return the sentence that says why the run was aborted, None of one that wasn't."""
        return next((one.message for one in self.findings if one.message.startswith(_ABORTED)), None)


def judge(case: Case) -> Verdict:
    """Judge one run. Pure: the same case gives the same verdict."""
    run = case.run
    window = run.judged_window
    validity = (
        *(noted(case.altered) if case.unverified else case.altered),
        *check_validity(run, case.records, case.declared, case.limits, case.judged_by),
        Checked(name=CONSISTENCY, findings=case.inconsistent),
    )
    is_altered = not case.unverified and any(_decides(checked.findings) for checked in case.altered)
    promises = check_promises(case.audit, case.declared, run.orders.accepted if run.orders else None)
    own_data = tuple(check_own_data(run, case.others_data))
    basis = Basis(
        assumed_error_burst_s=case.assumed_error_burst_s,
        window_s=None if window is None else window.duration_s,
        planned_events=case.planned_events if run.ended == "aborted" else None,
        sent={one.name: case.sent(one, but=case.cached_steps) for one in case.objectives},
        alpha=case.alpha,
        compression=case.compression,
    )
    objectives = judge_objectives(case.objectives, case.evidence, case.not_judged, basis)
    invalid = tuple(finding for checked in validity for finding in checked.findings)
    weighty = _weighty(run, validity)
    criteria = distrusted(case.criteria, _lost(weighty))
    applied = apply(
        () if case.policy is None else case.policy.waivers,
        (
            *own_data,
            *promises,
            *invalid,
            *_objective_findings(case, objectives),
            *_unreached(case, objectives),
            *_counted_more(case, objectives),
            *_late(objectives),
            *(finding for one in criteria if (finding := one.finding) is not None),
            *budget_findings(case.budget, wanted=case.policy is not None and case.policy.asks_budgets),
        ),
        _ended_on(case),
    )
    decisive = tuple(one for one in objectives if ("objective", one.name) not in applied.subjects)
    findings = (
        *applied.findings,
        *_nothing_decides(objectives, decisive),
        *_aborted(run, decisive),
        *check_done(run, case.records.failed_journeys),
    )
    outcome = Outcome.INCONCLUSIVE if is_altered else _outcome(findings, weighty, decisive)
    if case.unverified and outcome is Outcome.PASS:
        findings = (UNVERIFIED, *findings)
    verdict = Verdict(
        run=run.run or "?",
        about=about(run),
        outcome=Outcome.INCONCLUSIVE if case.unverified and outcome is Outcome.PASS else outcome,
        headline="",
        decided_at=case.decided_at,
        judged=window,
        left_out=dict(case.left_out),
        objectives=objectives,
        findings=findings,
        checks=(
            *own_data_checkpoint(run, own_data),
            *_without_waived(promise_checkpoints(promises, case.declared, vacuous(case.audit)), applied),
            *(checkpoint("validity", checked.name, checked.findings) for checked in validity),
        ),
        criteria=criteria,
        waivers=applied.results,
        waived=applied.subjects,
        mode="enforce" if case.policy is None else case.policy.mode,
        on_inconclusive="block" if case.policy is None else case.policy.on_inconclusive,
        is_altered=is_altered,
        is_contradictory=_decides(case.inconsistent),
        unverified=outcome if case.unverified else None,
    )
    return headlined(_with_limits(verdict, case))


def _decides(findings: tuple[Finding, ...]) -> bool:
    """Whether anything was found but what is only noted."""
    return any(one.severity is not Severity.NOTE for one in findings)


def _with_limits(verdict: Verdict, case: Case) -> Verdict:
    """Return a PASS with what it doesn't show, any other verdict as it is."""
    if verdict.outcome is not Outcome.PASS:
        return verdict
    limits = not_shown(
        verdict.about, case.run, verdict.objectives, verdict.checks, case.steps, case.assumed_error_burst_s
    )
    return dataclasses.replace(verdict, not_shown=limits)


def with_causes(verdict: Verdict, causes: tuple[Cause, ...], notes: tuple[Finding, ...] = ()) -> Verdict:
    """Return the verdict with what grew behind its missed objectives, the first of it in the headline as well."""
    verdict = dataclasses.replace(verdict, causes=causes, findings=(*verdict.findings, *notes))
    return headlined(verdict)


def headlined(verdict: Verdict) -> Verdict:
    """Return the verdict with its reason in one line."""
    return dataclasses.replace(verdict, headline=headline(verdict))


def with_notes(verdict: Verdict, notes: tuple[Finding, ...]) -> Verdict:
    """Return the verdict with more notes, which change no outcome; raises ValueError for a finding that does."""
    if any(one.severity is not Severity.NOTE for one in notes):
        raise ValueError("only notes may be added to a verdict")
    return dataclasses.replace(verdict, findings=(*verdict.findings, *notes))


def _without_waived(points: tuple[Checkpoint, ...], applied: Waived) -> Iterator[Checkpoint]:
    """Return the checks of the audit; one whose finding is waived neither holds nor fails the run."""
    for point in points:
        is_waived = ("audit", point.name) in applied.subjects
        yield dataclasses.replace(point, status="left out", message=f"waived: {point.message}") if is_waived else point


def _ended_on(case: Case) -> date:
    """Return the day (UTC) on which the run ended, by which waivers are read: the same whenever it is judged again."""
    ended_at = case.run.ended_at or case.decided_at
    return datetime.fromtimestamp(ended_at // 1_000_000_000, UTC).date()


def _lost(validity: tuple[Finding, ...]) -> str | None:
    """Return why what a run counts may be too little, None of a valid one."""
    return next((one.message for one in validity if one.severity is Severity.INCONCLUSIVE), None)


def _outcome(
    findings: tuple[Finding, ...], validity: tuple[Finding, ...], objectives: tuple[ObjectiveResult, ...]
) -> Outcome:
    """Return the outcome of findings of which the waived are notes already, and of the objectives not waived."""
    failed = {finding.kind for finding in findings if finding.severity is Severity.FAIL}
    if failed & {"audit", "budget"}:  # facts whatever the load was
        return Outcome.FAIL
    if any(finding.severity is Severity.INCONCLUSIVE for finding in validity):
        return Outcome.INCONCLUSIVE
    if failed:
        return Outcome.FAIL
    unsettled = any(finding.severity is not Severity.NOTE for finding in findings)
    judged = {result.outcome for result in objectives} - {"not_judged"}
    earned = judged == {"met"}
    return Outcome.PASS if earned and not unsettled else Outcome.INCONCLUSIVE


def _objective_findings(case: Case, objectives: tuple[ObjectiveResult, ...]) -> tuple[Finding, ...]:
    found = [_objective_finding(result) for result in objectives if result.outcome != "met"]
    unknown = sorted(case.not_judged.keys() - {result.name for result in objectives})
    for name in unknown:
        message = "the plan declares it not judged, but there is no such objective"
        found.append(_finding(Severity.NOTE, name, message, "correct the plan's not_judged"))
    return tuple(found)


def _nothing_decides(
    objectives: tuple[ObjectiveResult, ...], decisive: tuple[ObjectiveResult, ...]
) -> Iterator[Finding]:
    """Find a run without an objective that was judged and isn't waived: nothing is shown good by it."""
    if all(result.outcome == "not_judged" for result in decisive):
        message = "no objective was judged" + (" but what is waived" if len(objectives) > len(decisive) else "")
        change = "judge at least one: plan show lists what a plan can prove"
        yield _finding(Severity.INCONCLUSIVE, "objectives", message, change)


def _unreached(case: Case, objectives: tuple[ObjectiveResult, ...]) -> Iterator[Finding]:
    """Find objectives shown met of whose sessions more than half of the budget ended without an answer of the shop's.

    Had they been bad, the objective might not be met. Of requests `slo.validity.reached` says it.
    """
    for result in objectives:
        evidence = case.evidence.get(result.name)
        if result.outcome != "met" or evidence is None or not result.journeys:
            continue
        asked = evidence.events + evidence.left_out
        if evidence.unreached > result.budget / 2 * asked:
            message = (
                f"{count(evidence.unreached)} of its {count(asked)} sessions ended with the run, at a firewall, at a"
                f" proxy or by a refusal of the shop's that is none of stock, at most {percent(result.budget / 2)} may,"
                " half of its budget"
            )
            change = "see the sessions' reasons: let the generator through the firewall, or lengthen the plan's drain"
            yield _finding(Severity.INCONCLUSIVE, result.name, message, change)


def _counted_more(case: Case, objectives: tuple[ObjectiveResult, ...]) -> Iterator[Finding]:
    """Note server-side objectives that rest on requests of others, too."""
    by_name = {objective.name: objective for objective in case.objectives}
    for result in objectives:
        sent = case.sent(by_name[result.name])
        if sent and result.events > (1 + UNCOUNTED_RATIO) * sent:
            share = f"{count(result.events)} requests, the load sent {count(sent)}"
            rest = "the rest is other traffic, or was sent before the judged time, and is judged with it"
            message = f"the shop's counters hold {share}: {rest}"
            yield _finding(Severity.NOTE, result.name, message, "")


def _objective_finding(result: ObjectiveResult) -> Finding:
    if result.outcome == "missed":
        facts = {"events": result.events, "bad": result.bad, "target": result.target}
        message = f"{seen(result)}; {result.because}"
        return Finding(kind="objective", severity=Severity.FAIL, subject=result.name, message=message, facts=facts)
    if result.outcome == "not_judged":
        return _finding(Severity.NOTE, result.name, f"not judged: {result.because}", "")
    what = "undecided" if result.outcome == "undecided" else "no data"
    return _finding(Severity.INCONCLUSIVE, result.name, f"{what}: {result.because}", result.needs or "")


def _weighty(run: RunDocument, validity: tuple[Checked, ...]) -> tuple[Finding, ...]:
    """Return what bears on a miss: of an aborted run only what is known, as much of it never came to be known."""
    found = (finding for checked in validity if checked.name not in BESIDE_A_MISS for finding in checked.findings)
    return tuple(finding for finding in found if finding.known or run.ended != "aborted")


def _late(objectives: tuple[ObjectiveResult, ...]) -> Iterator[Finding]:
    """Find objectives that aren't missed over the whole window, but beyond doubt in its last third."""
    for result in objectives:
        if result.outcome in ("met", "undecided") and result.last_third_bad_ratio is not None:
            share = f"{percent(result.last_third_bad_ratio)} bad, allowed {percent(result.budget)}"
            message = f"the last third of the judged window alone is over its budget: {share}; it gets worse"
            yield _finding(Severity.INCONCLUSIVE, result.name, message, "run longer: find out where it ends")


def _aborted(run: RunDocument, objectives: tuple[ObjectiveResult, ...]) -> tuple[Finding, ...]:
    """Judge an aborted run by what it recorded: a miss holds, and anything else is not known."""
    if run.ended != "aborted":
        return ()
    message = f"{_ABORTED}{run.ended_because or 'no reason recorded'}"
    holds = any(result.outcome == "missed" for result in objectives)
    severity = Severity.NOTE if holds else Severity.INCONCLUSIVE
    change = "" if holds else "run it to its end"
    return (Finding(kind="validity", severity=severity, subject="ended", message=message, change=change),)


def _finding(severity: Severity, subject: str, message: str, change: str) -> Finding:
    return Finding(kind="objective", severity=severity, subject=subject, message=message, change=change)


def summary_counts(verdict: Verdict) -> str:
    """Return in one phrase how many objectives came out how."""
    order = ("missed", "undecided", "no_data", "met", "not_judged")
    counts = [(name, sum(one.outcome == name for one in verdict.objectives)) for name in order]
    return ", ".join(f"{count(number)} {name.replace('_', ' ')}" for name, number in counts if number)
