"""Specifications written for Sloth are read as they mean, and refused where they can't be."""

from pathlib import Path

import pytest

from slo.documents import BadInput
from slo.objectives.indicators import Availability, Indicator, Latency
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.objectives.sources import Counters, CounterSums, Queries

TWO = """
version: "prometheus/v1"
service: "shop-api"
labels: {owner: web}
slos:
  - name: "availability"
    objective: 99.9
    description: "Requests are answered."
    labels: {tier: "1"}
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="shop",code=~"(5..|429)"}[{{.window}}]))
        total_query: sum(rate(http_requests_total{job="shop"}[{{.window}}]))
    alerting:
      name: ShopErrors
      labels: {category: availability}
      annotations: {runbook: "https://example.test/errors"}
      page_alert: {labels: {severity: critical}}
      ticket_alert: {labels: {severity: warning}}
  - name: "latency"
    objective: 99
    sli:
      events:
        error_query: |
          (
            sum(rate(http_duration_seconds_count{job="shop"}[{{ .window }}]))
            -
            sum(rate(http_duration_seconds_bucket{le="0.4",job="shop"}[{{ .window }}]))
          )
        total_query: sum(rate(http_duration_seconds_count{job="shop"}[{{.window}}]))
"""
ONE = """
version: prometheus/v1
service: shop
slos:
  - name: answers
    objective: 99.5
    sli: {SLI}
"""


def objectives(tmp_path: Path, text: str) -> tuple[Objective, ...]:
    path = tmp_path / "sloth.yaml"
    path.write_text(text)
    return read_objectives([path])


def indicator(tmp_path: Path, sli: str) -> Indicator:
    return objectives(tmp_path, ONE.replace("{SLI}", sli))[0].indicator


def events(errors: str, total: str) -> str:
    return f"{{events: {{error_query: '{errors}', total_query: '{total}'}}}}"


def selectors(indicator: Indicator) -> tuple[str, str]:
    source = indicator.source
    assert isinstance(source, Counters)
    return source.good.text, source.total.text


def test_each_slo_becomes_an_objective_over_sloth_s_period(tmp_path: Path) -> None:
    first, second = objectives(tmp_path, TWO)
    assert (first.name, first.display_name, first.service) == ("shop-api-availability", "availability", "shop-api")
    assert (first.target, first.window, first.description) == (0.999, "30d", "Requests are answered.")
    assert (second.name, second.target) == ("shop-api-latency", 0.99)


def test_errors_told_by_one_label_become_the_counter_of_what_is_good(tmp_path: Path) -> None:
    availability = objectives(tmp_path, TWO)[0].indicator
    assert isinstance(availability, Availability)
    assert selectors(availability) == (
        'http_requests_total{job="shop",code!~"(5..|429)"}',
        'http_requests_total{job="shop"}',
    )


def test_a_count_less_a_bucket_becomes_a_latency(tmp_path: Path) -> None:
    latency = objectives(tmp_path, TWO)[1].indicator
    assert isinstance(latency, Latency)
    assert latency.threshold_s == 0.4
    assert selectors(latency) == (
        'http_duration_seconds_bucket{le="0.4",job="shop"}',
        'http_duration_seconds_count{job="shop"}',
    )


@pytest.mark.parametrize(
    "errors",
    [
        "sum(rate(a_total[{{.window}}])) * 2",
        "sum by (code) (rate(b_total[{{.window}}]))",
        "sum(irate(b_total[{{.window}}]))",
        "sum(rate(b_total[{{.window}}] offset 1m))",
    ],
)
def test_what_counters_can_t_say_is_kept_as_queries(tmp_path: Path, errors: str) -> None:
    source = indicator(tmp_path, events(errors, "sum(rate(a_total[{{.window}}]))")).source
    assert source == Queries(
        part=errors.replace("{{.window}}", "{window}"), part_is="bad", total="sum(rate(a_total[{window}]))"
    )


TOTAL = "sum(rate(a_total[{{.window}}]))"


@pytest.mark.parametrize("zero", ["or vector(0)", "OR on() vector(0)", "or on ( ) vector( 0 )"])
def test_errors_that_are_none_where_they_were_never_born_are_the_counter_all_the_same(
    tmp_path: Path, zero: str
) -> None:
    found = indicator(tmp_path, events(f'sum(rate(a_total{{code="500"}}[{{{{.window}}}}])) {zero}', TOTAL))
    assert isinstance(found, Availability)
    assert selectors(found) == ('a_total{code!="500"}', "a_total")


@pytest.mark.parametrize(
    ("errors", "bad"),
    [
        ('sum(rate(a_total{code="500",path="/"}[{{.window}}]))', ('a_total{code="500",path="/"}',)),
        ("sum(rate(b_total[{{.window}}]))", ("b_total",)),
        ("sum(rate(b_total[{{.window}}])) + sum(rate(c_total[{{.window}}]))", ("b_total", "c_total")),
    ],
)
def test_sums_of_other_counters_are_read_from_them(tmp_path: Path, errors: str, bad: tuple[str, ...]) -> None:
    source = indicator(tmp_path, events(errors, "sum(rate(a_total[{{.window}}]))")).source
    assert isinstance(source, CounterSums)
    assert (source.part_is, tuple(one.text for one in source.part)) == ("bad", bad)
    assert [one.text for one in source.total] == ["a_total"]


def test_a_raw_ratio_is_kept_as_a_query(tmp_path: Path) -> None:
    source = indicator(tmp_path, "{raw: {error_ratio_query: 'avg_over_time(down[{{.window}}])'}}").source
    assert source == Queries(part="avg_over_time(down[{window}])", part_is="bad", total=None)


@pytest.mark.parametrize(
    ("sli", "why"),
    [
        ("{plugin: {id: x}}", "plugin isn't run here: write the queries that it makes as events"),
        ("{}", "expected exactly one of events and raw"),
        (
            "{raw: {error_ratio_query: 'down'}}",
            "error_ratio_query must hold {{.window}}, the range it is evaluated over",
        ),
        (
            events("sum(rate(a_total[5m]))", "sum(rate(a_total[{{.window}}]))"),
            "error_query must hold {{.window}}, the range it is evaluated over",
        ),
    ],
)
def test_an_indicator_that_can_t_be_used_is_refused_with_its_place(tmp_path: Path, sli: str, why: str) -> None:
    with pytest.raises(BadInput) as refused:
        indicator(tmp_path, sli)
    assert why in str(refused.value)
    assert str(refused.value).startswith(f"{tmp_path}/sloth.yaml: document 1, line 7: slos[0].sli")


@pytest.mark.parametrize("severity", ["page_alert", "ticket_alert"])
def test_an_objective_that_would_be_silent_is_refused(tmp_path: Path, severity: str) -> None:
    with pytest.raises(BadInput, match="disable: true is not carried over"):
        objectives(tmp_path, TWO.replace(f"      {severity}: {{", f"      {severity}: {{disable: true, "))


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"slos\[0\].windows: unknown key"):
        objectives(tmp_path, TWO.replace("    objective: 99.9\n", "    objective: 99.9\n    windows: 7d\n"))


def test_a_target_whose_budget_is_lost_to_rounding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"slos\[0\].objective: expected a target from 0.0000001 % to 99.9999999 %"):
        objectives(tmp_path, TWO.replace("    objective: 99.9\n", "    objective: 99.999999999999\n"))


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="'shop-api-availability' is already in"):
        objectives(tmp_path, TWO.replace('"latency"', '"availability"'))
