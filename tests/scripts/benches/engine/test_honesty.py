"""What keeps the benchmark honest: a run that wasn't right, or didn't do the work, has no figure."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS
from scripts.benches.engine.freezing import Freeze, Reply, agreement, agreements, read_log, read_replies
from scripts.benches.engine.generators import Tally, read_worker, read_wrk
from scripts.benches.engine.measurements import check_handshakes, check_pace, check_spans, lag_p99_s
from scripts.benches.engine.series import Moment, Run, Window, check_count, cpu_ns
from scripts.benches.engine.target import Status, read_status
from slo.outcomes import EnvironmentLacks
from tests.scripts.made_run import worker_account

MS = 1_000_000
SECOND = 1000 * MS


def window(requests: int, accepts: int = 0) -> Window:
    """Return a window of one second."""
    before, after = (
        Moment(at_ns=at * SECOND, cpu_ns=0, status=Status(active=100, accepts=a, requests=r), rss_bytes=0)
        for at, a, r in ((10, 0, 0), (11, accepts, requests))
    )
    return Window(before=before, after=after)


def a_run(requests: int, folder: Path, spans_sent: int = 0, spans_dropped: int = 0) -> Run:
    tally = Tally(requests=requests, spans_sent=spans_sent, spans_dropped=spans_dropped)
    return Run(window=window(requests), tally=tally, directory=RunDirectory(path=folder))


def recorded(folder: Path, count: int, **columns: Sequence[object]) -> RunDirectory:
    """Write the records of `count` requests, of which only these columns are known."""
    directory = RunDirectory(path=folder)
    rows = {name: [None] * count for name in REQUESTS.names} | columns
    write_table(directory.part("requests", "w0", "0"), pa.table(rows, schema=REQUESTS))
    return directory


@pytest.mark.parametrize("counted", [1000, 1100])
def test_a_count_may_differ_from_the_targets_by_what_was_under_way(counted: int) -> None:
    check_count("x", Tally(requests=1000, under_way=100), counted)


@pytest.mark.parametrize("counted", [999, 1101])
def test_another_count_is_refused(counted: int) -> None:
    with pytest.raises(EnvironmentLacks, match=rf"^x: says 1000 requests, the target counted {counted}$"):
        check_count("x", Tally(requests=1000, under_way=100), counted)


def test_a_run_with_a_wrong_reply_is_refused() -> None:
    with pytest.raises(EnvironmentLacks, match=r"^x: not every reply was right: 2 timeout, 1 http_5xx of 1000$"):
        check_count("x", Tally(requests=1000, errors={"timeout": 2, "http_5xx": 1}), 1000)


@pytest.mark.parametrize(("accepts", "a_request"), [(1, 0.0), (149, 0.25), (351, 0.25)])
def test_handshakes_that_are_not_those_that_the_work_needs_are_refused(accepts: int, a_request: float) -> None:
    check_handshakes("x", window(1000, round(1000 * a_request)), a_request)
    with pytest.raises(EnvironmentLacks, match=rf"^x: {accepts} connections for 1000 requests$"):
        check_handshakes("x", window(1000, accepts), a_request)


def test_runs_off_their_pace_by_their_median_are_refused(tmp_path: Path) -> None:
    check_pace("x", [a_run(950, tmp_path), a_run(250, tmp_path), a_run(960, tmp_path)], 1000.0)
    with pytest.raises(EnvironmentLacks, match=r"^x: 850 requests/s, not 1000$"):
        check_pace("x", [a_run(850, tmp_path), a_run(1000, tmp_path), a_run(250, tmp_path)], 1000.0)


@pytest.mark.parametrize(("share", "sent"), [(0.0, 9), (0.01, 15), (1.0, 1500)])
def test_runs_that_traced_another_share_or_dropped_spans_are_refused(tmp_path: Path, share: float, sent: int) -> None:
    check_spans("x", [a_run(1000, tmp_path, round(2000 * share)), a_run(1000, tmp_path)], share)
    with pytest.raises(EnvironmentLacks, match=f"^x: {sent} spans of 2000 requests, not {share:.0%}$"):
        check_spans("x", [a_run(1000, tmp_path, sent), a_run(1000, tmp_path)], share)
    with pytest.raises(EnvironmentLacks, match=r"^x: 3 spans were dropped$"):
        check_spans("x", [a_run(1000, tmp_path, 1000), a_run(1000, tmp_path, 997, 3)], 1.0)


def test_lag_is_that_of_the_requests_due_in_the_window(tmp_path: Path) -> None:
    due = [10 * SECOND + n for n in range(100)] + [9 * SECOND, 11 * SECOND]
    sent = [10 * SECOND + n + n * MS for n in range(100)] + [14 * SECOND, 16 * SECOND]
    recorded(tmp_path, 102, scheduled_at=due, sent_at=sent)
    assert lag_p99_s(a_run(1000, tmp_path)) == 0.098


def test_the_cpu_of_a_process_is_what_that_process_says_of_itself() -> None:
    before = time.process_time_ns()
    read = cpu_ns(os.getpid())
    assert before <= read <= time.process_time_ns()


def test_the_targets_count_is_read_and_another_page_is_refused() -> None:
    page = "Active connections: 101\nserver accepts handled requests\n 1214 1213 98765\n"
    assert read_status(page) == Status(active=101, accepts=1214, requests=98765)
    with pytest.raises(ValueError, match=r"^not a page of stub_status: "):
        read_status("<html>404</html>")


def test_of_the_engine_s_errors_only_what_the_end_cut_off_is_none(tmp_path: Path) -> None:
    run = recorded(tmp_path, 6, error=[None, None, "timeout", "http_5xx", "cut_off", "cut_off"])
    failures = [{"hook": "ClientSpans", "error": "x", "count": 4}]
    run.worker("w0").write_text(json.dumps(worker_account(0, requests=6, hook_failures=failures, spans=None)))
    errors = {"timeout": 1, "http_5xx": 1, "hook ClientSpans": 4}
    assert read_worker(run) == Tally(requests=4, errors=errors, under_way=2)
    with pytest.raises(ValueError, match=r"^records are on in "):
        read_worker(run, records=False)


def test_wrk_is_read_from_its_last_summary_with_what_went_wrong() -> None:
    summary = "Running 60m test @ http://127.0.0.1:20000/static\n  141199 requests in 3.60s, 846.04MB read\n"
    wrong = "  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 5\n"
    assert read_wrk(summary.replace("141199", "77") + summary + wrong) == Tally(
        requests=141199, errors={"wrong_reply": 5, "socket": 10}
    )
    with pytest.raises(ValueError, match=r"^wrk left no summary: "):
        read_wrk(f"{summary}Running 60m test\n")


def test_a_stall_that_the_records_hide_shows_in_the_quantiles() -> None:
    scheduled = np.arange(2000, dtype=np.int64) * MS
    waited = np.where(np.arange(2000) % 10 == 0, SECOND, MS)
    found = agreement(scheduled, scheduled + MS, scheduled + waited)
    assert found.apart == {"p95": 0.999, "p99": 0.999, "p99.9": 0.999}
    with pytest.raises(EnvironmentLacks, match=r"^999 replies in a cycle: a p99.9 needs 1000$"):
        agreement(scheduled[:999], scheduled[:999] + 2, scheduled[:999] + 1)


def test_a_target_that_wrote_while_it_was_frozen_was_not() -> None:
    due = [6 * SECOND + n * MS for n in range(9000)]
    replies = [Reply(scheduled_at=at, written_at=at + MS, finished_at=at + 2 * MS) for at in due]
    with pytest.raises(EnvironmentLacks, match=r"^the target wrote a reply while it was frozen$"):
        agreements(replies, [Freeze(frozen_at=10 * SECOND, thawed_at=11 * SECOND)])


def test_records_and_log_meet_by_trace_id_and_none_is_missing(tmp_path: Path) -> None:
    trace = "0" * 31 + "5"
    run = recorded(
        tmp_path, 2, trace_id=[trace, "f" * 32], scheduled_at=[1, 2], finished_at=[9, 9], error=[None, "cut_off"]
    )
    assert read_replies(run, read_log(f"{trace} 7\n")) == [Reply(scheduled_at=1, finished_at=9, written_at=7)]
    with pytest.raises(EnvironmentLacks, match=rf"^the target's log doesn't hold the reply to {trace}$"):
        read_replies(run, {})
