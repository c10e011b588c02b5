"""What is kept of a run for years is what its records and its verdict say, and what failed never counts as fast."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS
from loadtests.run_store.aggregating import aggregate, changes_of
from loadtests.run_store.latencies import read_latencies
from slo.documents import BadInput
from slo.objectives.indicators import Window
from slo.validity.run_document import PlanRevision, ReleaseFacts, SeenRelease, parse_run
from tests.formats.test_every_released_format import unpacked

SECOND = 1_000_000_000
START = 1_795_780_800 * SECOND


def _requests(folder: Path, waits: list[tuple[int, str | None, float]]) -> RunDirectory:
    """Write requests of one step: when each was due (s), its error, how long it took (s)."""
    rows = [
        {
            "session": number,
            "journey": "j",
            "step": "checkout",
            "scheduled_at": START + at_s * SECOND,
            "sent_at": START + at_s * SECOND,
            "finished_at": START + at_s * SECOND + round(took_s * SECOND),
            "status": 200,
            "error": error,
            "bytes": 1,
            "trace_id": "",
        }
        for number, (at_s, error, took_s) in enumerate(waits)
    ]
    directory = RunDirectory(path=folder)
    write_table(directory.part("requests", "w0", "00000"), pa.Table.from_pylist(rows, schema=REQUESTS))
    return directory


WINDOW = Window(starts_at=START, ends_at=START + 120 * SECOND)


def test_quantiles_are_of_the_judged_window_and_by_minute(tmp_path: Path) -> None:
    directory = _requests(tmp_path, [(1, None, 0.1), (2, None, 0.2), (70, None, 0.3), (130, None, 9.0)])
    found = read_latencies(directory, WINDOW, [("checkout",)])
    assert (found.by_group["checkout",].requests, found.by_group["checkout",].p95_s) == (3, 0.3)
    assert [(one.minute, one.latency.requests) for one in found.by_minute["checkout",]] == [(0, 2), (1, 1)]
    assert [(one.step, one.bad) for one in found.by_step] == [("checkout", 0)]


def test_a_request_that_failed_is_slower_than_every_reply(tmp_path: Path) -> None:
    directory = _requests(tmp_path, [(1, None, 0.1), (2, None, 0.2), (3, "500", 0.001)])
    latency = read_latencies(directory, WINDOW, [("checkout",)]).by_group["checkout",]
    assert (latency.requests, latency.p50_s, latency.p95_s) == (3, 0.2, None)


def test_a_request_that_was_kept_away_from_the_shop_is_left_out(tmp_path: Path) -> None:
    directory = _requests(tmp_path, [(1, None, 0.1), (2, "blocked", 0.001)])
    assert read_latencies(directory, WINDOW, [("checkout",)]).by_group["checkout",].requests == 1


def test_no_request_is_no_latency(tmp_path: Path) -> None:
    latency = read_latencies(_requests(tmp_path, []), WINDOW, [("checkout",)]).by_group["checkout",]
    assert (latency.requests, latency.p95_s) == (0, None)


def test_what_changed_while_a_run_was_played_is_said() -> None:
    seen = tuple(SeenRelease(release=name) for name in ("1.0", "1.1"))
    run = parse_run({}).model_copy(
        update={"release": ReleaseFacts(before="1.0", seen=seen), "plan_revisions": (PlanRevision(at_s=9.0),)}
    )
    assert list(changes_of(run)) == [
        "the release changed while it was played: 1.0, 1.1",
        "its plan was revised 1 times, first at 9 s",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"ended": "completed"', '"ended": null', "not finished: run.json says no end"),
        ("peakproof/run/v1", "peakproof/run/v2", "use the Peakproof that played the run"),
    ],
)
def test_a_run_that_is_not_finished_or_of_another_version_is_refused(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    run = unpacked("0.1.0", tmp_path)
    (run / "run.json").write_text((run / "run.json").read_text().replace(old, new))
    with pytest.raises(BadInput, match=said):
        aggregate(RunDirectory(path=run))


def test_a_run_whose_records_are_damaged_has_no_aggregates(tmp_path: Path) -> None:
    run = unpacked("0.1.0", tmp_path)
    part = next(run.glob("requests-*.parquet"))
    part.write_bytes(part.read_bytes()[:-40])
    with pytest.raises(BadInput, match="can't be read"):
        aggregate(RunDirectory(path=run))


def test_a_run_that_was_never_judged_has_no_outcome_and_no_objective(tmp_path: Path) -> None:
    found = aggregate(RunDirectory(path=unpacked("0.1.0", tmp_path)))
    assert (found.outcome, found.objectives) == (None, ())
    assert (
        sum(one.latency.requests for one in found.steps)
        <= pq.read_metadata(next((tmp_path / found.run).glob("requests-*.parquet"))).num_rows
    )
    shutil.rmtree(tmp_path / found.run)


@pytest.mark.parametrize(
    ("outcome", "invalid"), [("FAIL", ("load: bad",)), ("INCONCLUSIVE", ("steps: bad", "load: bad"))]
)
def test_what_fails_with_a_miss_leaves_a_failed_run_valid(
    tmp_path: Path, outcome: str, invalid: tuple[str, ...]
) -> None:
    run = unpacked("0.1.0", tmp_path)
    checks = [{"kind": "validity", "name": name, "status": "bad"} for name in ("steps", "load")]
    verdict = {"format": "peakproof/verdict/v1", "outcome": outcome, "exit_code": 99, "checks": checks}
    (run / "verdict.json").write_text(json.dumps(verdict))
    assert aggregate(RunDirectory(path=run)).invalid == invalid
