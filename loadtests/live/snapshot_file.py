"""`live.json`: written in a thread while the run goes on, so that a slow disk doesn't hold the hub."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore

from loadtests.results.run_directory import write_json


class SnapshotFile:
    """The file at `path`; an older snapshot never replaces a newer one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._one_at_a_time = BoundedSemaphore()
        self._is_closed = False

    def write(self, snapshot: Mapping[str, Any]) -> None:
        """Write a snapshot; those that are written at the same time follow each other. After the last one: nothing."""
        with self._one_at_a_time:
            if not self._is_closed:
                gevent.get_hub().threadpool.apply(write_json, (self._path, snapshot))

    def close(self, snapshot: Mapping[str, Any]) -> None:
        """Write the last snapshot, when one under way is whole; it is there when this returns."""
        with self._one_at_a_time:
            self._is_closed = True
            write_json(self._path, snapshot)
