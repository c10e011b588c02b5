"""The one event of a run, a step that ended, and those who listen to it: equal, small, and never silent."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

from loadtests.records import SessionRecord, StepRecord


class Listener(Protocol):
    """Recorder, live figures and traces are siblings behind this."""

    def step_ended(self, record: StepRecord) -> None:
        """Take one request."""

    def session_ended(self, record: SessionRecord) -> None:
        """Take one session."""


class Hooks:
    """Tells every listener; one that fails doesn't stop the others, is counted, and makes the run invalid."""

    def __init__(self, listeners: Sequence[Listener]) -> None:
        self._listeners = tuple(listeners)
        self.failures: Counter[tuple[str, str]] = Counter()

    def step_ended(self, record: StepRecord) -> None:
        """Tell that a request ended."""
        for listener in self._listeners:
            try:
                listener.step_ended(record)
            except Exception as error:  # noqa: BLE001 - whatever fails in a hook is evidence against the run
                self.failures[type(listener).__name__, repr(error)] += 1

    def session_ended(self, record: SessionRecord) -> None:
        """Tell that a session ended."""
        for listener in self._listeners:
            try:
                listener.session_ended(record)
            except Exception as error:  # noqa: BLE001 - the same
                self.failures[type(listener).__name__, repr(error)] += 1
