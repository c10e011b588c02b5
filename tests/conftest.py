"""What holds for all tests."""

import gc
from pathlib import Path

import pytest

from tests.scripts.world import World


def pytest_collection_finish() -> None:
    """Leave what is here before the first test out of every later collection: many tests ask for one of their own."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


def pytest_unconfigure() -> None:
    """Let the interpreter's end collect it: libraries tell of what is never freed."""
    gc.unfreeze()
