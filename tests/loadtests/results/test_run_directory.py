"""A file of the run is whole or not there, whatever happens while it is written."""

import json
import os
import re
import secrets
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loadtests.results.run_directory import RunDirectory, create, read_tables, write_bytes, write_json, write_table
from loadtests.results.schemas import ANSWERS, REQUESTS, SESSIONS, SPANS

SCHEMAS = {"requests": REQUESTS, "sessions": SESSIONS, "spans": SPANS, "metrics": ANSWERS}
AT = datetime(2026, 11, 27, 9, 30, 5, tzinfo=UTC)
CONTRACT = Path(__file__).parents[3] / "docs" / "contracts.md"


class PowerCutError(Exception):
    """The moment at which everything stops."""


def crash(*_: Any, **__: Any) -> None:
    raise PowerCutError


def test_a_run_is_named_for_its_second_its_plan_and_four_random_digits(tmp_path: Path) -> None:
    run = create(tmp_path / "runs", "holiday-peak", AT)
    assert re.fullmatch(r"20261127T093005Z-holiday-peak-[0-9a-f]{4}", run.name)
    assert sorted(path.name for path in run.path.iterdir()) == ["logs", "metrics", "objectives"]


def test_a_run_s_name_is_in_utc_wherever_it_is_made(tmp_path: Path) -> None:
    run = create(tmp_path, "p", AT.astimezone(timezone(timedelta(hours=5))))
    assert run.name.startswith("20261127T093005Z-p-")


def test_two_runs_never_share_a_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "abcd")
    create(tmp_path, "p", AT)
    with pytest.raises(FileExistsError):
        create(tmp_path, "p", AT)


def test_a_directory_knows_its_files_by_the_contract_s_names(tmp_path: Path) -> None:
    run = RunDirectory(path=tmp_path)
    told = {
        path.name
        for path in (run.plan, run.targets, run.run, run.live, run.stock_before, run.audit, run.verdict, run.report)
    }
    assert told | {run.junit.name, run.summary.name} <= set(re.findall(r"[a-z-]+(?:\.[a-z]+)+", CONTRACT.read_text()))
    assert run.part("requests", "w0", "00003").name == "requests-w0-00003.parquet"
    assert run.part("spans", 7).name == "spans-7.parquet"
    assert (run.ledger("w1").name, run.worker("w1").name) == ("ledger-w1.jsonl", "worker-w1.json")
    assert (run.objectives.name, run.metrics.name, run.logs.name) == ("objectives", "metrics", "logs")


def test_parts_come_in_order_and_without_others(tmp_path: Path) -> None:
    run = RunDirectory(path=tmp_path)
    for name in ("requests-w1-00000", "requests-w0-00001", "requests-w0-00000", "sessions-w0-00000"):
        (tmp_path / f"{name}.parquet").touch()
    (tmp_path / ".requests-w0-00002.parquet.123.tmp").touch()
    names = [path.name for path in run.parts("requests")]
    assert names == ["requests-w0-00000.parquet", "requests-w0-00001.parquet", "requests-w1-00000.parquet"]


def test_a_crash_before_the_rename_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "live.json"
    write_json(path, {"sequence": 1})
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", crash)
        with pytest.raises(PowerCutError):
            write_json(path, {"sequence": 2})
    assert json.loads(path.read_text()) == {"sequence": 1}
    write_json(path, {"sequence": 3})
    assert json.loads(path.read_text()) == {"sequence": 3}
    assert [one.name for one in tmp_path.iterdir()] == ["live.json"]


def test_what_is_renamed_was_synced_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    replace = Path.replace
    monkeypatch.setattr(os, "fsync", lambda _: events.append("synced"))

    def told(path: Path, other: Path) -> Path:
        events.append("renamed")
        return replace(path, other)

    monkeypatch.setattr(Path, "replace", told)
    write_bytes(tmp_path / "file", b"x")
    assert events == ["synced", "renamed"]


def test_a_value_that_json_cannot_say_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_json(path, {"p99": 1.0})
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        write_json(path, {"p99": float("nan")})
    assert json.loads(path.read_text()) == {"p99": 1.0}


def test_a_crash_while_a_part_is_written_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunDirectory(path=tmp_path)
    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(PowerCutError):
        write_table(run.part("sessions", "w0", 0), SESSIONS.empty_table())
    assert run.parts("sessions") == []


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_no_part_reads_as_an_empty_table_with_its_columns(schema: pa.Schema) -> None:
    table = read_tables([], schema)
    assert (table.num_rows, table.schema) == (0, schema)


def test_parts_read_as_one_table(tmp_path: Path) -> None:
    schema = pa.schema([("n", pa.int64())])
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    for number, path in enumerate(paths):
        write_table(path, pa.table({"n": [number, number + 10]}, schema=schema))
    assert read_tables(paths, schema)["n"].to_pylist() == [0, 10, 1, 11]


@pytest.mark.parametrize("kept", [0, 4, 100])
def test_a_broken_part_is_an_error_and_no_gap(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "requests-w0-00000.parquet"
    write_table(path, REQUESTS.empty_table())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(pa.ArrowException):
        read_tables([path], REQUESTS)


def test_text_that_is_no_utf8_is_an_error_when_a_part_is_read(tmp_path: Path) -> None:
    path, schema = tmp_path / "spans-w0-00000.parquet", pa.schema([("name", pa.string())])
    write_table(path, pa.table({"name": pa.array([b"caf\xe9"]).view(pa.string())}))
    with pytest.raises(pa.ArrowException, match="UTF8"):
        read_tables([path], schema)


def test_parts_are_compressed(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_table(path, pa.table({"n": [1]}, schema=pa.schema([("n", pa.int64())])))
    assert pq.read_metadata(path).row_group(0).column(0).compression == "ZSTD"


@pytest.mark.parametrize("kind", ["requests", "sessions", "spans"])
def test_every_column_is_named_in_the_contract(kind: str) -> None:
    section = CONTRACT.read_text().split(f"### {kind}-")[1].split("###")[0]
    assert [name for name in SCHEMAS[kind].names if f"`{name}`" not in section] == []
