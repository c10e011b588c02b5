"""The line between a run's master and its workers, as far as a stage must know it; Locust carries it.

What is said is a kind and a value of plain JSON types and bytes. On one line what was said first is heard first; what
was said while the line was broken may never be heard.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Protocol

from slo.outcomes import ExitCode

JOIN, ADMITTED, REFUSED = "peakproof_join", "peakproof_admitted", "peakproof_refused"
ASK, PAPERS = "peakproof_ask", "peakproof_papers"
Role = Literal["master", "worker", "alone"]
# A client is a process at the other end, by the name that the line gives it; the master has one name: "".
Client = str
Ears = Mapping[str, Callable[[Client, Any], None]]
ALONE: Client = "alone"
PLAY, CHANGE, DONE, STOP = "peakproof_play", "peakproof_change", "peakproof_done", "peakproof_stop"
REVISE, TAKEN = "peakproof_revise", "peakproof_taken"
PING, PONG = "peakproof_ping", "peakproof_pong"
PIECE, RECEIPT = "peakproof_piece", "peakproof_receipt"


class Line(Protocol):
    """One process's end of the line."""

    @property
    def role(self) -> Role:
        """What this process is: `alone` there is nobody at the other end, and what is told goes nowhere."""

    def tell(self, kind: str, value: Mapping[str, Any], client: Client | None = None) -> None:
        """Tell the master, or from the master one client, or with None all of them."""

    def heard(self) -> Collection[Client]:
        """Return the clients that are there and speak; from the master only."""

    def silent(self) -> Collection[Client]:
        """Return the clients that are there and haven't spoken for some seconds; from the master only."""

    def leave(self) -> None:
        """End this worker's process; what it told last, and the master hasn't heard yet, may be lost."""

    def end(self, code: ExitCode) -> None:
        """End this process, and from the master every worker's, with what has become of the run."""


class Loop:
    """The line of one half of a process that is alone: what it tells, `ears`, the other half's, hear at once."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.ears: Ears = {}

    @property
    def role(self) -> Role:
        """What this process is."""
        return self._line.role

    def tell(self, kind: str, value: Mapping[str, Any], client: Client | None = None) -> None:
        """Let the other half hear it before this returns."""
        self.ears[kind](client or ALONE, value)

    def heard(self) -> Collection[Client]:
        """Return who the line says is there."""
        return self._line.heard()

    def silent(self) -> Collection[Client]:
        """Return who the line says is missed."""
        return self._line.silent()

    def leave(self) -> None:
        """End as the line does."""
        self._line.leave()

    def end(self, code: ExitCode) -> None:
        """End as the line does."""
        self._line.end(code)
