"""Prometheus' answers are kept a row a series, and an empty answer keeps its row."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq

from loadtests.results.recorded_run import read_answers
from loadtests.results.schemas import ANSWERS
from scripts.local_stack.prometheus import Prometheus, Series
from scripts.running.metrics_archive import keep_range, keep_raw

SECOND = 1_000_000_000
UP = (
    Series(labels={"job": "shop", "__name__": "up"}, at=(1, 2), value=(0.0, 1.0)),
    Series(labels={"job": "stock"}, at=(3,), value=(float("inf"),)),
)


@dataclass
class FakePrometheus:
    """Has two series for `up` and none for anything else."""

    asked: list[tuple[str, str, int, int]] = field(default_factory=list)

    def raw(self, selector: str, start: int, end: int) -> tuple[Series, ...]:
        self.asked.append(("raw", selector, start, end))
        return UP if selector == "up" else ()

    def range(self, query: str, start: int, end: int) -> tuple[Series, ...]:
        self.asked.append(("range", query, start, end))
        return UP if query == "up" else ()


def rows(path: Path) -> list[dict[str, Any]]:
    assert pq.read_schema(path) == ANSWERS
    kept: list[dict[str, Any]] = read_answers(path).to_pylist()
    return kept


def test_raw_samples_are_kept_from_30_s_before_the_judged_time(tmp_path: Path) -> None:
    fake = FakePrometheus()
    path = tmp_path / "objectives.parquet"
    judged = (100 * SECOND, 200 * SECOND)
    assert keep_raw(cast("Prometheus", fake), ["up", "gone", "up"], judged, path) == 2
    assert fake.asked == [("raw", "up", 70 * SECOND, 200 * SECOND), ("raw", "gone", 70 * SECOND, 200 * SECOND)]
    asked = {"kind": "raw", "asked_from": 70 * SECOND, "asked_to": 200 * SECOND}
    shop = '{"__name__": "up", "job": "shop"}'
    assert rows(path) == [
        {"query": "up", **asked, "labels": shop, "at": [1, 2], "value": [0.0, 1.0]},
        {"query": "up", **asked, "labels": '{"job": "stock"}', "at": [3], "value": [float("inf")]},
        {"query": "gone", **asked, "labels": "{}", "at": [], "value": []},
    ]


def test_ranges_are_kept_over_the_run_and_counted_by_query(tmp_path: Path) -> None:
    path = tmp_path / "dashboards.parquet"
    fake = FakePrometheus()
    assert keep_range(cast("Prometheus", fake), ["up", "gone"], (5, 9), path) == {"up": 2, "gone": 0}
    assert [(row["query"], row["kind"], row["asked_from"], row["asked_to"], row["at"]) for row in rows(path)] == [
        ("up", "range", 5, 9, [1, 2]),
        ("up", "range", 5, 9, [3]),
        ("gone", "range", 5, 9, []),
    ]


def test_no_query_at_all_keeps_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "dashboards.parquet"
    assert keep_range(cast("Prometheus", FakePrometheus()), [], (5, 9), path) == {}
    assert rows(path) == []
