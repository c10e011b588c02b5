"""A process of its own that is given a job, a line, on its standard input, and tells what happens, a line each."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from loadtests.runtime.guarded_child import python

LOOK_S = 0.2
_LONGEST_LINE = 1 << 20


class LineProcess:
    """A process under way, ended with all that it started when the block is left.

    It has gevent's patches, as the load generator has them: what blocks there blocks here. Its standard input stays
    open for as long as it is wanted, so that it notices the end of the process that started it.
    """

    def __init__(self, module: str, job: bytes, variables: Mapping[str, str], log: IO[bytes]) -> None:
        self._process = subprocess.Popen(
            python("-m", "gevent.monkey", "--module", module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=dict(variables),
            start_new_session=True,
        )
        self._job = job

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """How it ended, None while it runs."""
        return self._process.returncode

    def lines(self, is_over: Callable[[float], bool]) -> Iterator[bytes]:
        """Return what it tells, to its end or until `is_over`, which is asked often, of the seconds without a word."""
        assert self._process.stdin is not None  # noqa: S101 - it has pipes
        assert self._process.stdout is not None  # noqa: S101 - it has pipes
        with suppress(BrokenPipeError):
            self._process.stdin.write(self._job + b"\n")
            self._process.stdin.flush()
        told_at, rest = time.monotonic(), b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not is_over(time.monotonic() - told_at):
                if selector.select(LOOK_S):
                    data = os.read(self._process.stdout.fileno(), 1 << 16)
                    if not data:
                        return
                    told_at = time.monotonic()
                    *lines, rest = (rest + data).split(b"\n")
                    yield from lines
                if len(rest) > _LONGEST_LINE:
                    return

    def end(self) -> None:
        """End it and all it started; what it wrote is written."""
        assert self._process.stdin is not None  # noqa: S101 - it has pipes
        assert self._process.stdout is not None  # noqa: S101 - it has pipes
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=LOOK_S)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
