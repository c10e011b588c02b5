"""Who may work for a run: a worker shows its master that it knows the run's token, without sending it.

Locust's port asks nobody for a name. What comes from a worker that hasn't joined reaches neither Locust nor the run:
it is given no work, can end nothing, and is named. The token guards the run, not the port: who can connect can still
disturb the connection itself, so the port belongs on loopback or in a network of one's own.
"""

import hashlib
import hmac
from collections.abc import Mapping

from slo.documents import BadInput

VARIABLE = "PEAKPROOF_RUN_TOKEN"
JOIN, ADMITTED, REFUSED = "peakproof_join", "peakproof_admitted", "peakproof_refused"
ASK, PAPERS = "peakproof_ask", "peakproof_papers"
STRANGER = f"it doesn't know this run's token: {VARIABLE} must be the same for master and workers"
_MOST_NAMED = 20
_LONGEST_NAME = 100


def run_token(variables: Mapping[str, str]) -> str:
    """Return the run's token; raises BadInput, which names the variable."""
    token = variables.get(VARIABLE, "")
    if not token:
        raise BadInput(f"{VARIABLE} is not set: a master lets in only workers that know the token of its run")
    return token


def proof(token: str, run: str, worker: str) -> str:
    """Return what the worker of that name sends to join that run; it is worth nothing for another of either."""
    return hmac.new(token.encode(), f"{run}\n{worker}".encode(), hashlib.sha256).hexdigest()


class Door:
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
