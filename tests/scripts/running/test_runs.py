"""RUN on a command line is a path, a name below runs/, or `latest`."""

from pathlib import Path

import pytest

from scripts.running.runs import find_run
from slo.documents import BadInput
from tests.scripts.world import World

OLD, NEW = "20261122T150000Z-peak-aaaa", "20261123T090000Z-peak-0000"


@pytest.fixture
def runs(world: World) -> World:
    for name in (OLD, NEW):
        (world.folder / "runs" / name).mkdir(parents=True)
        (world.folder / "runs" / name / "run.json").write_text("{}")
    return world


@pytest.mark.parametrize("name", [OLD, f"runs/{OLD}", "ABSOLUTE"])
def test_a_run_is_found_by_name_and_by_path(runs: World, name: str) -> None:
    expected = runs.folder / "runs" / OLD
    assert find_run(str(expected) if name == "ABSOLUTE" else name, runs.context()) == expected


def test_latest_is_the_one_that_began_last(runs: World) -> None:
    assert find_run("latest", runs.context()) == runs.folder / "runs" / NEW


def test_latest_passes_over_what_is_no_run(runs: World) -> None:
    (runs.folder / "runs" / "20271122T150000Z-peak-ffff").mkdir()
    (runs.folder / "runs" / "20281122T150000Z-peak-ffff").write_text("a file")
    assert find_run("latest", runs.context()) == runs.folder / "runs" / NEW


def test_without_a_run_there_is_no_latest(world: World) -> None:
    with pytest.raises(BadInput) as error:
        find_run("latest", world.context())
    runs = world.folder / "runs"
    assert str(error.value) == f"{runs}: holds no run yet; `peakproof demo` or `peakproof gate` makes one"


@pytest.mark.parametrize("name", ["gone", "", "..", "/dev/null", "\n"])
def test_what_is_no_run_is_refused_with_what_it_may_be(runs: World, name: str) -> None:
    with pytest.raises(BadInput) as error:
        find_run(name, runs.context())
    folder: Path = runs.folder / "runs"
    assert str(error.value) == f"{name}: not a run directory: expected a path, a name below {folder}, or latest"
