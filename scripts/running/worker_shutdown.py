"""Waiting for workers that joined from elsewhere: they end by themselves, and account for what they did."""

import json
import time
from pathlib import Path

from loadtests.results.run_directory import RunDirectory, write_bytes

_LOOK_S = 0.1
_LONGEST_S = 30.0
_SILENT_S = 5.0


def hear_last_words(directory: RunDirectory, workers: int) -> None:
    """Tell the workers on the shared path that the run is over, and wait until each has ended or says nothing.

    A worker speaks once a second; one that is silent for 5 s is dead or away, and lost. Clocks aren't compared.
    """
    write_bytes(directory.over, b"")
    began = time.monotonic()
    spoke: dict[Path, tuple[object, float]] = {}
    while (now := time.monotonic()) < began + _LONGEST_S:
        told = {path: _said(path) for path in directory.workers()}
        for path, (at, _) in told.items():
            if path not in spoke or spoke[path][0] != at:
                spoke[path] = (at, now)
        open_ends = [path for path, (_, ended) in told.items() if ended is None and now - spoke[path][1] < _SILENT_S]
        if not open_ends and (len(told) >= workers or now > began + _SILENT_S):
            return
        time.sleep(_LOOK_S)


def _said(path: Path) -> tuple[object, object]:
    """Return when a worker spoke and how it ended; None for what can't be read."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None, None
    return (said.get("at"), said.get("ended")) if isinstance(said, dict) else (None, None)
