"""A run that is over, as its command knows it: all that those need who audit or judge it."""

from dataclasses import dataclass

from loadtests.results.recorded_run import declared_of
from loadtests.results.run_directory import RunDirectory
from slo.validity.run_document import RunDocument
from slo.verdict.promises import SOURCES

BY_HAND = "by hand or signal"
UNREAD = "its output was closed: the terminal, or the pipe that read it"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run that is over: its directory and `run.json`."""

    directory: RunDirectory
    run: RunDocument

    @property
    def is_interrupted(self) -> bool:
        """Whether a person, a signal or a closed terminal ended it: nobody waits for its verdict."""
        return self.run.ended == "stopped" and self.run.ended_because in (BY_HAND, UNREAD)


def declares_records(directory: RunDirectory) -> bool:
    """Whether the environment of a run declares shop records to audit it by; raises BadInput."""
    return bool(declared_of(directory) & frozenset(SOURCES))
