"""Each rule finds the dashboard that breaks it, and says so in words."""

import pytest

from dashboards.grafana.checks import RULES, Finding, check, check_all, check_answers
from dashboards.grafana.queries import fill, queries, unchosen, variables_of
from dashboards.grafana.upgrade import Json
from tests.dashboards.grafana.mutants.mutant import panel
from tests.dashboards.grafana.mutants.sample import detail, overview
from tests.dashboards.grafana.mutants.score import MUTANTS

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
# A rule, the mutant that breaks it, and what is said.
SAID: list[tuple[str, str, str]] = [
    ("dashboard", "editable", "editable: a change made in the browser would be lost with the next build"),
    ("dashboard", "an older schema", "schemaVersion 36 is not 42"),
    ("dashboard", "no uid", "no uid: links to it would break with each import"),
    (
        "dashboard",
        "a fixed time",
        "opens at a fixed time, 2026-11-27T00:00:00Z to 2026-11-28T00:00:00Z: begin with now-…, end with now",
    ),
    ("duplicate-id", "an id twice", "id 2 is also that of 'Rate'"),
    ("overlap", "panels that overlap", "overlaps 'Rate'"),
    ("grid", "beyond the 24 columns", "reaches beyond the 24 columns"),
    ("grid", "rows with a hole between them", "nothing is above it in line 90: the rows have a hole"),
    ("missing-words", "no description", "has no description"),
    ("missing-words", "no title", "has no title"),
    ("missing-words", "no query", "has no query"),
    ("same-title", "a title twice", "another panel of its row has the same title"),
    ("unit", "no unit", "has no unit"),
    ("unit", "ms for seconds", "unit 'ms' does not fit seconds; use clocks, dtdurations, s"),
    ("unit", "percent for a ratio of 0 to 1", "unit 'percent' does not fit a ratio; use percentunit"),
    (
        "unit",
        "a column's unit: seconds for a ratio",
        "column Budget left: unit 's' does not fit a ratio; use percentunit",
    ),
    ("thresholds", "no thresholds", "has no thresholds: say at least that there is no limit"),
    ("thresholds", "thresholds not ascending", "its thresholds don't ascend: 0.05, 0.01"),
    ("thresholds", "a threshold beyond the axis", "its threshold 90 is beyond its axis of 0 to 1"),
    ("thresholds", "max in percent of a ratio", "100 of a ratio is 10000 %: is 1 meant?"),
    ("colour", "green and red", "colour green is not of the palette that the colour-blind tell apart"),
    ("data-source", "a data source by its uid", "its data source is not a variable"),
    ("undefined-variable", "an undefined variable", "variable $route is not defined"),
    (
        "variable",
        "a variable of a label that the metric lacks",
        "variable $route: up has no label http_route",
    ),
    (
        "promql",
        "function that PromQL lacks",
        (
            "Prometheus refuses it: unknown function with name 'maximum': "
            'maximum(orders_print_queue_depth{environment=~"$environment"})'
        ),
    ),
    (
        "metric",
        "metric misspelt",
        "orders_print_queue_dept is exported by nothing; is it orders_print_queue_depth?",
    ),
    (
        "label",
        "label in `by` that the metric lacks",
        (
            "by (standby): recovery_backup_size_bytes has here no label standby; it has catalogue, environment, "
            "instance, job, system"
        ),
    ),
    (
        "environment",
        "environment not selected",
        'orders_print_queue_depth is not selected by environment=~"$environment"',
    ),
    (
        "value",
        "pattern compared for equality",
        'http_response_status_code="5.." looks like a pattern, and = compares it letter by letter',
    ),
    (
        "counter",
        "counter of a stat without a rate",
        "counter orders_funnel_sessions_total is not inside rate or increase",
    ),
    (
        "rate",
        "rate of a gauge",
        "rate of recovery_backup_size_bytes, a gauge: it may fall, and each fall counts as a new start",
    ),
    ("rate-window", "fixed range of a rate", "a rate over [5m] instead of [$__rate_interval]"),
    (
        "rate-window",
        "range of a rate too short",
        "a rate over [$__interval] instead of [$__rate_interval]",
    ),
    (
        "quantile",
        "histogram_quantile without le",
        "histogram_quantile needs the label le: sum by (le, …)",
    ),
    (
        "aggregate",
        "sum of quantiles",
        "sum of quantiles is no quantile: sum the buckets first, or take max",
    ),
    (
        "join",
        "division of labels that differ",
        "the two sides of / have other labels and so never match: currency, source on the left, source on the right",
    ),
    (
        "join",
        "group_left missing",
        (
            "several series of the right side of * can match one: they also differ by version; aggregate, or carry the "
            "label with group_left"
        ),
    ),
    (
        "moment",
        "an age the wrong way round",
        "orders_newest_timestamp_seconds less time() is below zero: it lies in the past; time() - … is its age",
    ),
    ("query", "instant over time", "query A is instant: over time it is one point"),
    ("query", "a refId twice", "two queries are called A"),
    ("percentile", "p50 under the name of p95", "is called p95 and asks for 0.5"),
    (
        "empty",
        "nothing says that empty is well",
        "is empty while all is well, and doesn't say so: nothing=",
    ),
    ("empty", "a gap shown as zero", "shows '0' where nothing is known: say in words what it means"),
    ("legend", "no legend", "query A has no legend"),
    (
        "legend",
        "a legend without the label that tells series apart",
        "legend 'requests': several series would have this name; they differ by http_route",
    ),
    (
        "hidden-legend",
        "a legend hidden from several lines",
        "hides its legend: nobody can tell which line is which",
    ),
    (
        "column",
        "table's column dropped in `by`",
        "column 'severity' is in no query; there are Time, Value, alertname, objective",
    ),
    (
        "transformation",
        "an unknown transformation",
        (
            "transformation 'mergeTables' is not one of calculateField, concatenate, filterByValue, "
            "filterFieldsByName, groupBy, joinByField, labelsToFields, limit, merge, organize, reduce, "
            "renameByRegex, seriesToRows, sortBy"
        ),
    ),
    (
        "rows",
        "queries of a table with other labels",
        "its queries have other labels, so that their rows don't become one: objective; objective, service",
    ),
    (
        "override",
        "an override by a name that no field has",
        "override of 'Budget', which no field is called",
    ),
    (
        "table-width",
        "columns that are wider than their panel",
        "its columns need 2700 px; it has 647 on a screen of 1366 px",
    ),
    (
        "panel-type",
        "a panel type of 2018",
        "panel type 'graph' is not one of bargauge, stat, table, timeseries",
    ),
    (
        "reducer",
        "an unknown reducer",
        "reducer 'latest' is not one of lastNotNull, max, min: show what is now",
    ),
    ("stacking", "stacked", "is stacked: only its lowest series can be read"),
    (
        "line",
        "a gap drawn as a line",
        "draws a line across a gap: what isn't known looks like a measurement",
    ),
    ("mapping", "the words of a value lost", "shows 0 or 1 and has no words for them: mappings="),
    (
        "link",
        "a link without the time range",
        "link 'This route in detail': does not carry the time range: ${__url_time_range}",
    ),
    (
        "link",
        "a label that the series don't have",
        "link 'This route in detail': there is no label route; there are http_route",
    ),
    (
        "annotation",
        "an annotation in seconds",
        "annotation Deployments: its value is a moment in seconds since 1970, not a moment in milliseconds",
    ),
]
TOGETHER: list[tuple[str, str, str]] = [
    (
        "dead-link",
        "a dead link",
        "link 'This route in detail': there is no dashboard 'peakproof-sample-details'",
    ),
    (
        "dead-link",
        "a variable that the target doesn't know",
        "link 'This route in detail': 'Sample detail' has no variable $http_route",
    ),
    (
        "twice",
        "the uid of another board",
        "uid 'peakproof-sample-detail' is also that of sample-detail",
    ),
]


def broken(name: str) -> tuple[Json, str]:
    """Return the sample with one mistake in it, and where that is."""
    board = overview()
    BY_NAME[name].change(board)
    return board, BY_NAME[name].where


@pytest.mark.parametrize(("rule", "mutant", "message"), SAID)
def test_a_broken_dashboard_is_found(rule: str, mutant: str, message: str) -> None:
    board, where = broken(mutant)
    assert Finding(rule=rule, where=where, message=message) in check(board)


@pytest.mark.parametrize(("rule", "mutant", "message"), TOGETHER)
def test_what_is_wrong_among_several_dashboards_is_found(rule: str, mutant: str, message: str) -> None:
    board, where = broken(mutant)
    findings = check_all({"overview": board, "sample-detail": detail()})
    assert Finding(rule=rule, where=where, message=message, board="overview") in findings


def test_every_rule_has_a_dashboard_that_breaks_it() -> None:
    assert {rule for rule, *_ in SAID} == set(RULES)


def queried(expr: str, legend: str) -> Json:
    board = overview()
    panel(board, "Print queue")["targets"][0].update(expr=expr, legendFormat=legend)
    return board


GOOD: list[tuple[str, str, str]] = [
    (
        "a gauge stands alone",
        'max by (job) (loadtest_open_sessions{environment=~"$environment"})',
        "{{job}}",
    ),
    (
        "orders of the last hour",
        'sum(increase(orders_placed_total{environment=~"$environment"}[1h]))',
        "orders",
    ),
    (
        "a counter may be asked whether it is there",
        'count by (job) (orders_placed_total{environment=~"$environment"})',
        "{{job}}",
    ),
    (
        "a default where there is nothing, on no label",
        (
            'sum by (step) (increase(orders_funnel_sessions_total{environment=~"$environment"}[$__range])) '
            'or on () sum(increase(orders_funnel_sessions_total{environment=~"$environment"}[$__range])) * 0'
        ),
        "{{step}}",
    ),
    (
        "a unit of things that differ stays plain",
        (
            'sum(rate(loadtest_requests_total{environment=~"$environment"}[$__rate_interval])) '
            '/ sum(rate(orders_placed_total{environment=~"$environment"}[$__rate_interval]))'
        ),
        "requests an order",
    ),
]


@pytest.mark.parametrize(("what", "expr", "legend"), GOOD)
def test_what_is_right_has_no_finding(what: str, expr: str, legend: str) -> None:
    assert check(queried(expr, legend)) == [], what


def test_a_query_without_data_is_a_finding() -> None:
    board = overview()
    silent = queries(board)[0]
    assert check_answers(board, lambda asked: int(asked != silent)) == [
        Finding(rule="no-data", where="Rate", message=f"no series for: {silent}")
    ]


def test_a_panel_that_says_what_empty_means_may_be_empty() -> None:
    board = overview()
    empty = {fill(target["expr"], unchosen(board)) for target in panel(board, "Oversold")["targets"]}
    assert check_answers(board, lambda asked: int(asked not in empty)) == []


@pytest.mark.parametrize("written", ["$a", "${a}", "${a:regex}", "[[a]]"])
def test_a_variable_is_filled_in_however_it_is_written(written: str) -> None:
    assert fill(f"up[{written}]", {"a": "5s"}) == "up[5s]"


def test_a_variable_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^variable \$job has no value in: up\{job=\"\$job\"\}$"):
        fill('up{job="$job"}', {})


def test_variables_are_found_in_any_part_of_a_dashboard() -> None:
    assert variables_of({"a": ["$x", {"b": "${y} $__range"}], "c": 1}) == {"x", "y", "__range"}
