"""A dump is good when it is whole: cut anywhere, in every format, it never is.

The dumps in `dumps/` were made by pg_dump 15 of a table with forty rows, an empty table and a large object.
"""

import gzip
import random
import shutil
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest

from exporters.subjects.recovery.dump_check import check
from exporters.subjects.recovery.pg_archive import ArchiveReader
from exporters.subjects.recovery.pieces import Stopped, of_bytes

DUMPS = Path(__file__).parent / "dumps"
FILES = ("custom.dump", "piped.dump", "tar.tar", "plain.sql", "cluster.sql")


def why(path: Path) -> str | None:
    return check(path, lambda: True).why


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(content)
    return bytes(sink.getvalue())


def written(folder: Path, content: bytes) -> Path:
    path = folder / "dump"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", [*FILES, "folder"])
def test_a_whole_dump_is_good_in_every_format(name: str) -> None:
    assert why(DUMPS / name) is None


@pytest.mark.parametrize("name", ["custom.dump", "plain.sql", "tar.tar"])
def test_a_whole_dump_is_good_when_it_is_compressed(name: str, tmp_path: Path) -> None:
    content = (DUMPS / name).read_bytes()
    assert why(written(tmp_path, gzip.compress(content))) is None
    assert why(written(tmp_path, zstd(content))) is None


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("compressed", [bytes, gzip.compress, zstd])
def test_a_dump_that_breaks_off_anywhere_is_never_good(name: str, compressed: object, tmp_path: Path) -> None:
    assert callable(compressed)
    content = compressed((DUMPS / name).read_bytes())
    cuts = {0, 1, 5, len(content) - 1, len(content) - 2, *random.Random(7).sample(range(len(content)), 60)}  # noqa: S311
    assert [cut for cut in sorted(cuts) if why(written(tmp_path, content[:cut])) is None] == []


@pytest.mark.parametrize("name", FILES)
def test_a_dump_with_something_after_its_end_is_not_good(name: str, tmp_path: Path) -> None:
    assert why(written(tmp_path, (DUMPS / name).read_bytes() + b"x" * 600)) is not None


@pytest.mark.parametrize("file", sorted(path.name for path in (DUMPS / "folder").iterdir()))
def test_a_folder_of_which_one_file_breaks_off_or_is_missing_is_never_good(file: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(DUMPS / "folder", folder)
    whole = (folder / file).read_bytes()
    good = []
    for cut in range(0, len(whole), max(1, len(whole) // 40)):
        (folder / file).write_bytes(whole[:cut])
        good += [cut] if why(folder) is None else []
    (folder / file).unlink()
    assert (good, why(folder) is None) == ([], False)


@pytest.mark.parametrize("name", ["custom.dump", "piped.dump"])
def test_a_dump_that_ends_between_two_blocks_of_data_misses_the_rest(name: str, tmp_path: Path) -> None:
    content = (DUMPS / name).read_bytes()
    pieces = of_bytes(content)
    reader = ArchiveReader(pieces)
    entries = len(reader.head().data)
    found = []
    for left in range(entries, 0, -1):
        found.append((left, why(written(tmp_path, content[: pieces.offset]))))
        assert (reader.byte() == 1) == (left > 1)  # tables first, the large object last
        reader.number()
        while left > 1 and (size := reader.number()):
            pieces.skip(size)
    assert [(left, str(said)[:35]) for left, said in found] == [
        (3, "the data of 3 entries is missing, t"),
        (2, "the data of 2 entries is missing, t"),
        (1, "the data of 1 entries is missing, t"),
    ]


def test_a_table_s_data_that_isn_t_compressed_must_end_as_one_does(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(DUMPS / "folder", folder)
    data = gzip.decompress((folder / "3344.dat.gz").read_bytes())
    (folder / "3344.dat.gz").unlink()
    (folder / "3344.dat").write_bytes(data)
    assert why(folder) is None
    for cut in (0, 10, len(data) // 2, len(data) - 1):
        (folder / "3344.dat").write_bytes(data[:cut])
        assert why(folder) == "3344.dat doesn't end as a table's data does"


def test_a_toc_with_something_after_its_last_entry_is_not_good(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(DUMPS / "folder", folder)
    with (folder / "toc.dat").open("ab") as toc:
        toc.write(b"x")
    assert why(folder) == "toc.dat doesn't end with its last entry"


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(DUMPS / "folder", folder)
    (folder / "toc.dat").rename(folder / "elsewhere")
    assert why(folder) == "has no toc.dat: pg_dump writes it last"
    (folder / "elsewhere").rename(folder / "toc.dat")
    (folder / "3344.dat.gz").unlink()
    assert why(folder) == "3344.dat is missing"
    assert why(written(tmp_path, b"")) == "is empty"
    assert why(written(tmp_path, b"<html>404</html>")) == "doesn't end with what pg_dump writes when it is done"
    plain = (DUMPS / "plain.sql").read_bytes()
    assert why(written(tmp_path, plain.replace(b"\\unrestrict ", b"\\unrestrict x"))) == (
        r"doesn't end with the \unrestrict of its first lines"
    )


def test_a_head_of_a_version_that_isnt_known_is_not_good(tmp_path: Path) -> None:
    content = bytearray((DUMPS / "custom.dump").read_bytes())
    content[6] = 99
    assert why(written(tmp_path, bytes(content))) == "an archive of version 1.99"


def test_a_head_that_lies_about_its_sizes_takes_no_memory(tmp_path: Path) -> None:
    content = (DUMPS / "custom.dump").read_bytes()
    tracemalloc.start()
    for at in range(5, 120):
        for value in (0x7F, 0xFF):
            damaged = content[:at] + bytes([value]) + content[at + 1 :]
            check(written(tmp_path, damaged), lambda: True)  # whatever it says, it says it and returns
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 64 << 20


def test_a_name_in_a_folder_leads_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(DUMPS / "folder", folder)
    toc = (folder / "toc.dat").read_bytes()
    (folder / "toc.dat").write_bytes(toc.replace(b"3344.dat", b"../a.dat"))
    assert why(folder) == "names a file that isn't in it: '../a.dat'"


def test_the_time_of_a_dump_is_that_of_its_head() -> None:
    archive = check(DUMPS / "custom.dump", lambda: True).archive
    assert archive is not None
    assert archive.made[:3] == (2026, 11, 29)
    assert [entry.large_objects for entry in archive.data] == [False, False, True]


def test_a_check_ends_when_it_is_told_to() -> None:
    with pytest.raises(Stopped):
        check(DUMPS / "custom.dump", lambda: False)
