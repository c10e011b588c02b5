"""The papers of a run, for a worker that can't see its directory: plan, objectives, target and job; never a secret.

The worker asks for them a slice at a time, showing that it knows the run's token, and believes them only under a seal
that nobody without the token can make: they say where load goes, and which variables are sent there.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent
from gevent.queue import Empty, Queue
from pydantic import Field

from loadtests.coordination.messages import REFUSED
from loadtests.results.run_directory import RunDirectory, write_bytes
from slo.documents import BadInput, Document, validate_json

_LONGEST_S, _ASK_AGAIN_S = 60.0, 2.0
SLICE_BYTES = 128 * 1024
MOST_BYTES = 16 * 1024 * 1024
_NAME = r"plan\.yaml|targets\.redacted\.json|job\.json|objectives/[A-Za-z0-9][A-Za-z0-9._-]*\.yaml"


class RunBundle(Document):
    """The files by their names below the run directory."""

    run: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    workers: int = Field(ge=1)
    files: dict[str, str]


def pack(directory: RunDirectory, workers: int) -> bytes:
    """Return the papers of a run that is prepared, for so many workers."""
    paths = (directory.plan, directory.targets, directory.job, *sorted(directory.objectives.glob("*.yaml")))
    files = {path.relative_to(directory.path).as_posix(): path.read_text(encoding="utf-8") for path in paths}
    return RunBundle(run=directory.name, workers=workers, files=files).model_dump_json().encode()


def asking(token: str, client: str, nonce: str) -> str:
    """Return what shows that `client` may ask; worth nothing for another client or nonce."""
    return _mac(token, "ask", client, nonce)


def seal(token: str, client: str, nonce: str, packed: bytes) -> str:
    """Return the seal under which the papers go to the client that asked with `nonce`."""
    return _mac(token, "papers", client, nonce, hashlib.sha256(packed).hexdigest())


def _mac(token: str, *words: str) -> str:
    return hmac.new(token.encode(), "\n".join(words).encode(), hashlib.sha256).hexdigest()


class BundleServer:
    """The master's side: gives slices of the papers to who knows the token."""

    def __init__(self, token: str, directory: RunDirectory, workers: int) -> None:
        self._token, self._packed = token, pack(directory, workers)

    def answer(self, client: str, told: object) -> dict[str, Any] | None:
        """Return the slice that is asked for; None to who doesn't show that it may ask. `told` is anything."""
        asked = told if isinstance(told, Mapping) else {}
        nonce, shown, at = asked.get("nonce"), asked.get("proof"), asked.get("at")
        if not isinstance(nonce, str) or not isinstance(shown, str) or not isinstance(at, int) or at < 0:
            return None
        if not hmac.compare_digest(shown.encode(), asking(self._token, client, nonce).encode()):
            return None
        data = self._packed[at : at + SLICE_BYTES]
        return {
            "at": at,
            "size": len(self._packed),
            "data": data,
            "seal": seal(self._token, client, nonce, self._packed),
        }


class Gathered:
    """The worker's side: what it has of the papers that it asks for under `nonce`."""

    def __init__(self, token: str, client: str, nonce: str) -> None:
        self._token, self._client, self._nonce = token, client, nonce
        self._data = b""
        self._told: tuple[int, str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to ask for."""
        return self._told is not None and len(self._data) >= self._told[0]

    def question(self) -> dict[str, Any]:
        """Return what to ask next."""
        proof = asking(self._token, self._client, self._nonce)
        return {"nonce": self._nonce, "proof": proof, "at": len(self._data)}

    def take(self, told: Mapping[str, Any]) -> None:
        """Take a slice; one that isn't the next is left, and asked for again."""
        if told["at"] == len(self._data) and len(self._data) + len(told["data"]) <= MOST_BYTES:
            self._data += told["data"]
            self._told = (told["size"], told["seal"])

    def open(self) -> RunBundle:
        """Return the papers; raises BadInput when they aren't what a master that knows the token has sent."""
        sealed = seal(self._token, self._client, self._nonce, self._data)
        if self._told is None or not hmac.compare_digest(sealed.encode(), self._told[1].encode()):
            raise BadInput(
                "the run's papers came from a master that doesn't know the token, or were changed on the way"
            )
        papers = validate_json(self._data.decode(), RunBundle, "the run's papers")
        for name in papers.files:
            if re.fullmatch(_NAME, name) is None:
                raise BadInput(f"the run's papers: unexpected file {name!r}")
        return papers


class RefusedError(Exception):
    """The master gives this worker nothing; the text says why."""


def fetch(
    token: str, client: str, ask: Callable[[dict[str, Any]], None], answers: "Queue[tuple[str, dict[str, Any]]]"
) -> RunBundle:
    """Ask until the papers are whole; raises RefusedError, and BadInput when they don't come or can't be believed."""
    gathered = Gathered(token, client, secrets.token_hex(16))
    with gevent.Timeout(_LONGEST_S, BadInput(f"the master didn't send the run's papers within {_LONGEST_S:g} s")):
        while not gathered.is_whole:
            ask(gathered.question())
            try:
                kind, told = answers.get(timeout=_ASK_AGAIN_S)
            except Empty:
                continue
            if kind == REFUSED:
                raise RefusedError(told["because"])
            gathered.take(told)
    return gathered.open()


def lay_out(papers: RunBundle, folder: Path) -> RunDirectory:
    """Write the papers below `folder` as the run directory that a worker of that run needs."""
    directory = RunDirectory(path=folder / papers.run)
    for path in (directory.path, directory.objectives, directory.logs):
        path.mkdir(parents=True, exist_ok=True)
    for name, text in papers.files.items():
        write_bytes(directory.path / name, text.encode())
    return directory
