"""Who may work for a run: a worker shows its master that it knows the run's token, without sending it.

`AdmissionHandler` handles the messages of workers that haven't been admitted: it serves the run bundle and
authenticates joins.

Locust's port asks nobody for a name. What comes from a worker that hasn't joined reaches neither Locust nor the run:
it is given no work, can end nothing, and is named. The token guards the run, not the port: who can connect can still
disturb the connection itself, so the port belongs on loopback or in a network of one's own.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import Any

from loadtests.coordination import shared_path as sight
from loadtests.coordination.messages import ADMITTED, ASK, JOIN, PAPERS, REFUSED, Client
from loadtests.coordination.run_bundle import BundleServer
from loadtests.results.run_directory import RunDirectory
from loadtests.worker.job import VARIABLE

Answer = tuple[str, dict[str, Any]]
STRANGER = f"it doesn't know this run's token: {VARIABLE} must be the same for master and workers"
_MOST_NAMED = 20
_LONGEST_NAME = 100


def proof(token: str, run: str, worker: str) -> str:
    """Return what the worker of that name sends to join that run; it is worth nothing for another of either."""
    return hmac.new(token.encode(), f"{run}\n{worker}".encode(), hashlib.sha256).hexdigest()


class Admission:
    """The door of a run's master, which has `seats` for workers, each taken once."""

    def __init__(self, token: str, run: str, seats: int) -> None:
        self._token, self._run, self._seats = token, run, seats
        self._joined: set[str] = set()
        self._asked: set[str] = set()
        self._knocked: dict[str, None] = {}

    def knock(self, worker: str) -> None:
        """Take note of a worker that came; it is a stranger until it joins."""
        if len(self._knocked) < self._seats + _MOST_NAMED:
            self._knocked[worker] = None

    def has_asked(self, worker: str) -> None:
        """Take note that a worker showed the token without joining: it came for the run's papers only."""
        self._asked.add(worker)

    @property
    def is_full(self) -> str | None:
        """Why nobody can join any more, None while there is a seat."""
        return f"the run has its {self._seats} workers" if len(self._joined) >= self._seats else None

    def has_joined(self, worker: str) -> bool:
        """Whether what comes from that worker may pass."""
        return worker in self._joined

    def refusal(self, worker: str, told: object) -> str | None:
        """Let a worker in that shows what it must, and return None; else return why not. `told` is anything."""
        shown = told.get("proof") if isinstance(told, dict) else None
        wanted = proof(self._token, self._run, worker)
        if not isinstance(shown, str) or not hmac.compare_digest(shown.encode(), wanted.encode()):
            return STRANGER
        if self.is_full:
            return self.is_full
        self._joined.add(worker)
        return None

    @property
    def strangers(self) -> tuple[str, ...]:
        """The first workers that came and didn't join, by the names they gave themselves."""
        names = [name for name in self._knocked if name not in self._joined | self._asked]
        return tuple("".join(c if c.isprintable() else "?" for c in name[:_LONGEST_NAME]) for name in names)[
            :_MOST_NAMED
        ]


class AdmissionHandler:
    """Stands at `door`; `streams` is told of each worker that was let in and can't see the run directory."""

    def __init__(
        self, door: Admission, desk: BundleServer, directory: RunDirectory, streams: Callable[[Client], None]
    ) -> None:
        self._door, self._desk, self._directory, self._streams = door, desk, directory, streams
        self._word = sight.show(directory)

    def answers(self, client: Client, kind: str, told: object) -> Iterator[Answer]:
        """Return what is to be told to a client that isn't in, and let it in if it shows that it may join."""
        if kind == ASK:
            yield self._papers(client, told)
        elif kind == JOIN:
            yield self._joining(client, told)

    def _papers(self, client: Client, told: object) -> Answer:
        papers = self._desk.answer(client, told)
        if papers is None:
            return REFUSED, {"because": STRANGER}
        self._door.has_asked(client)
        return (PAPERS, papers) if self._door.is_full is None else (REFUSED, {"because": self._door.is_full})

    def _joining(self, client: Client, told: object) -> Answer:
        why = self._door.refusal(client, told)
        if why is not None:
            return REFUSED, {"because": why}
        sees = told.get("sees") if isinstance(told, dict) else None
        is_here = sight.is_shared(self._directory, client, self._word, sees)
        if not is_here:
            self._streams(client)
        return ADMITTED, {"streams": not is_here}
