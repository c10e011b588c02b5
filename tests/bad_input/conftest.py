"""One stand-in shop for all tests that need load, and Prometheus."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.shop import Shop, start_shop
from slo.outcomes import EnvironmentLacks
from tests.bad_input.process import MEASURED
from tests.drawn_once import drawn_once
from tests.ports import free_base
from tests.scripts.world import Command, Ended
from tests.until_last import UntilLast

__all__ = ["drawn_once"]


@pytest.fixture(scope="session")
def prometheus() -> str:
    """Return the path of Prometheus."""
    try:
        return str(find_prometheus(os.environ, print))
    except EnvironmentLacks as error:
        pytest.skip(str(error))


_SHARED = UntilLast(Path(__file__).parent)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    yield
    _SHARED.look(item)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a stand-in shop that runs until the last test here is done."""
    folder: Path = tmp_path_factory.mktemp("shop")
    children = _SHARED.enter_context(Children(folder / "logs"))
    yield start_shop(children, folder, Ports(base=free_base()), "stable", os.environ)
    _SHARED.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Peakproof:
    """`peakproof` with the given variables and no other, as `process.peakproof` has them."""

    command: Command
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, **environment: str) -> Ended:
        with self.monkeypatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            given = {"PATH": "/nowhere", "HOME": str(self.command.folder), **MEASURED, **environment}
            for name, value in given.items():
                patch.setenv(name, value)
            return self.command(*arguments)


@pytest.fixture
def called(peakproof: Command, monkeypatch: pytest.MonkeyPatch) -> Peakproof:
    """Return the command line, called in this process, in `tmp_path`, with the variables that are given."""
    return Peakproof(command=peakproof, monkeypatch=monkeypatch)
