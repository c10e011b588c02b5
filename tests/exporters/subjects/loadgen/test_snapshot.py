"""From requests to the exposition: a reading at an objective's limit is the verdict's, and traces can be followed."""

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from exporters.serving.scrape import ScrapeCollector, Scraper
from exporters.subjects import loadgen
from loadtests.live.board import Board, Timetable
from loadtests.live.worker_figures import Watch, WorkerFigures
from loadtests.results.live_document import LiveDocument
from loadtests.results.records import StepBatch, StepRecord
from slo.objectives.indicators import Evidence, Latency, Window
from slo.objectives.sources import Records
from tests.exporters.fakes import LIVE
from tests.exporters.subjects.test_subjects import far, write_live
from tests.loadtests.fakes import SECOND, step_record
from tests.loadtests.live.test_board import gauges
from tests.slo.objectives.request_table import RequestTable

START = 1000 * SECOND
JUDGED = (START, START + 60 * SECOND)
LIMIT_S = 0.333
INDICATOR = Latency(source=Records(steps=("checkout",)), threshold_s=LIMIT_S)


def bad(record: StepRecord) -> bool | None:
    return INDICATOR.bad(
        error=record.error,
        scheduled_at=record.scheduled_at,
        sent_at=record.sent_at,
        finished_at=record.finished_at,
    )


WATCH = Watch(
    name="checkout-latency",
    steps=frozenset({"checkout"}),
    limit_s=LIMIT_S,
    bad=bad,
    is_certain=lambda *_: False,
)


def requests(errors: Sequence[str | None]) -> st.SearchStrategy[list[StepRecord]]:
    def record(at_ms: int, off_us: int, error: str | None) -> StepRecord:
        at = START + at_ms * 1_000_000
        end = at + round(LIMIT_S * SECOND) + off_us * 1000
        return step_record(step="checkout", scheduled_at=at, sent_at=at, finished_at=end, error=error)

    near = st.one_of(st.integers(-300_000, 3_000_000), st.integers(-3, 3))
    return st.lists(st.builds(record, st.integers(0, 50_000), near, st.sampled_from(errors)), min_size=1, max_size=40)


def exposed(records: Sequence[StepRecord]) -> dict[tuple[str, ...], float]:
    """Return what is exported of a run with these requests."""
    timetable = Timetable(run="r", phases=(("plateau", 60.0),), arrivals_s=np.array([1.0]), rate=lambda _: 1.0)
    board, figures = Board(timetable, [WATCH], START), WorkerFigures([WATCH], JUDGED)
    figures.steps_ended(StepBatch(records))
    board.merge("w0", json.loads(json.dumps(figures.take(START))), gauges())
    live = LiveDocument.model_validate_json(board.snapshot(START + SECOND, "running").model_dump_json())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in loadgen.families(live)
        for sample in family.samples
    }


def verdict(records: Sequence[StepRecord]) -> Evidence:
    """Return what the verdict counts of them."""
    table = RequestTable(table=StepBatch(records).table())
    return INDICATOR.read(table, pa.table({}), Window(starts_at=JUDGED[0], ends_at=JUDGED[1]), 0.95)


@settings(max_examples=50, deadline=None)
@given(requests([None]))
def test_the_bucket_at_an_objective_s_limit_is_what_the_verdict_counts_as_good(records: list[StepRecord]) -> None:
    evidence, found = verdict(records), exposed(records)
    total, good = found["loadtest_response_seconds_count", "checkout"], evidence.events - evidence.bad
    assert (found["loadtest_response_seconds_bucket", "checkout", str(LIMIT_S)], total) == (good, evidence.events)


@settings(max_examples=50, deadline=None)
@given(requests([None, "timeout", "http_5xx", "blocked"]))
def test_an_objective_s_requests_are_those_of_the_verdict_failures_too(records: list[StepRecord]) -> None:
    evidence, found = verdict(records), exposed(records)
    of_objective = (
        found["loadtest_objective_bad_requests", "checkout-latency"],
        found["loadtest_objective_requests", "checkout-latency"],
    )
    assert of_objective == (evidence.bad, evidence.events)


def openmetrics(run: Path) -> list[Sample]:
    registry = CollectorRegistry()
    scraper = Scraper(loadgen.subject(lambda: run))
    ScrapeCollector(scraper.health, scraper.begin(far()), registry)
    text = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    return [sample for family in text_string_to_metric_families(text) for sample in family.samples]  # type: ignore[no-untyped-call]


def exemplar(trace: str, value: float) -> dict[str, Any]:
    return {"trace_id": trace * 32, "value": value, "at": 1_700_000_000_000_000_000}


def test_exemplars_lead_from_a_bucket_and_an_error_to_a_trace(tmp_path: Path) -> None:
    live = copy.deepcopy(LIVE)
    latency: Any = live["steps"]["checkout"]["latency"]  # type: ignore[index]
    latency["exemplars"] = {"0.1": exemplar("a", 0.07), "0.25": exemplar("b", 0.3), "+Inf": exemplar("c", 5.0)}
    live["errors"]["exemplars"] = {"checkout": {"timeout": exemplar("d", 30.0)}}  # type: ignore[index]
    write_live(tmp_path, live)
    found = {
        (sample.name, sample.labels.get("le") or sample.labels.get("reason")): sample.exemplar
        for sample in openmetrics(tmp_path)
        if sample.exemplar is not None
    }
    assert {place: (one.labels, one.value, float(one.timestamp or 0)) for place, one in found.items()} == {
        ("loadtest_response_seconds_bucket", "0.1"): ({"trace_id": "a" * 32}, 0.07, 1_700_000_000),
        ("loadtest_response_seconds_bucket", "+Inf"): ({"trace_id": "c" * 32}, 5.0, 1_700_000_000),
        ("loadtest_request_errors_total", "timeout"): ({"trace_id": "d" * 32}, 1.0, 1_700_000_000),
    }


def test_a_trace_that_is_none_makes_the_snapshot_unreadable(tmp_path: Path) -> None:
    live = copy.deepcopy(LIVE)
    live["errors"]["exemplars"] = {"checkout": {"timeout": exemplar("x", 30.0)}}  # type: ignore[index]
    write_live(tmp_path, live)
    assert {sample.value for sample in openmetrics(tmp_path) if sample.name == "loadgen_exporter_up"} == {0}
