"""What is rendered is what prometheus-client renders, byte for byte, however often and from however many threads."""

import gzip
import logging
import math
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, Info, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
    SummaryMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.samples import Exemplar, NativeHistogram, Timestamp

from exporters.names.family import Family
from exporters.serving.column_lines import CHUNK, ColumnLines, value_lines
from exporters.serving.columns import ColumnFamily
from exporters.serving.exposition import Exposition, gzipped, takes_gzip

OPENMETRICS = "application/openmetrics-text"
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]) | st.sampled_from('\\"\n,{}= '), max_size=6)
NUMBERS = (
    st.floats() | st.integers(-(2**70), 2**70) | st.sampled_from([1e6, 999999.5, 1e16, 1e-4, 1e-5, -0.0, 123456789])
)
TIMES = st.none() | st.floats(0, 4e9) | st.builds(Timestamp, st.integers(0, 2**31), st.integers(0, 10**9 - 1))
EXEMPLARS = st.none() | st.builds(
    Exemplar, st.dictionaries(st.sampled_from(["trace_id", "a"]), TEXT, max_size=2), NUMBERS, TIMES
)
LABELS = ("sku", "location", "a")
UNITS = Family(
    name="stock_units", kind="gauge", help='Units; "\\\n.', labels=("sku", "location"), bounded_by="the test"
)
SOLD = Family(name="sold_units_total", kind="counter", help="Units sold.", labels=("sku", "location"))


class Registry:
    """A registry of families that are already there."""

    def __init__(self, *families: Metric) -> None:
        self.families = families

    def collect(self) -> Iterable[Metric]:
        return self.families


def ours(exposition: Exposition, registry: Any, *, is_openmetrics: bool = False) -> bytes:
    return exposition.page(registry, OPENMETRICS if is_openmetrics else "", "").body


def both_agree(registry: Any, exposition: Exposition | None = None) -> None:
    exposition = exposition or Exposition()
    assert ours(exposition, registry) == generate_latest(registry)
    expected = generate_openmetrics(registry)  # type: ignore[no-untyped-call]
    assert ours(exposition, registry, is_openmetrics=True) == expected


@st.composite
def families(draw: st.DrawFn) -> Metric:
    """Draw a family of any kind, with names that need escaping too."""
    name = draw(st.sampled_from(["stock", "a:b", "x_total", "wait_seconds", "höhe", "a.b"]))
    kind = draw(
        st.sampled_from(
            [
                *(GaugeMetricFamily, CounterMetricFamily, HistogramMetricFamily, SummaryMetricFamily),
                *(UnknownMetricFamily, InfoMetricFamily, StateSetMetricFamily, GaugeHistogramMetricFamily),
            ]
        )
    )
    named: Sequence[str] = draw(st.sampled_from([(), ("sku",), LABELS, ("b.c",)]))
    family: Any = kind(name, draw(TEXT), labels=named)
    for _ in range(draw(st.integers(0, 3))):
        labels, at = [draw(TEXT) for _ in named], draw(TIMES)
        if kind is CounterMetricFamily:
            created = draw(st.none() | st.floats(0, 4e9))
            family.add_metric(labels, draw(NUMBERS), created, at, draw(EXEMPLARS))
        elif kind is HistogramMetricFamily:
            family.add_metric(labels, [("1.0", draw(NUMBERS), draw(EXEMPLARS)), ("+Inf", draw(NUMBERS))], draw(NUMBERS))
        elif kind is GaugeHistogramMetricFamily:
            family.add_metric(labels, [("1.0", draw(NUMBERS)), ("+Inf", 3)], draw(NUMBERS), at)
        elif kind is SummaryMetricFamily:
            family.add_metric(labels, draw(NUMBERS), draw(NUMBERS), at)
        elif kind is InfoMetricFamily:
            family.add_metric(labels, {"version": draw(TEXT)}, at)
        elif kind is StateSetMetricFamily:
            family.add_metric(labels, {"on": draw(st.booleans()), "off": False}, at)
        else:
            family.add_metric(labels, draw(NUMBERS), at)
    return family  # type: ignore[no-any-return]


@given(st.lists(families(), max_size=3))
def test_every_kind_of_family_is_rendered_as_prometheus_client_does(drawn: list[Metric]) -> None:
    both_agree(Registry(*drawn))


def test_prometheus_clients_own_collectors_are_rendered_with_units_exemplars_and_times_of_creation() -> None:
    registry = CollectorRegistry()
    wait = Histogram("wait", "Wait.", ["step"], unit="seconds", registry=registry, buckets=(0.1, 1e7))
    wait.labels('a"b').observe(0.3, {"trace_id": "0af7651916cd43dd8448eb211c80319c"})
    Counter("orders", "Orders.", registry=registry).inc(3e9, {"trace_id": "x"})
    Info("release", "Release.", registry=registry).info({"version": "1"})
    both_agree(registry)
    assert b'# {trace_id="x"} 3e+09' in ours(Exposition(), registry, is_openmetrics=True)


def test_a_native_histogram_is_left_to_prometheus_client() -> None:
    family = HistogramMetricFamily("wait_seconds", "Wait.")
    family.add_sample("wait_seconds", {}, 0, native_histogram=NativeHistogram(3, 1.5, 0, 0.1, 0))
    family.add_sample("wait_seconds_count", {}, 3)
    both_agree(Registry(family))


def test_a_family_that_cannot_be_rendered_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    wrong, misplaced, right = (GaugeMetricFamily(name, "Units.") for name in ("wrong", "misplaced", "right"))
    wrong.add_metric([], "many")  # type: ignore[arg-type]
    misplaced.add_sample("misplaced", {}, 1, exemplar=Exemplar({"a": "b"}, 1))
    right.add_metric([], 3)
    columns = ColumnFamily(UNITS, [["a"], [7]], [1.0])  # type: ignore[list-item]
    expected = generate_openmetrics(Registry(right))  # type: ignore[no-untyped-call]
    registry = Registry(wrong, misplaced, columns, right)
    assert ours(Exposition(), registry, is_openmetrics=True) == expected
    assert [record.getMessage() for record in caplog.records] == [
        f"{name}: can't be rendered and is left out" for name in ("wrong", "misplaced", "stock_units")
    ]


# ---- families as columns


Table = list[tuple[str, str, float]]
TABLES = st.lists(st.tuples(st.sampled_from(["a", "b", 'c"', "d\\", "e\n", "ü"]), TEXT, NUMBERS.map(float)), max_size=9)


def columns(table: Table, family: Family = UNITS) -> ColumnFamily:
    return ColumnFamily(family, [[row[0] for row in table], [row[1] for row in table]], [row[2] for row in table])


def as_prometheus_client_has_it(family: ColumnFamily) -> Registry:
    made = GaugeMetricFamily if family.type == "gauge" else CounterMetricFamily
    twin: Any = made(family.name, family.documentation, labels=family.labels)
    for *labels, value in zip(*family.columns, family.values.tolist(), strict=True):
        twin.add_metric(labels, value)
    return Registry(twin)


@given(st.lists(TABLES, min_size=1, max_size=5), st.sampled_from([UNITS, SOLD]))
def test_columns_are_rendered_as_the_family_they_stand_for_scrape_after_scrape(
    scrapes: list[Table], family: Family
) -> None:
    exposition = Exposition()
    for table in scrapes:
        given_ = columns(table, family)
        twin = as_prometheus_client_has_it(given_)
        assert ours(exposition, Registry(given_)) == generate_latest(twin) == generate_latest(Registry(given_))
        expected = generate_openmetrics(twin)  # type: ignore[no-untyped-call]
        assert ours(exposition, Registry(given_), is_openmetrics=True) == expected
        assert gzip.decompress(exposition.page(Registry(given_), "", "gzip").body) == generate_latest(twin)


def many(count: int, of: Callable[[int], str] = lambda n: f"sku-{n:05d}") -> Table:
    return [(of(n), f"store-{n % 7}", float(n % 97)) for n in range(count)]


EDITS: dict[str, Callable[[Table], Table]] = {
    "nothing": lambda table: table,
    "one value": lambda table: [*table[:1500], (*table[1500][:2], 1.5), *table[1501:]],
    "every value": lambda table: [(sku, place, value + 0.25) for sku, place, value in table],
    "a value that isn't a number": lambda table: [(*table[0][:2], math.nan), *table[1:]],
    "zero that became negative": lambda table: [(*table[0][:2], -0.0), *table[1:]],
    "one label": lambda table: [*table[:1500], ("other", *table[1500][1:]), *table[1501:]],
    "one more": lambda table: [*table, ("zz", "x", 1.0)],
    "one less": lambda table: table[:-1],
    "one in front": lambda table: [("0", "x", 1.0), *table],
    "fewer chunks": lambda table: table[: CHUNK - 1],
    "whole chunks": lambda table: table[: 2 * CHUNK],
    "none": lambda _: [],
    "all others": lambda table: [(f"n{sku}", place, value) for sku, place, value in table],
}


@pytest.mark.parametrize("edit", list(EDITS))
def test_what_is_kept_from_the_last_scrape_is_never_shown_when_it_changed(edit: str) -> None:
    exposition, before = Exposition(), many(2 * CHUNK + 345)
    for table in (before, EDITS[edit](before), EDITS[edit](before), before):
        family = columns(table)
        assert ours(exposition, Registry(family)) == generate_latest(Registry(family))
        packed = exposition.page(Registry(family), "", "gzip").body
        assert gzip.decompress(packed) == generate_latest(Registry(family))


def test_only_chunks_with_a_change_are_rendered_again() -> None:
    lines, table = ColumnLines(), many(3 * CHUNK)
    before = lines.chunks(columns(table))
    after = lines.chunks(columns(EDITS["one value"](table)))
    assert [one is other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_an_array_or_a_list_that_its_owner_changes_later_is_seen() -> None:
    exposition, skus, values = Exposition(), ["a", "b"], np.array([1.0, 2.0])
    ours(exposition, Registry(ColumnFamily(UNITS, [skus, ["x", "x"]], values)))
    values[0], skus[1] = 7.0, "c"
    family = ColumnFamily(UNITS, [skus, ["x", "x"]], values)
    assert ours(exposition, Registry(family)) == generate_latest(Registry(family))


def test_a_scrape_that_fails_halfway_spoils_no_later_one() -> None:
    lines, table = ColumnLines(), many(2 * CHUNK)
    lines.chunks(columns(table))
    broken = columns([("zz", *row[1:]) for row in table])
    broken.columns[1][-1] = 7  # type: ignore[index]
    with pytest.raises(TypeError):
        lines.chunks(broken)
    for later in (table, EDITS["every value"](table)):
        expected = b"".join(chunk.lines for chunk in ColumnLines().chunks(columns(later)))
        assert b"".join(chunk.lines for chunk in lines.chunks(columns(later))) == expected


def test_scrapes_at_the_same_time_each_get_their_own_values() -> None:
    exposition, wrong = Exposition(), []

    def scrape(seed: int) -> None:
        for turn in range(10):
            table = [(sku, place, float(seed * turn)) for sku, place, _ in many(CHUNK + seed)]
            family = columns(table)
            if ours(exposition, Registry(family)) != generate_latest(Registry(family)):
                wrong.append((seed, turn))

    threads = [threading.Thread(target=scrape, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_more_lines_are_kept_than_allowed_and_those_asked_for_last_stay() -> None:
    lines = ColumnLines(most_series=25)
    named = {name: Family(name=name, kind="gauge", help="Units.", labels=("sku", "location")) for name in "abc"}
    first = {name: lines.chunks(columns(many(10), named[name]))[0] for name in "ab"}
    lines.chunks(columns(many(10), named["a"]))
    lines.chunks(columns(many(10), named["c"]))
    assert lines.chunks(columns(many(10), named["a"]))[0] is first["a"]
    assert lines.chunks(columns(many(10), named["b"]))[0] is not first["b"]
    assert len(lines.chunks(columns(many(26), named["a"]))) == 1
    assert lines.series <= 25


@settings(max_examples=300)
@given(st.lists(st.floats() | st.floats(1e-5, 1e7) | st.integers(-(10**7), 10**7).map(float)))
def test_an_array_of_values_is_written_as_each_of_them(values: list[float]) -> None:
    family = GaugeMetricFamily("x", "X.", labels=())
    for value in values:
        family.add_metric((), value)
    expected = [line.split(b" ")[1] + b"\n" for line in generate_latest(Registry(family)).splitlines()[2:]]
    assert value_lines(np.array(values, dtype=np.float64)) == expected


@pytest.mark.parametrize(
    ("family", "given_columns", "message"),
    [
        (UNITS, [["a"]], r"^stock_units: expected 2 columns of 1 label values, found \[1\]$"),
        (UNITS, [["a"], []], r"^stock_units: expected 2 columns of 1 label values, found \[1, 0\]$"),
        (
            Family(name="wait_seconds", kind="histogram", help="Wait."),
            [],
            r"^wait_seconds: a histogram's buckets are not one column$",
        ),
    ],
)
def test_columns_that_do_not_fit_are_refused(family: Family, given_columns: list[list[str]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ColumnFamily(family, given_columns, [1.0])


def test_a_family_without_labels_is_one_line() -> None:
    both_agree(Registry(ColumnFamily(Family(name="up", kind="gauge", help="Up."), [], [1e9])))


def test_names_that_the_formats_write_differently_are_not_shared_between_them() -> None:
    both_agree(Registry(ColumnFamily(Family(name="a:b", kind="gauge", help="A.", labels=("c",)), [["d"]], [1.0])))


def test_lines_that_were_packed_are_not_packed_again() -> None:
    lines = ColumnLines()
    chunk = lines.chunks(columns(many(10)))[0]
    assert chunk.deflated(1) is chunk.deflated(1)
    assert gzip.decompress(gzipped([chunk, chunk])) == 2 * chunk.lines


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True), ("deflate, GZIP;q=0.5", True), ("x-gzip", True), ("*", True), ("identity;q=0, *;q=0.1", True),
        ("gzip; q = 1.000", True), ("", False), ("gzip;q=0", False), ("gzip;q=0.000, *", False), ("*;q=0", False),
        ("identity, gzip;q=0.5", False), ("gzip;q=2", False), ("gzip;level=1", False), ("br", False),
    ],
)  # fmt: skip
def test_gzip_goes_to_those_who_take_it(accepted: str, *, packed: bool) -> None:
    """By RFC 9110, 12.5.3: a weight of 0 forbids it, and one that is none doesn't ask for it."""
    assert takes_gzip(accepted) == packed
