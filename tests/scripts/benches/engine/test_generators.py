"""What each generator says is read: its count, what went wrong, and what was still under way."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS
from scripts.benches.engine.generators import Tally, read_worker, read_wrk
from tests.scripts.made_run import worker_account

WRK = """\
Running 60m test @ http://127.0.0.1:20000/static
  1 threads and 100 connections
  141199 requests in 3.60s, 846.04MB read
"""


def a_run(folder: Path, endings: list[str | None], **account: Any) -> RunDirectory:
    directory = RunDirectory(path=folder)
    directory.worker("w0").write_text(
        json.dumps(worker_account(0, **{"requests": len(endings), "spans": None, **account}))
    )
    if endings:
        empty = {name: [None] * len(endings) for name in REQUESTS.names}
        write_table(directory.part("requests", "w0", "0"), pa.table({**empty, "error": endings}, schema=REQUESTS))
    return directory


def test_what_the_end_cut_off_is_no_error_but_was_under_way(tmp_path: Path) -> None:
    run = a_run(tmp_path, [None, None, None, "cut_off", "cut_off"])
    assert read_worker(run) == Tally(requests=3, errors={}, under_way=2)


def test_every_other_error_is_told(tmp_path: Path) -> None:
    failures = [{"hook": "ClientSpans", "error": "x", "count": 4}]
    run = a_run(tmp_path, [None, "http_5xx", "timeout", "timeout"], hook_failures=failures)
    assert read_worker(run).errors == {"http_5xx": 1, "timeout": 2, "hook ClientSpans": 4}


def test_spans_are_counted(tmp_path: Path) -> None:
    tally = read_worker(a_run(tmp_path, [None], spans={"sent": 7, "dropped": 2}))
    assert (tally.spans_sent, tally.spans_dropped) == (7, 2)


@pytest.mark.parametrize(("errors", "told", "under_way"), [(60, {}, 60), (103, {"errors": 3}, 100)])
def test_without_records_at_most_one_error_a_connection_is_what_the_end_cut_off(
    tmp_path: Path, errors: int, told: dict[str, int], under_way: int
) -> None:
    run = a_run(tmp_path, [], requests=5000, errors=errors)
    assert read_worker(run, records=False) == Tally(requests=5000 - under_way, errors=told, under_way=under_way)


def test_records_that_should_be_off_and_are_there_are_refused(tmp_path: Path) -> None:
    run = a_run(tmp_path, [None])
    with pytest.raises(ValueError, match=r"^records are on in "):
        read_worker(run, records=False)


def test_records_that_are_missing_are_refused(tmp_path: Path) -> None:
    run = a_run(tmp_path, [])
    with pytest.raises(ValueError, match=r"^records are missing in "):
        read_worker(run)


def test_wrk_is_read_from_its_last_summary() -> None:
    assert read_wrk(WRK + WRK.replace("141199", "77")) == Tally(requests=77)


def test_wrk_tells_wrong_replies_and_broken_connections() -> None:
    wrong = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\n"
    assert read_wrk(WRK + wrong).errors == {"wrong_reply": 5, "socket": 10}


def test_a_wrk_that_was_killed_left_no_summary() -> None:
    with pytest.raises(ValueError, match=r"^wrk left no summary: "):
        read_wrk(WRK + "Running 60m test\n")
