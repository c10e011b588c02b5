"""The events of a run, steps and sessions that ended, and those who listen: equal, small, and never silent."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from loadtests.results.records import SessionRecord, StepBatch


class Listener(Protocol):
    """Records, live figures and traces are siblings behind this."""

    def steps_ended(self, batch: StepBatch) -> None:
        """Take some requests."""

    def session_ended(self, record: SessionRecord) -> None:
        """Take one session."""


class Hooks:
    """Tells every listener; one that fails doesn't stop the others, is counted, and makes the run invalid."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)
        self.failures: Counter[tuple[str, str]] = Counter()

    def steps_ended(self, batch: StepBatch) -> None:
        """Tell that requests ended."""
        for listener in self._listeners:
            try:
                listener.steps_ended(batch)
            except Exception as error:  # noqa: BLE001 - whatever fails in a hook is evidence against the run
                self.failures[type(listener).__name__, repr(error)] += 1

    def session_ended(self, record: SessionRecord) -> None:
        """Tell that a session ended."""
        for listener in self._listeners:
            try:
                listener.session_ended(record)
            except Exception as error:  # noqa: BLE001 - the same
                self.failures[type(listener).__name__, repr(error)] += 1
