"""A record that was taken is on disk, whole, when its part is closed."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loadtests.results import records
from loadtests.results.records import PART_NS, PART_ROWS, Parts, Records, StepLog
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import REQUESTS, SESSIONS
from tests.loadtests.fakes import SECOND, batch, session_record, step_record


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(path=tmp_path)


@pytest.fixture
def parts(directory: RunDirectory) -> Parts:
    return Parts(directory, "requests", "w0")


def names(directory: RunDirectory) -> list[str]:
    return sorted(path.name for path in directory.path.iterdir())


def rows(*numbers: int) -> pa.Table:
    return batch(*(step_record(session=number) for number in numbers)).table()


def test_a_record_tells_the_shopper_s_wait_the_shop_s_work_and_the_generator_s_lag() -> None:
    record = step_record(scheduled_at=10 * SECOND, sent_at=11 * SECOND, finished_at=14 * SECOND)
    assert (record.response_s, record.service_s, record.lag_s) == (4.0, 3.0, 1.0)


def test_a_log_hands_out_each_record_once_and_in_order() -> None:
    log = StepLog()
    assert (len(log), log.take()) == (0, None)
    told = [step_record(session=number) for number in range(3)]
    for record in told:
        log.add(record)
    assert len(log) == 3
    taken = log.take()
    assert taken is not None
    assert (list(taken.rows), len(log), log.take()) == (told, 0, None)


def test_requests_survive_as_they_were_told(directory: RunDirectory) -> None:
    kept = Records(directory, "w0")
    told = [step_record(session=n, error="timeout" if n else None, status=0 if n else 200) for n in range(3)]
    kept.steps_ended(batch(*told))
    kept.close()
    read = read_tables(directory.parts("requests"), REQUESTS).to_pylist()
    assert read == [{name: getattr(record, name) for name in REQUESTS.names} for record in told]
    assert names(directory) == ["requests-w0-00000.parquet"]


def test_sessions_survive_too(directory: RunDirectory) -> None:
    kept = Records(directory, "w1")
    told = [session_record(outcome="dropped", reason="open_sessions", started_at=0, late_s=0.25), session_record()]
    for record in told:
        kept.session_ended(record)
    kept.close()
    read = read_tables(directory.parts("sessions"), SESSIONS).to_pylist()
    assert read == [record._asdict() for record in told]
    assert names(directory) == ["sessions-w1-00000.parquet"]


def test_parts_have_the_contract_s_schemas(directory: RunDirectory) -> None:
    kept = Records(directory, "w0")
    kept.steps_ended(batch(step_record()))
    kept.session_ended(session_record())
    kept.close()
    assert [pq.read_schema(path) for path in sorted(directory.path.iterdir())] == [REQUESTS, SESSIONS]


def test_both_kinds_are_closed_10_seconds_after_their_first_row(directory: RunDirectory) -> None:
    kept = Records(directory, "w0")
    kept.steps_ended(batch(step_record(finished_at=1000 * SECOND)))
    kept.session_ended(session_record(ended_at=1001 * SECOND))
    kept.close_if_due(1000 * SECOND + PART_NS - 1)
    assert names(directory) == []
    kept.close_if_due(1000 * SECOND + PART_NS)
    assert names(directory) == ["requests-w0-00000.parquet"]
    kept.close_if_due(1001 * SECOND + PART_NS)
    assert names(directory) == ["requests-w0-00000.parquet", "sessions-w0-00000.parquet"]


def test_a_part_is_closed_10_seconds_after_its_first_row(directory: RunDirectory, parts: Parts) -> None:
    parts.add(rows(1), 5 * SECOND)
    parts.add(rows(2), 5 * SECOND + PART_NS - 1)
    parts.close_if_due(5 * SECOND + PART_NS - 1)
    assert (parts.closed, parts.rows, names(directory)) == (0, 2, [])
    parts.close_if_due(5 * SECOND + PART_NS)
    assert (parts.closed, parts.rows, names(directory)) == (1, 2, ["requests-w0-00000.parquet"])


def test_the_next_part_s_age_counts_from_its_own_first_row(directory: RunDirectory, parts: Parts) -> None:
    parts.add(rows(1), 0)
    parts.close_if_due(PART_NS)
    parts.add(rows(2), PART_NS + 1)
    parts.close_if_due(2 * PART_NS)
    assert parts.closed == 1
    parts.close_if_due(2 * PART_NS + 1)
    assert names(directory) == ["requests-w0-00000.parquet", "requests-w0-00001.parquet"]


def test_a_part_is_closed_when_it_is_full(
    directory: RunDirectory, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PART_ROWS == 50_000
    monkeypatch.setattr(records, "PART_ROWS", 3)
    for first in (0, 2, 4):
        parts.add(rows(first, first + 1), 0)
        parts.close_if_due(0)
    assert parts.closed == 1
    parts.close()
    assert [pq.read_metadata(path).num_rows for path in directory.parts("requests")] == [4, 2]
    assert read_tables(directory.parts("requests"), REQUESTS)["session"].to_pylist() == list(range(6))


def test_an_empty_part_is_not_written(directory: RunDirectory, parts: Parts) -> None:
    parts.close()
    parts.close_if_due(10**20)
    assert (parts.closed, names(directory)) == (0, [])


def test_closing_twice_writes_once(directory: RunDirectory, parts: Parts) -> None:
    parts.add(rows(1), 0)
    parts.close()
    parts.close()
    assert (parts.closed, names(directory)) == (1, ["requests-w0-00000.parquet"])
