"""`budget.json` (`peakproof/budget/v1`): what was left of the error budgets, and what followed."""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from slo.documents import Ns, WrittenDocument
from slo.findings import Finding, Severity
from slo.formatting import clean
from slo.outcomes import ExitCode
from slo.policy.budget import WORDS, BudgetLeft, worst

FORMAT: Final = "peakproof/budget/v1"
SUBJECT = "error-budget"
_SEVERITIES = {"freeze": Severity.FAIL, "no data": Severity.INCONCLUSIVE, "care": Severity.NOTE}


class BudgetEntry(WrittenDocument):
    """One objective's budget over its own window; `left` is below 0 where more was spent, null where not known."""

    objective: str
    decision: str = Field(examples=["ship", "care", "freeze", "no data"])
    because: str
    target: float | None = None
    window: str | None = None
    left: float | None = None
    events: float | None = None
    bad: float | None = None
    coverage: float | None = Field(None, description="the share of the time that has passed of which there is data")
    elapsed: float | None = Field(None, description="the share of the window that has passed; 1 of a rolling one")


class FixEntry(WrittenDocument):
    """A release that passes a freeze because it mends what spent the budget: who says so, and why."""

    by: str
    why: str


class BudgetDocument(WrittenDocument):
    """The error budgets at one moment."""

    format: Annotated[str, Field(json_schema_extra={"const": FORMAT})] = FORMAT
    decision: str = Field(examples=["ship", "care", "freeze", "no data"])
    exit_code: int | None = Field(None, examples=[0, 99, 75])
    asked_at: Ns | None = None
    prometheus: str | None = None
    fix: FixEntry | None = None
    not_read: tuple[str, ...] = Field((), description="objectives whose events Prometheus doesn't count")
    objectives: tuple[BudgetEntry, ...] = ()


def budget_document(
    found: tuple[BudgetLeft, ...], *, asked_at: int, prometheus: str, not_read: tuple[str, ...], fix: FixEntry | None
) -> BudgetDocument:
    """Return the written form of what was found."""
    return BudgetDocument(
        decision=worst(tuple(one.decision for one in found)),
        asked_at=asked_at,
        prometheus=prometheus,
        fix=fix,
        not_read=not_read,
        objectives=tuple(BudgetEntry.model_validate(one, from_attributes=True) for one in found),
    )


def budget_findings(document: BudgetDocument | None, *, wanted: bool) -> Iterator[Finding]:
    """Return what the error budgets mean for a release: a freeze fails it, and what isn't known is inconclusive.

    `wanted` is whether the policy asks for them: then that none were recorded isn't good either.
    """
    if document is None and wanted:
        message = "the policy asks for them, and what was left of them before the load isn't recorded"
        change = "run peakproof gate with this policy"
        yield Finding(
            kind="budget",
            severity=Severity.INCONCLUSIVE,
            subject=SUBJECT,
            message=message,
            change=change,
            known=False,
        )
    if document is None or document.decision == "ship":
        return
    told = [one for one in document.objectives if one.decision == document.decision]
    why = "; ".join(f"{one.objective}: {one.because}" for one in told[:3]) or "no objective's events are counted there"
    severity = _SEVERITIES.get(document.decision, Severity.INCONCLUSIVE)
    message = f"{WORDS.get(document.decision, document.decision)}: {why}"
    change = "" if severity is Severity.NOTE else "mend what spends the budget, or keep the data of the whole window"
    yield Finding(
        kind="budget",
        severity=severity,
        subject=SUBJECT,
        message=message,
        change=change,
        known=severity is not Severity.INCONCLUSIVE,
    )


def exit_code(document: BudgetDocument, *, strict: bool = False) -> ExitCode:
    """Return the exit code of a decision; a fix passes a freeze and a ship with care, never what isn't known."""
    if document.decision == "ship":
        return ExitCode.OK
    if document.decision not in ("care", "freeze"):
        return ExitCode.INCONCLUSIVE
    if document.fix is not None:
        return ExitCode.OK
    return ExitCode.FAIL if document.decision == "freeze" or strict else ExitCode.OK


def budget_lines(document: BudgetDocument) -> list[str]:
    """Return the budgets for people, the decision last."""
    lines = [
        f"{clean(one.objective):<30} {WORDS.get(one.decision, one.decision):<14} {clean(one.because)}"
        for one in document.objectives
    ]
    lines += [f"{clean(name):<30} {'not read':<14} Prometheus doesn't count its events" for name in document.not_read]
    told = WORDS.get(document.decision, document.decision)
    if document.fix is not None and document.decision in ("care", "freeze"):
        told += f", passed as a fix by {clean(document.fix.by)}: {clean(document.fix.why)}"
    return [*lines, told]
