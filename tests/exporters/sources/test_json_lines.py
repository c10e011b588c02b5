"""Records, one a line, are all read or none is."""

from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.sources.json_lines import MAX_LINES, read_records
from slo.documents import BadInput


def number(data: object, place: str) -> int:
    if not isinstance(data, int):
        raise BadInput(f"{place}: expected a number")
    return data


def read(folder: Path, content: bytes) -> list[int]:
    (folder / "records").write_bytes(content)
    return read_records(folder / "records", number)


def test_every_line_is_a_record_and_blank_ones_are_passed_over(tmp_path: Path) -> None:
    assert read(tmp_path, b"1\n\n 2 \n3") == [1, 2, 3]
    assert read(tmp_path, b"") == []


def test_a_last_line_that_is_still_being_written_is_left_for_the_next_read(tmp_path: Path) -> None:
    assert read(tmp_path, b'1\n2\n{"form') == [1, 2]


def test_a_broken_line_before_the_last_makes_the_file_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as error:
        read(tmp_path, b'1\n{"form\n3\n')
    assert str(error.value).startswith(f"{tmp_path}/records:2: not JSON: ")


def test_a_record_that_is_refused_makes_the_file_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as error:
        read(tmp_path, b'1\n"two"\n')
    assert str(error.value) == f"{tmp_path}/records:2: expected a number"


def test_a_file_that_is_missing_not_text_or_too_long_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"can't be read: No such file or directory$"):
        read_records(tmp_path / "none", number)
    with pytest.raises(Unreadable, match=r"not UTF-8 at byte 0$"):
        read(tmp_path, b"\xff\n")
    with pytest.raises(Unreadable, match=rf"{MAX_LINES + 1} lines, more than the {MAX_LINES} allowed$"):
        read(tmp_path, b"1\n" * (MAX_LINES + 1))
    with pytest.raises(Unreadable, match=r"not JSON: "):
        read(tmp_path, b"[" * 100_000 + b"\n")
