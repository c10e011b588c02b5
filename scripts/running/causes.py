"""What grew behind a run's missed objectives: the traces of its reference phase against those judged at its level."""

from dataclasses import dataclass

from loadtests.demand.plan import Plan
from loadtests.demand.reference import Span, comparison
from loadtests.results.recorded_run import RecordedRun
from slo.causes.causes import Cause, blocks_of_requests, explain
from slo.findings import Finding, Severity
from slo.objectives.indicators import Window
from slo.validity.run_document import RunDocument
from slo.verdict.verdict import Verdict

_WITH_LOAD = "what grew may have grown with load"
Causes = tuple[tuple[Cause, ...], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """When the reference was played, and what was judged at its level, in order."""

    reference: tuple[Window, ...]
    judged: tuple[Window, ...]


def causes_of(recorded: RecordedRun, verdict: Verdict, judged: Window) -> Causes:
    """Return the causes of each missed objective, and notes that say why there are none.

    Nothing is said where nothing was missed, or the environment declares no traces, nor of objectives that aren't about
    steps: no trace is of a whole session.
    """
    about_steps = [missed for missed in verdict.missed if missed.steps]
    if not about_steps or "traces" not in recorded.declared:
        return (), ()
    windows = windows_to_compare(recorded.plan, recorded.run, judged)
    if isinstance(windows, str):
        return (), tuple(_note(missed.name, windows) for missed in about_steps)
    spans = recorded.spans()
    explained = [
        explain(
            missed.name,
            spans,
            blocks_of_requests(recorded.requests, missed.steps, windows.reference),
            blocks_of_requests(recorded.requests, missed.steps, windows.judged),
        )
        for missed in about_steps
    ]
    causes = tuple(cause for one in explained for cause in one.causes)
    return causes, tuple(one.note for one in explained if one.note is not None)


def windows_to_compare(plan: Plan, run: RunDocument, judged: Window) -> Windows | str:
    """Return what may be compared in a run that was judged until the end of `judged`, or why nothing may be."""
    starts_at = next((phase.starts_at for phase in run.phases or ()), None)
    found = None if starts_at is None else comparison(plan, (judged.ends_at - starts_at) / 1e9)
    if found is None or starts_at is None:
        return "the plan has no reference phase to compare with"
    if found.unlike is not None:
        return f"{_WITH_LOAD}: {found.unlike}"
    if run.plan_revisions:
        return f"{_WITH_LOAD}: the rate was changed during the run"
    if found.too_short is not None:
        return f"too few blocks to name a cause: {found.too_short}"
    return Windows(reference=_windows((found.reference,), starts_at), judged=_windows(found.judged, starts_at))


def _windows(spans: tuple[Span, ...], starts_at: int) -> tuple[Window, ...]:
    return tuple(Window(starts_at=starts_at + round(at * 1e9), ends_at=starts_at + round(to * 1e9)) for at, to in spans)


def _note(objective: str, message: str) -> Finding:
    return Finding(kind="cause", severity=Severity.NOTE, subject=objective, message=message)
