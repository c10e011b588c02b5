"""A manifest lists what lies in a directory, step after step, and no change of it or of a file goes unseen."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.evidence.check import hold, why_another
from loadtests.evidence.files import is_evidence
from loadtests.evidence.manifest import FILE, read_manifest
from loadtests.evidence.steps import add_outputs, pruned, recorded_step, write_manifest
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listed") / "20261127T120000Z-small-0000"
    folder.mkdir()
    (folder / "run.json").write_text("{}\n")
    (folder / "ledger-w0.jsonl").write_text("{}\n{}\n")
    write_manifest(RunDirectory(path=folder))
    with recorded_step(RunDirectory(path=folder), "audit", reads=[folder / "ledger-w0.jsonl"]):
        (folder / "audit.json").write_text("{}\n")
    return folder


@pytest.fixture
def folder(listed: Path, tmp_path: Path) -> Path:
    copy = tmp_path / listed.name
    copy.mkdir()
    for path in listed.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def told(folder: Path) -> dict[str, str]:
    return {flaw.path: flaw.what for flaw in hold(folder).flaws}


def test_all_that_lies_there_is_listed_but_for_outputs_and_what_processes_work_with() -> None:
    evidence = (
        "run.json",
        "errors/w0.jsonl",
        "storefront/.hidden",
        "objectives/.checkout.yaml",
        "new-kind.bin",
        "metrics/a.parquet",
        "seat-1",
    )
    others = ("verdict.json", "report.html", "dashboards.html", "logs/w0.log", "prometheus/data/wal", "job.json")
    scratch = (".run.json.7.tmp", FILE, "manifest.json.sig", "over", "shared-path-probe-w0", "errors/.a.tmp")
    assert all(map(is_evidence, evidence))
    assert not any(map(is_evidence, (*others, *scratch)))


def test_each_entry_has_size_hash_and_the_rows_of_records(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert [(step.step, [entry.path for entry in step.wrote]) for step in manifest.steps] == [
        ("run", ["ledger-w0.jsonl", "run.json"]),
        ("audit", ["audit.json"]),
    ]
    ledger = manifest.listed()["ledger-w0.jsonl"].entry
    assert (ledger.size, ledger.rows, manifest.steps[1].read[0].sha256) == (6, 2, ledger.sha256)
    assert told(folder) == {}


@given(data=st.data())
def test_no_change_of_a_byte_of_the_manifest_goes_unseen(listed: Path, data: st.DataObject) -> None:
    whole = (listed / FILE).read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    other = bytes([whole[place] ^ data.draw(st.integers(1, 255))])
    try:
        (listed / FILE).write_bytes(whole[:place] + other + whole[place + 1 :])
        assert not hold(listed).is_whole
    finally:
        (listed / FILE).write_bytes(whole)


def test_what_was_changed_between_two_steps_is_not_adopted_by_the_next(folder: Path) -> None:
    (folder / "run.json").write_text('{"ended": "completed"}\n')
    with recorded_step(RunDirectory(path=folder), "cleanup"):
        (folder / "cleanup.jsonl").write_text("{}\n")
    assert told(folder) == {"run.json": "changed: not what the step run wrote"}


@pytest.mark.parametrize("name", ["run.json", "ledger-w0.jsonl"])
def test_what_somebody_changes_while_a_step_goes_on_is_not_adopted_by_it(name: str, folder: Path) -> None:
    with recorded_step(RunDirectory(path=folder), "audit", rewrites=[folder / "audit.json"]):
        (folder / name).write_text('{"changed": 1}\n')
        (folder / "audit.json").write_text('{"again": true}\n')
    assert list(told(folder)) == [name]


def test_a_step_rewrites_what_it_is_to_rewrite_time_and_again(folder: Path) -> None:
    for number in range(2):
        with recorded_step(RunDirectory(path=folder), "late ledgers", rewrites=[folder / "run.json"]):
            (folder / "run.json").write_text(f"{{{number}}}\n")
    assert told(folder) == {}


def test_a_step_is_added_to_the_manifest_as_it_is_then_with_what_others_added_meanwhile(folder: Path) -> None:
    judged_by = read_manifest(folder)
    with recorded_step(RunDirectory(path=folder), "audit", rewrites=[folder / "audit.json"]):
        (folder / "audit.json").write_text('{"again": true}\n')
    (folder / "verdict.json").write_text("{}\n")
    add_outputs(RunDirectory(path=folder), "judge", judged_by, [folder / "verdict.json"])
    assert told(folder) == {}
    assert [step.step for step in read_manifest(folder).steps] == ["run", "audit", "audit", "judge"]
    assert read_manifest(folder).steps[-1].read[0].sha256 == judged_by.sha256


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "requests-w0-00000.parquet")


def _linked_pipe(folder: Path) -> None:
    os.mkfifo(folder.parent / "pipe")
    (folder / "requests-w0-00000.parquet").symlink_to(folder.parent / "pipe")


def _no_text(folder: Path) -> None:
    (folder / os.fsdecode(b"requests-\xff.parquet")).touch()


@pytest.mark.parametrize("made", [_pipe, _linked_pipe, _no_text])
@pytest.mark.parametrize("listed_too", ["a manifest", "none"])
def test_what_nothing_can_be_read_of_is_refused_before_anything_is(
    made: Callable[[Path], None], listed_too: str, folder: Path
) -> None:
    made(folder)
    if listed_too == "none":
        (folder / FILE).unlink()
    with pytest.raises(BadInput, match=r"requests-.*parquet: .*: remove it"):
        hold(folder)


def test_equal_files_of_the_users_are_no_doubled_records(tmp_path: Path) -> None:
    (tmp_path / "storefront").mkdir()
    for name in ("stock.jsonl", "stock-of-yesterday.jsonl"):
        (tmp_path / "storefront" / name).write_text("{}\n")
    write_manifest(RunDirectory(path=tmp_path))
    assert told(tmp_path) == {}
    for name in ("ledger-w0.jsonl", "ledger-w1.jsonl"):
        (tmp_path / name).write_text("{}\n")
    write_manifest(RunDirectory(path=tmp_path))
    assert told(tmp_path) == {"ledger-w1.jsonl": "doubled: a copy of ledger-w0.jsonl"}


def test_a_step_that_fails_has_written_what_it_wrote_and_names_what_it_removed(folder: Path) -> None:
    def step() -> None:
        with recorded_step(RunDirectory(path=folder), "cleanup"):
            (folder / "cleanup.jsonl").write_text("{}\n")
            (folder / "audit.json").unlink()
            raise RuntimeError("broke")

    with pytest.raises(RuntimeError, match="broke"):
        step()
    assert told(folder) == {"audit.json": "removed by the step cleanup"}


def test_a_step_of_a_directory_without_a_manifest_leaves_it_without_one(folder: Path) -> None:
    (folder / FILE).unlink()
    with recorded_step(RunDirectory(path=folder), "cleanup"):
        (folder / "cleanup.jsonl").write_text("{}\n")
    assert told(folder) == {FILE: "missing: nothing says which evidence the run left"}


def test_an_audit_of_another_ledger_than_the_runs_is_named(folder: Path) -> None:
    ledger = folder / "ledger-w0.jsonl"
    whole = ledger.read_text()
    ledger.write_text("{}\n")
    with recorded_step(RunDirectory(path=folder), "audit", reads=[ledger], rewrites=[folder / "audit.json"]):
        (folder / "audit.json").write_text('{"again": true}\n')
    ledger.write_text(whole)
    assert told(folder) == {"ledger-w0.jsonl": "the step audit read another than the step run wrote"}


def test_what_was_pruned_is_named_as_that(folder: Path) -> None:
    (folder / FILE).write_bytes(pruned(read_manifest(folder), ["run.json", "audit.json"]).to_bytes())
    (folder / "ledger-w0.jsonl").unlink()
    assert told(folder) == {"ledger-w0.jsonl": "removed by the step prune"}


def test_an_output_that_is_not_as_it_was_made_is_told_apart_from_evidence(folder: Path) -> None:
    with recorded_step(RunDirectory(path=folder), "judge"):
        (folder / "verdict.json").write_text("{}\n")
    assert why_another(folder, "verdict.json") is None
    (folder / "verdict.json").write_text('{"outcome": "PASS"}\n')
    held = hold(folder)
    assert (held.is_whole, [flaw.path for flaw in held.outputs]) == (True, ["verdict.json"])
    assert why_another(folder, "verdict.json") == "changed: not what the step judge wrote"


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/run.json", "a//b", "./run.json"])
def test_a_manifest_that_leads_out_of_the_directory_is_refused(folder: Path, path: str) -> None:
    text = (folder / FILE).read_text().replace('"run.json"', f'"{path}"')
    (folder / FILE).write_text(text)
    with pytest.raises(BadInput, match="expected a path below the run directory"):
        read_manifest(folder)
