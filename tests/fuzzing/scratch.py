"""The folder of inputs that are read from files: in memory where the system has a file system there."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - the folders in it have names that nobody knows ahead
_FRESH: list[Path] = []


def scratch() -> Path:
    """Return the folder; the first one is removed when the process ends."""
    return _FRESH[-1] if _FRESH else Path(_first().name)


@contextmanager
def fresh_scratch() -> Iterator[Path]:
    """Have another folder in the block, also in the processes that are forked there; it is removed afterwards."""
    with _made() as name:
        _FRESH.append(Path(name))
        try:
            yield _FRESH[-1]
        finally:
            _FRESH.pop()


@cache
def _first() -> tempfile.TemporaryDirectory[str]:
    return _made()


def _made() -> tempfile.TemporaryDirectory[str]:
    in_memory = str(_IN_MEMORY) if os.access(_IN_MEMORY, os.W_OK) else None
    return tempfile.TemporaryDirectory(prefix="peakproof-fuzz-", dir=in_memory, ignore_cleanup_errors=True)
