"""Talking to a browser over its debugging pipe: JSON, each message ended by a NUL byte (`--remote-debugging-pipe`)."""

import contextlib
import json
import os
import select
import threading
import time
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import Any

MAX_MESSAGE = 32 << 20
_BLOCK = 64 << 10
_WRITE_S = 5.0
Event = Mapping[str, Any]
Answer = Callable[[Mapping[str, Any]], None]


class BrowserGoneError(Exception):
    """The browser ended, or says what nobody could read."""


class BrowserSilentError(Exception):
    """The browser runs and doesn't answer."""


class RefusedByBrowserError(Exception):
    """The browser answered that it can't do what it was asked."""


class Pipe:
    """A browser behind two descriptors, which are its own from now on.

    `on_event` is called with each event on the thread that reads; it must not wait for an answer.
    """

    def __init__(self, into: int, out: int, on_event: Callable[[Event], None]) -> None:
        self._into, self._out, self._on_event = into, out, on_event
        self._number = 0
        self._waiting: dict[int, Answer] = {}
        self._lock = threading.Lock()
        self.gone: str | None = None
        os.set_blocking(into, False)
        self._reader = threading.Thread(target=self._read, name="browser", daemon=True)
        self._reader.start()

    def call(
        self, method: str, parameters: Mapping[str, Any] | None = None, session: str = "", within_s: float = 10.0
    ) -> Mapping[str, Any]:
        """Ask for something and return the answer; raises BrowserGone, BrowserSilent, RefusedByBrowser."""
        answers: SimpleQueue[Mapping[str, Any]] = SimpleQueue()
        self.start(method, parameters, session, answers.put)
        try:
            answer = answers.get(timeout=within_s)
        except Empty:
            raise BrowserSilentError(f"no answer to {method} within {within_s:g} s") from None
        if self.gone is not None:
            raise BrowserGoneError(self.gone)
        if "error" in answer:
            raise RefusedByBrowserError(f"{method}: {str(answer['error'])[:200]}")
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    def start(
        self,
        method: str,
        parameters: Mapping[str, Any] | None = None,
        session: str = "",
        on_answer: Answer = lambda _: None,
    ) -> None:
        """Ask for something; `on_answer` is called when the answer is there, or the browser is gone."""
        with self._lock:
            self._number += 1
            number = self._number
            if self.gone is not None:
                raise BrowserGoneError(self.gone)
            self._waiting[number] = on_answer
            message = {"id": number, "method": method, "params": parameters or {}}
            self._write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")

    def close(self) -> None:
        """Let go of the browser, which ends then if it hasn't."""
        with self._lock, contextlib.suppress(OSError):
            os.close(self._into)
            self._into = -1
        self._reader.join(_WRITE_S)
        if not self._reader.is_alive():
            os.close(self._out)

    def _write(self, data: bytes) -> None:
        view, ends_at = memoryview(data), time.monotonic() + _WRITE_S
        if self._into < 0:
            raise BrowserGoneError("it was let go")
        poll = select.poll()
        poll.register(self._into, select.POLLOUT)
        while view:
            if time.monotonic() > ends_at:
                raise BrowserSilentError("it doesn't read what it is told")
            if poll.poll(1000 * (ends_at - time.monotonic())):
                try:
                    view = view[os.write(self._into, view) :]
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise BrowserGoneError(f"it ended: {error.strerror}") from error

    def _read(self) -> None:
        why, kept = "it ended", bytearray()
        try:
            while block := os.read(self._out, _BLOCK):
                kept += block
                if b"\0" in block:
                    *messages, kept = kept.split(b"\0")
                    for message in messages:
                        self._take(message)
                if len(kept) > MAX_MESSAGE:
                    why = f"it says more than {MAX_MESSAGE} bytes at once"
                    break
        except (OSError, BrowserGoneError, BrowserSilentError) as error:
            why = str(error)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            why = f"it can't be understood: {error!r:.200}"
        with self._lock:
            self.gone = why
            waiting = list(self._waiting.values())
        for answer in waiting:
            answer({})
        self._on_event({"method": "gone"})

    def _take(self, message: bytes | bytearray) -> None:
        said = json.loads(message)
        if not isinstance(said, dict):
            raise ValueError("not an object")  # noqa: TRY004 - what it says is wrong, as any other nonsense
        if "id" in said:
            answer = self._waiting.pop(said["id"], None)
            if answer is not None:
                answer(said)
        elif isinstance(said.get("method"), str) and isinstance(said.get("params"), dict):
            self._on_event(said)
