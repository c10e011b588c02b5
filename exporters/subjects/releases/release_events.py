"""A file of events, format peakproof/release-event/v1: one JSON object a line, strict.

    {"format": "peakproof/release-event/v1", "event": "deployment", "at": "2026-11-28T09:00:00Z",
     "deployed_to": "production", "version": "v1.4.0", "commit": "<40 hex>", "succeeded": true}
    {…, "event": "incident_opened", "at": …, "id": "INC-7", "deployed_to": "production", "version": "v1.4.0"}
    {…, "event": "incident_resolved", "at": …, "id": "INC-7"}
    {…, "event": "rollback", "at": …, "deployed_to": "production", "version": "v1.4.0"}

An incident's `version` is the release that caused it, and is left out where none did; a rollback's is the one that was
taken back.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, RootModel

from exporters.serving.source import Unreadable
from exporters.sources.json_lines import read_records
from exporters.sources.times import Time, in_the_past
from exporters.subjects.releases.config import Place
from exporters.subjects.releases.values import MAX_VERSION, Deployment, Events, Incident, Rollback
from slo.documents import Document, validate

Version = Annotated[str, Field(min_length=1, max_length=MAX_VERSION)]
Id = Annotated[str, Field(min_length=1, max_length=200)]


class _Event(Document):
    format: Literal["peakproof/release-event/v1"]
    at: Time

    @property
    def at_s(self) -> float:
        return self.at.timestamp()


class DeploymentEvent(_Event):
    """A deployment that has ended."""

    event: Literal["deployment"]
    deployed_to: Place
    version: Version
    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")] | None = None
    succeeded: bool


class IncidentOpened(_Event):
    """A failure in service that began to be worked on."""

    event: Literal["incident_opened"]
    id: Id
    deployed_to: Place
    version: Version | None = None


class IncidentResolved(_Event):
    """Service is restored."""

    event: Literal["incident_resolved"]
    id: Id


class RollbackEvent(_Event):
    """A release was taken back."""

    event: Literal["rollback"]
    deployed_to: Place
    version: Version


AnyEvent = DeploymentEvent | IncidentOpened | IncidentResolved | RollbackEvent


class ReleaseEvent(RootModel[Annotated[AnyEvent, Field(discriminator="event")]]):
    """One line of the file."""


def read_events(path: Path, now_s: float) -> Events:
    """Return the events; raises Unreadable for a line that isn't one, lies in the future, or contradicts another."""
    read = read_records(path, lambda data, place: (validate(data, ReleaseEvent, place).root, place))
    for one, place in read:
        in_the_past(one.at_s, now_s, f"{place}: at")
    events = [one for one, _ in read]
    return Events(
        deployments=tuple(_deployment(one) for one in events if isinstance(one, DeploymentEvent)),
        incidents=_incidents(read),
        rollbacks=tuple(
            Rollback(deployed_to=one.deployed_to, version=one.version, at_s=one.at_s)
            for one in events
            if isinstance(one, RollbackEvent)
        ),
    )


def _deployment(one: DeploymentEvent) -> Deployment:
    return Deployment(
        deployed_to=one.deployed_to, version=one.version, commit=one.commit, at_s=one.at_s, succeeded=one.succeeded
    )


def _incidents(read: Iterable[tuple[AnyEvent, str]]) -> tuple[Incident, ...]:
    opened: dict[str, IncidentOpened] = {}
    resolved: dict[str, float] = {}
    for one, place in read:
        if isinstance(one, IncidentOpened):
            if one.id in opened:
                raise Unreadable(f"{place}: id: {one.id!r} was opened before")
            opened[one.id] = one
        elif isinstance(one, IncidentResolved):
            _check_resolved(one, opened, resolved, place)
            resolved[one.id] = one.at_s
    return tuple(
        Incident(
            deployed_to=one.deployed_to, opened_at_s=one.at_s, resolved_at_s=resolved.get(name), version=one.version
        )
        for name, one in opened.items()
    )


def _check_resolved(
    one: IncidentResolved, opened: dict[str, IncidentOpened], resolved: dict[str, float], place: str
) -> None:
    if one.id not in opened:
        raise Unreadable(f"{place}: id: {one.id!r} wasn't opened before")
    if one.id in resolved:
        raise Unreadable(f"{place}: id: {one.id!r} was resolved before")
    if one.at < opened[one.id].at:
        raise Unreadable(f"{place}: at: {one.id!r} was opened after it was resolved")
