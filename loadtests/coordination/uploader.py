"""Uploads what a worker elsewhere writes, from its own folder, while it plays and until all of it has arrived.

Two connections, so that no row of the ledger waits for a part. Files are read and hashed in threads, and twenty times a
second it is looked whether the ledger grew or a part closed: a request to the shop is never held up.
"""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import gevent

from loadtests.client.response_head import Head
from loadtests.coordination.uploads import DIGEST, OFFSET, PATH, VERSION, digest_field
from loadtests.results.run_directory import RunDirectory
from loadtests.worker.plain_http import PlainHttp

PIECE_BYTES = 128 << 10  # of the ledger in one request
_PARTS = ("sessions", "requests")
_LOOK_S, _LONGEST_PAUSE_S = 0.05, 2.0
_REPLY_S, _BYTES_PER_S = 5.0, 100_000  # how long a request may take, and how much longer a large one may
_CREATED, _NO_CONTENT, _CONFLICT = 201, 204, 409
T = TypeVar("T")


class _NotTakenError(OSError):
    """The server answered, but didn't take the upload."""


class Uploader:
    """Uploads what `worker` writes below `directory` to `server`, such as `http://one:18086`, with its `token`."""

    def __init__(self, directory: RunDirectory, worker: str, server: str, token: str) -> None:
        self._directory, self._worker, self._token = directory, worker, token
        self._ledger, self._status = directory.ledger(worker), directory.worker(worker)
        self._offset = 0  # how much of the ledger has arrived
        self._next = dict.fromkeys(_PARTS, 0)  # the first part of each kind that hasn't
        self._version, self._sent_status = 0, (0, 0)
        self._errors = {
            f"errors/{path.name}": path
            for path in (directory.error_samples(worker), directory.storefront_failures(worker))
        }
        self._sent_errors = dict.fromkeys(self._errors, (0, 0))
        self.taken = 0  # uploads that the server took, or had taken before
        self.last_failure = ""
        steps = (self._upload_rows_and_status, self._upload_part)
        self._greenlets = [gevent.spawn(self._repeat, PlainHttp(server), step) for step in steps]

    def drain(self, longest_s: float, silent_s: float) -> tuple[str, ...]:
        """Wait until everything has arrived; return the names of the files that haven't, or not whole.

        It ends after `longest_s`, or after `silent_s` in which the server took nothing.
        """
        with gevent.Timeout(longest_s, exception=False):
            silent, taken = 0.0, self.taken
            while self.left() and silent < silent_s:
                gevent.sleep(_LOOK_S)
                silent = silent + _LOOK_S if self.taken == taken else 0.0
                taken = self.taken
        return self.left()

    def left(self) -> tuple[str, ...]:
        """Return the names of the files that haven't arrived, or not whole."""
        ledger = [self._ledger.name] if self._offset < _size(self._ledger) else []
        status = [self._status.name] if self._sent_status != _identity(self._status) else []
        errors = [name for name, path in self._errors.items() if self._sent_errors[name] != _identity(path)]
        return (*ledger, *(path.name for kind in _PARTS for path in self._closed(kind)), *errors, *status)

    def close(self) -> None:
        """Upload no more."""
        gevent.killall(self._greenlets)

    def _closed(self, kind: str) -> list[Path]:
        """Return the closed parts of a kind that haven't arrived."""
        paths, number = [], self._next[kind]
        while (path := self._directory.part(kind, self._worker, f"{number:05d}")).exists():
            paths.append(path)
            number += 1
        return paths

    def _repeat(self, server: PlainHttp, step: Callable[[PlainHttp], bool]) -> None:
        """Take one step after the other; after a failure wait longer each time before the next."""
        pause_s = _LOOK_S
        try:
            while True:
                try:
                    pause_s = 0 if step(server) else _LOOK_S
                except (OSError, ValueError) as error:
                    self.last_failure = getattr(error, "strerror", None) or str(error) or type(error).__name__
                    pause_s = min(_LONGEST_PAUSE_S, max(_LOOK_S, 2 * pause_s))
                gevent.sleep(pause_s)
        finally:
            server.close()

    def _upload_rows_and_status(self, server: PlainHttp) -> bool:
        """Upload the next rows, or else what is new of the rest; return whether something was."""
        return self._upload_rows(server) or self._upload_errors(server) or self._upload_status(server)

    def _upload_rows(self, server: PlainHttp) -> bool:
        if _size(self._ledger) <= self._offset:
            return False
        rows = _in_a_thread(lambda: _rows_from(self._ledger, self._offset))
        head = self._put(server, self._ledger.name, rows, {OFFSET: self._offset})
        self._offset = int(dict(head.fields).get(OFFSET.lower(), "unknown"))
        return True

    def _upload_status(self, server: PlainHttp) -> bool:
        """Upload the newest status, unless the server has it; return whether it was uploaded."""
        identity = _identity(self._status)
        if identity in (self._sent_status, (0, 0)):
            return False
        status = _in_a_thread(self._status.read_bytes)
        self._version += 1
        self._put(server, self._status.name, status, {VERSION: self._version})
        self._sent_status = identity
        return True

    def _upload_errors(self, server: PlainHttp) -> bool:
        """Upload a file in errors/ that has grown; return whether one was uploaded."""
        for name, path in self._errors.items():
            identity = _identity(path)
            if identity == self._sent_errors[name]:
                continue
            data = _in_a_thread(path.read_bytes)
            self._version += 1
            self._put(server, name, data, {VERSION: self._version})
            self._sent_errors[name] = identity
            return True
        return False

    def _upload_part(self, server: PlainHttp) -> bool:
        for kind in _PARTS:
            if paths := self._closed(kind):
                self._put(server, paths[0].name, _in_a_thread(paths[0].read_bytes), {})
                self._next[kind] += 1
                return True
        return False

    def _put(self, server: PlainHttp, name: str, body: bytes, fields: Mapping[str, int]) -> Head:
        """Upload and return the reply; a ledger of another length than thought is one too. Raises OSError."""
        digest = digest_field(_in_a_thread(lambda: hashlib.sha256(body).digest()))
        lines = {**fields, DIGEST: digest, "Authorization": f"Bearer {self._token}"}
        text = "".join(f"{field}: {value}\r\n" for field, value in lines.items())
        within_s = _REPLY_S + len(body) / _BYTES_PER_S
        head = server.send("PUT", f"{PATH}{self._directory.name}/{name}", text, body, within_s=within_s)
        if head.status not in (_CREATED, _NO_CONTENT, _CONFLICT):
            raise _NotTakenError(f"{name}: answered with {head.status}")
        self.taken += 1
        return head


def _in_a_thread(work: Callable[[], T]) -> T:
    """Return what `work` returns, called in a thread: the hub isn't held by the disk."""
    result: T = gevent.get_hub().threadpool.apply(work)
    return result


def _rows_from(ledger: Path, offset: int) -> bytes:
    """Return whole rows from `offset` on; only of one that is longer than all that is sent at once a part."""
    with ledger.open("rb") as file:
        file.seek(offset)
        data = file.read(PIECE_BYTES)
    return data[: data.rfind(b"\n") + 1] or data


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _identity(path: Path) -> tuple[int, int]:
    """Return what changes when a file is replaced or grows; zeros while there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino
