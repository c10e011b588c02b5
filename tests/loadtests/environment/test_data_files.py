"""The files of accounts and test data: what is wrong with one is named by its line, and nothing of it is shown."""

import tracemalloc
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import pytest

from loadtests.environment import data_files
from loadtests.environment.data_files import facts_of, read_data, read_table
from loadtests.environment.data_targets import DataTargets
from slo.documents import BadInput

GOOD = "user,password,points\nada@example.com,hunter2,10\n\nben@example.com,p,20\n"
LOGIN = ("user", "password")


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "accounts.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(path: Path, unique: str | None = "user") -> str:
    with pytest.raises(BadInput) as refused:
        read_table(path, LOGIN, unique)
    assert "hunter2" not in str(refused.value)
    assert "ada@" not in str(refused.value)
    return str(refused.value).replace(str(path), "FILE")


def test_a_file_that_is_refused_in_its_middle_is_closed_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, f"{GOOD}cleo,hunter2\n{GOOD}")
    with pytest.raises(BadInput, match="line 5") as refused:
        read_table(path, LOGIN, "user")
    assert refused.value.__traceback__ is not None
    assert str(path) not in [one.path for one in psutil.Process().open_files()]


@pytest.mark.parametrize("encode", [GOOD, "\ufeff" + GOOD, GOOD.replace("\n", "\r\n"), GOOD.rstrip("\n")])
def test_a_file_is_read_as_spreadsheets_write_it(tmp_path: Path, encode: str) -> None:
    table = read_table(written(tmp_path, encode), LOGIN, "user")
    assert (table.columns, len(table)) == (("user", "password", "points"), 2)
    assert [table.row(number) for number in (0, 1)] == [
        ("ada@example.com", "hunter2", "10"),
        ("ben@example.com", "p", "20"),
    ]
    assert "hunter2" not in repr(table)


def test_values_may_hold_commas_line_ends_and_any_letter(tmp_path: Path) -> None:
    table = read_table(written(tmp_path, 'street,city\n"1, High Street\nFlat ""2""",Köln\n'))
    assert table.row(0) == ('1, High Street\nFlat "2"', "Köln")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "FILE: is empty; its first line names the columns such as user,password, each further one is a row"),
        ("\n\n", "FILE: is empty; its first line names the columns such as user,password, each further one is a row"),
        ("user,password\n", "FILE: has no rows: only the line that names the columns"),
        (
            "ada@example.com,hunter2\nben@example.com,p\n",
            "FILE: line 1: names no column user and no column password; it must be such as user,password",
        ),
        ("user,email\nada@example.com,x\n", "FILE: line 1: names no column password; it must be such as user,password"),
        ("user;password\nada@example.com;hunter2\n", "FILE: line 1: separated by semicolons; save it with commas"),
        ("user,password,\na,b,c\n", "FILE: line 1: names a column twice, or leaves one without a name"),
        ("user,password,user\na,b,c\n", "FILE: line 1: names a column twice, or leaves one without a name"),
        (f"{GOOD}cleo,hunter2\n", "FILE: line 5: has 2 values, the first line names 3 columns"),
        (f"{GOOD}cleo,,5\n", "FILE: line 5: password is empty"),
        (f"{GOOD} ,hunter2,5\n", "FILE: line 5: user is empty"),
        (f'{GOOD}cleo,"hunter2,5\n', "FILE: line 5: not CSV: a quotation mark is out of place"),
        (f'{GOOD}cleo,"hunter2"x,5\n', "FILE: line 5: not CSV: a quotation mark is out of place"),
        (f"{GOOD}cleo,hunt\0er2,5\n", "FILE: line 5: holds a control character"),
        (f"{GOOD}cleo,hunt\x1fer2,5\n", "FILE: line 5: holds a control character"),
        (f"{GOOD}Käthe,hunter2,5\n".encode("latin-1"), "FILE: line 5: not UTF-8 at its byte 2; save it as UTF-8"),
        (GOOD.encode("utf-16"), "FILE: is UTF-16; save it as UTF-8"),
        (f"{GOOD}{'x' * 70_000},y,5\n", "FILE: line 5: longer than 65536 bytes"),
        (
            f"{GOOD}cleo,1,1\nADA@example.com ,other,5\ncleo,2,2\n",
            "FILE: the same user twice: line 6 as line 2, line 7 as line 5; remove one of each",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_nothing_is_shown(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    assert refusal(written(tmp_path, content)) == message


def test_many_doubled_rows_are_counted(tmp_path: Path) -> None:
    rows = "".join(f"u{number},p\n" for number in range(10)) * 2
    assert refusal(written(tmp_path, f"user,password\n{rows}")).endswith(
        "line 12 as line 2, line 13 as line 3, line 14 as line 4, line 15 as line 5, line 16 as line 6, and 5 more;"
        " remove one of each"
    )


def test_a_file_that_is_not_there_says_where_a_worker_looks(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.csv").endswith(
        "can't be read: No such file or directory; a worker reads it at the path that it has on the machine where the"
        " run is started"
    )


def test_a_file_has_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, GOOD)
    monkeypatch.setattr(data_files, "MOST_ROWS", 1)
    assert refusal(path) == "FILE: more than 1 rows; at most that many are read"
    assert refusal(written(tmp_path, ",".join(f"c{n}" for n in range(101)) + ",user,password\n")) == (
        "FILE: line 1: names 103 columns; at most 100 are read"
    )
    monkeypatch.setattr(data_files, "MOST_BYTES", 20)
    assert refusal(path) == "FILE: larger than the 0 MiB allowed"


def declared(folder: Path, **facts: Any) -> DataTargets:
    targets = DataTargets.model_validate(facts)
    return targets.model_copy(update=targets.anchored_data(folder))


def test_doubled_rows_are_refused_where_each_is_for_one_session_and_are_weights_where_all_share_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "codes.csv").write_text("code,cents\nA,1\nB,2\nA,1\nA,3\n")
    assert len(read_data(declared(tmp_path, data={"codes": {"file": "codes.csv"}}))["codes"]) == 4
    for use in ({"exclusive": True}, {"once": True}):
        with pytest.raises(BadInput) as refused:
            read_data(declared(tmp_path, data={"codes": {"file": "codes.csv", **use}}))
        assert str(refused.value) == (
            f"{tmp_path / 'codes.csv'}: the same row twice: line 4 as line 2; remove one of each"
        )


def test_what_is_kept_of_a_file_tells_it_from_another_in_one_run_only(tmp_path: Path) -> None:
    one = facts_of({"accounts": read_table(written(tmp_path, GOOD))})["accounts"]
    other = facts_of({"accounts": read_table(written(tmp_path, GOOD.replace("20", "21")))})["accounts"]
    assert (one.rows, other.rows) == (2, 2)
    assert one.proof("run") == one.proof("run") != one.proof("run-2")
    assert one.proof("run") != other.proof("run")
    assert one.digest.hex() not in repr(one) + one.proof("run")


def test_a_row_takes_little_more_room_than_its_line(tmp_path: Path) -> None:
    line = "customer{:06}@example.com,correct-horse-{:06}\n"
    path = written(tmp_path, "user,password\n" + "".join(line.format(n, n) for n in range(20_000)))
    tracemalloc.start()
    table = read_table(path, LOGIN, "user")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.row(19_999)[0] == "customer019999@example.com"
    assert kept < path.stat().st_size + 12 * 20_000 + 100_000
