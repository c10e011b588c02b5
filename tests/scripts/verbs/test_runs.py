"""`peakproof runs` lists, shows, keeps, marks, prunes and charts runs, and says what it can't use."""

import json
import shutil
from pathlib import Path

from loadtests.run_store.store import RunStore
from tests.formats.test_every_released_format import unpacked
from tests.loadtests.run_store.made_aggregates import DAY_NS, NOON, latency_objective, made
from tests.loadtests.run_store.made_aggregates import put as put_made
from tests.scripts.world import Command

OLD = "20261130T030730Z-small-c69f"


def test_a_run_is_listed_shown_put_and_listed_as_in_both(peakproof: Command) -> None:
    unpacked("0.1.0", peakproof.folder / "runs")
    assert "here" in peakproof("runs", "list").out
    put = peakproof("runs", "put", OLD)
    assert (put.code, put.out) == (0, f"{OLD}: not judged, in {peakproof.folder}/run-store\n")
    (row,) = json.loads(peakproof("runs", "list", "--json").out)["runs"]
    assert (row["run"], row["outcome"], row["here"], row["in_store"], row["records"]) == (OLD, None, True, True, True)
    assert "checkout" in peakproof("runs", "show", OLD).out


def test_a_run_whose_directory_is_gone_is_shown_from_the_store_and_brought_back(peakproof: Command) -> None:
    run = unpacked("0.1.0", peakproof.folder / "runs")
    peakproof("runs", "put", OLD)
    shutil.rmtree(run)
    assert json.loads(peakproof("runs", "show", OLD, "--json").out)["run"] == OLD
    assert peakproof("runs", "get", OLD).out == f"{run}\n"
    assert next(run.glob("requests-*.parquet")).is_file()


def test_a_run_that_did_not_pass_is_not_made_a_baseline(peakproof: Command) -> None:
    unpacked("0.1.0", peakproof.folder / "runs")
    refused = peakproof("runs", "mark", OLD, "--baseline", "main")
    assert refused.code == 2
    assert f"{OLD}: may not become a baseline: it was never judged: `peakproof judge {OLD}`" in refused.err
    assert not (peakproof.folder / "run-store").exists()


def test_a_baseline_is_replaced_by_a_run_as_fast_and_by_no_slower_one(peakproof: Command) -> None:
    store = RunStore(str(peakproof.folder / "run-store"))
    for number, p95_s in ((1, 0.2), (2, 0.201), (3, 0.25)):
        run = made(f"2026120{number}T120000Z-peak-0001", started_at=NOON + number * DAY_NS)
        put_made(store, run.model_copy(update={"objectives": (latency_objective(p95_s),)}), peakproof.folder / "made")
    first, second, third = (f"2026120{number}T120000Z-peak-0001" for number in (1, 2, 3))
    assert peakproof("runs", "mark", first, "--baseline").out == f"baseline peak: {first}, release 1.0\n"
    assert peakproof("runs", "mark", second, "--baseline").out.endswith(f"it replaces {first}\n")
    refused = peakproof("runs", "mark", third, "--baseline")
    assert refused.code == 75
    assert f"{third}: doesn't replace {second}: checkout-latency: its p95 250 ms is 24.4 % slower" in refused.err
    assert f"{second}, baseline peak" in peakproof("runs", "list").out
    assert peakproof("runs", "unmark", "--baseline", "peak").out == f"unmarked: {second}, baseline peak\n"


def test_prune_keeps_aggregates_first_and_a_dry_run_removes_nothing(peakproof: Command) -> None:
    run = unpacked("0.1.0", peakproof.folder / "runs")
    old = run.rename(run.with_name("20200101T000000Z-small-0001"))
    unpacked("0.1.0", peakproof.folder / "runs")
    dry = peakproof("runs", "prune", "--dry-run")
    assert ("would remove" in dry.out, old.exists(), (peakproof.folder / "run-store").exists()) == (True, True, False)
    for name in ("20200101T000000Z-compare-small-0001", "20200102T000000Z-compare-small-0002"):
        (peakproof.folder / "runs" / name).mkdir()
        (peakproof.folder / "runs" / name / "comparison.json").write_text('{"ended": "decided"}')
    done = peakproof("runs", "prune")
    assert (done.code, old.exists(), run.exists()) == (0, False, True)
    compared = "20200101T000000Z-compare-small-0001"
    assert not (peakproof.folder / "runs" / compared).exists()
    assert (peakproof.folder / "run-store" / "comparisons" / compared / "comparison.json").is_file()
    assert json.loads(peakproof("runs", "show", old.name, "--json").out)["run"] == old.name


def test_an_old_run_that_has_no_aggregates_stays(peakproof: Command) -> None:
    run = unpacked("0.1.0", peakproof.folder / "runs")
    old = run.rename(run.with_name("20200101T000000Z-small-0001"))
    unpacked("0.1.0", peakproof.folder / "runs")
    next(old.glob("requests-*.parquet")).write_bytes(b"damaged")
    assert f"stays  {old.name}: " in peakproof("runs", "prune").out
    assert old.exists()


def test_a_season_is_a_table_and_a_page_that_say_what_they_leave_out(peakproof: Command) -> None:
    store = RunStore(str(peakproof.folder / "run-store"))
    for number, p95_s in enumerate((0.2, 0.3, None)):
        run = made(f"2026120{number}T120000Z-peak-0001", started_at=NOON + number * DAY_NS)
        put_made(store, run.model_copy(update={"objectives": (latency_objective(p95_s),)}), peakproof.folder / "made")
    Path(peakproof.folder / "run-store" / "index" / "broken.json").write_text("{")
    ended = peakproof("runs", "trend")
    assert [line.split()[4:] for line in ended.out.splitlines()[3:6]] == [["200", "ms"], ["300", "ms"], ["failed"]]
    page = (peakproof.folder / "trend.html").read_text()
    assert "1 without a p95 (?)" in page
    assert "broken.json: not a JSON object" in page
    assert ended.code == 0


def test_a_store_that_holds_other_things_is_refused(peakproof: Command) -> None:
    (peakproof.folder / "mine").mkdir()
    (peakproof.folder / "mine" / "notes.txt").write_text("x")
    refused = peakproof("runs", "list", "--store", "mine")
    assert (refused.code, "no store of runs: it holds notes.txt" in refused.err) == (2, True)
