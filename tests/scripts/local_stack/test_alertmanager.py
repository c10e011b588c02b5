"""Alertmanager is found like Prometheus, by Debian's name or its own, and started alone on loopback."""

import shutil
from pathlib import Path

import pytest
import requests

from scripts.local_stack.alertmanager import find_alertmanager, start_alertmanager
from scripts.local_stack.processes import Children
from slo.outcomes import EnvironmentLacks
from tests.ports import free_port
from tests.scripts.world import World, script


def found(world: World, **environment: str) -> Path:
    variables = {"HOME": str(world.folder / "home"), "PATH": str(world.folder / "bin"), **environment}
    return find_alertmanager(variables, world.said.append)


@pytest.mark.parametrize("name", ["prometheus-alertmanager", "alertmanager"])
def test_it_has_two_names(name: str, world: World) -> None:
    program = script(world.folder / "bin" / name, "")
    assert found(world) == program


def test_what_the_variable_names_comes_first(world: World) -> None:
    script(world.folder / "bin" / "alertmanager", "")
    mine = script(world.folder / "mine", "")
    assert found(world, PEAKPROOF_ALERTMANAGER=str(mine)) == mine


def test_without_it_the_command_that_helps_is_named(world: World) -> None:
    with pytest.raises(EnvironmentLacks) as lacks:
        found(world)
    assert str(lacks.value) == (
        "Alertmanager is not on this machine;"
        " install it from prometheus.io and set PEAKPROOF_ALERTMANAGER to the program's path"
    )


def test_it_starts_with_its_configuration_and_one_that_is_wrong_is_named(tmp_path: Path) -> None:
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("prometheus-alertmanager is not on PATH")
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: drill}\nreceivers: [{name: drill}]\n")
    with Children(tmp_path / "logs") as children:
        url = start_alertmanager(children, Path(program), free_port(), tmp_path / "data", config, {})
        status = requests.get(f"{url}/api/v2/status", timeout=5).json()
    assert "receiver: drill" in status["config"]["original"]
    assert status["cluster"]["status"] == "disabled"
    config.write_text("route: {receiver: none}\nreceivers: [{name: drill}]\n")
    with (
        Children(tmp_path / "others") as children,
        pytest.raises(EnvironmentLacks, match="Alertmanager: alertmanager "),
    ):
        start_alertmanager(children, Path(program), free_port(), tmp_path / "data", config, {})
