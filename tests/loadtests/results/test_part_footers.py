"""The footer of a part is read from the file's end, and says of each column what PyArrow reads of the whole file."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loadtests.results.part_footers import Footers, read_footer, read_footers
from slo.documents import BadInput

SCHEMA = pa.schema([("session", pa.int64()), ("error", pa.string())])
MAY_BE_NULL = frozenset({"error"})


def written(path: Path, table: pa.Table, rows_of_a_group: int = 1_000) -> Path:
    pq.write_table(table, path, row_group_size=rows_of_a_group)
    return path


def numbered(*numbers: int | None) -> pa.Table:
    return pa.table({"session": numbers, "error": [None] * len(numbers)}, schema=SCHEMA)


@pytest.mark.parametrize("groups", [1, 300])
def test_a_footer_of_any_length_is_what_pyarrow_reads(tmp_path: Path, groups: int) -> None:
    path = written(tmp_path / "a", numbered(*range(groups)), 1)
    assert read_footer(path).to_dict() == pq.read_metadata(path).to_dict()


def test_rows_and_ranges_are_those_of_all_parts_whatever_the_order_of_their_columns(tmp_path: Path) -> None:
    turned = numbered(-7, 4).select(["error", "session"])
    paths = [written(tmp_path / "a", numbered(5, 6, 9), 1), written(tmp_path / "b", turned)]
    assert read_footers(paths, SCHEMA, MAY_BE_NULL) == Footers(rows=5, ranges={"session": (-7, 9)})


@pytest.mark.parametrize("rows", [-2, 40_000_000])
def test_a_part_holds_no_more_rows_than_its_bytes_can_tell(tmp_path: Path, rows: int) -> None:
    """Thrift's compact protocol: the 3rd field, an i64 as a varint in zigzag, before the list of the row groups."""
    path = written(tmp_path / "a", numbered(1, 2))
    data = path.read_bytes()
    begins = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    before, changed = (b"\x16" + _varint(one) + b"\x19\x1c" for one in (2, rows))
    footer = data[begins:-8]
    assert footer.count(before) == 1
    footer = footer.replace(before, changed)
    path.write_bytes(data[:begins] + footer + len(footer).to_bytes(4, "little") + data[-4:])
    with pytest.raises(BadInput, match=rf"a: claims {rows} rows in \d+ bytes$"):
        read_footers([path], SCHEMA, MAY_BE_NULL)


def _varint(number: int) -> bytes:
    left, told = 2 * number if number >= 0 else -2 * number - 1, bytearray()
    while left > 127:
        told.append(left & 127 | 128)
        left >>= 7
    return bytes((*told, left))


@pytest.mark.parametrize("name", ["session", "Session"])
def test_of_two_columns_with_one_name_the_values_of_the_second_fill_no_null_of_the_first(
    tmp_path: Path, name: str
) -> None:
    """The first is what DuckDB reads under the name, in whatever case."""
    twice = pa.table([[None, 1], [2, 3], ["", ""]], schema=pa.schema([SCHEMA[0].with_name(name), *SCHEMA]))
    path = written(tmp_path / "a", twice)
    with pytest.raises(BadInput, match=r"a: session: null in 1 of 2 rows$"):
        read_footers([path], SCHEMA, MAY_BE_NULL)


def test_a_column_in_another_case_alone_is_missing(tmp_path: Path) -> None:
    path = written(tmp_path / "a", numbered(1).rename_columns(["Session", "error"]))
    with pytest.raises(BadInput, match=r"a: it has no column session$"):
        read_footers([path], SCHEMA, MAY_BE_NULL)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    with pytest.raises(BadInput, match=r"a: no file$"):
        read_footers([tmp_path / "a"], SCHEMA, MAY_BE_NULL)
