"""What the tests of the commands share."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drawn_once import drawn_once
from tests.scripts.made_run import make_run
from tests.scripts.world import Command

__all__ = ["drawn_once"]


@pytest.fixture
def peakproof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Return the command line, called in this process and in a folder of its own; signals are as before afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)
    yield Command(capture=capsys, folder=tmp_path)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a whole run directory for each outcome; copy one before changing it."""
    return {
        outcome: make_run(tmp_path_factory.mktemp(outcome), outcome) for outcome in ("PASS", "FAIL", "INCONCLUSIVE")
    }
