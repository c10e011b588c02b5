"""Hooks: every finished request and session goes to every listener; a listener that fails is counted."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from loadtests.results.records import SessionRecord, StepBatch


class Listener(Protocol):
    """The interface of what consumes a run's events: records, live figures, client spans."""

    def steps_ended(self, batch: StepBatch) -> None:
        """Handle finished requests."""

    def session_ended(self, record: SessionRecord) -> None:
        """Handle one finished session."""


class Hooks:
    """Calls every listener; one that fails doesn't stop the others, is counted, and makes the run invalid."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)
        self.failures: Counter[tuple[str, str]] = Counter()

    def steps_ended(self, batch: StepBatch) -> None:
        """Pass finished requests to every listener."""
        for listener in self._listeners:
            try:
                listener.steps_ended(batch)
            except Exception as error:  # noqa: BLE001 - whatever fails in a hook is evidence against the run
                self.failures[type(listener).__name__, repr(error)] += 1

    def session_ended(self, record: SessionRecord) -> None:
        """Pass a finished session to every listener."""
        for listener in self._listeners:
            try:
                listener.session_ended(record)
            except Exception as error:  # noqa: BLE001 - the same
                self.failures[type(listener).__name__, repr(error)] += 1
