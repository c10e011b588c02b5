"""Real shops for the tests: each installed once a machine, by its lock file, and served while a test needs it."""

import contextlib
import fcntl
import hashlib
import http.client
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

FOLDER_VARIABLE = "PEAKPROOF_SHOPS_CACHE"
PATIENCE_S = 10.0
"""How long a server may take to stop before it is killed."""
_INSTALLED = ".installed"
_MOST_OF_A_LOG = 3000


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that keeps installed shops: $PEAKPROOF_SHOPS_CACHE, or ~/.cache/peakproof-shops."""
    return Path(environment.get(FOLDER_VARIABLE) or Path.home() / ".cache" / "peakproof-shops")


def installed(name: str, lock: Path, install: Callable[[Path], None], *, root: Path | None = None) -> Path:
    """Return the folder of a shop, filled by `install(folder)` unless it was before.

    It is named by the hash of the lock file: another lock, another folder. Processes that ask at the same time wait for
    the one that installs; what an interrupted installation left is removed first.
    """
    root = root or cache_folder()
    root.mkdir(parents=True, exist_ok=True)
    folder = root / f"{name}-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    with folder.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / _INSTALLED).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            install(folder)
            (folder / _INSTALLED).touch()
    return folder


def ran(command: Sequence[str | Path], *, cwd: Path, log: Path, **environment: str) -> None:
    """Run a step of an installation to its end, its output added to `log`; one that fails shows the log's end."""
    with log.open("ab") as output:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} ended in {done.returncode}:\n{_end_of(log)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A shop that answers."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]


@contextmanager
def serving(
    command: Callable[[int], Sequence[str | Path]],
    *,
    cwd: Path,
    log: Path,
    ready: str = "/",
    within_s: float = 60.0,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Start `command(port)` on a free port of 127.0.0.1 and wait until it answers `ready` with less than 500.

    At the end it is asked to stop, with the processes that it started, and killed when it doesn't in PATIENCE_S.
    """
    port = free_port()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(word) for word in command(port)],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, port, ready, within_s, log)
        yield Server(url=f"http://127.0.0.1:{port}", log=log, process=process)
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, path: str, within_s: float, log: Path) -> None:
    deadline = time.monotonic() + within_s
    while not _answers(port, path):
        if process.poll() is not None:
            raise RuntimeError(f"the shop ended in {process.returncode} before it answered:\n{_end_of(log)}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the shop didn't answer {path} within {within_s:g} s:\n{_end_of(log)}")
        time.sleep(0.1)


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)  # it leads a session of its own: the group is what it started
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=PATIENCE_S)


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-_MOST_OF_A_LOG:]
