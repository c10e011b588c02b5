"""The command waits for workers elsewhere as long as they speak, and for none that is dead."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from loadtests.results.run_directory import RunDirectory, write_json
from scripts.running import worker_shutdown as module
from scripts.running.worker_shutdown import wait_for_workers


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunDirectory:
    monkeypatch.setattr(module, "_SILENT_S", 1.0)
    return RunDirectory(path=tmp_path)


def says(directory: RunDirectory, name: str, at: int, ended: str | None) -> None:
    write_json(directory.worker(name), {"at": at, "ended": ended})


def meanwhile(run: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_workers_that_have_ended_are_not_waited_for(directory: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_S", 1000.0)  # it would sleep for ever
    says(directory, "w0", 1, "completed")
    says(directory, "w1", 1, "stopped")
    wait_for_workers(directory, 2)
    assert directory.over.exists()


def test_a_worker_that_speaks_is_told_and_waited_for_until_it_has_ended(directory: RunDirectory) -> None:
    says(directory, "w0", 0, None)

    def worker() -> None:
        while not directory.over.exists():
            time.sleep(0.01)
        for at in range(1, 15):  # longer than one that is silent would be waited for
            says(directory, "w0", at, None)
            time.sleep(0.1)
        says(directory, "w0", 99, "stopped")

    thread = meanwhile(worker)
    wait_for_workers(directory, 1)
    assert '"stopped"' in directory.worker("w0").read_text()
    thread.join()


def test_a_dead_worker_and_one_that_never_spoke_are_given_up(directory: RunDirectory) -> None:
    says(directory, "w0", 1, None)
    directory.worker("w1").write_text("{")
    wait_for_workers(directory, 3)
    assert '"ended": null' in directory.worker("w0").read_text()
