"""Messages between a run's master and its workers, and what carries them; in a run that is Locust.

A message is a kind and a value of plain JSON types and bytes. What was sent first on one connection arrives first; what
was sent while the connection was broken may never arrive.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Protocol

from slo.outcomes import ExitCode

JOIN, REFUSED = "peakproof_join", "peakproof_refused"
ASK_FOR_BUNDLE, BUNDLE = "peakproof_ask_for_bundle", "peakproof_bundle"
PLAY, CHANGE, DONE, STOP = "peakproof_play", "peakproof_change", "peakproof_done", "peakproof_stop"
FAILED = "peakproof_failed"
REVISE, TAKEN = "peakproof_revise", "peakproof_taken"
PING, PONG = "peakproof_ping", "peakproof_pong"
Role = Literal["master", "worker", "alone"]
# A process at the other end, by the id that Locust gives it; the master has one id: "".
ClientId = str
Handlers = Mapping[str, Callable[[ClientId, Any], None]]
"""What is called for a message of each kind, with its sender and its value."""
ALONE: ClientId = "alone"


class Transport(Protocol):
    """One process's end of the connection to the others of its run."""

    @property
    def role(self) -> Role:
        """What this process is: `alone` has no process at the other end, and its messages go nowhere."""

    def send(self, kind: str, value: Mapping[str, Any], client: ClientId | None = None) -> None:
        """Send a message to the master, or from the master to one client, or with None to all of them."""

    def responsive(self) -> Collection[ClientId]:
        """Return the clients that are connected and were heard lately; from the master only."""

    def unresponsive(self) -> Collection[ClientId]:
        """Return the clients that are connected and were not heard for some seconds; from the master only."""

    def leave(self) -> None:
        """End this worker's process; its last messages may be lost."""

    def end(self, code: ExitCode) -> None:
        """End this process with that code, and from the master every worker's."""


class LocalTransport:
    """Between the two halves of a process that is alone: a message is handled by `handlers` before `send` returns."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.handlers: Handlers = {}

    @property
    def role(self) -> Role:
        """What this process is."""
        return self._transport.role

    def send(self, kind: str, value: Mapping[str, Any], client: ClientId | None = None) -> None:
        """Let the other half handle a message."""
        self.handlers[kind](client or ALONE, value)

    def responsive(self) -> Collection[ClientId]:
        """Return this process."""
        return {ALONE}

    def unresponsive(self) -> Collection[ClientId]:
        """Return no client."""
        return ()

    def leave(self) -> None:
        """End this process."""
        self._transport.leave()

    def end(self, code: ExitCode) -> None:
        """End this process with that code."""
        self._transport.end(code)
