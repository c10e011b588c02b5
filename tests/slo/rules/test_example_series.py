"""An example of each objective's series has labels that its selectors select."""

import pytest

from slo.objectives.selectors import Matcher, parse_selector, selector_of
from slo.objectives.sources import Counters
from slo.rules.example_series import Example, allows


@pytest.mark.parametrize(
    ("good", "total"),
    [
        ('a_total{code!~"5.."}', "a_total"),
        ('a_total{code=~"2..|3.."}', 'a_total{job="x"}'),
        ('a_total{code=~"[23][0-9]{2}",job="x"}', 'a_total{job="x"}'),
        ('a_total{status!="STATUS_CODE_ERROR",kind="SERVER"}', 'a_total{kind="SERVER"}'),
        ('a_total{route=~"/|/search|/products/<style>",ok="true"}', 'a_total{route=~"/|/search|/products/<style>"}'),
        ('a_total{path=~"/api/.*",code!~"5..|429"}', 'a_total{path=~"/api/.*"}'),
        ('b_bucket{le="0.5",code!~"5.."}', "b_count"),
        ("ok_total", 'all_total{job="x"}'),
    ],
)
def test_good_is_selected_and_bad_is_not(good: str, total: str) -> None:
    source = Counters(good=parse_selector(good), total=parse_selector(total))
    example = Example.of(source)
    labels = dict(example.good[1])
    assert all(allows(one, labels.get(one.label, "")) for one in source.good.matchers)
    bad = dict(example.bad[1])
    assert all(allows(one, bad.get(one.label, "")) for one in source.total.matchers)
    assert example.bad_counts_all or not all(allows(one, bad.get(one.label, "")) for one in source.good.matchers)


@pytest.mark.parametrize(
    ("good", "total", "expected"),
    [
        ('a_total{code!~"5.."}', "a_total", ['a_total{code="500"} 2']),
        ("ok_total", 'all_total{job="x"}', ['all_total{job="x"} 2']),
        ('b_bucket{le="0.5"}', "b_count", ['b_bucket{le="0.5"} 0', "b_count{} 2"]),
        ('b_bucket{le="0.5",code!~"5.."}', "b_count", ['b_bucket{le="0.5",code="500"} 2', 'b_count{code="500"} 2']),
        ('b_bucket{le="0.5",error=""}', "b_count", ['b_bucket{le="0.5",error="200"} 2', 'b_count{error="200"} 2']),
    ],
)
def test_without_any_good_event_there_are_the_series_of_bad_ones(good: str, total: str, expected: list[str]) -> None:
    example = Example.of(Counters(good=parse_selector(good), total=parse_selector(total)))
    series = example.nothing_good(2)
    inside = [
        ",".join(f'{name}="{value}"' for name, value in sorted(labels, key=lambda one: one[0] != "le"))
        for _, labels, _ in series
    ]
    assert [
        f"{metric}{{{text}}} {rate.per_s:g}" for (metric, _, rate), text in zip(series, inside, strict=True)
    ] == expected


def test_a_label_of_which_no_value_is_found_is_refused() -> None:
    matcher = Matcher(label="k", op="=~", value="(?i)z{3}(?=q)")
    source = Counters(good=selector_of("a_total", (matcher,)), total=parse_selector("a_total"))
    with pytest.raises(ValueError, match=r"no example of a k was found that matches =~\(\?i\)z"):
        Example.of(source)
