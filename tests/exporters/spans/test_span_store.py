"""Parts close by size, by age and at the end, and what is lost is counted."""

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from exporters.spans.span_row import Span
from exporters.spans.span_store import Limits, SpanStore
from loadtests.results.run_directory import RunDirectory, read_tables
from loadtests.results.schemas import SPANS

MANY_S = 3600.0


def spans(count: int, attributes: str = "{}") -> list[Span]:
    return [Span("t", f"{n}", "", "shop", "GET /", "server", 1, 2, "ok", attributes) for n in range(count)]


def store_of(path: Path, **limits: Any) -> SpanStore:
    return SpanStore(RunDirectory(path=path), Limits(**{"part_s": MANY_S, **limits}))


def test_a_part_closes_when_it_is_full_and_the_last_one_at_the_end(tmp_path: Path) -> None:
    store = store_of(tmp_path, part_rows=3)
    store.start()
    assert store.put(spans(7))
    store.stop()
    parts = RunDirectory(path=tmp_path).parts("spans")
    assert [(part.name, pq.read_metadata(part).num_rows) for part in parts] == [
        ("spans-0.parquet", 3),
        ("spans-1.parquet", 3),
        ("spans-2.parquet", 1),
    ]
    assert [tuple(row.values()) for row in read_tables(parts, SPANS).to_pylist()] == spans(7)
    assert (store.written, store.waiting) == (7, 0)


def test_a_part_closes_when_it_is_old_enough(tmp_path: Path) -> None:
    store = store_of(tmp_path, part_s=0.0)
    store.start()
    store.put(spans(2))
    with store._changed:
        assert store._changed.wait_for(lambda: store.written == 2, timeout=60)
    assert len(RunDirectory(path=tmp_path).parts("spans")) == 1
    store.stop()


def test_without_spans_there_is_no_part(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.start()
    store.stop()
    assert list(tmp_path.iterdir()) == []


def test_a_recorder_started_again_writes_after_the_parts_that_are_there(tmp_path: Path) -> None:
    for _ in range(2):
        store = store_of(tmp_path)
        store.start()
        store.put(spans(1))
        store.stop()
    assert [part.name for part in RunDirectory(path=tmp_path).parts("spans")] == ["spans-0.parquet", "spans-1.parquet"]


@pytest.mark.parametrize("limits", [{"waiting_rows": 3}, {"waiting_bytes": 30}])
def test_a_batch_that_does_not_fit_is_dropped_whole_and_counted(tmp_path: Path, limits: dict[str, int]) -> None:
    store = store_of(tmp_path, **limits)
    assert store.put(spans(2, "x" * 10))
    assert not store.put(spans(2, "x" * 10))
    store.start()
    store.stop()
    assert (store.written, store.dropped_full) == (2, 2)


def test_spans_that_come_after_the_end_are_dropped_and_counted(tmp_path: Path) -> None:
    store = store_of(tmp_path)
    store.start()
    store.stop()
    assert not store.put(spans(2))
    assert store.dropped_full == 2


def test_a_part_that_cant_be_written_is_counted_logged_once_and_the_next_one_is_tried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = []

    def full_disk(path: Path, table: Any) -> None:
        written.append((path.name, table.num_rows))
        if len(written) <= 2:
            raise OSError(28, "No space left on device")

    store = SpanStore(RunDirectory(path=tmp_path), Limits(part_s=MANY_S, part_rows=2), write=full_disk)
    store.start()
    store.put(spans(5))
    store.stop()
    assert written == [("spans-0.parquet", 2), ("spans-0.parquet", 2), ("spans-0.parquet", 1)]
    assert (store.written, store.dropped_unwritten, store.writable) == (1, 4, True)
    assert [record.getMessage() for record in caplog.records] == [
        "spans can't be written and are lost until they can: [Errno 28] No space left on device"
    ]
