"""What bounds the number of series: nothing is lost from a sum, and what is cut is said."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.metrics_core import GaugeMetricFamily, HistogramMetricFamily, Metric

from exporters.names.family import Family
from exporters.serving.cardinality import top, within
from exporters.serving.columns import ColumnFamily
from exporters.serving.scrape import Scraper, Subject
from exporters.serving.source import Deadline

VALUES = st.dictionaries(st.tuples(st.sampled_from("abcdefgh")), st.integers(-9, 9).map(float), max_size=8)
UNITS = Family(name="units", kind="gauge", help="Units.", labels=("sku",), bounded_by="the test")


@given(VALUES, st.integers(0, 9))
def test_the_largest_are_named_and_the_sum_stays_what_it_was(values: dict[tuple[str, ...], float], most: int) -> None:
    found = top(values, most, ("other",))
    named = {labels: value for labels, value in found.items() if labels != ("other",)}
    assert math.fsum(found.values()) == math.fsum(values.values())
    assert len(named) == min(most, len(values))
    left = [value for labels, value in values.items() if labels not in named]
    assert not left or not named or max(left) <= min(named.values())


def test_equal_values_go_by_their_labels() -> None:
    values: dict[tuple[str, ...], float] = {("b",): 1.0, ("c",): 1.0, ("a",): 1.0}
    assert top(values, 2, ("other",)) == {("a",): 1.0, ("b",): 1.0, ("other",): 1.0}


def test_a_value_that_is_called_other_is_part_of_the_rest() -> None:
    assert top({("other",): 9.0, ("a",): 1.0, ("b",): 0.5}, 1, ("other",)) == {("a",): 1.0, ("other",): 9.5}


def test_what_no_sum_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^a: expected a finite value, found nan$"):
        top({("a",): math.nan}, 1, ("other",))
    with pytest.raises(ValueError, match=r"^most: expected 0 or more, found -1$"):
        top({}, -1, ("other",))


def gauge(name: str, skus: list[str]) -> Metric:
    family = GaugeMetricFamily(name, "Units.", labels=["sku"])
    for number, sku in enumerate(skus):
        family.add_metric([sku], number)
    return family


def kept(family: Metric) -> list[str]:
    return [sample.labels["sku"] for sample in family.samples]


def test_a_family_that_explodes_takes_no_other_with_it() -> None:
    small, large = gauge("small", ["x", "y"]), gauge("large", [f"s{n:03d}" for n in range(100)])
    cut = within([large, small], 12)
    assert [len(family.samples) for family in cut.families] == [10, 2]
    assert cut.dropped == {"large": 90}


def test_the_same_series_are_kept_whatever_order_they_come_in() -> None:
    skus = [f"s{n:03d}" for n in range(100)]
    for family in (gauge("units", skus[::-1]), ColumnFamily(UNITS, [skus[::-1]], range(100))):
        cut = within([family], 3)
        assert kept(cut.families[0]) == ["s002", "s001", "s000"]
        assert cut.dropped == {"units": 97}


def test_a_histogram_is_kept_or_cut_whole() -> None:
    family = HistogramMetricFamily("wait_seconds", "Wait.", labels=["step"])
    for step in ("b", "a"):
        family.add_metric([step], [("1.0", 1), ("+Inf", 2)], 1.5)
    cut = within([family], 7)
    assert {sample.labels["step"] for sample in cut.families[0].samples} == {"a"}
    assert (len(cut.families[0].samples), cut.dropped) == (4, {"wait_seconds": 4})


@given(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(0, 40))
def test_no_more_than_the_ceiling_is_exported_and_all_of_it_is_accounted_for(sizes: list[int], most: int) -> None:
    families = [gauge(f"f{n}", [f"s{m}" for m in range(size)]) for n, size in enumerate(sizes)]
    cut = within(families, most)
    left = sum(len(family.samples) for family in cut.families)
    assert left == min(most, sum(sizes))
    assert left + sum(cut.dropped.values()) == sum(sizes)


def test_a_subject_with_more_series_than_it_may_have_says_so() -> None:
    subject: Subject[int] = Subject(
        name="fake",
        about="a fake",
        sources={"here": lambda _: 3},
        families=lambda _: [gauge("units", ["a", "b", "c"])],
        max_series=2,
    )
    scraped = Scraper(subject).begin(Deadline(at=30.0, clock=lambda: 0.0))()
    assert (kept(scraped.families[0]), scraped.dropped) == (["a", "b"], {"units": 1})
