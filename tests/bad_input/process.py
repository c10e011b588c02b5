"""The real `peakproof` as a process, and the processes below it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Lets `make coverage` measure the processes that tests start with variables of their own; empty otherwise.
MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
COMMAND = [sys.executable, "-P", "-m", "scripts.cli"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended, and its output."""

    code: int
    out: str
    err: str


def peakproof(folder: Path, *arguments: str, **environment: str) -> Ended:
    """Run `peakproof` in `folder` to its end with the given variables and no other; it never shows a traceback."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={"PATH": "/nowhere", "HOME": str(folder), **MEASURED, **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """`peakproof` under way, with its output in a file."""

    process: subprocess.Popen[bytes]
    output: Path

    def told(self) -> str:
        """Return its output until now."""
        return self.output.read_text()

    def ended(self) -> int:
        """Wait for its end and return its exit code; it never shows a traceback."""
        code = self.process.wait(timeout=60)
        assert "Traceback" not in self.told()
        return code

    def below(self, *words: str) -> list[int]:
        """Return the processes that it started, at any depth, whose command line holds all of `words`."""
        found = descendants(self.process.pid)
        return [pid for pid in found if all(word in command_line(pid) for word in words)]


@contextmanager
def running(folder: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    """Start `peakproof` in `folder`; whatever of it is left at the end is killed, by pid."""
    output = folder / "output"
    with started(folder, [*COMMAND, *arguments], output, **environment) as process:
        yield Running(process=process, output=output)


@contextmanager
def started(
    folder: Path, command: Sequence[str], output: Path, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in `folder` with no variables but these; what is left below it at the end is killed, by pid."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": "/nowhere", "HOME": str(folder), **MEASURED, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=hear_signals,  # noqa: PLW1509 - it only resets a signal
        )
    try:
        yield process
    finally:
        left = descendants(process.pid)
        process.kill()
        process.wait()
        for pid in left:
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)


def hear_signals() -> None:
    """Take SIGINT and SIGHUP again: a shell that starts the tests in the background has them ignored below it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and wasn't waited for doesn't."""
    stat = _stat(pid)
    return bool(stat) and stat[0] != "Z"


def command_line(pid: int) -> str:
    """Return a process's command line, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(root: int) -> list[int]:
    """Return the living processes below `root`, at any depth."""
    parents: Mapping[int, int] = {
        int(path.name): int(stat[1]) for path in Path("/proc").glob("[0-9]*") if (stat := _stat(int(path.name)))
    }
    found, level = [], {root}
    while level := {pid for pid, parent in parents.items() if parent in level}:
        found += sorted(level)
    return [pid for pid in found if is_alive(pid)]
