"""A record that was taken is on disk, whole, when its part is closed."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loadtests import records
from loadtests.records import PART_NS, PART_ROWS, request_parts, session_parts
from loadtests.run_directory import REQUESTS, SESSIONS, RunDirectory, read_tables
from tests.loadtests.fakes import SECOND, session_record, step_record


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    return RunDirectory(path=tmp_path)


def names(directory: RunDirectory) -> list[str]:
    return sorted(path.name for path in directory.path.iterdir())


def test_a_record_tells_the_shopper_s_wait_the_shop_s_work_and_the_generator_s_lag() -> None:
    record = step_record(scheduled_at=10 * SECOND, sent_at=11 * SECOND, finished_at=14 * SECOND)
    assert (record.response_s, record.service_s, record.lag_s) == (4.0, 3.0, 1.0)


def test_rows_survive_as_they_were_told(directory: RunDirectory) -> None:
    parts = request_parts(directory, "w0")
    told = [step_record(session=n, error="timeout" if n else None, status=0 if n else 200) for n in range(3)]
    for record in told:
        parts.add(record, 0)
    parts.close()
    rows = read_tables(directory.parts("requests"), REQUESTS).to_pylist()
    assert rows == [{name: getattr(record, name) for name in REQUESTS.names} for record in told]
    assert names(directory) == ["requests-w0-00000.parquet"]


def test_a_session_s_row_survives_too(directory: RunDirectory) -> None:
    parts = session_parts(directory, "w1")
    told = session_record(outcome="dropped", reason="open_sessions", started_at=0, late_s=0.25)
    parts.add(told, 0)
    parts.close()
    (row,) = read_tables(directory.parts("sessions"), SESSIONS).to_pylist()
    assert row == {name: getattr(told, name) for name in SESSIONS.names}


@pytest.mark.parametrize(("make", "schema"), [(request_parts, REQUESTS), (session_parts, SESSIONS)])
def test_a_part_has_the_contract_s_schema(directory: RunDirectory, make: object, schema: pa.Schema) -> None:
    assert callable(make)
    parts = make(directory, "w0")
    parts.add(step_record() if schema is REQUESTS else session_record(), 0)
    parts.close()
    (path,) = directory.path.iterdir()
    assert pq.read_schema(path) == schema


def test_a_part_is_closed_10_seconds_after_its_first_row(directory: RunDirectory) -> None:
    parts = request_parts(directory, "w0")
    parts.add(step_record(), 5 * SECOND)
    parts.add(step_record(), 5 * SECOND + PART_NS - 1)
    assert (parts.closed, parts.rows, names(directory)) == (0, 2, [])
    parts.close_if_due(5 * SECOND + PART_NS)
    assert (parts.closed, parts.rows, names(directory)) == (1, 2, ["requests-w0-00000.parquet"])


def test_the_next_part_s_age_counts_from_its_own_first_row(directory: RunDirectory) -> None:
    parts = request_parts(directory, "w0")
    parts.add(step_record(), 0)
    parts.add(step_record(), PART_NS)
    parts.add(step_record(), PART_NS + 1)
    parts.close_if_due(2 * PART_NS)
    assert parts.closed == 1
    parts.close_if_due(2 * PART_NS + 1)
    assert names(directory) == ["requests-w0-00000.parquet", "requests-w0-00001.parquet"]


def test_a_part_is_closed_when_it_is_full(directory: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    assert PART_ROWS == 50_000
    monkeypatch.setattr(records, "PART_ROWS", 3)
    parts = request_parts(directory, "w0")
    for number in range(7):
        parts.add(step_record(session=number), 0)
    assert parts.closed == 2
    parts.close()
    sizes = [pq.read_metadata(path).num_rows for path in directory.parts("requests")]
    assert sizes == [3, 3, 1]
    assert read_tables(directory.parts("requests"), REQUESTS)["session"].to_pylist() == list(range(7))


def test_an_empty_part_is_not_written(directory: RunDirectory) -> None:
    parts = request_parts(directory, "w0")
    parts.close()
    parts.close_if_due(10**20)
    assert (parts.closed, names(directory)) == (0, [])


def test_closing_twice_writes_once(directory: RunDirectory) -> None:
    parts = request_parts(directory, "w0")
    parts.add(step_record(), 0)
    parts.close()
    parts.close()
    assert (parts.closed, names(directory)) == (1, ["requests-w0-00000.parquet"])
