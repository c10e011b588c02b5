"""One writer of a run directory's manifest at a time, among all processes that share the directory."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from slo.outcomes import EnvironmentLacks

LOCK: Final = ".manifest.json.lock"
"""Hidden, so no evidence; it holds nothing and stays, as whoever waits for it has it open."""
_WAIT_S, _EVERY_S = 20.0, 0.02


@contextmanager
def locked(folder: Path, wait_s: float = _WAIT_S) -> Iterator[None]:
    """Hold the manifest of a directory, to read it, add to it and write it; the lock ends with the process.

    Raises EnvironmentLacks where another process holds it for longer than `wait_s`, and OSError, also for a link.
    """
    path = folder / LOCK
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    try:
        _wait_for(handle, path, wait_s)
        yield
    finally:
        os.close(handle)


def _wait_for(handle: int, path: Path, wait_s: float) -> None:
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise EnvironmentLacks(
                    f"{path}: another command has held it for {wait_s:g} s, so manifest.json wasn't written: end that"
                    " command, and do this step again"
                ) from None
            time.sleep(_EVERY_S)
        else:
            return
