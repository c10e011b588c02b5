"""A stored answer is found again by the query as the dashboard has it, however its variables were filled."""

from typing import Any

from dashboards.grafana.archive import JOBS, SUBJECTS, answers, asks, marks, scraped_jobs, scraped_subjects
from dashboards.grafana.build import build
from dashboards.grafana.queries import MOST_POINTS, Timing, expressions, fill, unchosen

SECOND = 1_000_000_000
RATE: dict[str, Any] = {"expr": 'rate(up{environment=~"$environment"}[$__rate_interval])', "instant": False}


def row(query: str, expr: str | None, kind: str = "range", labels: str = "{}") -> dict[str, Any]:
    return {"query": query, "expr": expr, "kind": kind, "labels": labels, "at": [1], "value": [1.0]}


def test_a_run_is_shown_in_as_many_points_as_a_panel_has_pixels_for() -> None:
    assert Timing.over(0, 45 * SECOND) == Timing(range_s=45, step_s=1)
    hour = Timing.over(0, 3600 * SECOND)
    assert hour == Timing(range_s=3600, step_s=10)
    assert hour.range_s / hour.step_s <= MOST_POINTS


def test_no_step_is_shorter_than_a_scrape() -> None:
    assert Timing.over(0, 45 * SECOND, scrape_interval_s=15).step_s == 15


def test_a_rate_interval_holds_four_scrapes_and_reaches_over_a_step() -> None:
    said = [
        Timing(step_s=step_s, scrape_interval_s=scrape_s).variables["__rate_interval"]
        for step_s, scrape_s in ((1, 1), (10, 1), (15, 15), (60, 15))
    ]
    assert said == ["4s", "11s", "60s", "75s"]


def test_every_query_of_every_dashboard_is_asked_once_and_what_was_scraped() -> None:
    dashboards = build().values()
    asked = asks([*dashboards, *dashboards], Timing.over(0, 3600 * SECOND))
    assert len(asked) == len({(one.expr, one.kind) for one in asked})
    marked = {one["expr"] for dashboard in dashboards for one in marks(dashboard)}
    wanted = marked | {target["expr"] for dashboard in dashboards for _, target in expressions(dashboard)}
    assert {one.expr for one in asked} == {JOBS, SUBJECTS} | wanted
    assert not [one.query for one in asked if "$" in one.query.replace("$2", "")]


def test_an_answer_is_found_by_its_expression_and_its_kind() -> None:
    rows = [
        row('rate(up{environment=~".*"}[4s])', RATE["expr"]),
        row('rate(up{environment=~".*"}[4s])', RATE["expr"], "instant"),
        row('rate(up{environment=~".*"}[4s])', "rate(up[4s])"),
    ]
    assert list(answers(RATE, rows)) == rows[:1]
    assert list(answers({**RATE, "instant": True}, rows)) == rows[1:2]


def test_an_answer_of_before_is_found_by_its_query_whatever_its_variables_were() -> None:
    old = [row('rate(up{environment=~".*"}[5s])', None), row('rate(up{environment=~".*"}[12s])', None)]
    assert list(answers(RATE, [*old, row("up", None)])) == old
    assert list(answers(RATE, [{"query": 'rate(up{environment=~"x"}[5s])'}]))


def test_every_query_of_every_dashboard_finds_its_own_answer_of_before_and_of_now() -> None:
    for dashboard in build().values():
        targets = [target for _, target in expressions(dashboard)]
        variables = unchosen(dashboard, Timing.over(0, 3600 * SECOND))
        for target in targets:
            sent = fill(target["expr"], variables)
            assert list(answers(target, [row(sent, None)])), target["expr"]


def test_a_run_says_which_jobs_and_subjects_were_scraped() -> None:
    rows = [
        row(JOBS, JOBS, "instant", '{"job": "shop"}'),
        row(SUBJECTS, SUBJECTS, "instant", '{"__name__": "stock_exporter_up"}'),
        {**row(JOBS, JOBS, "instant"), "at": []},
    ]
    assert scraped_jobs(rows) == {"shop"}
    assert scraped_subjects(rows) == {"stock"}
