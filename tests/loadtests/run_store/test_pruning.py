"""Raw records go when they are old, and never the latest's, a marked run's or an unfinished run's."""

import json
from pathlib import Path

import pytest

from loadtests.run_store.entries import Mark, StoreEntry
from loadtests.run_store.local_comparisons import local_comparisons, remove_comparison
from loadtests.run_store.local_runs import local_runs, remove_run
from loadtests.run_store.pruning import prunable
from loadtests.run_store.store import Contents
from slo.documents import BadInput
from tests.loadtests.run_store.made_aggregates import DAY_NS, NOON

OLD, OLDER, LATEST = "20260101T000000Z-a-0002", "20260101T000000Z-a-0001", "20260102T000000Z-a-0003"


def _run(folder: Path, name: str, text: str = '{"ended": "completed"}') -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "run.json").write_text(text)
    return folder / name


def _going(folder: Path, contents: Contents | None = None, days: int = 30) -> tuple[list[str], dict[str, str]]:
    going, staying = prunable(local_runs(folder), contents or Contents(), now=NOON, days=days)
    return [one.run for one in going], {one.run: one.because for one in staying}


def test_old_runs_go_and_the_latest_stays_however_old(tmp_path: Path) -> None:
    for name in (OLD, OLDER, LATEST):
        _run(tmp_path, name)
    assert _going(tmp_path) == ([OLDER, OLD], {LATEST: "the latest"})


def test_a_run_of_fewer_days_is_not_touched(tmp_path: Path) -> None:
    for name in ("20261120T000000Z-a-0001", "20261121T000000Z-a-0002"):
        _run(tmp_path, name)
    assert _going(tmp_path) == ([], {})


def test_a_marked_run_stays(tmp_path: Path) -> None:
    for name in (OLD, LATEST):
        _run(tmp_path, name)
    mark = Mark(kind="kept", run=OLD, marked_at=NOON)
    assert _going(tmp_path, Contents(marks=(mark,))) == ([], {OLD: "marked", LATEST: "the latest"})


def test_nothing_goes_while_a_mark_cannot_be_read(tmp_path: Path) -> None:
    for name in (OLD, LATEST):
        _run(tmp_path, name)
    going, staying = _going(tmp_path, Contents(unusable={"marks/kept/x.json": "not JSON"}))
    assert (going, staying[OLD]) == ([], "a mark can't be read, so it may be marked: marks/kept/x.json")


@pytest.mark.parametrize("text", ['{"ended": null}', "{", "{}"])
def test_a_run_that_is_not_finished_or_cannot_be_read_stays(text: str, tmp_path: Path) -> None:
    _run(tmp_path, OLD, text)
    _run(tmp_path, LATEST)
    going, staying = _going(tmp_path)
    assert (going, OLD in staying) == ([], True)


def test_a_symlink_among_the_runs_is_no_run(tmp_path: Path) -> None:
    elsewhere = _run(tmp_path / "elsewhere", OLD)
    runs = tmp_path / "runs"
    _run(runs, LATEST)
    (runs / OLD).symlink_to(elsewhere)
    assert _going(runs) == ([], {LATEST: "the latest"})


@pytest.mark.parametrize("where", ["link", "outside", "not a run"])
def test_what_is_no_run_directory_of_the_folder_is_never_removed(where: str, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    outside = _run(tmp_path / "elsewhere", OLD)
    (runs / OLD).symlink_to(outside)
    (runs / LATEST).mkdir()
    path = {"link": runs / OLD, "outside": outside, "not a run": runs / LATEST}[where]
    with pytest.raises(BadInput, match="nothing was removed"):
        remove_run(path, runs)
    assert (outside / "run.json").exists()


def test_a_symlink_inside_a_run_goes_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("mine")
    run = _run(tmp_path / "runs", OLD)
    (run / "link").symlink_to(kept)
    remove_run(run, tmp_path / "runs")
    assert (run.exists(), (kept / "file").read_text()) == (False, "mine")


def test_records_in_the_store_go_by_the_same_rules() -> None:
    runs = [
        StoreEntry(run=name, aggregates_sha256="", put_at=NOON, started_at=NOON - days * DAY_NS, records=size)
        for name, days, size in (("gone", 90, None), ("old", 60, 5), ("kept", 50, 5), ("young", 3, 5), ("last", 1, 5))
    ]
    contents = Contents(entries=tuple(runs), marks=(Mark(kind="kept", run="kept", marked_at=NOON),))
    going, staying = prunable([], contents, now=NOON, days=30)
    assert ([one.run for one in going], [one.run for one in staying]) == (["old"], ["kept"])


def test_a_partly_written_run_goes_once_it_is_old() -> None:
    going, _ = prunable([], Contents(partly_written=(OLD, "20261127T000000Z-a-1")), now=NOON, days=30)
    assert [(one.what, one.run) for one in going] == [("partly written", OLD)]


def _comparison(folder: Path, name: str, ended: str | None = "decided", *runs: str) -> Path:
    (folder / name).mkdir(parents=True)
    document = {"ended": ended, "blocks": [{"run": one} for one in runs]}
    (folder / name / "comparison.json").write_text(json.dumps(document))
    return folder / name


def test_an_old_comparison_goes_but_the_latest_an_unfinished_or_one_of_a_marked_run(tmp_path: Path) -> None:
    names = [f"20260101T00000{number}Z-compare-a-000{number}" for number in range(5)]
    _comparison(tmp_path, names[0], "decided", OLDER)
    _comparison(tmp_path, names[1], None)
    _comparison(tmp_path, names[2], "decided", OLD)
    (_comparison(tmp_path, names[3]) / "comparison.json").write_text("{")
    _comparison(tmp_path, names[4])
    mark = Mark(kind="kept", run=OLD, marked_at=NOON)
    found = local_comparisons(tmp_path)
    going, staying = prunable([], Contents(marks=(mark,)), now=NOON, days=30, comparisons=found)
    assert [(one.what, one.run) for one in going] == [("comparison", names[0])]
    assert [one.because.split(":")[0] for one in staying] == [
        "not finished",
        f"its run {OLD} is marked",
        "can't be read",
        "the latest comparison",
    ]
    going, staying = prunable([], Contents(), now=NOON, days=100_000, comparisons=found)
    assert (going, staying) == ((), ())
    going, _ = prunable([], Contents(unusable={"marks/x": "not JSON"}), now=NOON, days=30, comparisons=found)
    assert going == ()


def test_only_a_comparisons_folder_directly_among_the_runs_is_removed(tmp_path: Path) -> None:
    folder = _comparison(tmp_path / "runs", OLD)
    link = tmp_path / "runs" / OLDER
    link.symlink_to(folder)
    (folder / "comparison.json").rename(tmp_path / "kept.json")
    for path in (folder, link, tmp_path):
        with pytest.raises(BadInput, match="nothing was removed"):
            remove_comparison(path, tmp_path / "runs")
    assert local_comparisons(tmp_path / "runs") == []
    (tmp_path / "kept.json").rename(folder / "comparison.json")
    remove_comparison(folder, tmp_path / "runs")
    assert not folder.exists()
