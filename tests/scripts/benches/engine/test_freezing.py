"""Records are held against the frozen target's log, cycle by cycle, by quantiles that were seen."""

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS
from scripts.benches.engine.freezing import Freeze, Reply, agreement, agreements, quantile, read_log, read_replies
from scripts.benches.engine.logging_target import trace_id
from slo.outcomes import EnvironmentLacks

MS = 1_000_000
SECOND = 1000 * MS


def test_a_quantile_is_a_value_that_was_seen() -> None:
    values = np.arange(1, 1001, dtype=np.int64)
    assert [quantile(values, q) for q in (0.5, 0.95, 0.99, 0.999, 1.0)] == [500, 950, 990, 999, 1000]


def test_records_that_agree_with_the_log_are_behind_by_the_way_back_alone() -> None:
    scheduled = np.arange(2000, dtype=np.int64) * MS
    written = scheduled + 100 * MS
    found = agreement(scheduled, written + MS, written)
    assert (found.behind_s, found.replies) == (0.001, 2000)
    assert found.apart == {"p95": 0.01, "p99": 0.01, "p99.9": 0.01}


def test_a_stall_that_the_records_hide_shows_in_the_quantiles() -> None:
    scheduled = np.arange(2000, dtype=np.int64) * MS
    waited = np.where(np.arange(2000) % 10 == 0, SECOND, MS)
    found = agreement(scheduled, scheduled + MS, scheduled + waited)
    assert found.apart == {"p95": 0.999, "p99": 0.999, "p99.9": 0.999}


def test_too_few_replies_have_no_p999() -> None:
    few = np.arange(999, dtype=np.int64)
    with pytest.raises(EnvironmentLacks, match=r"^999 replies in a cycle: a p99.9 needs 1000$"):
        agreement(few, few + 2, few + 1)


def replies(start: int, count: int = 9000) -> list[Reply]:
    """Return a reply a millisecond from `start` on, each written 1 ms after it was due and read 1 ms later."""
    due = [start + n * MS for n in range(count)]
    return [Reply(scheduled_at=at, written_at=at + MS, finished_at=at + 2 * MS) for at in due]


def test_each_cycle_is_compared_by_itself() -> None:
    freezes = [Freeze(frozen_at=n * 10 * SECOND, thawed_at=n * 10 * SECOND + SECOND) for n in (1, 2)]
    calm = [*replies(6 * SECOND, 3900), *replies(11 * SECOND, 4500), *replies(16 * SECOND, 3900)]
    assert [one.replies for one in agreements(calm, freezes)] == [3900 + 4500, 3900]


def test_a_target_that_wrote_while_it_was_frozen_was_not() -> None:
    with pytest.raises(EnvironmentLacks, match=r"^the target wrote a reply while it was frozen$"):
        agreements(replies(6 * SECOND), [Freeze(frozen_at=10 * SECOND, thawed_at=11 * SECOND)])


def test_records_and_log_meet_by_trace_id_and_errors_are_left_out(tmp_path: Path) -> None:
    trace = uuid.UUID(int=5).hex
    rows: dict[str, list[Any]] = {name: [None, None] for name in REQUESTS.names}
    rows |= {"trace_id": [trace, "f" * 32], "scheduled_at": [1, 2], "finished_at": [9, 9], "error": [None, "cut_off"]}
    directory = RunDirectory(path=tmp_path)
    write_table(directory.part("requests", "w0", "0"), pa.table(rows, schema=REQUESTS))
    assert read_replies(directory, read_log(f"{trace} 7\n")) == [Reply(scheduled_at=1, finished_at=9, written_at=7)]
    with pytest.raises(EnvironmentLacks, match=rf"^the target's log doesn't hold the reply to {trace}$"):
        read_replies(directory, {})


def test_the_logging_target_reads_the_trace_id_of_a_request() -> None:
    trace = "0123456789abcdef" * 2
    request = f"GET /static HTTP/1.1\r\nHost: x\r\nTraceparent: 00-{trace}-0123456789abcdef-00".encode()
    assert (trace_id(request), trace_id(b"GET / HTTP/1.1\r\nHost: x")) == (trace, "")
