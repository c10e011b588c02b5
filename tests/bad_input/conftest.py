"""One stand-in shop for all tests that need load, and Prometheus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.shop import Shop, start_shop
from slo.outcomes import EnvironmentLacks
from tests.ports import free_base


@pytest.fixture(scope="session")
def prometheus() -> str:
    """Return the path of Prometheus."""
    try:
        return str(find_prometheus(os.environ, print))
    except EnvironmentLacks as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a stand-in shop that runs until the last test is done."""
    folder: Path = tmp_path_factory.mktemp("shop")
    with Children(folder / "logs") as children:
        yield start_shop(children, folder, Ports(base=free_base()), "stable", os.environ)
