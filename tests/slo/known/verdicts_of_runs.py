"""Verdicts over made-up runs: the passing one with other counts, other objectives, another end."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from slo.design_effect import StepCounts
from slo.objectives.indicators import Evidence
from slo.validity.run_document import parse_run
from slo.verdict.audit_document import parse_audit
from slo.verdict.verdict import Case, judge, summary_counts
from slo.verdict.verdict_document import verdict_document
from tests.slo.passing import passing_audit, passing_case, passing_run, shipped_objectives

LATENCY = "checkout-latency"
COUNTS = (
    (1000, 0),
    (1000, 20),
    (1000, 38),
    (1000, 45),
    (1000, 50),
    (1000, 60),
    (1000, 90),
    (40, 0),
    (40, 4),
    (0, 0),
    (9, 9),
)

_TOLD = {"outcome", "exit_code", "headline", "objectives", "findings", "not_shown"}


def answers() -> Iterator[tuple[str, object]]:
    """Return each verdict after what was judged."""
    passing = passing_case(shipped_objectives(), passing_run(), passing_audit())
    for events, bad in COUNTS:
        for name in (LATENCY, "checkout-availability"):
            yield f"{name}: {bad} of {events}", _told(_with(passing, name, _even(events, bad)))
    for early, late in ((0, 5), (0, 12), (1, 1), (3, 0), (50, 0)):
        blocks = ((50,) * 20, (early,) * 13 + (late,) * 7)
        yield f"{early} bad early, {late} late", _told(_with(passing, LATENCY, _blocks(*blocks)))
    for scatter in (1.0, 4.0):
        evidence = _even(1000, 30, session_scatter=scatter, quantile_s=0.61, service_quantile_s=0.6)
        yield f"scatter {scatter}", _told(_with(passing, LATENCY, evidence))
    for planned in (300.0, 1500.0, 5000.0):
        for bad in (0, 30, 200):
            aborted = _aborted(_with(passing, LATENCY, _even(412, bad)), planned)
            yield f"aborted of {planned}, {bad} bad", _told(aborted)
    yield from _others(passing)


def _others(passing: Case) -> Iterator[tuple[str, object]]:
    for count in (0, 1, 3):
        some = dataclasses.replace(passing, not_judged=dict.fromkeys(list(passing.evidence)[:count], "too short"))
        yield f"{count} not judged", _told(some)
    for broken in (0, 1, 12):
        audit = passing_audit()
        for check in audit["checks"][: 1 + broken % 3]:
            check |= {"outcome": "broken" if broken else "holds", "broken": broken, "detail": f"{broken} of 390"}
        yield f"{broken} orders broken", _told(dataclasses.replace(passing, audit=parse_audit(audit)))
    yield "no audit", _told(dataclasses.replace(passing, audit=None))
    yield "nothing declared", _told(dataclasses.replace(passing, audit=None, declared=frozenset()))
    yield "no evidence", _told(dataclasses.replace(passing, evidence={}))
    yield "no objective", _told(dataclasses.replace(passing, objectives=()))
    lag = {"p50": 0.2, "p99": 0.9, "max": 2.0}
    missed = _with(passing, LATENCY, _even(412, 120))
    for name, case in (("passing", passing), ("missed", missed)):
        yield f"late, {name}", _told(_run(case, scheduling_lag_s=lag))
    for burst_s in (0.0, 1.0, 20.0):
        yield f"bursts of {burst_s} s", _told(dataclasses.replace(passing, assumed_error_burst_s=burst_s))


def _told(case: Case) -> object:
    verdict = judge(case)
    return summary_counts(verdict), verdict_document(verdict).model_dump(
        mode="json", exclude_defaults=True, include=_TOLD
    )


def _with(case: Case, name: str, evidence: Evidence) -> Case:
    return dataclasses.replace(case, evidence={**case.evidence, name: evidence})


def _run(case: Case, **changes: Any) -> Case:
    return dataclasses.replace(case, run=parse_run({**case.run.to_json(), **changes}))


def _aborted(case: Case, planned: float) -> Case:
    stopped = _run(case, ended="aborted", ended_because=f"{LATENCY} is certain to be missed")
    return dataclasses.replace(stopped, planned_events=dict.fromkeys(case.evidence, planned))


def _even(events: int, bad: int, **more: Any) -> Evidence:
    spread = [tuple(total * (b + 1) // 20 - total * b // 20 for b in range(20)) for total in (events, bad)]
    return _blocks(*spread, **more)


def _blocks(events: Sequence[int], bad: Sequence[int], **more: Any) -> Evidence:
    return Evidence(counts=(StepCounts(step="checkout", events=tuple(events), bad=tuple(bad)),), **more)
