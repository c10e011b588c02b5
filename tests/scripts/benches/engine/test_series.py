"""A run counts only when its replies were right, its count is the target's, and it did what it was to do."""

from pathlib import Path

import pyarrow as pa
import pytest

from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS
from scripts.benches.engine.generators import Tally
from scripts.benches.engine.measurements import check_handshakes, check_pace, check_spans, lag_p99_s
from scripts.benches.engine.sampling import Moment, Window
from scripts.benches.engine.series import Run, check_count, ratios
from scripts.benches.engine.target import Status
from slo.outcomes import EnvironmentLacks

SECOND = 1_000_000_000


def moment(at_s: float, requests: int = 0, accepts: int = 0) -> Moment:
    status = Status(active=100, accepts=accepts, requests=requests)
    return Moment(at_ns=round(at_s * SECOND), cpu_ns=0, status=status, rss_bytes=0)


def window(requests: int, accepts: int = 0) -> Window:
    """Return a window of one second."""
    return Window(before=moment(10), after=moment(11, requests, accepts))


def test_each_run_is_compared_with_the_one_beside_it() -> None:
    assert ratios([6.0, 9.0], [2.0, 3.0]) == [3.0, 3.0]


@pytest.mark.parametrize("counted", [1000, 1100])
def test_a_count_may_differ_by_what_was_under_way(counted: int) -> None:
    check_count("x", Tally(requests=1000, under_way=100), counted)


@pytest.mark.parametrize("counted", [999, 1101])
def test_another_count_is_refused(counted: int) -> None:
    with pytest.raises(EnvironmentLacks, match=rf"^x: says 1000 requests, the target counted {counted}$"):
        check_count("x", Tally(requests=1000, under_way=100), counted)


def test_a_run_with_a_wrong_reply_is_refused() -> None:
    with pytest.raises(EnvironmentLacks, match=r"^x: not every reply was right: 2 timeout, 1 http_5xx of 1000$"):
        check_count("x", Tally(requests=1000, errors={"timeout": 2, "http_5xx": 1}), 1000)


@pytest.mark.parametrize(("accepts", "a_request"), [(0, 0.0), (250, 0.25), (150, 0.25), (350, 0.25)])
def test_handshakes_are_as_many_as_the_work_needs(accepts: int, a_request: float) -> None:
    check_handshakes("x", window(1000, accepts), a_request)


@pytest.mark.parametrize(("accepts", "a_request"), [(1, 0.0), (149, 0.25), (351, 0.25)])
def test_other_handshakes_are_refused(accepts: int, a_request: float) -> None:
    with pytest.raises(EnvironmentLacks, match=rf"^x: {accepts} connections for 1000 requests$"):
        check_handshakes("x", window(1000, accepts), a_request)


def a_run(requests: int, folder: Path, spans_sent: int = 0, spans_dropped: int = 0) -> Run:
    tally = Tally(requests=requests, spans_sent=spans_sent, spans_dropped=spans_dropped)
    return Run(window=window(requests), tally=tally, directory=RunDirectory(path=folder))


def test_runs_that_kept_their_pace_by_their_median_and_dropped_no_span_count(tmp_path: Path) -> None:
    check_pace("x", [a_run(950, tmp_path), a_run(250, tmp_path), a_run(960, tmp_path)], 1000.0)


def test_runs_off_their_pace_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLacks, match=r"^x: 850 requests/s, not 1000$"):
        check_pace("x", [a_run(850, tmp_path), a_run(1000, tmp_path), a_run(250, tmp_path)], 1000.0)


def test_one_run_that_dropped_spans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentLacks, match=r"^x: 3 spans were dropped$"):
        check_spans("x", [a_run(1000, tmp_path, 1000), a_run(1000, tmp_path, 997, 3)], 1.0)


@pytest.mark.parametrize(("share", "sent"), [(0.0, 0), (0.01, 17), (0.01, 23), (1.0, 2000)])
def test_runs_that_sent_the_spans_of_their_share_count(tmp_path: Path, share: float, sent: int) -> None:
    check_spans("x", [a_run(1000, tmp_path, sent - sent // 2), a_run(1000, tmp_path, sent // 2)], share)


@pytest.mark.parametrize(("share", "sent", "shown"), [(0.0, 9, "0%"), (0.01, 15, "1%"), (1.0, 1500, "100%")])
def test_runs_that_traced_another_share_are_refused(tmp_path: Path, share: float, sent: int, shown: str) -> None:
    with pytest.raises(EnvironmentLacks, match=f"^x: {sent} spans of 2000 requests, not {shown}$"):
        check_spans("x", [a_run(1000, tmp_path, sent), a_run(1000, tmp_path)], share)


def test_lag_is_that_of_the_requests_due_in_the_window(tmp_path: Path) -> None:
    due = [10 * SECOND + n for n in range(100)] + [9 * SECOND, 11 * SECOND]
    late = [n * 1_000_000 for n in range(100)] + [5 * SECOND, 5 * SECOND]
    rows = {name: [None] * 102 for name in REQUESTS.names} | {
        "scheduled_at": due,
        "sent_at": [at + by for at, by in zip(due, late, strict=True)],
    }
    run = a_run(1000, tmp_path)
    write_table(run.directory.part("requests", "w0", "0"), pa.table(rows, schema=REQUESTS))
    assert lag_p99_s(run) == 0.098
