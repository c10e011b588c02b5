"""A query's labels and quantity are followed from its selectors to its answer."""

import pytest

from dashboards.grafana.checks.promql.read import read

_E = 'environment=~"$environment"'
_RATE = f"rate(http_server_request_duration_seconds_count{{{_E}}}[$__rate_interval])"
_FAILED = _RATE.replace("}[", ', http_response_status_code=~"5.."}[')
_ERRORS = f"rate(loadtest_request_errors_total{{{_E}}}[$__rate_interval])"
_BUCKETS = f"rate(http_server_request_duration_seconds_bucket{{{_E}}}[$__rate_interval])"
_SUM = f"rate(http_server_request_duration_seconds_sum{{{_E}}}[$__rate_interval])"
_NEWEST = f"orders_newest_timestamp_seconds{{{_E}}}"
_RELEASE = f"max by (deployed_to, version) (release_info{{{_E}}})"
_RATIO = f"max by (deployed_to) (releases_change_failure_ratio{{{_E}}})"
_UNITS = f"inventory_available_units{{{_E}}}"

ANSWERS: list[tuple[str, set[str], str]] = [
    (f"sum by (http_route) ({_RATE})", {"http_route"}, "a count a second"),
    (f"sum without (job, instance, step, reason) ({_ERRORS})", {"environment"}, "a count a second"),
    (f"sum by (step) ({_ERRORS}) * 60", {"step"}, "a count a second, times 60"),
    (f"sum by (step) ({_ERRORS}) / 60", {"step"}, "a count a second, times 0.0166667"),
    (f"histogram_quantile(0.9, sum by (le, job) ({_BUCKETS}))", {"job"}, "seconds"),
    (f"sum by (job) ({_SUM}) / sum by (job) ({_RATE})", {"job"}, "seconds"),
    (f"sum({_SUM})", set(), "a plain number"),
    (f"sum by (location) ({_UNITS})", {"location"}, "a count"),
    (f"count by (location) ({_UNITS} <= 0)", {"location"}, "a count"),
    (f"topk(3, sum by (sku) ({_UNITS}))", {"sku"}, "a count"),
    (f"time() - max({_NEWEST})", set(), "seconds"),
    (f"(time() - max({_NEWEST})) / 3600", set(), "seconds, times 0.000277778"),
    (f"max({_NEWEST}) * 1000", set(), "a moment in seconds since 1970, times 1000"),
    (f"{_RATIO} * on (deployed_to) group_left (version) {_RELEASE}", {"deployed_to", "version"}, "a ratio"),
    (f"1 - {_RATIO}", {"deployed_to"}, "a ratio"),
    (f"avg(probe_success{{{_E}}})", set(), "a ratio"),
    (f"sum(probe_success{{{_E}}})", set(), "a count"),
    (f"avg_over_time(up{{{_E}}}[1h])", {"environment", "instance", "job"}, "a ratio"),
    (f"max by (job) (up{{{_E}}}) == 0", {"job"}, "0 or 1"),
    (f'label_replace(max by (job) (up{{{_E}}}), "what", "$1", "job", "(.*)")', {"job", "what"}, "0 or 1"),
    (
        f"sum({_FAILED}) / sum({_RATE})",
        set(),
        "a ratio",
    ),
    (f"sum({_RATE}) / sum(rate(orders_placed_total{{{_E}}}[$__rate_interval]))", set(), "a plain number"),
    (
        f"rate(orders_revenue_cents_total{{{_E}}}[$__rate_interval]) / 100",
        {"environment", "instance", "job"},
        "hundredths of a currency a second, times 0.01",
    ),
]


@pytest.mark.parametrize(("expr", "labels", "words"), ANSWERS)
def test_an_answer_has_these_labels_and_is_measured_in_this(expr: str, labels: set[str], words: str) -> None:
    reading = read(expr)
    assert (reading.found, reading.series.labels, reading.series.quantity.words) == ((), frozenset(labels), words)


EMPTY = (
    f'ALERTS{{{_E}, alertstate="firing"}}',
    f"sum by (location) ({_UNITS}) <= 0",
    f"sum({_ERRORS})",
    f"max(up{{{_E}}}) unless max(up{{{_E}}} offset 2m)",
)
NEVER_EMPTY = (
    f"sum({_RATE}) > 0",
    f"sum by (step) ({_ERRORS}) or on () sum({_RATE}) * 0",
    f"sum by (job) (up{{{_E}}}) > 0 or sum by (job) (up{{{_E}}}) <= 0",
    f"max by (outcome) (loadtest_gate_outcome{{{_E}}}) == 1",
)


@pytest.mark.parametrize("expr", EMPTY)
def test_what_may_be_empty_while_all_is_well_is_known(expr: str) -> None:
    assert read(expr).series.may_be_empty


@pytest.mark.parametrize("expr", NEVER_EMPTY)
def test_what_is_only_empty_without_data_is_known(expr: str) -> None:
    assert not read(expr).series.may_be_empty


JOINS: list[tuple[str, str]] = [
    (
        f"sum by (job) ({_RATE}) / sum by (http_route) ({_RATE})",
        "the two sides of / have other labels and so never match: job on the left, http_route on the right",
    ),
    (
        f"sum by (job) ({_RATE}) / on (http_route) sum by (http_route) ({_RATE})",
        "on (http_route): the left side of / has no such label",
    ),
    (
        f"orders_pending{{{_E}}} / inventory_warehouse_out_skus{{{_E}}}",
        "the two sides of / come from other jobs and so never match: aggregate both",
    ),
    (
        f"max(up{{{_E}}}) * 0 or max(up{{{_E}}})",
        "the left side of or is always 0, and hides the right one: turn them round",
    ),
]


@pytest.mark.parametrize(("expr", "message"), JOINS)
def test_sides_that_never_meet_are_found(expr: str, message: str) -> None:
    assert ("join", message) in read(expr).found


def test_a_query_that_is_nested_too_deep_is_a_finding() -> None:
    ((rule, sentence),) = read(" - ".join(["s"] * 2_000)).found
    assert rule == "promql"
    assert sentence.startswith("it is nested too deep to be read; split it by recording rules: s - s - ")
