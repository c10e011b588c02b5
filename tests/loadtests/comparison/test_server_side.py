"""The server's own counters of each block, told apart by labels; what isn't there is unknown and never good."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from loadtests.comparison.compared import Compared
from loadtests.comparison.placing import Kept
from loadtests.comparison.server_side import server_side
from loadtests.environment.targets import Environment, redacted
from loadtests.results.run_directory import RunDirectory, write_json, write_table
from loadtests.results.schemas import ANSWERS
from slo.objectives.selectors import parse_selector
from slo.objectives.sources import Counters
from slo.regression.measures import Value
from tests.loadtests.comparison.test_observations import BEGAN, S, job

TOTAL, GOOD = 'requests_total{job="shop"}', 'good_total{job="shop"}'
COMPARED = Compared(
    measures=(), counters={"server": Counters(good=parse_selector(GOOD), total=parse_selector(TOTAL))}, left_out=()
)
ENVIRONMENT = Environment.model_validate(
    {
        "base_url": "http://127.0.0.1:9",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 5, "open_sessions": 5, "orders": 5},
        "variants": {
            "old": {"header": {"X-R": "a"}, "metric_labels": {"version": "1"}},
            "new": {"header": {"X-R": "b"}, "metric_labels": {"version": "2"}},
        },
    }
)
Counted = Sequence[tuple[float, float]]


def row(query: str, version: str, counted: Counted) -> dict[str, object]:
    name = query.partition("{")[0]
    labels = {"__name__": name, "job": "shop", "instance": version, "version": version}
    return {
        "query": query,
        "kind": "raw",
        "labels": json.dumps(labels),
        "expr": None,
        "left_out": None,
        "error": None,
        "asked_from": BEGAN - 60 * S,
        "asked_to": BEGAN + 120 * S,
        "at": [BEGAN + round(at * S) for at, _ in counted],
        "value": [value for _, value in counted],
    }


def steady(a_second: float, since_s: int = -30, until_s: int = 90) -> list[tuple[float, float]]:
    return [(at, 1000 + a_second * at) for at in range(since_s, until_s, 5)]


def observed(folder: Path, *rows: dict[str, object]) -> list[Value]:
    directory = RunDirectory(path=folder)
    (folder / "metrics").mkdir()
    write_json(directory.targets, redacted("lab", ENVIRONMENT))
    if rows:
        write_table(folder / "metrics" / "objectives.parquet", pa.Table.from_pylist(list(rows), schema=ANSWERS))
    blocks = job("a", "b").blocks
    kept = [
        Kept(place=place, block=block, starts_at=block.starts_at + 5 * S, ends_at=block.ends_at)
        for place, block in enumerate(blocks)
    ]
    return [server_side(directory, kept, COMPARED)["server", place] for place in range(2)]


def test_each_release_has_its_own_series_bad_ratio_in_its_block(tmp_path: Path) -> None:
    found = observed(
        tmp_path,
        *(row(TOTAL, version, steady(10)) for version in "12"),
        row(GOOD, "1", steady(9)),
        row(GOOD, "2", steady(5)),
    )
    assert [(round(one.value or 0, 6), one.events) for one in found] == [(0.1, 250), (0.5, 250)]


@pytest.mark.parametrize(
    ("counted", "why"),
    [
        (steady(10, until_s=40), "no sample"),
        ([(at, math.nan) for at, _ in steady(10)], "has no samples"),
        (steady(0), "counted nothing in the block"),
    ],
)
def test_a_gap_nan_or_a_stale_series_is_unknown(tmp_path: Path, counted: Counted, why: str) -> None:
    found = observed(
        tmp_path, row(TOTAL, "1", steady(10)), row(GOOD, "1", steady(10)), row(TOTAL, "2", counted), row(GOOD, "2", [])
    )
    assert (found[0].value, found[1].value) == (0.0, None)
    assert why in (found[1].because or "")


def test_a_release_without_series_or_a_run_without_answers_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "y").mkdir()
    one = observed(tmp_path / "x", row(TOTAL, "1", steady(10)), row(GOOD, "1", steady(10)))
    none = observed(tmp_path / "y")
    assert (one[1].value, [value.value for value in none]) == (None, [None, None])
