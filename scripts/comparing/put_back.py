"""Putting A back, whatever ended the comparison: at once, undisturbed by further signals, and also when we were killed.

A process beside ours holds the reading end of a pipe. Ours writes a line for what is up, and while a command runs its
process; when ours is gone the pipe ends, and if A wasn't up the process ends that command, puts A up by the command
itself and says so in the comparison's document.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from loadtests.comparison.job import FILE, read_job
from loadtests.results.run_directory import write_bytes
from loadtests.runtime.guarded_child import python
from scripts.comparing.switch_command import SwitchCommand, SwitchFailed, end_session
from slo.documents import BadInput

UP_A, UP_OTHER, OVER = "a", "b", "."
NOT_BACK = "A IS NOT BACK"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undisturbed(say: Callable[[str], None], by_hand: str) -> Iterator[None]:
    """Take no notice of signals but to say what is being done; where they can't be set, in a thread, they stay."""

    def explain(_signal: int, _frame: FrameType | None) -> None:
        say(f"A is being put back, please wait; by hand it is: {by_hand}")

    before: dict[signal.Signals, object] = {}
    with suppress(ValueError):  # not the main thread
        before = {one: signal.signal(one, explain) for one in _SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)  # type: ignore[arg-type] # it is what signal.signal returned


class Guard:
    """The process that puts A back when ours is gone, or was disturbed while it did; leaving the context ends it."""

    def __init__(self, command: SwitchCommand, folder: Path) -> None:
        self._command, self._folder = command, folder

    def __enter__(self) -> Self:
        given = {
            "words": self._command.words,
            "folder": str(self._command.folder),
            "logs": str(self._command.logs),
            "timeout_s": self._command.timeout_s,
            "release_a": self._command.release_a,
            "job": str(self._folder),
        }
        self._process = subprocess.Popen(
            [*python("-m", "scripts.comparing.put_back"), json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(self._command.environment),
            start_new_session=True,
        )
        return self

    def tell(self, state: str, process: int | None = None) -> None:
        """Tell it what is up, and the process of the command that is changing it now."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(f"{state} {process or ''}\n".encode())
                self._process.stdin.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """How putting A back ended: after how long, or why it failed."""

    took_s: float
    failed: str | None = None


def put_back(
    command: SwitchCommand,
    confirm: Callable[[], None] = lambda: None,
    started: Callable[[int], None] = lambda _process: None,
) -> PutBack:
    """Put A up; `confirm` raises SwitchFailed unless it answers. Never raises: that it failed is an answer.

    `started` is given the command's process, as `SwitchCommand.run` does.
    """
    began = time.monotonic()
    try:
        command.run("a", started)
        confirm()
    except (SwitchFailed, OSError, BadInput) as error:
        return PutBack(took_s=time.monotonic() - began, failed=str(error))
    return PutBack(took_s=time.monotonic() - began)


def main(arguments: list[str]) -> int:
    """Wait for the end of the command that started us, and put A back if it was not up then."""
    for one in _SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    given = json.loads(arguments[0])
    state, process = UP_A, ""
    for line in sys.stdin:
        state, process = line.rstrip("\n").split(" ")
    if state != UP_OTHER:
        return 0
    if process:
        end_session(int(process))
    command = SwitchCommand(
        words=tuple(given["words"]),
        folder=Path(given["folder"]),
        logs=Path(given["logs"]),
        timeout_s=given["timeout_s"],
        environment=dict(os.environ),
        release_a=given["release_a"],
    )
    _tell_in(Path(given["job"]), command, put_back(command))
    return 0


def _tell_in(folder: Path, command: SwitchCommand, done: PutBack) -> None:
    """Write into the comparison's document what became of it."""
    note = told(done, command.by_hand("a"))
    with suppress(BadInput, OSError):
        job = read_job(folder)
        ended = {"ended": "failed", "because": "the command that played it was killed", "notes": (*job.notes, note)}
        write_bytes(folder / FILE, job.model_copy(update=ended).model_dump_json(indent=1).encode() + b"\n")


def told(done: PutBack, by_hand: str) -> str:
    """Return in words how putting A back ended; when it failed, with what is to be typed."""
    if done.failed is None:
        return f"A was put back in {done.took_s:.0f} s"
    return f"{NOT_BACK}: {done.failed}\n  put it up by hand: {by_hand}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
