"""Runs a program for what it prints, within a deadline and a size; whatever it started ends with it."""

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from exporters.serving.source import Deadline, Unreadable
from loadtests.environment.credentials import masked

MAX_BYTES = 32 << 20
_PIECE, _MAX_SHOWN = 64 << 10, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program with its arguments; `environment` is all that it is given, `masks` what no message may repeat."""

    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(repr=False)
    masks: tuple[bytes, ...] = field(default=(), repr=False)
    max_bytes: int = MAX_BYTES

    @property
    def shown(self) -> str:
        """Its name, for messages: arguments may hold what isn't for everyone."""
        return Path(self.arguments[0]).name

    def output(self, deadline: Deadline) -> bytes:
        """Return what it wrote to its standard output; raises Unreadable unless it ended well, in time and in size."""
        child = self._started()
        try:
            out, errors = self._read(child, deadline)
            code = child.wait(max(0.001, deadline.left_s()))
        except subprocess.TimeoutExpired as error:
            raise Unreadable(f"{self.shown}: hasn't ended within the deadline") from error
        finally:
            _end(child)
        if code != 0:
            raise Unreadable(f"{self.shown}: ended with {code}: {self._one_line(errors)}")
        return out

    def _started(self) -> "subprocess.Popen[bytes]":
        try:
            return subprocess.Popen(
                list(self.arguments),
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise Unreadable(f"{self.shown}: can't be run: {error.strerror}") from error

    def _read(self, child: "subprocess.Popen[bytes]", deadline: Deadline) -> tuple[bytes, bytes]:
        """Return both outputs once both are closed."""
        kept: dict[IO[bytes], bytearray] = {stream: bytearray() for stream in (child.stdout, child.stderr) if stream}
        with selectors.DefaultSelector() as selector:
            for stream in kept:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(deadline.left_s())
                if not ready and deadline.left_s() <= 0:
                    raise Unreadable(f"{self.shown}: hasn't ended within the deadline")
                for key, _ in ready:
                    piece = os.read(key.fd, _PIECE)
                    if not piece:
                        selector.unregister(key.fileobj)
                    self._keep(kept[key.fileobj], piece)  # type: ignore[index] # registered above
        out, errors = kept.values()
        return bytes(out), bytes(errors)

    def _keep(self, kept: bytearray, piece: bytes) -> None:
        kept += piece
        if len(kept) > self.max_bytes:
            raise Unreadable(f"{self.shown}: printed more than the {self.max_bytes} bytes allowed")

    def _one_line(self, errors: bytes) -> str:
        text = masked(errors, self.masks).decode("utf-8", "replace")
        line = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")
        return "".join(c if c.isprintable() else "?" for c in line)[:_MAX_SHOWN]


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the program and all that it started: it leads a session, and so a group, of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for stream in (child.stdout, child.stderr):
        if stream:
            stream.close()
