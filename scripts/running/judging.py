"""Judging a run directory: read what it holds, make the verdict, and write the verdict's pages."""

from pathlib import Path

from dashboards.report import write_report
from loadtests.demand.visits import buyers_of
from loadtests.results.abandoned import account_for_abandoned
from loadtests.results.error_samples import read_samples
from loadtests.results.recorded_run import NOTHING, RecordedRun, read_recorded
from loadtests.results.run_directory import RunDirectory, write_bytes, write_json
from loadtests.results.worst_steps import worst_steps
from loadtests.runtime.clock import Clock
from scripts.context import Context
from slo.causes.causes import Cause, explain, traces_of_requests
from slo.findings import Finding
from slo.objectives.indicators import Evidence, Window
from slo.rendering.junit import render_junit
from slo.rendering.markdown import render_markdown
from slo.validity.delivery import Delivered, delivered, left_out
from slo.validity.run_document import RunDocument
from slo.verdict.verdict import Case, Verdict, judge, with_causes, with_notes
from slo.verdict.verdict_document import verdict_document


def judge_run(path: Path) -> Verdict:
    """Judge the run directory at `path`; writes verdict.json, junit.xml, summary.md and report.html.

    A run whose command was killed is accounted for first. Raises BadInput when a file it rests on is missing or
    malformed.
    """
    account_for_abandoned(RunDirectory(path=path), Clock.start().now())
    recorded = read_recorded(path)
    window = recorded.run.judged_window
    verdict = judge(
        Case(
            run=recorded.run,
            records=NOTHING
            if window is None
            else delivered(recorded.sessions, recorded.requests, window, buyers_of(recorded.plan)),
            objectives=recorded.objectives,
            evidence={} if window is None else _evidence(recorded, window),
            audit=recorded.audit,
            declared=recorded.declared,
            not_judged={item.objective: item.because for item in recorded.plan.not_judged},
            design_effect_prior=recorded.plan.design_effect_prior,
            decided_at=Clock.start().now(),
            left_out={} if window is None else left_out(recorded.requests, recorded.run, window),
        )
    )
    if window is not None:
        verdict = with_causes(verdict, *_causes(recorded, verdict, window))
    verdict = with_notes(verdict, worst_steps(recorded.requests, read_samples(recorded.directory)))
    _write(recorded, verdict)
    return verdict


def _delivered(recorded: RecordedRun, window: Window) -> Delivered:
    return delivered(recorded.sessions, recorded.requests, window, buyers_of(recorded.plan))


def say_paths(path: Path, context: Context) -> None:
    """Say where the report and the run are."""
    context.say(f"report: {path / 'report.html'}")
    context.say(f"run:    {path}")


def _evidence(recorded: RecordedRun, window: Window) -> dict[str, Evidence]:
    return {
        objective.name: objective.indicator.read(recorded.requests, recorded.answers, window, objective.target)
        for objective in recorded.objectives
    }


def _causes(recorded: RecordedRun, verdict: Verdict, window: Window) -> tuple[tuple[Cause, ...], tuple[Finding, ...]]:
    """Explain each missed objective by the traces of its steps: those of the reference phase against the judged."""
    reference = _reference(recorded.run)
    if not verdict.missed or reference is None or "traces" not in recorded.declared:
        return (), ()
    spans = recorded.spans()
    explained = [
        explain(
            missed.name,
            spans,
            traces_of_requests(recorded.requests, missed.steps, reference),
            traces_of_requests(recorded.requests, missed.steps, window),
        )
        for missed in verdict.missed
    ]
    causes = tuple(cause for one in explained for cause in one.causes)
    return causes, tuple(one.note for one in explained if one.note is not None)


def _reference(run: RunDocument) -> Window | None:
    windows = (phase.window for phase in run.phases or () if phase.kind == "reference")
    return next((window for window in windows if window is not None), None)


def _write(recorded: RecordedRun, verdict: Verdict) -> None:
    directory = recorded.directory
    write_json(directory.verdict, verdict_document(verdict).model_dump(mode="json"))
    write_bytes(directory.junit, render_junit(verdict).encode())
    write_bytes(directory.summary, render_markdown(verdict).encode())
    write_report(directory.path)
