"""What holds for all tests."""

import atexit
import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.groups import TESTS, GroupScheduling, group_of, rank_of
from tests.scripts.world import Command, World

_NICENESS = 5
"""A third of the weight that a process of the same core has which is nice to nobody."""
settings.register_profile("tests", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("tests")


def pytest_configure() -> None:
    """Take the signals that a job in the background, or under nohup, was told to ignore: its children would, too."""
    for number, handler in (
        (signal.SIGHUP, signal.SIG_DFL),
        (signal.SIGQUIT, signal.SIG_DFL),
        (signal.SIGINT, signal.default_int_handler),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_collection() -> None:
    """Leave garbage until all is collected: ten thousand tests and what they import stay, and no look at them pays."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest group first."""
    ranks = {path: rank_of(path.relative_to(TESTS).as_posix()) for path in {item.path for item in items}}
    items.sort(key=lambda item: ranks[item.path])


def pytest_runtest_protocol(item: pytest.Item) -> None:
    """Make way, once one of several processes is at its first test that isn't of "load": whose runs must not be late.

    What a test starts has its process' niceness.
    """
    is_one_of_several = "PYTEST_XDIST_WORKER" in os.environ
    if is_one_of_several and not os.nice(0) and group_of(item.path.relative_to(TESTS).as_posix()) != "load":
        os.nice(_NICENESS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Schedule by group, in the order of collection."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)


def pytest_collection_finish() -> None:
    """Leave what is here before the first test out of every later collection: many tests ask for one of their own.

    The interpreter's end collects it: libraries tell of what is never freed.
    """
    gc.enable()
    gc.freeze()
    atexit.register(gc.unfreeze)


@pytest.fixture(autouse=True, scope="module")
def kept_between_modules() -> Iterator[None]:
    """Leave what a module's tests imported and what is cached of them out of later collections, too."""
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


@pytest.fixture
def peakproof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Return the command line, called in this process and in a folder of its own; signals are as before afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)
    yield Command(capture=capsys, folder=tmp_path)
    signal.signal(signal.SIGTERM, before)
