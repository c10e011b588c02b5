"""What a worker counted is reported to Locust as it is: each request, error and byte once, latency never too good."""

from typing import Any

from loadtests.live.worker_figures import WorkerFigures
from loadtests.results.records import StepRecord
from loadtests.web_ui.tables import report
from tests.loadtests.fakes import SECOND, batch, step_record

START = 1000 * SECOND
NOW = START + 5 * SECOND
METHODS = {"home": "GET", "checkout": "POST"}


def request(step: str, waited_ms: float, sent_late_ms: float = 0, **changes: object) -> StepRecord:
    times = {"scheduled_at": START, "sent_at": START + round(sent_late_ms * 1e6)}
    return step_record(**{"step": step, **times, "finished_at": START + round(waited_ms * 1e6), **changes})


def reported(*records: StepRecord, now: int = NOW) -> dict[str, Any]:
    figures = WorkerFigures([], (0, 10**20))
    if records:
        figures.steps_ended(batch(*records))
    return report(figures.take(now), METHODS, now)


def counts(entry: dict[str, Any]) -> tuple[object, ...]:
    return tuple(entry[key] for key in ("name", "method", "num_requests", "num_failures", "total_content_length"))


def test_requests_errors_and_bytes_are_told_by_step_and_in_total() -> None:
    told = reported(
        request("home", 5, bytes=10),
        request("home", 7, bytes=20, error="timeout"),
        request("home", 7, bytes=0, error="timeout"),
        request("checkout", 900, bytes=7, error="http_5xx"),
    )
    assert sorted(counts(entry) for entry in told["stats"]) == [
        ("checkout", "POST", 1, 1, 7),
        ("home", "GET", 3, 2, 30),
    ]
    assert counts(told["stats_total"]) == ("Aggregated", "", 4, 3, 37)
    assert [entry["num_reqs_per_sec"] for entry in (*told["stats"], told["stats_total"])].count({1005: 4}) == 1
    assert told["stats_total"]["num_fail_per_sec"] == {1005: 3}
    errors = told["errors"].values()
    assert {(one["method"], one["name"], one["error"], one["occurrences"]) for one in errors} == {
        ("GET", "home", "timeout", 2),
        ("POST", "checkout", "http_5xx", 1),
    }
    assert {(one["first_seen"], one["last_seen"]) for one in errors} == {(1005.0, 1005.0)}


def test_an_error_has_the_same_key_in_every_report() -> None:
    first = reported(request("home", 5, error="timeout"))["errors"]
    second = reported(request("home", 9, error="timeout"), now=NOW + SECOND)["errors"]
    other = reported(request("home", 5, error="blocked"))["errors"]
    assert list(first) == list(second) != list(other)


def test_latency_counts_from_the_scheduled_moment_and_is_rounded_up() -> None:
    told = reported(request("home", 1250.1, sent_late_ms=1000), request("home", 0.2), request("home", 40.5))
    for entry in (*told["stats"], told["stats_total"]):
        assert entry["response_times"] == {1: 1, 41: 1, 1254: 1}
        assert (entry["min_response_time"], entry["max_response_time"]) == (1, 1254)
        assert round(entry["total_response_time"], 3) == 1290.8


def test_assets_are_counted_in_the_total_but_hide_nobodys_wait() -> None:
    told = reported(request("home", 500), *[request("asset", 1, bytes=2) for _ in range(99)])
    total, (asset,) = told["stats_total"], (entry for entry in told["stats"] if entry["name"] == "asset")
    assert (total["num_requests"], total["num_none_requests"], total["total_response_time"]) == (100, 99, 500)
    assert sum(total["response_times"].values()) == 1
    assert counts(asset) == ("asset", "GET", 99, 0, 198)
    assert asset["num_none_requests"] == 0


def test_a_second_without_requests_adds_nothing_and_a_step_of_no_known_method_has_none() -> None:
    nothing = reported()
    assert (nothing["stats"], nothing["errors"]) == ([], {})
    assert counts(nothing["stats_total"]) == ("Aggregated", "", 0, 0, 0)
    assert (nothing["stats_total"]["last_request_timestamp"], nothing["stats_total"]["min_response_time"]) == (
        None,
    ) * 2
    (stranger,) = reported(request("stranger", 5))["stats"]
    assert (stranger["name"], stranger["method"]) == ("stranger", "")
