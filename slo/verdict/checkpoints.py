"""Each check of a verdict with its status, kept or not: the shop's promises and the run's validity."""

from dataclasses import dataclass
from typing import Literal

from slo.findings import Finding, Severity
from slo.verdict.audit_document import NOTHING
from slo.verdict.promises import NEEDS, SOURCES

Status = Literal["good", "bad", "unknown", "left out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One audit or validity check's status, kept or not, for renderings that list them all."""

    kind: Literal["audit", "validity"]
    name: str
    status: Status
    message: str


def promise_checkpoints(
    promises: tuple[Finding, ...], declared: frozenset[str], empty: frozenset[str]
) -> tuple[Checkpoint, ...]:
    """Return the promises in their fixed order, then what else was audited; `empty` had nothing to be checked on."""
    by_subject: dict[str, list[Finding]] = {}
    for finding in promises:
        by_subject.setdefault(finding.subject, []).append(finding)
    wanted = declared & frozenset(SOURCES)
    unaudited = any(finding.severity is Severity.INCONCLUSIVE for finding in by_subject.get("audit", ()))
    points = []
    for name, needs in NEEDS.items():
        found = tuple(by_subject.pop(name, ()))
        if found:
            points.append(checkpoint("audit", name, found))
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
    return (*points, *(checkpoint("audit", name, tuple(found)) for name, found in others.items()))


def checkpoint(kind: Literal["audit", "validity"], name: str, findings: tuple[Finding, ...]) -> Checkpoint:
    """Return the status of one check by the gravest of its findings."""
    severities = {finding.severity for finding in findings}
    status: Status = "good"
    if Severity.FAIL in severities:
        status = "bad"
    elif Severity.INCONCLUSIVE in severities:
        status = "unknown"
    return Checkpoint(kind=kind, name=name, status=status, message="; ".join(one.message for one in findings) or "fine")
