"""The run bundle, for a worker that can't see the run directory: its inputs and its job, never a secret.

The worker asks for it a slice at a time, proving that it knows the run's token, and takes it only under a seal (a MAC)
that can't be made without the token: it says where load goes, and which variables are sent there.
"""

import base64
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
_FILE = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_NAME = rf"plan\.yaml|targets\.redacted\.json|job\.json|objectives/{_FILE}\.yaml|storefront/(?:{_FILE}/)*{_FILE}"


class RunBundle(Document):
    """The files by their names below the run directory; what is no text is in `data`, in base64."""

    run: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    workers: int = Field(ge=1)
    files: dict[str, str]
    data: dict[str, str] = Field(default_factory=dict)

    def contents(self) -> dict[str, bytes]:
        """Return the bytes of every file by its name; raises BadInput for a name or content that no file has."""
        for name in (*self.files, *self.data):
            if re.fullmatch(_NAME, name) is None:
                raise BadInput(f"the run bundle: unexpected file {name!r}")
        try:
            texts = {name: text.encode() for name, text in self.files.items()}
            return texts | {name: base64.b64decode(text, validate=True) for name, text in self.data.items()}
        except ValueError as error:
            raise BadInput(f"the run bundle: unreadable file: {error}") from error


def pack(directory: RunDirectory, workers: int) -> bytes:
    """Return the bundle of a run that is prepared, for so many workers, as it is sent."""
    paths = (
        *(directory.plan, directory.targets, directory.job, *sorted(directory.objectives.glob("*.yaml"))),
        *directory.storefront_files(),
    )
    files, data = {}, {}
    for path in paths:
        name, content = path.relative_to(directory.path).as_posix(), path.read_bytes()
        try:
            files[name] = content.decode()
        except UnicodeDecodeError:
            data[name] = base64.b64encode(content).decode()
    return RunBundle(run=directory.name, workers=workers, files=files, data=data).model_dump_json().encode()


def asking(token: str, client: str, nonce: str) -> str:
    """Return the proof that `client` may ask; worth nothing for another client or nonce."""
    return _mac(token, "ask", client, nonce)


def seal(token: str, client: str, nonce: str, packed: bytes) -> str:
    """Return the seal under which the bundle goes to the client that asked with `nonce`."""
    return _mac(token, "bundle", client, nonce, hashlib.sha256(packed).hexdigest())


def _mac(token: str, *words: str) -> str:
    return hmac.new(token.encode(), "\n".join(words).encode(), hashlib.sha256).hexdigest()


class BundleServer:
    """The master's side: sends slices of the bundle to a worker that knows the token."""

    def __init__(self, token: str, directory: RunDirectory, workers: int) -> None:
        self._token, self._packed = token, pack(directory, workers)

    def answer(self, client: str, question: object) -> dict[str, Any] | None:
        """Return the slice that is asked for; None without a right proof. `question` is anything."""
        asked = question if isinstance(question, Mapping) else {}
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


class BundleDownload:
    """The worker's side: what has come of the bundle that it asks for under `nonce`."""

    def __init__(self, token: str, client: str, nonce: str) -> None:
        self._token, self._client, self._nonce = token, client, nonce
        self._data = b""
        self._size_and_seal: tuple[int, str] | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to ask for."""
        return self._size_and_seal is not None and len(self._data) >= self._size_and_seal[0]

    def question(self) -> dict[str, Any]:
        """Return what to ask next."""
        proof = asking(self._token, self._client, self._nonce)
        return {"nonce": self._nonce, "proof": proof, "at": len(self._data)}

    def take(self, piece: Mapping[str, Any]) -> None:
        """Take a slice; one that isn't the next is left, and asked for again."""
        if piece["at"] == len(self._data) and len(self._data) + len(piece["data"]) <= MOST_BYTES:
            self._data += piece["data"]
            self._size_and_seal = (piece["size"], piece["seal"])

    def open(self) -> RunBundle:
        """Return the bundle; raises BadInput when it isn't what a master that knows the token has sent."""
        sealed = seal(self._token, self._client, self._nonce, self._data)
        if self._size_and_seal is None or not hmac.compare_digest(sealed.encode(), self._size_and_seal[1].encode()):
            raise BadInput("the run bundle came from a master that doesn't know the token, or was changed on the way")
        try:
            text = self._data.decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"the run bundle: not UTF-8: {error}") from error
        bundle = validate_json(text, RunBundle, "the run bundle")
        bundle.contents()
        return bundle


class RefusedError(Exception):
    """The master refuses this worker; the text says why."""


def fetch(
    token: str, client: str, ask: Callable[[dict[str, Any]], None], answers: "Queue[tuple[str, dict[str, Any]]]"
) -> RunBundle:
    """Ask until the bundle is whole; raises RefusedError, and BadInput when it doesn't come or isn't the master's."""
    download = BundleDownload(token, client, secrets.token_hex(16))
    with gevent.Timeout(_LONGEST_S, BadInput(f"the master didn't send the run bundle within {_LONGEST_S:g} s")):
        while not download.is_whole:
            ask(download.question())
            try:
                kind, reply = answers.get(timeout=_ASK_AGAIN_S)
            except Empty:
                continue
            if kind == REFUSED:
                raise RefusedError(reply["because"])
            download.take(reply)
    return download.open()


def unpack(bundle: RunBundle, folder: Path) -> RunDirectory:
    """Write the bundle below `folder` as the run directory that a worker of that run needs."""
    directory = RunDirectory(path=folder / bundle.run)
    for path in (directory.path, directory.objectives, directory.logs, directory.storefront):
        path.mkdir(parents=True, exist_ok=True)
    for name, content in bundle.contents().items():
        path = directory.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, content)
    return directory
