"""What a validity check is given, and the findings that it may return: wrong, not known, or a note."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from slo.findings import Fact, Finding, Severity
from slo.objectives.objective import Objective
from slo.validity.delivery import Delivered
from slo.validity.run_document import RunDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a run may be from what was planned and still be judged.

    `blocked_ratio` bounds the requests that never reached the shop of steps that no judged objective is about.
    """

    on_time_ratio: float = 0.99
    lag_p99_s: float = 0.1
    stall_p99_s: float = 0.1
    stall_max_s: float = 1.0
    master_silent_s: int = 4
    clock_offset_s: float = 0.5  # half of what a session may be late: the other half is left for lateness
    generator_cpu: float = 0.9
    unserved_ratio: float = 0.01
    blocked_ratio: float = 0.01
    cut_off_ratio: float = 0.01
    missing_ratio: float = 0.1
    rejected_span_ratio: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedBy:
    """The objectives that a run is judged by, and how often its plan says that a session makes each step, by journey.

    Without those that the plan gives up on; journeys and steps of which that number can't be planned aren't in it.
    """

    objectives: tuple[Objective, ...] = ()
    visits: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A run's facts, its records, what its environment declares, what it is judged by, and the limits."""

    run: RunDocument
    records: Delivered
    declared: frozenset[str]
    limits: Limits
    judged_by: JudgedBy = field(default_factory=JudgedBy)


def invalid(subject: str, message: str, change: str, **facts: Fact) -> Finding:
    """Return a finding that makes a run inconclusive; `change` says what to change."""
    return Finding(
        kind="validity",
        severity=Severity.INCONCLUSIVE,
        subject=subject,
        message=message,
        change=change,
        facts=facts,
    )


def unknown(subject: str, what: str) -> Finding:
    """Return a finding that `what` is not known, which is as bad as not fine."""
    found = invalid(subject, f"{what} is not known", "run again; if it stays unknown, report it with logs/")
    return replace(found, known=False)


def note(subject: str, message: str) -> Finding:
    """Return a finding that changes no outcome, but that a reader should know."""
    return Finding(kind="validity", severity=Severity.NOTE, subject=subject, message=message)


def names_of(given: Given, by_worker: Mapping[str, object]) -> list[str]:
    """Return the names of the run's workers and of any other in `by_worker`, in order."""
    return sorted({worker.name for worker in given.run.workers or () if worker.name is not None} | by_worker.keys())
