"""Takes what workers elsewhere upload into the run directory, beside the spans and on the same port.

Nothing appears under its name before it is whole, right and on disk, and a request that is repeated changes nothing:
the worker sends again whatever it has no answer for. `loadtests.coordination.uploads` says what is sent.
"""

import hashlib
import hmac
import os
import secrets
import threading
from collections.abc import Iterable
from typing import Any

from exporters.serving.http_server import StartResponse
from loadtests.coordination.uploads import (
    DIGEST,
    OFFSET,
    PART_BYTES,
    PATH,
    ROWS_BYTES,
    VERSION,
    UploadedFile,
    digest_field,
    file_named,
    token_for,
)
from loadtests.results.run_directory import RunDirectory, write_bytes

# Of the server's threads, so that spans and scrapes always find one: parts may take long, rows may not wait for them.
MOST_PARTS, MOST_OTHERS = 4, 4
_CHUNK_BYTES = 64 << 10
_MOST_DIGITS = 15
Answer = tuple[str, dict[str, str]]


class _NotTaken(Exception):  # noqa: N818 - it is what happened to the request
    """An upload that isn't taken; `status` is HTTP's."""

    def __init__(self, status: str, why: str, **fields: str) -> None:
        super().__init__(why)
        self.status, self.fields = status, fields


class Uploads:
    """A WSGI application that writes into `run` what its workers upload, each with the token made for it by `key`."""

    def __init__(self, run: RunDirectory, key: str) -> None:
        self._run, self._key = run, key
        self._parts, self._others = threading.Semaphore(MOST_PARTS), threading.Semaphore(MOST_OTHERS)
        self._locks: dict[str, threading.Lock] = {}
        self._versions: dict[str, int] = {}

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request: 201 or 204 when it is taken or was before, 409 with the ledger's length for a gap."""
        try:
            (status, fields), why = self._take(environ), ""
        except _NotTaken as refused:
            status, fields, why = refused.status, refused.fields, str(refused)
        except OSError as error:
            status, fields, why = "507 Insufficient Storage", {}, f"can't be written: {error.strerror or error}"
        if getattr(environ["wsgi.input"], "remaining", 0) > 0:
            fields = {**fields, "Connection": "close"}  # so that what isn't taken isn't read either
        body = why.encode() + b"\n" if why else b""
        typed = {"Content-Type": "text/plain; charset=utf-8"} if why else {}
        start_response(status, list({**typed, **fields, "Content-Length": str(len(body))}.items()))
        return [body]

    def _take(self, environ: dict[str, Any]) -> Answer:
        file = self._permitted(environ)
        size = _size(environ, PART_BYTES if file.kind == "part" else ROWS_BYTES)
        free = self._parts if file.kind == "part" else self._others
        if not free.acquire(blocking=False):
            raise _NotTaken("503 Service Unavailable", "others upload at this moment", **{"Retry-After": "1"})
        try:
            if file.kind == "part":
                return self._take_part(file, environ, size)
            data = b"".join(_chunks(environ, size))
            _check(environ, hashlib.sha256(data).digest())
            with self._locks.setdefault(file.name, threading.Lock()):
                return (
                    self._append(file, data, environ) if file.kind == "ledger" else self._replace(file, data, environ)
                )
        finally:
            free.release()

    def _permitted(self, environ: dict[str, Any]) -> UploadedFile:
        """Return which file is uploaded, by who may; raises _NotTaken."""
        if environ["REQUEST_METHOD"] != "PUT":
            raise _NotTaken("405 Method Not Allowed", "only PUT", Allow="PUT")
        run, _, name = environ["PATH_INFO"].removeprefix(PATH).partition("/")
        file = file_named(name)
        if run != self._run.name or file is None:
            raise _NotTaken("404 Not Found", "no file that a worker of this run uploads")
        wanted = f"Bearer {token_for(self._key, run, file.worker)}"
        shown = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        if not hmac.compare_digest(shown, wanted.encode()):
            why = f"the upload token of {file.worker} is wanted"
            raise _NotTaken("401 Unauthorized", why, **{"WWW-Authenticate": "Bearer"})
        return file

    def _take_part(self, file: UploadedFile, environ: dict[str, Any], size: int) -> Answer:
        path = self._run.path / file.name
        if path.exists():
            return "204 No Content", {}
        beside = path.with_name(f".{file.name}.{secrets.token_hex(4)}.upload.tmp")
        try:
            with beside.open("wb") as whole:
                found = hashlib.sha256()
                for chunk in _chunks(environ, size):
                    found.update(chunk)
                    whole.write(chunk)
                _check(environ, found.digest())
                whole.flush()
                os.fsync(whole.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        return "201 Created", {}

    def _append(self, file: UploadedFile, data: bytes, environ: dict[str, Any]) -> Answer:
        offset = _number(environ, OFFSET)
        with (self._run.path / file.name).open("ab") as ledger:
            have = ledger.tell()
            if offset != have:
                raise _NotTaken("409 Conflict", f"the next byte is {have}", **{OFFSET: str(have)})
            ledger.write(data)
            ledger.flush()
            os.fsync(ledger.fileno())
        return "204 No Content", {OFFSET: str(have + len(data))}

    def _replace(self, file: UploadedFile, data: bytes, environ: dict[str, Any]) -> Answer:
        """Write what replaces what was there, unless a newer one is: a request may have been on its way for long."""
        version = _number(environ, VERSION)
        if version > self._versions.get(file.name, -1):
            path = self._run.path / file.name
            path.parent.mkdir(exist_ok=True)  # errors/ is there once there is an error
            write_bytes(path, data)
            self._versions[file.name] = version
        return "204 No Content", {}


def _size(environ: dict[str, Any], most: int) -> int:
    if "HTTP_TRANSFER_ENCODING" in environ or not (text := environ.get("CONTENT_LENGTH", "")).isdecimal():
        raise _NotTaken("411 Length Required", "a Content-Length is wanted")
    if (size := int(text)) > most:
        raise _NotTaken("413 Content Too Large", f"larger than the {most} bytes allowed")
    return size


def _chunks(environ: dict[str, Any], size: int) -> Iterable[bytes]:
    """Read the body, all of it or raise _NotTaken."""
    left = size
    while left:
        try:
            chunk = environ["wsgi.input"].read(min(left, _CHUNK_BYTES))
        except OSError as error:
            raise _NotTaken("408 Request Timeout", "the body didn't come in time") from error
        if not chunk:
            raise _NotTaken("400 Bad Request", f"{size - left} bytes came, {size} were declared")
        left -= len(chunk)
        yield chunk


def _check(environ: dict[str, Any], sha256: bytes) -> None:
    if environ.get(_variable(DIGEST)) != digest_field(sha256):
        raise _NotTaken("400 Bad Request", f"the body isn't what {DIGEST} says")


def _number(environ: dict[str, Any], name: str) -> int:
    text = environ.get(_variable(name), "")
    if not text.isascii() or not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise _NotTaken("400 Bad Request", f"{name} is wanted, a number")
    return int(text)


def _variable(name: str) -> str:
    return "HTTP_" + name.upper().replace("-", "_")
