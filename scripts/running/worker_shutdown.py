"""Waiting for workers that joined from elsewhere: they end by themselves, and account for what they did."""

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from loadtests.results.run_directory import RunDirectory, write_bytes

_LOOK_S = 0.1
_LONGEST_S = 30.0
_SILENT_S = 5.0


class _Seen(NamedTuple):
    """When a worker wrote its status, how many parts of it are here, and whether there is nothing to wait for."""

    at: object
    parts: int
    is_done: bool


def wait_for_workers(directory: RunDirectory, workers: int) -> None:
    """Write `over` for the workers on the shared path, and wait until each has ended and all it closed is here.

    A worker writes its status once a second; one of which nothing new came for 5 s is dead or away, and lost. Clocks
    aren't compared.
    """
    write_bytes(directory.over, b"")
    began = time.monotonic()
    changed: dict[Path, tuple[_Seen, float]] = {}
    while (now := time.monotonic()) < began + _LONGEST_S:
        seen = {path: _seen(directory, path) for path in directory.workers()}
        for path, one in seen.items():
            if path not in changed or changed[path][0] != one:
                changed[path] = (one, now)
        waited_for = [path for path, one in seen.items() if not one.is_done and now - changed[path][1] < _SILENT_S]
        if not waited_for and (len(seen) >= workers or now > began + _SILENT_S):
            return
        time.sleep(_LOOK_S)


def _seen(directory: RunDirectory, path: Path) -> _Seen:
    """Return what there is of a worker; a status that can't be read is one of a worker that hasn't ended."""
    worker = path.stem.removeprefix("worker-")
    here = sum(len(directory.parts(f"{kind}-{worker}")) for kind in ("requests", "sessions"))
    try:
        status: Any = json.loads(path.read_bytes())
        closed = sum(status.get("parts", {}).values())
        return _Seen(status.get("at"), here, status.get("ended") is not None and here >= closed)
    except (OSError, ValueError, AttributeError, TypeError):
        return _Seen(None, here, is_done=False)
