"""Prometheus is configured with a job a name; its answers are read without trust."""

from pathlib import Path

import pytest

from loadtests.runtime.guarded_child import python
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus import Prometheus, Series, wait_for_targets
from slo.outcomes import EnvironmentLacks
from tests.scripts.world import fake_shop


def asked(answer: object, folder: Path, status: int = 200) -> str:
    """Return why a range query with that answer is refused."""
    with fake_shop({"/api/v1/query_range": (status, answer)}) as server, Children(folder) as children:
        child = children.start("prometheus", python("-c", ""))
        prometheus = Prometheus(server.url, child)
        try:
            with pytest.raises(EnvironmentLacks) as lacks:
                prometheus.range("up", 0, 1)
        finally:
            prometheus._http.close()
    return str(lacks.value).replace(server.url, "URL")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"status": "error", "error": "parse error"}, "Prometheus refuses up: parse error"),
        ({"status": "success", "data": None}, "Prometheus refuses up: None"),
        ([], "Prometheus refuses up: None"),
        (b"<html>", "Prometheus at URL doesn't answer: JSONDecodeError"),
    ],
)
def test_an_answer_that_is_none_is_told(answer: object, message: str, tmp_path: Path) -> None:
    assert asked(answer, tmp_path) == message


def test_a_redirect_is_told_and_not_taken_for_readiness(tmp_path: Path) -> None:
    assert asked({}, tmp_path, 302) == (
        "Prometheus at URL answers with another address, which isn't followed: give the one that it leads to (HTTP 302)"
    )
    with fake_shop({"/-/ready": (302, {})}) as server:
        assert not Prometheus(server.url, None).is_ready()


def test_samples_are_read_with_times_in_ns(tmp_path: Path) -> None:
    matrix = [{"metric": {"__name__": "up", "job": "shop"}, "values": [[1.5, "1"], [2.5, "+Inf"]]}]
    targets = [
        {"labels": {"job": "shop"}, "scrapeUrl": "http://a/metrics", "health": "up", "lastError": ""},
        {"labels": {"job": "stock"}, "scrapeUrl": "http://b/metrics", "health": "down", "lastError": "refused"},
        {"labels": {"job": "spans"}, "scrapeUrl": "http://c/metrics", "health": "unknown", "lastError": ""},
    ]
    answers = {
        "/-/ready": (200, {}),
        "/api/v1/query": (200, {"status": "success", "data": {"result": matrix}}),
        "/api/v1/targets": (200, {"status": "success", "data": {"activeTargets": targets}}),
    }
    with fake_shop(answers) as server, Children(tmp_path) as children:
        child = children.start("prometheus", python("-c", "raise SystemExit('killed')"))
        child.process.wait()
        prometheus = Prometheus(server.url, child)
        assert prometheus.is_ready()
        assert prometheus.raw("up", 0, 3_000_000_000) == (
            Series(
                labels={"__name__": "up", "job": "shop"}, at=(1_500_000_000, 2_500_000_000), value=(1.0, float("inf"))
            ),
        )
        with pytest.raises(EnvironmentLacks) as lacks:
            wait_for_targets(prometheus)
        prometheus._http.close()
    assert str(lacks.value) == (
        "Prometheus can't scrape stock http://b/metrics: refused; spans http://c/metrics: not scraped yet"
    )


@pytest.mark.parametrize(
    ("kind", "result", "expected"),
    [
        ("vector", [{"metric": {"job": "shop"}, "value": [2.5, "3"]}], [({"job": "shop"}, (2_500_000_000,), (3.0,))]),
        ("vector", [], []),
        ("scalar", [2.5, "7"], [({}, (2_500_000_000,), (7.0,))]),
    ],
)
def test_what_is_asked_of_one_moment_has_a_value_a_series(
    kind: str, result: object, expected: list[tuple[object, ...]]
) -> None:
    answer = {"status": "success", "data": {"resultType": kind, "result": result}}
    with fake_shop({"/api/v1/query": (200, answer)}) as server:
        prometheus = Prometheus(server.url, None)
        found = prometheus.instant("up", 2_500_000_000)
        prometheus._http.close()
    assert [(one.labels, one.at, one.value) for one in found] == expected


def test_the_longest_interval_of_the_runs_jobs_is_how_often_is_scraped() -> None:
    intervals = {"shop": "1m30s", "payments": "500ms", "stock": "5m", "somebody": "1h"}
    up = {"scrapeUrl": "http://a/metrics", "health": "up", "lastError": ""}
    targets = [{**up, "labels": {"job": job}, "scrapeInterval": interval} for job, interval in intervals.items()]
    answer = {"status": "success", "data": {"activeTargets": targets}}
    with fake_shop({"/api/v1/targets": (200, answer)}) as server:
        found = [
            Prometheus(server.url, None, frozenset(jobs)).scrape_interval_s()
            for jobs in (("shop", "payments", "stock"), ("payments",), ("gone",))
        ]
    assert found == [90, 1, 1]


def test_what_ours_reads_seldom_may_have_its_turn_to_come(tmp_path: Path) -> None:
    target = {"labels": {"job": "stock"}, "scrapeUrl": "http://b/metrics", "health": "unknown", "lastError": ""}
    answers = {"/api/v1/targets": (200, {"status": "success", "data": {"activeTargets": [target]}})}
    with fake_shop(answers) as server, Children(tmp_path) as children:
        ours = Prometheus(server.url, children.start("prometheus", python("-c", "")), frozenset({"stock"}))
        theirs = Prometheus(server.url, None, frozenset({"stock"}))
        assert ours.down() == {}
        assert theirs.down() == {"stock http://b/metrics": "not scraped yet"}
        target["health"] = "down"
        assert ours.down() == theirs.down() == {"stock http://b/metrics": "not scraped yet"}
        ours._http.close()
        theirs._http.close()


def test_one_that_is_not_ours_is_asked_only_for_the_jobs_that_a_run_needs() -> None:
    targets = [
        {"labels": {"job": "shop"}, "scrapeUrl": "http://a/metrics", "health": "up", "lastError": ""},
        {"labels": {"job": "theirs"}, "scrapeUrl": "http://b/metrics", "health": "down", "lastError": "refused"},
    ]
    answers = {"/api/v1/targets": (200, {"status": "success", "data": {"activeTargets": targets}})}
    with fake_shop(answers) as server:
        prometheus = Prometheus(server.url, None, frozenset({"shop", "stock"}))
        try:
            assert prometheus.down() == {"job stock": "it has no target of that job"}
        finally:
            prometheus._http.close()
