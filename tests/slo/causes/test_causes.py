"""What grew between the reference phase and the judged window, on traces made for it and on a real shop's."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from slo.causes.causes import Explained, blocks_of_requests, explain
from slo.objectives.indicators import Window
from tests.slo.objectives.request_table import RequestTable

MS = 1_000_000
SECOND = 1000 * MS
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("trace_id", "span_id", "parent_id", "service", "name")),
        ("started_at", pa.int64()),
        ("ended_at", pa.int64()),
    ]
)


def _trace(trace: str, queries: int, query_ms: float, *, client: bool = True) -> list[dict[str, Any]]:
    """Return a checkout: the client's span, the server's, and one after the other its queries."""
    spans: list[dict[str, Any]] = []
    at = 0.0

    def add(name: str, parent: str, start: float, end: float, service: str = "shop") -> str:
        span_id = f"{trace}-{len(spans)}"
        row = {"trace_id": trace, "span_id": span_id, "parent_id": parent, "service": service, "name": name}
        spans.append({**row, "started_at": int(start * MS), "ended_at": int(end * MS)})
        return span_id

    length = 20 + queries * (query_ms + 1)
    root = add("checkout", "", 0, length + 2, "shopper") if client else "ffff"
    server = add("POST /checkout", root, 1, length + 1)
    at = 5
    for _ in range(queries):
        add("SELECT stock", server, at, at + query_ms)
        at += query_ms + 1
    add("INSERT orders", server, at, at + 5)
    return spans


def _set(prefix: str, number: int, queries: int, query_ms: float, *, client: bool = True) -> list[dict[str, Any]]:
    noise = random.Random(f"{prefix}{queries}")  # noqa: S311 - not a secret
    rows = []
    for index in range(number):
        rows += _trace(f"{prefix}{index}", queries, query_ms * noise.uniform(0.8, 1.2), client=client)
    return rows


def _explain(before: list[dict[str, Any]], now: list[dict[str, Any]], blocks: tuple[int, int] = (5, 5)) -> Explained:
    """Explain what grew between two sides, whose traces go round their blocks."""
    sides = [dict.fromkeys(row["trace_id"] for row in rows) for rows in (before, now)]
    first, second = ({name: at % of for at, name in enumerate(side)} for side, of in zip(sides, blocks, strict=True))
    return explain("checkout-latency", pa.Table.from_pylist(before + now, SCHEMA), first, second)


def _why_not(explained: Explained) -> str:
    assert explained.causes == ()
    assert explained.note is not None
    return explained.note.message


@pytest.mark.parametrize("client", [True, False], ids=["with client spans", "server spans only"])
def test_a_query_in_a_loop_is_named_with_its_calls(client: bool) -> None:  # noqa: FBT001 - a column of the table
    cause = _explain(_set("b", 40, 1, 10, client=client), _set("n", 60, 31, 10, client=client)).causes[0]
    assert (cause.objective, cause.service, cause.span) == ("checkout-latency", "shop", "SELECT stock")
    assert (cause.calls_per_trace_before, cause.calls_per_trace_now) == (1.0, 31.0)
    assert (cause.traces_before, cause.traces_now) == (40, 60)
    assert cause.grew_s == pytest.approx(0.3, rel=0.1)
    assert (cause.blocks_before, cause.blocks_now) == (5, 5)
    assert 0.25 < cause.grew_low_s < cause.grew_s
    assert cause.p_value == pytest.approx(1 / 252)


def test_the_examples_are_the_slowest_traces() -> None:
    now = _set("n", 30, 10, 10) + _trace("slowest", 10, 90) + _trace("slow", 10, 50)
    cause = _explain(_set("b", 30, 1, 10), now).causes[0]
    assert cause.example_trace_ids[:2] == ("slowest", "slow")
    assert len(cause.example_trace_ids) == 3


def test_a_slower_query_is_told_from_more_queries() -> None:
    cause = _explain(_set("b", 40, 3, 10), _set("n", 40, 3, 60)).causes[0]
    assert (cause.span, cause.calls_per_trace_before, cause.calls_per_trace_now) == ("SELECT stock", 3.0, 3.0)


def test_nothing_that_grew_is_no_cause() -> None:
    explained = _explain(_set("b", 200, 3, 10), _set("n", 200, 3, 10))
    assert _why_not(explained) == "no span grew beyond doubt since the reference phase"


def test_one_trace_in_a_hundred_that_is_fifty_times_as_slow_is_no_cause() -> None:
    now = _set("n", 198, 3, 10) + _set("slow", 2, 3, 500)
    assert _why_not(_explain(_set("b", 200, 3, 10), now)) == "no span grew beyond doubt since the reference phase"


def test_fewer_than_twenty_traces_on_a_side_are_too_few() -> None:
    assert _why_not(_explain(_set("b", 19, 1, 10), _set("n", 60, 31, 10))) == (
        "too few traces to tell what grew: 19 traces of the reference and 60 of the judged window, 20 of each needed"
    )


@pytest.mark.parametrize(
    ("blocks", "told"), [((3, 9), "3 of the reference and 9"), ((9, 3), "9 of the reference and 3")]
)
def test_fewer_than_four_blocks_on_a_side_are_too_few(blocks: tuple[int, int], told: str) -> None:
    assert _why_not(_explain(_set("b", 200, 1, 10), _set("n", 200, 31, 10), blocks)) == (
        f"too few blocks to name a cause: {told} of the judged window hold traces, 4 of 10 s needed on either side"
    )


def test_four_blocks_on_either_side_are_enough() -> None:
    cause = _explain(_set("b", 40, 1, 10), _set("n", 40, 31, 10), (4, 4)).causes[0]
    assert cause.p_value == pytest.approx(1 / 70)


def test_no_trace_at_all_is_too_few() -> None:
    assert _why_not(explain("x", SCHEMA.empty_table(), {}, {})).startswith("too few traces")


def _requests(at: list[int], step: str = "checkout") -> RequestTable:
    rows = [{"trace_id": f"t{moment}", "step": step, "scheduled_at": moment * SECOND} for moment in at]
    return RequestTable(table=pa.Table.from_pylist(rows))


def test_a_trace_belongs_to_the_block_in_which_its_request_was_due() -> None:
    both = pa.concat_tables([_requests([0, 9, 10, 39, 40]).table, _requests([5], "home").table])
    requests = RequestTable(table=both)
    window = Window(starts_at=0, ends_at=40 * SECOND)
    assert blocks_of_requests(requests, ("checkout",), (window,)) == {"t0": 0, "t9": 0, "t10": 1, "t39": 3}


def test_blocks_are_numbered_over_all_windows_and_a_part_of_one_is_none() -> None:
    windows = (Window(starts_at=5 * SECOND, ends_at=24 * SECOND), Window(starts_at=50 * SECOND, ends_at=60 * SECOND))
    blocks = blocks_of_requests(_requests([4, 5, 14, 15, 23, 49, 50, 59, 60]), ("checkout",), windows)
    assert blocks == {"t5": 0, "t14": 0, "t50": 1, "t59": 1}


def test_a_request_without_a_trace_belongs_to_no_block() -> None:
    rows = pa.table({"trace_id": ["", None], "step": ["checkout"] * 2, "scheduled_at": pa.array([0, 1], pa.int64())})
    requests = RequestTable(table=rows)
    assert blocks_of_requests(requests, ("checkout",), (Window(starts_at=0, ends_at=10 * SECOND),)) == {}


def test_a_window_without_a_whole_block_has_none() -> None:
    assert blocks_of_requests(_requests([1]), ("checkout",), (Window(starts_at=0, ends_at=9 * SECOND),)) == {}


def test_names_without_end_are_counted_together() -> None:
    """A sender that puts an id into its span names must not cost gigabytes."""
    sides = [
        [{**row, "name": f"{row['name']} {row['span_id']}"} for row in _set(side, 40, queries, 10)]
        for side, queries in (("b", 20), ("n", 40))
    ]
    assert [cause.span for cause in _explain(sides[0], sides[1]).causes] == ["spans of rarer names"]


SHARED = Path(os.environ.get("PEAKPROOF_SHARED", Path(__file__).parents[4] / "shared"))
DJANGO = SHARED / "data" / "spans_django_shop.jsonl"


@pytest.mark.skipif(not DJANGO.exists(), reason="needs spans_django_shop.jsonl (PEAKPROOF_SHARED)")
def test_a_real_shops_page_that_asks_its_database_twice_as_often_is_explained() -> None:
    """Spans of a Django shop, laid end to end as they have no start; each trace is taken 20 times."""
    lines = [json.loads(line) for line in DJANGO.read_text().splitlines()]
    by_trace: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        by_trace.setdefault(line["trace"], []).append(line)
    sides: dict[str, list[dict[str, Any]]] = {"b": [], "n": []}
    for side, times in (("b", 1), ("n", 2)):
        for copy in range(20):
            for trace, spans in by_trace.items():
                sides[side] += _laid_out(f"{side}{copy}{trace}", spans, times, 1 + copy / 100)
    explained = _explain(sides["b"], sides["n"])
    assert explained.causes[0].span == "SELECT"
    assert explained.causes[0].calls_per_trace_now == pytest.approx(2 * explained.causes[0].calls_per_trace_before)


def _laid_out(trace: str, spans: list[dict[str, Any]], times: int, slower: float) -> list[dict[str, Any]]:
    queries = [span for span in spans if span["kind"] == 3] * times
    at, rows = 1 * MS, []
    for number, span in enumerate(queries):
        end = at + int(span["ms"] * slower * MS)
        row = {"trace_id": trace, "span_id": f"{number}", "parent_id": "root", "service": "shop", "name": span["name"]}
        rows.append({**row, "started_at": at, "ended_at": end})
        at = end
    root = {"trace_id": trace, "span_id": "root", "parent_id": "", "service": "shop", "name": "GET"}
    return [*rows, {**root, "started_at": 0, "ended_at": at + 1 * MS}]
