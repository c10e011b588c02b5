"""Which workers may work for a run: a worker proves to its master that it knows the run's token, without sending it.

Locust's port takes a connection from any process. What comes from a worker that hasn't been admitted reaches neither
Locust nor the run: it gets no work, can end nothing, and is named. The token guards the run, not the port: a process
that can connect can still disturb the connection itself, so the port belongs on loopback or in a network of one's own.
"""

import hashlib
import hmac
from typing import Any

from loadtests.coordination import shared_path
from loadtests.coordination.messages import ASK_FOR_BUNDLE, BUNDLE, JOIN, REFUSED, ClientId
from loadtests.coordination.run_bundle import BundleServer
from loadtests.coordination.uploads import UploadPermits
from loadtests.results.run_directory import RunDirectory
from loadtests.worker.job import VARIABLE

Reply = tuple[str, dict[str, Any]]
STRANGER = f"it doesn't know this run's token: {VARIABLE} must be the same for master and workers"
_MOST_NAMED = 20
_LONGEST_NAME = 100


def proof(token: str, run: str, worker: str) -> str:
    """Return what the worker of that name sends to join that run; it is worth nothing for another of either."""
    return hmac.new(token.encode(), f"{run}\n{worker}".encode(), hashlib.sha256).hexdigest()


class Admission:
    """Which workers have joined a run, which has `seats` for them, each taken once, and which tried in vain."""

    def __init__(self, token: str, run: str, seats: int) -> None:
        self._token, self._run, self._seats = token, run, seats
        self._joined: set[str] = set()
        self._fetched: set[str] = set()
        self._seen: dict[str, None] = {}

    def saw(self, worker: str) -> None:
        """Take note of a worker that connected; it is a stranger until it joins."""
        if len(self._seen) < self._seats + _MOST_NAMED:
            self._seen[worker] = None

    def has_fetched(self, worker: str) -> None:
        """Take note that a worker proved that it knows the token without joining: it only fetched the run bundle."""
        self._fetched.add(worker)

    @property
    def is_full(self) -> str | None:
        """Why no further worker can join, None while there is a seat."""
        return f"the run has its {self._seats} workers" if len(self._joined) >= self._seats else None

    def has_joined(self, worker: str) -> bool:
        """Whether messages from that worker may pass."""
        return worker in self._joined

    def refusal(self, worker: str, request: object) -> str | None:
        """Admit a worker that proves what it must, and return None; else return why not. `request` is anything."""
        shown = request.get("proof") if isinstance(request, dict) else None
        wanted = proof(self._token, self._run, worker)
        if not isinstance(shown, str) or not hmac.compare_digest(shown.encode(), wanted.encode()):
            return STRANGER
        if self.is_full:
            return self.is_full
        self._joined.add(worker)
        return None

    @property
    def strangers(self) -> tuple[str, ...]:
        """The first workers that connected and didn't join, by the names they gave themselves."""
        names = [name for name in self._seen if name not in self._joined | self._fetched]
        return tuple("".join(c if c.isprintable() else "?" for c in name[:_LONGEST_NAME]) for name in names)[
            :_MOST_NAMED
        ]


class AdmissionHandler:
    """Handles messages from workers that haven't been admitted: serves the run bundle and authenticates joins.

    A worker that is admitted and can't see the run directory is added to `permits`.
    """

    def __init__(
        self, admission: Admission, bundle: BundleServer, directory: RunDirectory, permits: UploadPermits
    ) -> None:
        self._admission, self._bundle, self._directory, self._permits = admission, bundle, directory, permits
        self._word = shared_path.show(directory)

    def reply(self, client: ClientId, kind: str, value: object) -> Reply | None:
        """Return the reply to a worker that hasn't been admitted; None when there is none, as when it now is."""
        if kind == ASK_FOR_BUNDLE:
            return self._serve_bundle(client, value)
        return self._join(client, value) if kind == JOIN else None

    def _serve_bundle(self, client: ClientId, question: object) -> Reply:
        piece = self._bundle.answer(client, question)
        if piece is None:
            return REFUSED, {"because": STRANGER}
        self._admission.has_fetched(client)
        return (BUNDLE, piece) if self._admission.is_full is None else (REFUSED, {"because": self._admission.is_full})

    def _join(self, client: ClientId, request: object) -> Reply | None:
        why = self._admission.refusal(client, request)
        if why is not None:
            return REFUSED, {"because": why}
        sees = request.get("sees") if isinstance(request, dict) else None
        if not shared_path.is_shared(self._directory, client, self._word, sees):
            self._permits.clients.add(client)
        return None
