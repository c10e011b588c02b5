"""Text from a run never becomes part of the page: a canary in every string of the directory stays text."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from dashboards.report import write_comparison, write_report
from loadtests.results.run_directory import write_table
from tests.dashboards.page import Read, read_page
from tests.dashboards.synthetic import make

CANARY = (
    "</script></title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"' onload=alert(1) \u2028{{7*7}}"
)
NASTY = "\x00\x1b[31m\ud800\u202e"
KEPT = frozenset({"format", "outcome", "indicator", "severity", "event"})

ALLOWED = frozenset(
    """html head meta title style body main header section article div h1 h2 h3 p span b i small code ul li dl dt dd
    figure figcaption a nav table thead tbody tr th td details summary
    svg g path line rect text tspan defs clippath circle""".split()  # noqa: SIM905 - a list of words reads better
)


def poisoned(value: Any, canary: str, kept: frozenset[str]) -> Any:
    match value:
        case str():
            return value + canary
        case list():
            return [poisoned(part, canary, kept) for part in value]
        case dict():
            return {key: part if key in kept else poisoned(part, canary, kept) for key, part in value.items()}
        case _:
            return value


def open_maps(document: dict[str, Any], canary: str) -> dict[str, Any]:
    """Put the canary into the keys that a run may choose."""
    for place in (("account", "dropped"), ("account", "lost"), ("judged", "left_out")):
        if isinstance(document.get(place[0]), dict):
            document[place[0]][place[1]] = {canary: 1}
    for key in ("versions", "sources"):
        if key in document:
            document[key][canary] = canary
    if "environment" in document:
        document["environment"]["fingerprint"][canary] = [canary, {canary: canary}]
    return document


def poison(path: Path, canary: str, kept: frozenset[str]) -> None:
    for file in path.glob("*.json"):
        document = poisoned(json.loads(file.read_text()), canary, kept)
        file.write_text(json.dumps(open_maps(document, canary) | {f"unknown{canary}": canary}))
    plan = path / "plan.yaml"
    printable = canary.replace("\x00", "").replace("\x1b", "").replace("\ud800", "")
    plan.write_text(yaml.safe_dump(_poisoned_plan(yaml.safe_load(plan.read_text()), printable, kept)))
    for file in [*path.glob("*.parquet"), *path.glob("metrics/*.parquet")]:
        write_table(file, _poisoned_table(pq.read_table(file), canary.replace("\ud800", "")))


def _poisoned_plan(plan: dict[str, Any], canary: str, kept: frozenset[str]) -> dict[str, Any]:
    """Put the canary where a valid plan holds free text, or everywhere, which no reader of plans accepts."""
    if not kept:
        return {**poisoned(plan, canary, kept)}
    demand = {**plan["demand"], "source": plan["demand"]["source"] + canary}
    return {**plan, "demand": demand, "mix_note": plan["mix_note"] + canary}


def _poisoned_table(table: pa.Table, canary: str) -> pa.Table:
    columns = {}
    for name in table.column_names:
        values = table.column(name).to_pylist()
        if name in ("attributes", "labels"):
            values = [json.dumps(poisoned(json.loads(text), canary, frozenset())) for text in values]
        elif table.schema.field(name).type == pa.string() and name not in ("query", "kind", "outcome"):
            values = [text if text in (None, "") else text + canary for text in values]
        columns[name] = pa.array(values, table.schema.field(name).type)
    return pa.table(columns, schema=table.schema)


def never_an_element(page: Read) -> None:
    assert page.tags - ALLOWED == set()
    for element in page.elements:
        assert [key for key in element.attributes if key.startswith("on") or key == "src"] == []
        assert element.attributes.get("href", "#")[0] == "#"
    assert {e.attributes["style"].split(":")[0] for e in page.elements if "style" in e.attributes} <= {
        "width",
        "--heat",
        "--depth",
    }


@pytest.mark.parametrize("kept", [KEPT, frozenset()], ids=["words kept", "every word"])
def test_a_canary_in_every_string_stays_text(tmp_path: Path, kept: frozenset[str]) -> None:
    made = make(tmp_path, "FAIL")
    path = tmp_path / f"run{CANARY.replace('/', '-')[:120]}"
    shutil.move(made.path, path)
    poison(path, CANARY, kept)
    page = read_page(write_report(path))
    never_an_element(page)
    shown = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    assert page.text.count(shown) > 150
    assert "{{7*7}}" in page.text


SECTIONS = (
    "Why",
    "Slowest requests",
    "Audit: does every promise hold?",
    "Causes",
    "Provenance",
    "What the shopper felt",
)


def test_the_canary_reaches_every_section_that_shows_text(tmp_path: Path) -> None:
    """Else the test above could pass because the page shows nothing."""
    made = make(tmp_path, "FAIL")
    poison(made.path, "<script>CANARY</script>", KEPT)
    text = read_page(write_report(made.path)).text
    silent = [name for name in SECTIONS if "<script>CANARY</script>" not in text[text.index(f" {name} ") :][:2500]]
    assert silent == []
    assert "Missing from this page" not in text


def test_a_canary_in_both_runs_stays_text_beside_each_other(tmp_path: Path) -> None:
    here, there = (make(tmp_path, outcome, seed=seed).path for outcome, seed in (("FAIL", 7), ("PASS", 8)))
    for path in (here, there):
        poison(path, CANARY, KEPT)
    page = read_page(write_comparison(here, there))
    never_an_element(page)
    assert page.text.count("<script>alert(1)</script><img src=x onerror=alert(1)>") > 30


def test_what_no_page_can_hold_is_replaced(tmp_path: Path) -> None:
    made = make(tmp_path, "FAIL")
    poison(made.path, NASTY, KEPT)
    page = read_page(write_report(made.path))
    never_an_element(page)
    assert [sign for sign in "\x00\x1b\u202e" if sign in page.text] == []
    assert "�" in page.text


def test_endless_text_is_cut(tmp_path: Path) -> None:
    made = make(tmp_path, "FAIL")
    document = json.loads((made.path / "verdict.json").read_text()) | {"headline": "x" * 1_000_000}
    (made.path / "verdict.json").write_text(json.dumps(document))
    assert "x" * 2_047 + "…" in read_page(write_report(made.path)).text


SPANS: list[tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = [
    ("a circle", lambda span: span | {"parent_id": span["span_id"]}),
    ("no ids", lambda span: span | {"span_id": "", "parent_id": ""}),
    ("ended before it began", lambda span: span | {"ended_at": span["started_at"] - 5}),
    ("attributes that are no object", lambda span: span | {"attributes": '["<b>"]'}),
    ("attributes that are no JSON", lambda span: span | {"attributes": "{"}),
]


@pytest.mark.parametrize("change", [change for _, change in SPANS], ids=[name for name, _ in SPANS])
def test_odd_spans_are_still_drawn(tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    made = make(tmp_path, "PASS")
    part = made.path / "spans-0.parquet"
    table = pq.read_table(part)
    write_table(part, pa.Table.from_pylist([change(span) for span in table.to_pylist()], schema=table.schema))
    page = read_page(write_report(made.path))
    assert "INSERT orders shop" in page.text
    widths = [float(e.attributes["width"]) for e in page.elements if e.tag == "rect" and "y" in e.attributes]
    assert min(widths) >= 0
