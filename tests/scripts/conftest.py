"""What the tests of the commands share."""

from pathlib import Path

import pytest

from tests.drawn_once import drawn_once
from tests.scripts.made_run import make_run

__all__ = ["drawn_once"]


@pytest.fixture(scope="session")
def made_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a whole run directory for each outcome; copy one before changing it."""
    return {
        outcome: make_run(tmp_path_factory.mktemp(outcome), outcome) for outcome in ("PASS", "FAIL", "INCONCLUSIVE")
    }
