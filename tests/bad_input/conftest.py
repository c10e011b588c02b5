"""One stand-in shop for all tests that need load, and Prometheus."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_stack.ports import Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.shop import Shop, start_shop, used_ports
from slo.outcomes import EnvironmentLacks


@pytest.fixture(scope="session")
def prometheus() -> str:
    """Return the path of Prometheus."""
    try:
        return str(find_prometheus(os.environ, print))
    except EnvironmentLacks as error:
        pytest.skip(str(error))


def free_ports(first: int) -> Ports:
    """Return the first block of ports from `first` on that nobody uses."""
    for base in range(first, first + 4000, 100):
        ports = Ports(base=base)
        own = {"recorder": ports.recorder, "exporters": ports.exporters, "Prometheus": ports.prometheus}
        try:
            ports.check_free(used_ports(ports) | own)
        except EnvironmentLacks:
            continue
        return ports
    pytest.skip(f"no free ports from {first} on")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a stand-in shop that runs until the last test is done."""
    folder: Path = tmp_path_factory.mktemp("shop")
    with Children(folder / "logs") as children:
        yield start_shop(children, folder, free_ports(21_080), "stable", os.environ)
