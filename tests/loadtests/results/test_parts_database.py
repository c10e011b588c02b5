"""The parts of a run are read wherever it lies, and nothing else is."""

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from loadtests.results.parts_database import PartsDatabase
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import SPANS
from slo.documents import BadInput

FOLDERS = ["plain", "a\\b", "a[b]c", "100%?*", "a\\b[c]*?", "a\\[", "[!a]\\", "it's \\[x]"]


def part(folder: Path, number: int) -> RunDirectory:
    folder.mkdir(parents=True)
    row = {**dict.fromkeys(SPANS.names, "x"), "started_at": number, "ended_at": number}
    directory = RunDirectory(path=folder)
    write_table(directory.part("spans", 0), pa.Table.from_pylist([row], schema=SPANS))
    return directory


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere such a folder is refused, as it has no other name")
@pytest.mark.parametrize("name", FOLDERS)
def test_the_parts_of_a_folder_of_any_name_are_read_and_those_of_no_other(name: str, tmp_path: Path) -> None:
    directory = part(tmp_path / name / "run", 1)
    for number, other in enumerate(("a", "aXb[c]*?", "b", "a/b[c]*?", "a[b]c-", "ab")):
        part(tmp_path / "others" / other / "run", number + 2)
        if other != name:
            part(tmp_path / other / "run", number + 2)
    with PartsDatabase(directory, {"spans": SPANS}) as database:
        assert database.rows("spans", "SELECT started_at FROM spans") == [(1,)]
        database.check("spans", frozenset())
        views = (database.part("spans", 0), database.sample("spans", 1))
        assert [database.rows("spans", f"SELECT started_at FROM {one}") for one in views] == [[(1,)], [(1,)]]  # noqa: S608 - the database's own names
        directory.part("spans", 0).write_bytes(b"PAR1 cut")
    with pytest.raises(BadInput, match="can't be read") as caught:
        PartsDatabase(directory, {"spans": SPANS}).__enter__()
    assert "/proc/" not in str(caught.value)
