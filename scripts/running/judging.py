"""Judging a run directory: read what it holds, make the verdict, and write the verdict's pages."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from loadtests.cleanup.told import cleaned_up
from loadtests.demand.plan import Plan
from loadtests.demand.visits import buyers_of, expected_events, planned_events, planned_visits
from loadtests.evidence.replacing import write_outputs
from loadtests.results.abandoned import account_for_abandoned
from loadtests.results.error_samples import read_samples
from loadtests.results.recorded_run import NOTHING, RecordedRun, read_recorded
from loadtests.results.recorded_spans import recorded_spans
from loadtests.results.run_directory import RunDirectory, json_bytes
from loadtests.results.worst_steps import worst_steps
from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.running.causes import causes_of
from scripts.running.evidence import VERIFIED, HeldEvidence, Trust, hold_evidence
from scripts.running.finished_run import BY_HAND, FinishedRun, declares_records
from slo.documents import BadInput
from slo.findings import Finding, Severity
from slo.objectives.evidence import read_evidence
from slo.objectives.indicators import Evidence, Window
from slo.outcomes import ExitCode, Outcome
from slo.policy.policy import Policy
from slo.rendering.junit import render_junit
from slo.rendering.markdown import render_markdown
from slo.rendering.terminal import render_terminal
from slo.validity.delivery import Delivered, RecordedSpans, delivered, left_out
from slo.verdict.own_data import OTHERS_DATA
from slo.verdict.unreadable import unreadable
from slo.verdict.verdict import Case, Verdict, judge, with_causes, with_notes
from slo.verdict.verdict_document import verdict_document

STEP = "judge"


def judge_run(path: Path, policy: Policy | None = None, trust: Trust = VERIFIED) -> Verdict:
    """Judge the run directory at `path`; writes verdict.json, junit.xml, summary.md and report.html.

    It is held against its manifest first; a run whose command was killed has none and is accounted for. `policy`
    replaces the one that the gate was given. Raises BadInput when a file of whole evidence is malformed.
    """
    directory = RunDirectory(path=path)
    evidence = hold_evidence(path, trust)
    try:
        evidence.check_readable()
        account_for_abandoned(directory, Clock.start().now())
        recorded = read_recorded(path, policy)
        verdict = _judged(recorded, evidence)
        window = recorded.run.judged_window
        if window is not None:
            verdict = with_causes(verdict, *causes_of(recorded, verdict, window))
    except BadInput as error:
        if evidence.is_whole:
            raise
        why = str(error).replace(f"{path}/", "")
        verdict = unreadable(path.name, (evidence.manifest,), why, Clock.start().now())
    else:
        verdict = with_notes(verdict, worst_steps(recorded.requests, read_samples(directory)))
        verdict = with_notes(verdict, _cleanup(directory))
    _write(directory, verdict, evidence)
    return verdict


def invalid_because(path: Path, trust: Trust = VERIFIED) -> tuple[Finding, ...]:
    """Return why the run at `path` isn't valid, as its verdict will say; raises BadInput when it can't be read."""
    return _judged(read_recorded(path), hold_evidence(path, trust)).invalid_because


def _judged(recorded: RecordedRun, held: HeldEvidence) -> Verdict:
    window = recorded.run.judged_window
    return judge(
        Case(
            run=recorded.run,
            records=replace(NOTHING if window is None else _delivered(recorded, window), spans=_spans(recorded)),
            objectives=recorded.objectives,
            evidence={} if window is None else _evidence(recorded, window),
            audit=recorded.audit,
            declared=recorded.declared,
            not_judged={item.objective: item.because for item in recorded.plan.not_judged},
            assumed_error_burst_s=recorded.plan.assumed_error_burst_s,
            decided_at=Clock.start().now(),
            left_out={} if window is None else left_out(recorded.requests, recorded.run, window),
            planned_events=planned_events(recorded.plan, recorded.objectives),
            visits=planned_visits(recorded.plan),
            cached_steps=recorded.environment.cached_steps,
            steps=_steps(recorded.plan),
            compression=recorded.plan.compression,
            policy=recorded.policy,
            criteria=recorded.criteria,
            budget=recorded.budget,
            others_data=_others_data(recorded),
            altered=(held.manifest, held.audit_check(recorded)),
            inconsistent=held.contradictions(recorded),
            unverified=held.trust.unverified,
        )
    )


def _cleanup(directory: RunDirectory) -> tuple[Finding, ...]:
    """Return what a cleanup removed and left, none where none began."""
    told = cleaned_up(directory.cleanup)
    if told is None:
        return ()
    return (Finding(kind="cleanup", severity=Severity.NOTE, subject="cleanup", message=told),)


def _steps(plan: Plan) -> frozenset[str]:
    """Return the steps that the plan plays, none where its journeys' visits aren't counted."""
    try:
        return frozenset(expected_events(plan))
    except ValueError:
        return frozenset()


def _others_data(recorded: RecordedRun) -> dict[str, int]:
    """Count by step the replies that showed another shopper's data, whenever in the run."""
    counts = recorded.requests.counts().items()
    return {step: number for (step, error), number in counts if error == OTHERS_DATA and number}


def _spans(recorded: RecordedRun) -> RecordedSpans | None:
    """Return the spans of a run whose environment declares traces."""
    if "traces" not in recorded.declared:
        return None
    try:
        return recorded_spans(recorded.directory)
    except BadInput as error:
        why = str(error).replace(f"{recorded.directory.path}/", "")
        return RecordedSpans(shoppers=0, shop=0, joined=False, unread=why)


def _delivered(recorded: RecordedRun, window: Window) -> Delivered:
    return delivered(recorded.requests, window, buyers_of(recorded.plan))


def judge_and_tell(
    path: Path,
    context: Context,
    policy: Policy | None = None,
    trust: Trust = VERIFIED,
    then: Callable[[], object] = lambda: None,
) -> Verdict:
    """Judge the run at `path` and print its verdict; the last two lines are for a pipeline: see `say_ending`.

    `then` is called when all is written, before those two lines.
    """
    verdict = judge_run(path, policy, trust)
    context.say(render_terminal(verdict, colour=context.is_terminal).rstrip("\n"))
    then()
    page = RunDirectory(path=path).report
    word = f"{verdict.word}  {page if page.exists() else RunDirectory(path=path).summary}"
    say_ending(path, f"{word}  (advisory: exit 0)" if verdict.is_advisory else word, context)
    return verdict


def judge_finished(
    finished: FinishedRun, context: Context, *, shop_stays: bool = True, then: Callable[[], object] = lambda: None
) -> ExitCode:
    """Judge a run that this command has played, and print its verdict; the exit code is the verdict's.

    `then` is called when all is written. A run that a person or a signal ended is left as it is: 75, and how to judge
    it is printed; it can only be audited while the shop is there.
    """
    directory = finished.directory
    if finished.is_interrupted:
        commands = commands_to_the_verdict(directory)
        left = ", then ".join(commands if shop_stays else commands[-1:])
        then()
        say_ending(directory.path, f"{Outcome.INCONCLUSIVE.value}  stopped {BY_HAND}, not judged: {left}", context)
        return ExitCode.INCONCLUSIVE
    context.say("")
    return judge_and_tell(directory.path, context, then=then).exit_code


def commands_to_the_verdict(directory: RunDirectory) -> tuple[str, ...]:
    """Return the commands that lead from a finished run to its verdict."""
    audit = (f"peakproof audit {directory.name}",) if declares_records(directory) else ()
    return (*audit, f"peakproof judge {directory.name}")


def say_ending(path: Path, ending: str, context: Context) -> None:
    """Print the last two lines of a command that judges: `run=` with the run directory, and how it ended."""
    context.say(f"run={path}")
    context.say(ending)


def _evidence(recorded: RecordedRun, window: Window) -> dict[str, Evidence]:
    """Ask the records for all objectives at once: they are read a few times, whatever the objectives."""
    asked = {one.name: one.indicator.asked(one.target) for one in recorded.objectives if one.slices is None}
    of_records = {name: question for name, question in asked.items() if question is not None}
    answered = recorded.requests.evidence(list(of_records.values()), window)
    found = dict(zip(of_records, answered, strict=True))
    return {
        one.name: found.get(one.name) or read_evidence(one, recorded.requests, recorded.answers, window)
        for one in recorded.objectives
    }


def _write(directory: RunDirectory, verdict: Verdict, evidence: HeldEvidence) -> None:
    """Write the verdict's files, then its page, which takes longer: the page of a verdict of before goes with it."""
    judged = evidence.held.manifest
    files = {
        directory.junit: render_junit(verdict).encode(),
        directory.summary: render_markdown(verdict).encode(),
        directory.verdict: json_bytes(verdict_document(verdict).model_dump(mode="json")),
    }
    write_outputs(directory, STEP, judged, files, outdated=[directory.report])
    if not evidence.held.links:  # the page would read what they lead to
        write_outputs(directory, STEP, judged, {directory.report: report_page(directory.path)})


def report_page(path: Path) -> bytes:
    """Return the run's `report.html`."""
    # What a page is drawn with takes as long to import as all that a verdict needs.
    from dashboards.report import read, render  # noqa: PLC0415

    return render(read(path)).encode("utf-8", "replace")
