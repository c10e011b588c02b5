"""A store of runs in a folder or a bucket: a run is whole in it or said not to be, and nothing unreadable is used."""

import json
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from loadtests.run_store.entries import Mark
from loadtests.run_store.files import StoreFiles
from loadtests.run_store.store import RunStore
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from tests.loadtests.run_store.made_aggregates import NOON, made, put

RUN = made().run


class ReadOnly(MemoryFileSystem):  # type: ignore[misc]
    """A bucket whose key may read, and not write."""

    protocol = "gs"

    def pipe_file(self, path: str, *_: Any, **__: Any) -> None:
        raise PermissionError(13, "Access Denied", path)

    def put_file(self, _source: str, rpath: str, **_: Any) -> None:
        raise PermissionError(13, "Access Denied", rpath)


@pytest.fixture(params=["folder", "memory"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where a new store may be: a folder, or what behaves as a bucket."""
    return str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}/store"


def test_a_run_that_was_put_is_read_back_as_it_was(address: str, tmp_path: Path) -> None:
    put(RunStore(address), made(), tmp_path / "runs")
    store = RunStore(address)
    contents = store.contents()
    assert ([one.run for one in contents.entries], contents.partly_written, contents.unusable) == ([RUN], (), {})
    assert store.aggregates(contents.entries[0]) == made()


def test_records_come_back_byte_for_byte(address: str, tmp_path: Path) -> None:
    put(RunStore(address), made(), tmp_path / "runs", records=True)
    store = RunStore(address)
    back = store.get(store.contents().entries[0], tmp_path / "back")
    assert (back / "requests-w0-00000.parquet").read_bytes() == b"records" * 100


def test_records_that_were_cut_short_do_not_come_back(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    put(store, made(), tmp_path / "runs", records=True)
    archive = tmp_path / "store" / "runs" / RUN / "records.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-5])
    with pytest.raises(BadInput, match="its records aren't those that were put: partly written"):
        store.get(store.contents().entries[0], tmp_path / "back")
    assert not (tmp_path / "back" / RUN).exists()


def test_a_run_whose_index_entry_was_never_written_is_partly_written(address: str, tmp_path: Path) -> None:
    put(RunStore(address), made(), tmp_path / "runs")
    StoreFiles(address).remove(f"index/{RUN}.json")
    contents = RunStore(address).contents()
    assert (contents.entries, contents.partly_written) == ((), (RUN,))


def test_a_put_that_dies_half_way_leaves_a_partly_written_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RunStore(str(tmp_path / "store"))
    put(store, made(), tmp_path / "runs")
    monkeypatch.setattr(StoreFiles, "write", _dies)
    with pytest.raises(EnvironmentLacks):
        put(store, made(), tmp_path / "runs")
    assert RunStore(str(tmp_path / "store")).contents().partly_written == (RUN,)


def _dies(_self: StoreFiles, _name: str, _data: bytes) -> None:
    raise EnvironmentLacks("no space left")


def test_aggregates_that_are_not_those_of_the_index_are_refused(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    put(store, made(), tmp_path / "runs")
    file = tmp_path / "store" / "runs" / RUN / "aggregates.json"
    file.write_text(file.read_text().replace("0.2", "0.1"))
    with pytest.raises(BadInput) as refused:
        store.aggregates(store.contents().entries[0])
    assert str(refused.value) == (
        f"{file}: not what the index says, so partly written or changed: `peakproof runs put {RUN}` writes it again"
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("v2", "peakproof/store-entry/v2 is of a newer Peakproof, this one reads peakproof/store-entry/v1: upgrade"),
        (
            "v0",
            "peakproof/store-entry/v0 is of an older Peakproof, this one reads peakproof/store-entry/v1: put the run",
        ),
    ],
)
def test_an_entry_of_another_version_is_said_and_not_used(written: str, said: str, tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    put(store, made(), tmp_path / "runs")
    file = tmp_path / "store" / "index" / f"{RUN}.json"
    file.write_text(file.read_text().replace("store-entry/v1", f"store-entry/{written}"))
    contents = store.contents()
    assert (contents.entries, contents.partly_written) == ((), ())
    assert contents.unusable[f"index/{RUN}.json"].startswith(f"{file}: format: {said}")


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"format": 7}', "\xff"])
def test_an_entry_that_is_no_document_is_said_and_not_used(text: str, tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    put(store, made(), tmp_path / "runs")
    (tmp_path / "store" / "index" / f"{RUN}.json").write_bytes(text.encode("latin-1"))
    contents = store.contents()
    assert (contents.entries, list(contents.unusable)) == ((), [f"index/{RUN}.json"])


def test_a_store_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "store.json").write_text(json.dumps({"format": "peakproof/store/v2"}))
    with pytest.raises(BadInput) as refused:
        RunStore(str(folder))
    assert str(refused.value) == (
        f"{folder}/store.json: format: peakproof/store/v2 is of a newer Peakproof, this one reads peakproof/store/v1:"
        " upgrade this one"
    )


def test_a_folder_of_other_things_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"no store of runs: it holds notes.txt and no store.json"):
        RunStore(str(tmp_path))


def test_a_store_that_may_only_be_read_says_so_when_something_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReadOnly, "store", MemoryFileSystem.store)
    put(RunStore(f"memory://{tmp_path.name}/store"), made(), tmp_path / "runs")
    fsspec.register_implementation("gs", ReadOnly, clobber=True)
    store = RunStore(f"gs://{tmp_path.name}/store")
    assert [one.run for one in store.contents().entries] == [RUN]
    with pytest.raises(EnvironmentLacks) as refused:
        store.mark(Mark(kind="kept", run=RUN, marked_at=NOON))
    assert str(refused.value) == (
        f"gs://{tmp_path.name}/store: can't be written: Access Denied: listing, showing and comparing need no more than"
        " reading; this needs a store to write to"
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("http://host/store", "expected a folder or one of file://, s3://, gs://, abfs://, memory://"),
        ("simplecache::s3://bucket/x", "expected a folder"),
        ("s3://", "names no bucket"),
        ("s3://key:secret@bucket/x", "without a name or password"),
        ("", "expected a folder"),
    ],
)
def test_an_address_that_is_no_store_is_refused_and_a_secret_in_it_never_shown(address: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        StoreFiles(address)
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_name_that_leads_out_of_the_store_is_refused(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "store"))
    with pytest.raises(BadInput, match="not a name"):
        store.mark(Mark(kind="baseline", run=RUN, name="../../etc/x", marked_at=NOON))


def test_a_symlink_in_a_run_directory_is_not_followed_into_the_archive(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("not ours")
    run = tmp_path / "runs" / RUN
    run.mkdir(parents=True)
    (run / "link.txt").symlink_to(tmp_path / "secret")
    store = RunStore(str(tmp_path / "store"))
    put(store, made(), tmp_path / "runs", records=True)
    back = store.get(store.contents().entries[0], tmp_path / "back")
    assert not (back / "link.txt").exists()
