"""Prometheus' answers are kept a row a series; an empty answer keeps its row, and one that failed its reason."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq

from dashboards.grafana.archive import Ask
from loadtests.results.recorded_run import read_answers
from loadtests.results.schemas import ANSWERS
from scripts.local_stack.prometheus import MOST_SERIES, Prometheus, Series
from scripts.running.metrics_archive import Kept, Moments, keep_dashboards, keep_raw
from slo.outcomes import EnvironmentLacks

SECOND = 1_000_000_000
UP = (
    Series(labels={"job": "shop", "__name__": "up"}, at=(1, 2), value=(0.0, 1.0)),
    Series(labels={"job": "stock"}, at=(3,), value=(float("inf"),)),
)
MANY = tuple(Series(labels={"n": str(n)}, at=(1, 2), value=(float(n), float("nan"))) for n in range(MOST_SERIES + 7))
BUCKET = Series(labels={"__name__": "http_seconds_bucket", "job": "a.b"}, at=(1,), value=(1.0,))
ANSWERED = {"up": UP, "many": MANY, "bucket": (BUCKET,)}


@dataclass
class FakePrometheus:
    """Has two series for `up`, more than are kept for `many`, refuses `bad`, and has none for anything else."""

    asked: list[tuple[str, str, int, int]] = field(default_factory=list)

    def raw(self, selector: str, start: int, end: int) -> tuple[Series, ...]:
        self.asked.append(("raw", selector, start, end))
        return ANSWERED.get(selector, ())

    def range(self, query: str, start: int, end: int, step_s: int, *, within_s: float) -> tuple[Series, ...]:
        assert within_s > 0
        self.asked.append((f"range {step_s}", query, start, end))
        if query == "bad":
            raise EnvironmentLacks("Prometheus refuses bad: parse error")
        return ANSWERED.get(query, ())

    def instant(self, query: str, at: int, *, within_s: float) -> tuple[Series, ...]:
        assert within_s > 0
        self.asked.append(("instant", query, at, at))
        return ANSWERED.get(query, ())


def rows(path: Path) -> list[dict[str, Any]]:
    assert pq.read_schema(path) == ANSWERS
    kept: list[dict[str, Any]] = read_answers(path).to_pylist()
    return kept


def ranged(query: str) -> Ask:
    return Ask(expr=f"{query}[$__range]", query=query, kind="range")


def kept(path: Path, *asked: Ask, within_s: float = 30) -> Kept:
    fake = cast("Prometheus", FakePrometheus())
    return keep_dashboards(fake, asked, Moments(span=(5, 9), step_s=1, at=8), path / "dashboards.parquet", within_s)


def test_raw_samples_are_kept_from_30_s_before_the_judged_time_to_15_s_after_it_with_the_processes_start(
    tmp_path: Path,
) -> None:
    fake = FakePrometheus()
    path = tmp_path / "objectives.parquet"
    judged = (100 * SECOND, 200 * SECOND)
    assert keep_raw(cast("Prometheus", fake), ["up", "gone", "up"], judged, path) == 2
    started, created = 'process_start_time_seconds{job=~"shop|stock"}', 'up_created{job=~"shop|stock"}'
    queries = ["up", "gone", started, created]
    assert fake.asked == [("raw", query, 70 * SECOND, 215 * SECOND) for query in queries]
    asked = {"kind": "raw", "asked_from": 70 * SECOND, "asked_to": 215 * SECOND}
    of_dashboards = {"expr": None, "left_out": None, "error": None}
    shop = '{"__name__": "up", "job": "shop"}'
    assert rows(path) == [
        {"query": "up", **asked, "labels": shop, "at": [1, 2], "value": [0.0, 1.0], **of_dashboards},
        {"query": "up", **asked, "labels": '{"job": "stock"}', "at": [3], "value": [float("inf")], **of_dashboards},
        *({"query": one, **asked, "labels": "{}", "at": [], "value": [], **of_dashboards} for one in queries[1:]),
    ]


def test_counters_are_asked_for_when_they_were_created_by_the_name_of_their_family(tmp_path: Path) -> None:
    fake = FakePrometheus()
    keep_raw(cast("Prometheus", fake), ["bucket"], (100 * SECOND, 200 * SECOND), tmp_path / "objectives.parquet")
    assert [query for _, query, _, _ in fake.asked[1:]] == [
        'process_start_time_seconds{job=~"a\\\\.b"}',
        'http_seconds_created{job=~"a\\\\.b"}',
    ]


def test_an_answer_is_kept_with_the_query_as_the_dashboard_has_it(tmp_path: Path) -> None:
    assert kept(tmp_path, ranged("up"), ranged("gone")) == Kept(asked=2, errors=())
    assert [
        (row["query"], row["expr"], row["kind"], row["asked_from"], row["asked_to"], row["at"], row["error"])
        for row in rows(tmp_path / "dashboards.parquet")
    ] == [
        ("up", "up[$__range]", "range", 5, 9, [1, 2], None),
        ("up", "up[$__range]", "range", 5, 9, [3], None),
        ("gone", "gone[$__range]", "range", 5, 9, [], None),
    ]


def test_a_range_is_asked_in_steps_that_end_at_the_end_and_the_rest_while_the_load_is_on(tmp_path: Path) -> None:
    fake, path = FakePrometheus(), tmp_path / "dashboards.parquet"
    asked = (ranged("up"), Ask(expr="up", query="up", kind="instant"))
    moments = Moments(span=(10 * SECOND, 33 * SECOND), step_s=10, at=28 * SECOND)
    keep_dashboards(cast("Prometheus", fake), asked, moments, path)
    assert sorted(fake.asked) == [
        ("instant", "up", 28 * SECOND, 28 * SECOND),
        ("range 10", "up", 13 * SECOND, 33 * SECOND),
    ]
    assert {(row["kind"], row["asked_from"], row["asked_to"]) for row in rows(path)} == {
        ("instant", 28 * SECOND, 28 * SECOND),
        ("range", 10 * SECOND, 33 * SECOND),
    }


def test_of_too_many_series_the_highest_are_kept_and_the_others_counted(tmp_path: Path) -> None:
    kept(tmp_path, ranged("many"))
    found = rows(tmp_path / "dashboards.parquet")
    assert {json.loads(row["labels"])["n"] for row in found} == {str(n) for n in range(7, MOST_SERIES + 7)}
    assert {row["left_out"] for row in found} == {7}


def test_a_query_that_fails_is_noted_and_the_others_are_kept(tmp_path: Path) -> None:
    result = kept(tmp_path, ranged("bad"), ranged("up"))
    assert result.note == (
        "1 of the dashboards' 2 queries have no answer, such as: Prometheus refuses bad: parse error"
    )
    assert [(row["query"], row["at"], row["error"]) for row in rows(tmp_path / "dashboards.parquet")] == [
        ("bad", [], "Prometheus refuses bad: parse error"),
        ("up", [1, 2], None),
        ("up", [3], None),
    ]


def test_what_there_is_no_time_for_is_not_asked(tmp_path: Path) -> None:
    result = kept(tmp_path, ranged("up"), within_s=0)
    assert result.errors == ("not asked: the time for the dashboards' queries was over",)
    assert [(row["at"], row["error"]) for row in rows(tmp_path / "dashboards.parquet")] == [([], result.errors[0])]


def test_no_query_at_all_keeps_an_empty_table(tmp_path: Path) -> None:
    assert kept(tmp_path) == Kept(asked=0, errors=())
    assert rows(tmp_path / "dashboards.parquet") == []
