"""worker-*.json is written and read through one model."""

import json
from pathlib import Path

import pytest

from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.worker_status import WorkerStatus, read_workers
from slo.documents import BadInput
from tests.scripts.made_run import worker_account


def test_a_worker_status_is_read_as_it_was_written(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    revisions = [{"number": 1, "heard_at": 7, "struck": 0}]
    status = WorkerStatus.model_validate(worker_account(0, 5, revisions=revisions))
    write_json(directory.worker("w0"), status.model_dump(mode="json"))
    written = json.loads(directory.worker("w0").read_text())
    assert written["clock_offset"] == {"offset_s": 0.0, "uncertainty_s": 0.002, "pings": 20}
    assert repr(written["clock_offset"]["pings"]) == "20"
    assert written["revisions"] == revisions
    assert read_workers(directory) == (status,)


def test_the_status_of_an_older_worker_may_lack_what_came_later_and_of_a_newer_hold_more(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    later = {"format", "hub_stall_s", "descriptors", "master_silent_s", "clock_offset", "uploaded"}
    written = {name: value for name, value in worker_account(0, 5).items() if name not in later}
    write_json(directory.worker("w0"), {**written, "news": 1})
    (status,) = read_workers(directory)
    assert (status.hub_stall_s, status.clock_offset, status.requests) == (None, None, 5)


def test_a_status_without_its_count_of_requests_is_refused(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    written = worker_account(0, 5)
    del written["requests"]
    write_json(directory.worker("w0"), written)
    with pytest.raises(BadInput) as refused:
        read_workers(directory)
    assert str(refused.value) == f"{directory.worker('w0')}: requests: required and missing"
