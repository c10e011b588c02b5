"""Workers elsewhere find a run while it waits for them, and each seat is given once."""

import json
from pathlib import Path

import pytest

from loadtests.results.run_directory import RunDirectory
from scripts.running.rendezvous import Rendezvous, announced, read_rendezvous, take_seat
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

GATHERING = Rendezvous(run="20261122T160000Z-small-0a1b", host="master", port=18091, workers=2)


def test_a_run_is_found_only_while_it_gathers(tmp_path: Path) -> None:
    assert read_rendezvous(tmp_path) is None
    with announced(tmp_path, GATHERING):
        assert read_rendezvous(tmp_path) == GATHERING
    assert read_rendezvous(tmp_path) is None


def test_a_run_that_fails_to_gather_is_not_found_afterwards(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLacks), announced(tmp_path, GATHERING):
        raise EnvironmentLacks("too few workers")
    assert list(tmp_path.iterdir()) == []


def test_a_run_with_workers_of_its_own_announces_nothing(tmp_path: Path) -> None:
    with announced(tmp_path, None):
        assert list(tmp_path.iterdir()) == []


def test_each_seat_is_given_once_and_then_there_is_none(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    assert [take_seat(directory, 2) for _ in range(3)] == [0, 1, None]


def test_a_run_directory_that_is_not_shared_is_told(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLacks, match="can't be written: No such file or directory"):
        take_seat(RunDirectory(path=tmp_path / "elsewhere"), 2)


@pytest.mark.parametrize("run", ["../../etc", "", "a/b"])
def test_an_announcement_never_leads_out_of_the_runs_folder(tmp_path: Path, run: str) -> None:
    value = {**GATHERING.model_dump(mode="json"), "run": run}
    (tmp_path / "rendezvous.json").write_text(json.dumps(value))
    with pytest.raises(BadInput, match=r"rendezvous\.json: run:"):
        read_rendezvous(tmp_path)
