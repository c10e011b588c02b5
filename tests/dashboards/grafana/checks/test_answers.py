"""A panel without data is a finding, unless it says what empty means or its exporter was not scraped."""

import json
from collections.abc import Mapping
from typing import Any

from dashboards.grafana.archive import JOBS, SUBJECTS, kind_of
from dashboards.grafana.checks import Answered, Finding, check_run
from dashboards.grafana.queries import expressions
from dashboards.grafana.upgrade import Json
from tests.dashboards.grafana.mutants.mutant import panel
from tests.dashboards.grafana.mutants.sample import overview

Row = dict[str, Any]
_EVERY_SUBJECT = ("inventory", "orders", "recovery", "probe", "releases", "cost", "loadgen")


def row(expr: str, values: list[float], labels: Mapping[str, str] | None = None, **more: Any) -> Row:
    at = list(range(len(values)))
    common = {"query": expr, "expr": expr, "kind": "range", "error": None, "left_out": 0}
    return {**common, "labels": json.dumps(labels or {}), "at": at, "value": values, **more}


def scraped(*subjects: str) -> list[Row]:
    noted = [row(SUBJECTS, [1.0], {"__name__": f"{subject}_exporter_up"}, kind="instant") for subject in subjects]
    return [*noted, row(JOBS, [1.0], {"job": "shop"}, kind="instant")]


def answers(board: Json, silent: str = "", values: tuple[float, ...] = (), **more: Any) -> list[Row]:
    """Return an answer with data to every query but those of the panel `silent`, which has `values`."""
    return [
        row(target["expr"], list(values), kind=kind_of(target), **more)
        if one["title"] == silent
        else row(target["expr"], [1.0], kind=kind_of(target))
        for one, target in expressions(board)
    ]


def checked(board: Json, rows: list[Row]) -> Answered:
    return check_run({"sample": board}, rows)


def expr(board: Json, title: str) -> str:
    return str(panel(board, title)["targets"][0]["expr"])


def test_a_board_whose_queries_all_have_data_has_no_finding() -> None:
    board = overview()
    assert checked(board, answers(board)) == Answered(findings=())


def test_a_query_without_a_series_is_a_finding() -> None:
    board = overview()
    message = f"no series for: {expr(board, 'Rate')}"
    assert checked(board, answers(board, "Rate") + scraped(*_EVERY_SUBJECT)).findings == (
        Finding(rule="no-data", where="Rate", message=message, board="sample"),
    )


def test_a_series_that_is_never_a_number_is_no_data() -> None:
    board = overview()
    found = checked(board, answers(board, "Latency", (float("nan"), float("nan")))).findings
    assert [(one.rule, one.where) for one in found] == [("no-data", "Latency")]


def test_a_panel_that_says_what_empty_means_may_be_empty() -> None:
    board = overview()
    assert checked(board, answers(board, "Oversold")) == Answered(findings=())


def test_a_panel_whose_exporter_was_not_scraped_is_counted_by_its_subject_and_is_no_finding() -> None:
    board = overview()
    found = checked(board, answers(board, "Backup size"))
    # Another panel shows that recovery was scraped.
    assert [one.where for one in found.findings] == ["Backup size"]
    rows = [one for one in answers(board) if "recovery_" not in one["query"]]
    silent = [
        row(target["expr"], [], kind=kind_of(target))
        for _, target in expressions(board)
        if "recovery_" in target["expr"]
    ]
    found = checked(board, rows + silent)
    assert found.findings == ()
    assert found.not_asked == {"recovery": frozenset({("sample", "Backup size"), ("sample", "Replication lag")})}
    assert found.unasked_panels == 2


def test_what_the_run_says_it_scraped_must_have_data() -> None:
    board = overview()
    rows = [one for one in answers(board) if "recovery_" not in one["query"]]
    rows += [
        row(target["expr"], [], kind=kind_of(target))
        for _, target in expressions(board)
        if "recovery_" in target["expr"]
    ]
    found = checked(board, rows + scraped("recovery"))
    assert [one.where for one in found.findings] == ["Backup size", "Replication lag"]
    assert found.not_asked == {}


def test_an_answer_that_failed_is_a_finding_with_its_reason() -> None:
    board = overview()
    found = checked(board, answers(board, "Probe", error="timed out")).findings
    assert found == (
        Finding(rule="no-answer", where="Probe", message=f"timed out: {expr(board, 'Probe')}", board="sample"),
    )


def test_a_run_of_other_dashboards_is_one_finding_a_dashboard() -> None:
    board = overview()
    message = "17 of its queries were not asked: the run kept the answers of other dashboards"
    assert checked(board, scraped("probe")).findings == (
        Finding(rule="no-answer", where="dashboard", message=message, board="sample"),
    )


def without(board: Json, metric: str) -> list[Row]:
    """Return an answer to every query, without a series where it asks for `metric`."""
    return [
        row(target["expr"], [] if metric in target["expr"] else [1.0], kind=kind_of(target))
        for _, target in expressions(board)
    ]


def test_a_run_s_own_reading_of_orders_is_not_the_exporter_of_orders() -> None:
    board = overview()
    own = row(JOBS, [1.0], {"job": "orders"}, kind="instant")
    silent = without(board, "orders_")
    assert checked(board, [*silent, *scraped("orders"), own]).not_asked.keys() == {"orders"}
    assert len(checked(board, [*silent, *scraped("orders")]).findings) == 3


def test_the_health_of_an_exporter_alone_does_not_show_that_it_was_scraped() -> None:
    board = overview()
    panel(board, "Generator")["targets"][0]["expr"] = 'max(orders_exporter_up{environment=~"$environment"})'
    silent = [one for one in without(board, "orders_") if "orders_exporter_up" not in one["expr"]]
    answered = row(expr(board, "Generator"), [1.0])
    assert checked(board, [*silent, answered]).not_asked.keys() == {"orders"}
