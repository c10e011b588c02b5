"""Each rule finds the dashboard that breaks it, and says so in words."""

from collections.abc import Callable
from copy import deepcopy

import pytest

from dashboards.grafana.build import build
from dashboards.grafana.checks import RULES, Finding, check, check_answers
from dashboards.grafana.queries import fill, queries, variables_of
from dashboards.grafana.upgrade import Json

Break = Callable[[Json], None]

_ERRORS = "Errors by step"


def panel(dashboard: Json, title: str) -> Json:
    found: Json = next(one for one in dashboard["panels"] if one["title"] == title)
    return found


def setting(**changes: object) -> Break:
    return lambda dashboard: panel(dashboard, _ERRORS).update(changes)


def unit(value: str | None) -> Break:
    return lambda dashboard: panel(dashboard, _ERRORS)["fieldConfig"]["defaults"].update(unit=value)


def query(expr: str) -> Break:
    return lambda dashboard: panel(dashboard, _ERRORS)["targets"][0].update(expr=expr)


def stack(dashboard: Json) -> None:
    panel(dashboard, _ERRORS)["fieldConfig"]["defaults"]["custom"]["stacking"]["mode"] = "normal"


def move(dashboard: Json) -> None:
    panel(dashboard, _ERRORS)["gridPos"] = dict(panel(dashboard, "Orders a minute")["gridPos"])


def widen(dashboard: Json) -> None:
    panel(dashboard, "Errors by reason")["gridPos"]["w"] = 9


def same_id(dashboard: Json) -> None:
    panel(dashboard, _ERRORS)["id"] = panel(dashboard, "Orders a minute")["id"]


BROKEN: list[tuple[str, Break, str, str]] = [
    (
        "dashboard",
        lambda d: d.update(editable=True),
        "dashboard",
        "editable: a change made in the browser would be lost with the next build",
    ),
    ("dashboard", lambda d: d.update(schemaVersion=12), "dashboard", "schemaVersion 12 is not 42"),
    ("dashboard", lambda d: d.update(uid=None), "dashboard", "no uid: links to it would break with each import"),
    ("duplicate-id", same_id, _ERRORS, "id 6 is also that of 'Orders a minute'"),
    ("overlap", move, _ERRORS, "overlaps 'Orders a minute'"),
    ("overlap", widen, "Errors by reason", "reaches beyond the 24 columns"),
    ("missing-words", setting(description=" "), _ERRORS, "has no description"),
    ("missing-words", setting(title=""), "panel 7", "has no title"),
    ("missing-words", setting(targets=[]), _ERRORS, "has no query"),
    ("unit", unit(None), _ERRORS, "has no unit"),
    (
        "unit",
        unit("requests"),
        _ERRORS,
        "unit 'requests' is not one of bytes, cps, decbytes, ms, none, opm, ops, percentunit, reqps, s, short",
    ),
    ("data-source", setting(datasource={"uid": "abc"}), _ERRORS, "its data source is not a variable"),
    (
        "undefined-variable",
        query('up{job="$job"}'),
        _ERRORS,
        "variable $job is not defined",
    ),
    ("stacking", stack, _ERRORS, "is stacked: only its lowest series can be read"),
    (
        "rate-window",
        query("sum(rate(loadtest_requests_total[5m]))"),
        _ERRORS,
        "a rate over [5m] instead of [$__rate_interval]",
    ),
    (
        "counter",
        query("sum by (step) (loadtest_requests_total)"),
        _ERRORS,
        "counter loadtest_requests_total is not inside rate, irate or increase",
    ),
    ("legend", lambda d: panel(d, _ERRORS)["targets"][0].update(legendFormat=""), _ERRORS, "query A has no legend"),
]


@pytest.mark.parametrize(("rule", "do", "where", "message"), BROKEN)
def test_a_broken_dashboard_is_found(rule: str, do: Break, where: str, message: str) -> None:
    dashboard = deepcopy(build()["peak-run"])
    do(dashboard)
    assert Finding(rule=rule, where=where, message=message) in check(dashboard)


def test_every_rule_has_a_dashboard_that_breaks_it() -> None:
    assert {rule for rule, *_ in BROKEN} == set(RULES)


def test_a_gauge_that_ends_like_nothing_special_may_stand_alone() -> None:
    dashboard = deepcopy(build()["peak-run"])
    query("max by (job) (loadtest_open_sessions)")(dashboard)
    assert check(dashboard) == []


def test_a_query_without_data_is_a_finding() -> None:
    dashboard = build()["peak-run"]
    silent = queries(dashboard)[0]
    assert check_answers(dashboard, lambda asked: int(asked != silent)) == [
        Finding(rule="no-data", where="Sessions started", message=f"no series for: {silent}")
    ]


def test_a_dashboard_whose_queries_all_answer_has_no_finding() -> None:
    assert check_answers(build()["peak-run"], lambda _: 3) == []


@pytest.mark.parametrize("written", ["$a", "${a}", "${a:regex}", "[[a]]"])
def test_a_variable_is_filled_in_however_it_is_written(written: str) -> None:
    assert fill(f"up[{written}]", {"a": "5s"}) == "up[5s]"


def test_a_variable_without_a_value_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^variable \$job has no value in: up\{job=\"\$job\"\}$"):
        fill('up{job="$job"}', {})


def test_variables_are_found_in_any_part_of_a_dashboard() -> None:
    assert variables_of({"a": ["$x", {"b": "${y} $__range"}], "c": 1}) == {"x", "y", "__range"}
