"""The live snapshot is written beside the load, and the last one stays."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gevent
import pytest

from loadtests.live import snapshot_file as live_file
from loadtests.live.snapshot_file import SnapshotFile
from loadtests.results.run_directory import write_json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "live.json"


def told(path: Path) -> int:
    value: int = json.loads(path.read_text())["sequence"]
    return value


class SlowDisk:
    """A disk that writes nothing of `path` from another thread until it is told to; other runs write as ever."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.goes_on = threading.Event()
        self._slow = path
        self.wrote: list[int] = []
        self._hub = threading.get_ident()
        monkeypatch.setattr(live_file, "write_json", self._write)

    def _write(self, path: Path, value: Mapping[str, Any]) -> None:
        if path != self._slow:
            write_json(path, value)
            return
        if threading.get_ident() != self._hub:
            assert self.goes_on.wait(10)
        self.wrote.append(value["sequence"])
        write_json(path, value)


def test_a_slow_disk_holds_nobody_else_up(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, live = SlowDisk(path, monkeypatch), SnapshotFile(path)
    writing = gevent.spawn(live.write, {"sequence": 1})
    gevent.sleep(0)  # it has begun, and we go on
    assert disk.wrote == []
    disk.goes_on.set()
    writing.join()
    assert told(path) == 1


def test_the_last_snapshot_waits_for_the_one_under_way_and_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, live = SlowDisk(path, monkeypatch), SnapshotFile(path)
    older = gevent.spawn(live.write, {"sequence": 1})
    gevent.sleep(0)
    last = gevent.spawn(live.close, {"sequence": 2})
    late = gevent.spawn(live.write, {"sequence": 1})
    gevent.sleep(0)
    assert disk.wrote == []
    disk.goes_on.set()
    gevent.joinall([older, last, late], raise_error=True)
    assert disk.wrote == [1, 2]
    assert told(path) == 2


def test_a_later_last_snapshot_replaces_the_first(path: Path) -> None:
    live = SnapshotFile(path)
    live.close({"sequence": 1})
    live.close({"sequence": 2})
    assert told(path) == 2
