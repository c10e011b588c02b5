"""Waivers: a failure that a team accepts for a time, with who accepts it, why, and until when.

A waiver never makes a failure good. It takes it out of what decides the outcome, and every output says so. It ends by
itself: one that has expired waives nothing, and none may be granted for more than a year.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from slo.documents import Document
from slo.findings import Finding, Severity
from slo.formatting import clean
from slo.verdict.own_data import OWN_DATA
from slo.verdict.promises import NEEDS

LONGEST = timedelta(days=366)
NEVER_WAIVED = frozenset({*NEEDS, OWN_DATA})
"""Broken promises to a customer: lost, oversold, paid twice or wrongly, shown to another (docs/decisions/0032)."""
Status = Literal["waived", "unused", "expired", "refused"]
_KINDS = MappingProxyType({"objective": "objective", "criterion": "criterion"})


def _is_text(text: str) -> str:
    if not clean(text):
        raise ValueError("expected words")
    return clean(text)


def _is_date(value: object) -> object:
    if isinstance(value, date) and type(value) is date:
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("expected a date such as 2026-12-24")


Words = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_is_text)]
Subject = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_is_text)]
Day = Annotated[date, BeforeValidator(_is_date)]


class Waiver(Document):
    """One failure that is accepted until the end of the day `expires` (UTC), by whom and why."""

    objective: Subject | None = None
    criterion: Subject | None = None
    finding: Subject | None = None
    owner: Words
    reason: Words
    expires: Day

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if sum(one is not None for one in (self.objective, self.criterion, self.finding)) != 1:
            raise ValueError("expected exactly one of objective, criterion and finding")
        if self.finding in NEVER_WAIVED:
            raise ValueError(f"finding: {self.finding} is a promise to a customer, and no waiver is taken for it")
        return self

    @property
    def waives(self) -> str:
        """What it waives, such as `objective checkout-latency`."""
        kind = next(name for name in ("objective", "criterion", "finding") if getattr(self, name) is not None)
        return f"{kind} {getattr(self, kind)}"

    def covers(self, finding: Finding) -> bool:
        """Whether it is about a finding."""
        if finding.subject in NEVER_WAIVED:
            return False
        if self.finding is not None:
            return finding.subject == self.finding and finding.kind not in _KINDS
        wanted = self.objective if finding.kind == "objective" else self.criterion
        return finding.kind in _KINDS and wanted is not None and finding.subject == wanted


class WaiverFile(Document):
    """A file of waivers, format peakproof/waivers/v1: for those who approve them elsewhere than the policy."""

    format: Literal["peakproof/waivers/v1"]
    waivers: Annotated[tuple[Waiver, ...], Field(max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverResult:
    """What became of one waiver: it waived something, had nothing to waive, had expired, or is no valid waiver."""

    waives: str
    owner: str
    reason: str
    expires: date
    status: Status
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waived:
    """The findings with those that are waived turned into notes, and what became of each waiver."""

    findings: tuple[Finding, ...]
    subjects: frozenset[tuple[str, str]]
    results: tuple[WaiverResult, ...]


def refusal(waiver: Waiver, on: date) -> str | None:
    """Return why a waiver may not be used on a day, None when it may."""
    if waiver.expires < on:
        return f"it expired on {waiver.expires.isoformat()}: renew it, or mend what it waives"
    if waiver.expires > on + LONGEST:
        return f"it would last until {waiver.expires.isoformat()}: a waiver is for a year at most"
    return None


def apply(waivers: tuple[Waiver, ...], findings: tuple[Finding, ...], on: date) -> Waived:
    """Apply waivers to the FAIL findings of a run that ended on a day (UTC)."""
    valid = [one for one in waivers if refusal(one, on) is None]
    by_subject: Mapping[tuple[str, str], Waiver] = {
        (finding.kind, finding.subject): waiver
        for finding in findings
        if finding.severity is Severity.FAIL
        for waiver in reversed(valid)
        if waiver.covers(finding)
    }
    changed = tuple(
        _noted(one, by_subject[one.kind, one.subject])
        if one.severity is Severity.FAIL and (one.kind, one.subject) in by_subject
        else one
        for one in findings
    )
    used = {id(waiver) for waiver in by_subject.values()}
    return Waived(
        findings=changed,
        subjects=frozenset(by_subject),
        results=tuple(_result(one, on, findings, used=id(one) in used) for one in waivers),
    )


def _noted(finding: Finding, waiver: Waiver) -> Finding:
    facts = {**finding.facts, "waived_by": waiver.owner, "waived_until": waiver.expires.isoformat()}
    message = f"waived until {waiver.expires.isoformat()} by {waiver.owner} ({waiver.reason}): {finding.message}"
    return Finding(kind=finding.kind, severity=Severity.NOTE, subject=finding.subject, message=message, facts=facts)


def _result(waiver: Waiver, on: date, findings: tuple[Finding, ...], *, used: bool) -> WaiverResult:
    why_not = refusal(waiver, on)
    found = [one for one in findings if one.severity is Severity.FAIL and waiver.covers(one)]
    status: Status = "waived" if used else "unused"
    message = "; ".join(one.message for one in found) if used else "nothing to waive: it could be removed"
    if why_not is not None:
        status = "expired" if waiver.expires < on else "refused"
        message = why_not
    return WaiverResult(
        waives=waiver.waives,
        owner=waiver.owner,
        reason=waiver.reason,
        expires=waiver.expires,
        status=status,
        message=message,
    )
