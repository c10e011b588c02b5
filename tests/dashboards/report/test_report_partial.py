"""A run that lacks pieces still has a page, and the page names what is missing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dashboards.formatting import percent
from dashboards.report import write_report
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS
from tests.dashboards.made import Made
from tests.dashboards.page import read_page
from tests.dashboards.synthetic import make
from tests.loadtests.cleanup.test_journal import written


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("whole"), "PASS")


@pytest.fixture
def run(whole: Made, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole.path, tmp_path / whole.path.name))


def words(path: Path) -> str:
    return read_page(write_report(path)).text


def test_an_empty_directory_has_a_page_that_names_everything_missing(tmp_path: Path) -> None:
    said = words(tmp_path)
    assert "NOT JUDGED There is no verdict, and what the run was can't be read." in said
    for name in ("run.json", "verdict.json", "audit.json", "plan.yaml"):
        assert f"{name} is not there" in said
    for kind in ("requests", "sessions", "spans"):
        assert f"{kind}-*.parquet no part is there" in said
    assert "whether any was lost, oversold or charged twice is not known" in said


def test_a_run_that_was_cleaned_up_says_what_was_removed_and_what_is_left(run: Path) -> None:
    with written(run / "cleanup.jsonl") as journal:
        journal.ended(6, 2, 0)
    assert "removed: 1 account, 1 order; 2 things of the run are left." in words(run)
    (run / "cleanup.jsonl").write_text("<script>\n")
    assert "cleanup.jsonl can't be read: line 1: not a row of a cleanup" in words(run)


def test_an_aborted_run_says_how_it_ended(run: Path) -> None:
    (run / "verdict.json").unlink()
    (run / "audit.json").unlink()
    document = json.loads((run / "run.json").read_text()) | {"ended": "aborted", "ended_because": "the stop key"}
    (run / "run.json").write_text(json.dumps(document | {"account": None, "ended_at": None, "orders": None}))
    said = words(run)
    assert "NOT JUDGED There is no verdict; the run aborted: the stop key." in said
    assert "Nothing was judged. To be judged are requests due from 12:00:33 to 12:02:03 UTC" in said
    assert "completed (from the sessions' records)" in said
    assert "Load delivered – not known" in said


def test_a_latency_that_requests_cut_off_hide_is_told_as_far_as_it_is_known(run: Path) -> None:
    verdict = json.loads((run / "verdict.json").read_text())
    (latency,) = [one for one in verdict["objectives"] if one["name"] == "checkout-latency"]
    latency |= {"observed_quantile_s": None, "observed_quantile_at_least_s": 7.25, "threshold_s": 1.5}
    (run / "verdict.json").write_text(json.dumps(verdict))
    said = words(run)
    assert f"{percent(latency['ratio_good'])} p95 at least 7.25 s" in said
    assert "Tightest latency at least 7.25 s" in said


def test_a_run_that_never_ended_says_so(run: Path) -> None:
    (run / "verdict.json").unlink()
    document = json.loads((run / "run.json").read_text()) | {"ended": None}
    (run / "run.json").write_text(json.dumps(document))
    assert "There is no verdict: the run did not come to its end." in words(run)


def test_a_run_that_never_began_says_so(run: Path) -> None:
    (run / "verdict.json").unlink()
    window = {"starts_at": None, "ends_at": None}
    never = {"ended": "failed", "ended_because": "no Prometheus", "phases": [], "judged": window}
    (run / "run.json").write_text(json.dumps(json.loads((run / "run.json").read_text()) | never))
    said = words(run)
    assert "There is no verdict; the run failed: no Prometheus." in said
    assert "run.json can't be read" not in said


def test_a_judged_time_that_ends_before_it_starts_is_the_runs(run: Path) -> None:
    document = json.loads((run / "verdict.json").read_text())
    document["judged"] = {"starts_at": document["judged"]["ends_at"], "ends_at": document["judged"]["starts_at"]}
    (run / "verdict.json").write_text(json.dumps(document))
    assert "Judged are requests due from 12:00:33 to 12:02:03 UTC" in words(run)


def test_a_part_of_the_run_without_a_name_does_not_hide_the_rest(run: Path) -> None:
    document = json.loads((run / "run.json").read_text())
    document["phases"][0]["name"] = document["workers"][0]["name"] = None
    document["hook_failures"] = [{"error": "KeyError", "count": 2}]
    (run / "run.json").write_text(json.dumps(document))
    said = words(run)
    assert "hook – failed KeyError 2" in said
    assert "run.json can't be read" not in said


BROKEN: list[tuple[str, Callable[[Path], object], str]] = [
    ("torn", lambda p: (p / "run.json").write_text('{"format": '), "run.json can't be read: not JSON: Expecting value"),
    (
        "wrong kind",
        lambda p: (p / "verdict.json").write_text('{"outcome": "PASS", "exit_code": "none"}'),
        "verdict.json can't be read: exit_code: Input should be a valid integer",
    ),
    (
        "a list",
        lambda p: (p / "audit.json").write_text("[]"),
        "audit.json can't be read: expected an object at the top, found list",
    ),
    (
        "not a number",
        lambda p: (p / "run.json").write_text('{"scheduling_lag_s": {"p99": NaN}}'),
        "run.json can't be read: scheduling_lag_s.p99: Input should be a finite number, found nan",
    ),
    ("deep", lambda p: (p / "run.json").write_text("[" * 100_000), "run.json can't be read: not JSON"),
    (
        "no text",
        lambda p: (p / "plan.yaml").write_bytes(b"\xff\xfe\x00"),
        "plan.yaml can't be read: not UTF-8 at byte 0",
    ),
    (
        "no plan",
        lambda p: (p / "plan.yaml").write_text("format: peakproof/plan/v1\nname: holiday-peak\n"),
        "plan.yaml can't be read: seed: required and missing",
    ),
    (
        "no footer",
        lambda p: (p / "requests-w0-0.parquet").write_bytes(b"PAR1 torn"),
        "requests-w0-0.parquet can't be read",
    ),
    (
        "no columns",
        lambda p: pq.write_table(pa.table({"x": [1]}), p / "spans-0.parquet"),
        "spans-0.parquet left out: it has no column trace_id, span_id, parent_id",
    ),
    (
        "no answers",
        lambda p: (p / "metrics" / "dashboards.parquet").write_bytes(b"PAR1"),
        "metrics/dashboards.parquet can't be read",
    ),
    ("no metrics", lambda p: shutil.rmtree(p / "metrics"), "metrics/dashboards.parquet is not there"),
]


@pytest.mark.parametrize(("do", "said"), [(do, said) for _, do, said in BROKEN], ids=[name for name, *_ in BROKEN])
def test_a_broken_piece_is_named_and_the_rest_is_shown(run: Path, do: Callable[[Path], object], said: str) -> None:
    do(run)
    page = words(run)
    assert said in page
    assert "Provenance" in page


def test_a_part_with_a_column_of_another_type_is_left_out_and_named(run: Path) -> None:
    table = pq.read_table(run / "requests-w0-0.parquet")
    place = table.schema.get_field_index("scheduled_at")
    texts = table.column("scheduled_at").cast(pa.string())
    pq.write_table(table.set_column(place, "scheduled_at", texts), run / "requests-w0-0.parquet")
    said = words(run)
    assert "requests-w0-0.parquet left out: scheduled_at is string" in said
    assert "requests-*.parquet can't be read" not in said


def test_a_part_whose_rows_are_torn_empties_its_figures_and_is_named(run: Path) -> None:
    path = run / "requests-w0-0.parquet"
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(content)
    said = words(run)
    assert "requests-*.parquet can't be read: " in said
    assert "Provenance" in said


def test_times_out_of_this_world_do_not_end_the_page(run: Path) -> None:
    rows = [
        {name: (1 << 62) if name.endswith("_at") else None for name in REQUESTS.names},
        {name: -(1 << 63) if name.endswith("_at") else None for name in REQUESTS.names},
        {name: (1 << 63) - 1 if name == "finished_at" else 0 for name in ("scheduled_at", "sent_at", "finished_at")},
    ]
    write_table(RunDirectory(path=run).part("requests", "w9", 0), pa.Table.from_pylist(rows, schema=REQUESTS))
    document = json.loads((run / "run.json").read_text())
    document["phases"][0]["starts_at"], document["phases"][-1]["ends_at"] = 0, (1 << 63) - 1
    (run / "run.json").write_text(json.dumps(document))
    assert "Provenance" in words(run)


def test_requests_cut_off_by_the_end_count_and_have_no_latency(run: Path) -> None:
    table = pq.read_table(run / "requests-w1-0.parquet")
    cut = pa.array(["cut_off"] * table.num_rows, pa.string())
    write_table(run / "requests-w1-0.parquet", table.set_column(table.schema.get_field_index("error"), "error", cut))
    (run / "requests-w0-0.parquet").unlink()
    said = words(run)
    assert "were cut off by the run's end: they count as requests and have no latency here." in said
    assert "Errors 0 %" in said
