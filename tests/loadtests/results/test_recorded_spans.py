"""Whether the shop's spans join the load's is read from the parts: one that joins is enough, in whichever part."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from loadtests.results.recorded_spans import recorded_spans
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS, SPANS
from slo.documents import BadInput
from slo.validity.delivery import RecordedSpans

OURS, THEIRS = f"{1:032x}", f"{2:032x}"


def span(trace: str, service: str = "shop", kind: str = "server") -> dict[str, Any]:
    texts = {"trace_id": trace, "service": service, "kind": kind, "attributes": "{}"}
    return {name: 1 if name.endswith("_at") else texts.get(name, "") for name in SPANS.names}


OF_A_SHOPPER = span(OURS, "shopper", "client")


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    found = RunDirectory(path=tmp_path)
    row: dict[str, Any] = {one.name: "" if one.type == pa.string() else 1 for one in REQUESTS}
    row["trace_id"] = OURS
    write_table(found.part("requests", "w0", "00000"), pa.Table.from_pylist([row], schema=REQUESTS))
    return found


def keep(directory: RunDirectory, *parts: list[dict[str, Any]]) -> None:
    for number, rows in enumerate(parts):
        write_table(directory.part("spans", number), pa.Table.from_pylist(rows, schema=SPANS))


def test_a_run_without_spans_has_none(directory: RunDirectory) -> None:
    assert recorded_spans(directory) == RecordedSpans(shoppers=0, shop=0, joined=False)


def test_the_shoppers_own_spans_join_nothing(directory: RunDirectory) -> None:
    keep(directory, [OF_A_SHOPPER] * 3)
    assert recorded_spans(directory) == RecordedSpans(shoppers=3, shop=0, joined=False)


def test_spans_of_other_traces_do_not_join(directory: RunDirectory) -> None:
    keep(directory, [OF_A_SHOPPER, span(THEIRS)], [span(THEIRS)])
    assert recorded_spans(directory) == RecordedSpans(shoppers=1, shop=2, joined=False)


@pytest.mark.parametrize("part", [0, 1, 2])
def test_one_span_of_a_requests_trace_joins_in_whichever_part_it_is(directory: RunDirectory, part: int) -> None:
    keep(directory, *([span(OURS if number == part else THEIRS)] for number in range(3)))
    assert recorded_spans(directory) == RecordedSpans(shoppers=0, shop=3, joined=True)


def test_a_shop_that_is_called_as_the_shoppers_are_is_still_a_shop(directory: RunDirectory) -> None:
    keep(directory, [span(OURS, "shopper", "server")])
    assert recorded_spans(directory) == RecordedSpans(shoppers=0, shop=1, joined=True)


def test_a_part_that_cant_be_read_is_named(directory: RunDirectory) -> None:
    directory.part("spans", 0).write_bytes(b"PAR1 no")
    with pytest.raises(BadInput, match=r"/spans-0\.parquet: can't be read"):
        recorded_spans(directory)
