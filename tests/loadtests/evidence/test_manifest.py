"""A manifest lists what lies in a directory, step after step, and no change of it or of a file goes unseen."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.evidence import steps
from loadtests.evidence.check import check_no_links, hold
from loadtests.evidence.files import is_evidence
from loadtests.evidence.lock import LOCK, locked
from loadtests.evidence.manifest import FILE, read_manifest
from loadtests.evidence.outputs import why_another, why_no_verdict
from loadtests.evidence.replacing import write_outputs
from loadtests.evidence.steps import pruned, recorded_step, write_manifest
from loadtests.results.run_directory import RunDirectory
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from slo.validity.manifest import shown

PASS = b'{"outcome": "PASS"}\n'


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("listed") / "20261127T120000Z-small-0000"
    folder.mkdir()
    (folder / "run.json").write_text("{}\n")
    (folder / "ledger-w0.jsonl").write_text("{}\n{}\n")
    write_manifest(RunDirectory(path=folder))
    reads, writes = [folder / "ledger-w0.jsonl"], [folder / "audit.json"]
    with recorded_step(RunDirectory(path=folder), "audit", reads=reads, writes=writes):
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
        "storefront/logs/prices.csv",
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
    with recorded_step(RunDirectory(path=folder), "cleanup", writes=[folder / "cleanup.jsonl"]):
        (folder / "cleanup.jsonl").write_text("{}\n")
    assert told(folder) == {"run.json": "changed: not what the step run wrote"}


@pytest.mark.parametrize("name", ["requests-w9-00000.parquet", "errors/w0.jsonl", "verdict.json"])
def test_a_new_file_of_somebody_elses_is_not_adopted_by_the_step_that_goes_on(name: str, folder: Path) -> None:
    with recorded_step(RunDirectory(path=folder), "audit", writes=[folder / "audit.json", folder / "kept"]):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("somebody else's\n")
        (folder / "audit.json").write_text('{"again": true}\n')
        (folder / "kept").mkdir()
        (folder / "kept" / "access.log").write_text("{}\n")
    assert [entry.path for entry in read_manifest(folder).steps[-1].wrote] == ["audit.json", "kept/access.log"]
    held = hold(folder)
    unlisted = {flaw.path: flaw.what for flaw in (*held.flaws, *held.outputs)}
    assert unlisted.keys() == {name}
    assert "no step of the manifest wrote it" in unlisted[name]


@pytest.mark.parametrize("name", ["run.json", "ledger-w0.jsonl"])
def test_what_somebody_changes_while_a_step_goes_on_is_not_adopted_by_it(name: str, folder: Path) -> None:
    with recorded_step(RunDirectory(path=folder), "audit", writes=[folder / "audit.json"]):
        (folder / name).write_text('{"changed": 1}\n')
        (folder / "audit.json").write_text('{"again": true}\n')
    assert list(told(folder)) == [name]


def test_a_step_rewrites_what_it_is_to_rewrite_time_and_again(folder: Path) -> None:
    for number in range(2):
        with recorded_step(RunDirectory(path=folder), "late ledgers", writes=[folder / "run.json"]):
            (folder / "run.json").write_text(f"{{{number}}}\n")
    assert told(folder) == {}


@pytest.mark.parametrize(
    ("since", "flaws"),
    [("{}\n{}\n", set()), ("", {"cleanup.jsonl"}), ("[]\n{}\n", {"cleanup.jsonl"}), ("{}\n", set())],
)
def test_a_cleanup_that_was_killed_is_gone_on_with_and_one_that_was_altered_is_not(
    since: str, flaws: set[str], folder: Path
) -> None:
    journal = folder / "cleanup.jsonl"
    with recorded_step(RunDirectory(path=folder), "cleanup", reads=[journal], writes=[journal]):
        journal.write_text("{}\n")
    journal.write_text(since)
    with (
        recorded_step(RunDirectory(path=folder), "cleanup", reads=[journal], writes=[journal]),
        journal.open("a") as file,
    ):
        file.write('{"event": "ended"}\n')
    assert told(folder).keys() == flaws


def test_a_step_is_added_to_the_manifest_as_it_is_then_with_what_others_added_meanwhile(folder: Path) -> None:
    judged_by = read_manifest(folder)
    with recorded_step(RunDirectory(path=folder), "audit", writes=[folder / "audit.json"]):
        (folder / "audit.json").write_text('{"again": true}\n')
    write_outputs(RunDirectory(path=folder), "judge", judged_by, {folder / "verdict.json": b"{}\n"})
    assert told(folder) == {}
    assert [step.step for step in read_manifest(folder).steps] == ["run", "audit", "audit", "judge"]
    assert read_manifest(folder).steps[-1].read[0].sha256 == judged_by.sha256


def test_a_verdict_of_before_an_audit_that_ended_meanwhile_is_older_than_it_though_it_was_added_later(
    folder: Path,
) -> None:
    judged_by, verdict = read_manifest(folder), folder / "verdict.json"
    with recorded_step(RunDirectory(path=folder), "audit", writes=[folder / "audit.json"]):
        (folder / "audit.json").write_text('{"broken": 1}\n')
    write_outputs(RunDirectory(path=folder), "judge", judged_by, {verdict: PASS})
    assert why_no_verdict(folder, verdict.name, "PASS") == (
        "verdict.json: older than audit.json, which the step audit wrote: judge the run again"
    )
    write_outputs(RunDirectory(path=folder), "judge", read_manifest(folder), {verdict: PASS})
    assert why_no_verdict(folder, verdict.name, "PASS") is None


def test_a_verdict_of_a_manifest_that_never_was_this_one_is_no_verdict_of_it(folder: Path) -> None:
    another = pruned(read_manifest(folder), ["run.json"])
    write_outputs(RunDirectory(path=folder), "judge", another, {folder / "verdict.json": PASS})
    assert why_another(folder, "verdict.json") == "made of another manifest.json: judge the run again"


@pytest.mark.parametrize("mine", ["written", "removed"])
def test_of_two_steps_that_write_a_file_at_once_the_later_lists_it_as_it_is(
    mine: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory, audit = RunDirectory(path=folder), folder / "audit.json"

    @contextmanager
    def when_another_has_ended(path: Path) -> Iterator[None]:
        monkeypatch.setattr(steps, "locked", locked)
        with recorded_step(directory, "audit", writes=[audit]):
            audit.write_text('{"theirs": true}\n')
        with locked(path):
            yield

    monkeypatch.setattr(steps, "locked", when_another_has_ended)
    with recorded_step(directory, "late audit", writes=[audit]):
        audit.unlink()
        if mine == "written":
            audit.write_text('{"mine": 1}\n')
    assert [step.step for step in read_manifest(folder).steps[2:]] == ["audit", "late audit"]
    assert told(folder) == {}


def test_steps_that_end_at_once_are_all_in_the_manifest(folder: Path) -> None:
    def step(number: int) -> None:
        path = folder / f"cleanup-{number}.jsonl"
        with recorded_step(RunDirectory(path=folder), f"cleanup {number}", writes=[path]):
            path.write_text(f"{number}\n")

    numbers = range(24)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(step, numbers))
    assert {one.step for one in read_manifest(folder).steps[2:]} == {f"cleanup {number}" for number in numbers}
    assert told(folder) == {}


def test_a_manifest_that_another_command_holds_is_waited_for_and_then_left(folder: Path) -> None:
    before = (folder / FILE).read_bytes()
    with (
        locked(folder),
        pytest.raises(EnvironmentLacks, match=rf"{LOCK}: another command has held it for 0\.05 s"),
        locked(folder, wait_s=0.05),
    ):
        raise AssertionError
    with locked(folder):
        assert (folder / FILE).read_bytes() == before


def test_whoever_may_write_into_a_group_s_directory_may_hold_its_manifest(folder: Path) -> None:
    (folder / LOCK).unlink(missing_ok=True)
    before = os.umask(0o002)
    try:
        with locked(folder):
            assert (folder / LOCK).stat().st_mode & 0o777 == 0o664
    finally:
        os.umask(before)


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


def test_a_step_that_fails_has_removed_what_it_removed_and_not_what_others_did(folder: Path) -> None:
    def step() -> None:
        with recorded_step(RunDirectory(path=folder), "late audit", writes=[folder / "audit.json"]):
            (folder / "audit.json").unlink()
            (folder / "ledger-w0.jsonl").unlink()
            raise RuntimeError("broke")

    with pytest.raises(RuntimeError, match="broke"):
        step()
    assert told(folder) == {
        "audit.json": "removed by the step late audit",
        "ledger-w0.jsonl": "missing: the step run wrote it",
    }


def test_a_step_of_a_directory_without_a_manifest_leaves_it_without_one(folder: Path) -> None:
    (folder / FILE).unlink()
    with recorded_step(RunDirectory(path=folder), "cleanup", writes=[folder / "cleanup.jsonl"]):
        (folder / "cleanup.jsonl").write_text("{}\n")
    assert told(folder) == {FILE: "missing: nothing says which evidence the run left"}


def test_an_audit_of_another_ledger_than_the_runs_is_named(folder: Path) -> None:
    ledger = folder / "ledger-w0.jsonl"
    whole = ledger.read_text()
    ledger.write_text("{}\n")
    with recorded_step(RunDirectory(path=folder), "audit", reads=[ledger], writes=[folder / "audit.json"]):
        (folder / "audit.json").write_text('{"again": true}\n')
    ledger.write_text(whole)
    assert told(folder) == {"ledger-w0.jsonl": "the step audit read another than the step run wrote"}


def test_an_audit_of_a_ledger_that_nobody_listed_is_named_though_it_is_gone_until_another_reads_the_runs_own(
    folder: Path,
) -> None:
    own, foreign, aside = folder / "ledger-w0.jsonl", folder / "ledger-w9.jsonl", folder / ".aside"
    own.rename(aside)
    foreign.write_text("{}\n{}\n\n")
    with recorded_step(RunDirectory(path=folder), "audit", reads=[foreign], writes=[folder / "audit.json"]):
        (folder / "audit.json").write_text('{"again": true}\n')
    foreign.unlink()
    aside.rename(own)
    assert told(folder) == {"ledger-w9.jsonl": "the step audit read another than any step wrote"}
    with recorded_step(RunDirectory(path=folder), "audit", reads=[own], writes=[folder / "audit.json"]):
        (folder / "audit.json").write_text("{}\n")
    assert told(folder) == {}


def test_what_was_pruned_is_named_as_that(folder: Path) -> None:
    (folder / FILE).write_bytes(pruned(read_manifest(folder), ["run.json", "audit.json"]).to_bytes())
    (folder / "ledger-w0.jsonl").unlink()
    assert told(folder) == {"ledger-w0.jsonl": "removed by the step prune"}


def test_an_output_that_is_not_as_it_was_made_is_told_apart_from_evidence(folder: Path) -> None:
    with recorded_step(RunDirectory(path=folder), "judge", writes=[folder / "verdict.json"]):
        (folder / "verdict.json").write_text('{"outcome": "FAIL"}\n')
    assert why_another(folder, "verdict.json") is None
    (folder / "verdict.json").write_text('{"outcome": "PASS"}\n')
    held = hold(folder)
    assert (held.is_whole, [flaw.path for flaw in held.outputs]) == (True, ["verdict.json"])
    assert why_another(folder, "verdict.json") == "changed: not what the step judge wrote"
    told_so = hashlib.sha256((folder / "verdict.json").read_bytes()).hexdigest()
    listed = read_manifest(folder).listed()["verdict.json"].entry.sha256
    (folder / FILE).write_text((folder / FILE).read_text().replace(listed, told_so))
    assert why_another(folder, "verdict.json") == "manifest.json was changed: the step judge isn't as it was added"


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/run.json", "a//b", "./run.json"])
def test_a_manifest_that_leads_out_of_the_directory_is_refused(folder: Path, path: str) -> None:
    text = (folder / FILE).read_text().replace('"run.json"', f'"{path}"')
    (folder / FILE).write_text(text)
    with pytest.raises(BadInput, match="expected a path below the run directory"):
        read_manifest(folder)


NAMES = ["a\\b", "prix\u00a010\u00a0€", "two\nlines", "bell\x07\x1b[31mred", "it's [*]?", "\u202erev", "-rf", "e\u0301"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_any_name_is_evidence_and_named_as_a_terminal_takes_it(name: str, folder: Path) -> None:
    (folder / "storefront").mkdir()
    (folder / "storefront" / name).write_text("1\n")
    write_manifest(RunDirectory(path=folder))
    assert told(folder) == {}
    (folder / "storefront" / name).write_text("2\n")
    flaws = [shown(flaw.path, flaw.what) for flaw in hold(folder).flaws]
    assert len(flaws) == 1
    assert flaws[0].isprintable() or "\u00a0" in flaws[0]
    assert flaws[0].endswith(": changed: not what the step run wrote")


def test_a_foreign_file_of_any_name_is_named(folder: Path) -> None:
    for name in NAMES:
        (folder / f"requests-{name}.parquet").write_text(name)
    assert set(told(folder)) == {f"requests-{name}.parquet" for name in NAMES}


@pytest.mark.parametrize("name", [FILE, "run.json", "ledger-w0.jsonl", "verdict.json"])
def test_a_link_is_named_and_refused_and_never_followed(name: str, folder: Path) -> None:
    (folder / name).touch()
    (folder / name).rename(folder.parent / name)
    (folder / name).symlink_to(folder.parent / name)
    held = hold(folder)
    assert held.links == (name,)
    assert [flaw.path for flaw in (*held.flaws, *held.outputs)] == [name]
    with pytest.raises(BadInput, match=f"{name}: a link, which evidence never is"):
        check_no_links(folder)


def test_copies_by_hard_links_are_whole(folder: Path, tmp_path: Path) -> None:
    backup = shutil.copytree(folder, tmp_path / "backup", copy_function=os.link)
    assert told(backup) == {}
