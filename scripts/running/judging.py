"""Judging a run directory: read what it holds, make the verdict, and write the verdict's pages."""

from pathlib import Path

from loadtests.demand.plan import Plan
from loadtests.demand.visits import buyers_of, expected_events, planned_events, planned_visits
from loadtests.results.abandoned import account_for_abandoned
from loadtests.results.error_samples import read_samples
from loadtests.results.recorded_run import NOTHING, RecordedRun, read_recorded
from loadtests.results.run_directory import RunDirectory, write_bytes, write_json
from loadtests.results.worst_steps import worst_steps
from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.running.causes import causes_of
from scripts.running.finished_run import BY_HAND, FinishedRun, declares_records
from slo.findings import Finding
from slo.objectives.evidence import read_evidence
from slo.objectives.indicators import Evidence, Window
from slo.outcomes import ExitCode, Outcome
from slo.policy.policy import Policy
from slo.rendering.junit import render_junit
from slo.rendering.markdown import render_markdown
from slo.rendering.terminal import render_terminal
from slo.validity.delivery import Delivered, delivered, left_out
from slo.verdict.own_data import OTHERS_DATA
from slo.verdict.verdict import Case, Verdict, judge, with_causes, with_notes
from slo.verdict.verdict_document import verdict_document


def judge_run(path: Path, policy: Policy | None = None) -> Verdict:
    """Judge the run directory at `path`; writes verdict.json, junit.xml, summary.md and report.html.

    A run whose command was killed is accounted for first. `policy` replaces the one that the gate was given. Raises
    BadInput when a file it rests on is missing or malformed.
    """
    account_for_abandoned(RunDirectory(path=path), Clock.start().now())
    recorded = read_recorded(path, policy)
    window = recorded.run.judged_window
    verdict = _judged(recorded)
    if window is not None:
        verdict = with_causes(verdict, *causes_of(recorded, verdict, window))
    verdict = with_notes(verdict, worst_steps(recorded.requests, read_samples(recorded.directory)))
    _write(recorded, verdict)
    return verdict


def invalid_because(path: Path) -> tuple[Finding, ...]:
    """Return why the run at `path` isn't valid, as its verdict will say; raises BadInput when it can't be read."""
    return _judged(read_recorded(path)).invalid_because


def _judged(recorded: RecordedRun) -> Verdict:
    window = recorded.run.judged_window
    return judge(
        Case(
            run=recorded.run,
            records=NOTHING if window is None else _delivered(recorded, window),
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
        )
    )


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


def _delivered(recorded: RecordedRun, window: Window) -> Delivered:
    return delivered(recorded.requests, window, buyers_of(recorded.plan))


def judge_and_tell(path: Path, context: Context, policy: Policy | None = None) -> Verdict:
    """Judge the run at `path` and print its verdict; the last two lines are for a pipeline: see `say_ending`."""
    verdict = judge_run(path, policy)
    context.say(render_terminal(verdict, colour=context.is_terminal).rstrip("\n"))
    word = f"{verdict.outcome.value}  {path / 'report.html'}"
    say_ending(path, f"{word}  (advisory: exit 0)" if verdict.mode == "advisory" else word, context)
    return verdict


def judge_finished(finished: FinishedRun, context: Context, *, shop_stays: bool = True) -> ExitCode:
    """Judge a run that this command has played, and print its verdict; the exit code is the verdict's.

    One that a person or a signal ended is left as it is: 75, and how to judge it is printed; it can only be audited
    while the shop is there.
    """
    directory = finished.directory
    if finished.is_interrupted:
        commands = commands_to_the_verdict(directory)
        left = ", then ".join(commands if shop_stays else commands[-1:])
        say_ending(directory.path, f"{Outcome.INCONCLUSIVE.value}  stopped {BY_HAND}, not judged: {left}", context)
        return ExitCode.INCONCLUSIVE
    context.say("")
    return judge_and_tell(directory.path, context).exit_code


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


def _write(recorded: RecordedRun, verdict: Verdict) -> None:
    directory = recorded.directory
    write_json(directory.verdict, verdict_document(verdict).model_dump(mode="json"))
    write_bytes(directory.junit, render_junit(verdict).encode())
    write_bytes(directory.summary, render_markdown(verdict).encode())
    write_report(directory.path)


def write_report(path: Path) -> Path:
    """Write the run's `report.html` and return its path."""
    # What a page is drawn with takes as long to import as all that a verdict needs.
    from dashboards.report import write_report as write  # noqa: PLC0415

    return write(path)
