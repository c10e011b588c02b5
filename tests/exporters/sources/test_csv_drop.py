"""A CSV drop as a source: which file counts, and every way in which it isn't whole."""

import os
from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.sources.csv_drop import CsvConfig, CsvDrop
from slo.documents import BadInput, validate
from tests.exporters.sources.test_sql import in_s
from tests.exporters.subjects.inventory.scraped import NS, context

NOW_S = 1_764_400_000
WHOLE = b"sku,units\na,1\nb,-2\n"


def drop(folder: Path, **settings: object) -> CsvDrop:
    config = validate({"path": "stock-*.csv", **settings}, CsvConfig, "exporters.yaml")
    return CsvDrop(config=config, context=context(folder, now=lambda: NOW_S * NS), place="east")


def write(folder: Path, content: bytes, name: str = "stock-1.csv", age_s: float = 60) -> Path:
    path = folder / name
    path.write_bytes(content)
    os.utime(path, (NOW_S - age_s, NOW_S - age_s))
    return path


def failure(one: CsvDrop, folder: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        one.read(("sku", "units"), in_s(5))
    return str(caught.value).replace(f"{folder}/", "")


def test_the_columns_come_as_text_with_the_time_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, WHOLE, age_s=90)
    table = drop(tmp_path).read(("units", "sku"), in_s(5))
    assert table.columns == {"units": ["1", "-2"], "sku": ["a", "b"]}
    assert (table.rows, table.changed_at_ns) == (2, (NOW_S - 90) * NS)


def test_the_newest_file_counts_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, b"sku,units\nold,1\n", "stock-9.csv", age_s=100)
    write(tmp_path, b"sku,units\nnew,1\n", "stock-1.csv", age_s=50)
    assert drop(tmp_path).read(("sku",), in_s(5)).columns["sku"] == ["new"]


def test_while_a_new_drop_is_being_written_the_one_before_stands(tmp_path: Path) -> None:
    write(tmp_path, WHOLE, "stock-1.csv", age_s=100)
    write(tmp_path, b"sku,un", "stock-2.csv", age_s=1)
    assert drop(tmp_path).read(("sku",), in_s(5)).columns["sku"] == ["a", "b"]
    (tmp_path / "stock-1.csv").unlink()
    assert failure(drop(tmp_path), tmp_path) == "east: stock-2.csv: is still being written"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"sku,units\na,1\nb,-2", "its last line isn't ended: it isn't whole"),
        (b"sku,units\na,1\nb\n", "line 3: 1 fields, expected 2"),
        (b"sku,units\na,1\nb,2,3\n", "line 3: 3 fields, expected 2"),
        (b'sku,units\n"a,1\n', "line 2: unexpected end of data"),
        (b"sku,units\na,\xff\n", "not utf-8-sig at byte 12"),
        (b"sku,units\na,1\n\0\0\0\0\n", "holds a zero byte at character 14"),
        (b"", "its last line isn't ended: it isn't whole"),
        (b"sku,count\na,1\n", "no column 'units'; there are: sku, count"),
        (b"sku,units,units\na,1,2\n", "2 columns 'units'; there are: sku, units, units"),
    ],
)
def test_a_drop_at_rest_that_is_broken_is_a_failed_read_and_no_older_one_stands_in(
    tmp_path: Path, content: bytes, says: str
) -> None:
    write(tmp_path, WHOLE, "stock-0.csv", age_s=100)
    write(tmp_path, content)
    assert failure(drop(tmp_path), tmp_path) == f"east: stock-1.csv: {says}"


def test_a_drop_older_than_allowed_is_a_failed_read(tmp_path: Path) -> None:
    write(tmp_path, WHOLE, age_s=3601)
    assert failure(drop(tmp_path, max_age_s=3600), tmp_path) == (
        "east: stock-1.csv: is 3601 s old, older than the 3600 s allowed"
    )


def test_a_drop_from_the_future_is_a_failed_read(tmp_path: Path) -> None:
    write(tmp_path, WHOLE, age_s=-3600)
    assert failure(drop(tmp_path), tmp_path) == "east: stock-1.csv: is dated 3600 s ahead"


def test_no_file_at_all_is_a_failed_read(tmp_path: Path) -> None:
    assert failure(drop(tmp_path), tmp_path) == "east: stock-*.csv: no such file"


def test_a_pipe_in_the_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "stock-1.csv")
    os.utime(tmp_path / "stock-1.csv", (NOW_S - 60, NOW_S - 60))
    assert failure(drop(tmp_path), tmp_path) == "east: stock-1.csv: is no file"


def test_a_larger_drop_or_one_of_more_rows_than_allowed_is_a_failed_read(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    assert failure(drop(tmp_path, max_bytes=10), tmp_path) == "east: stock-1.csv: larger than the 10 bytes allowed"
    assert failure(drop(tmp_path, max_rows=1), tmp_path) == "east: stock-1.csv: more than the 1 rows allowed"


def test_a_mark_at_the_end_tells_a_whole_drop_from_one_that_ends_between_two_rows(tmp_path: Path) -> None:
    marked = {"end_mark": "#END", "final_newline": False}
    write(tmp_path, WHOLE + b"#END 2")
    assert drop(tmp_path, **marked).read(("sku",), in_s(5)).columns["sku"] == ["a", "b"]
    write(tmp_path, WHOLE)
    assert failure(drop(tmp_path, **marked), tmp_path) == ("east: stock-1.csv: doesn't end with '#END': it isn't whole")


def test_the_encoding_the_delimiter_and_the_names_are_the_configuration_s(tmp_path: Path) -> None:
    write(tmp_path, "Grün;1\r\n".encode("cp1252"))
    one = drop(tmp_path, encoding="cp1252", delimiter=";", names=["sku", "units"])
    assert one.read(("sku", "units"), in_s(5)).columns == {"sku": ["Grün"], "units": ["1"]}
    with pytest.raises(BadInput) as caught:
        drop(tmp_path, encoding="latin-99")
    assert str(caught.value) == (
        "exporters.yaml: encoding: no such encoding; utf-8, cp1252 and iso-8859-15 are some, found 'latin-99'"
    )


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    write(tmp_path, b"\xef\xbb\xbf" + WHOLE)
    assert drop(tmp_path).read(("sku",), in_s(5)).rows == 2


def test_a_folder_whose_name_looks_like_a_pattern_is_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "drops[1]"
    folder.mkdir()
    write(folder, WHOLE)
    (folder / "stock-2.csv").symlink_to(folder / "gone")
    assert drop(folder).read(("sku",), in_s(5)).rows == 2
