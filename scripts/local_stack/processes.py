"""Child processes: started with a log file, waited for, and ended by pid; none outlives its parent."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from slo.outcomes import EnvironmentLacks

_GRACE_S = 5.0
_POLL_S = 0.02
_LOG_TAIL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One child process."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self.process.poll()

    def send_line(self, line: str) -> None:
        """Write a line to its standard input, if it has one and still runs."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            with suppress(BrokenPipeError):
                self.process.stdin.write(line.encode() + b"\n")
                self.process.stdin.flush()

    def last_log_line(self) -> str:
        """Return the last line of its log that says something: the rulings of a table don't."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return f"its log {self.log} was removed"
        said = [line for line in lines if any(map(str.isalnum, line))]
        return said[-1].strip()[:_LOG_TAIL] if said else "it logged nothing"

    def end(self, grace_s: float = _GRACE_S) -> int:
        """Send SIGTERM, after `grace_s` SIGKILL, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                # the whole session: a guard process that was killed can't end its program any more
                os.killpg(self.process.pid, signal.SIGKILL)
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        return self.process.wait()


class Children:
    """The processes of one command; leaving the context ends those that still run, the last started first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end_all()

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        listens: bool = False,
    ) -> Child:
        """Start `command` in a session of its own, so that Ctrl-C doesn't reach it, with its output in a log.

        It gets the variables of `environment` and no others; this process's when that is None. With `listens` its
        standard input is what `Child.send_line` writes; without, it has none.
        """
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if listens else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder or self._logs,
                env=None if environment is None else dict(environment),
                start_new_session=True,
            )
        child = Child(name=name, process=process, log=log)
        self._children.append(child)
        return child

    def end_all(self) -> None:
        """End every child: send SIGTERM to all, then wait for each."""
        for child in reversed(self._children):
            if child.process.poll() is None:
                child.process.send_signal(signal.SIGTERM)
        for child in reversed(self._children):
            child.end()
        self._children.clear()


def wait_until(ready: Callable[[], bool], watched: Sequence[Child], deadline_s: float, what: str) -> None:
    """Wait for `ready()`; raises EnvironmentLacks when a watched child ends or `deadline_s` passes before."""
    deadline = time.monotonic() + deadline_s
    while not ready():
        for child in watched:
            if child.code is not None:
                raise EnvironmentLacks(
                    f"{what}: {child.name} ended with {child.code}: {child.last_log_line()} (log: {child.log})"
                )
        if time.monotonic() > deadline:
            logs = ", ".join(str(child.log) for child in watched)
            raise EnvironmentLacks(f"{what}: not ready after {deadline_s:g} s (logs: {logs})")
        time.sleep(_POLL_S)
