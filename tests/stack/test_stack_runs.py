"""docker-compose.yml is run: every role of ours, PostgreSQL, Prometheus and Alertmanager, with two workers.

Grafana, Tempo and the Collector have no image here: `test_stack_files.py` holds their files, `scripts/doctor/stack.py`
asks the real ones. Spans go straight to the run's recorder in the Collector's place. Three runs are played on one
stack, in this order: one that loses a worker, one with both again, one whose database dies.
"""

import json
import re
import secrets
from collections.abc import Iterator
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.ports import free_port
from tests.stack.podman import COMPOSE, OURS, STORAGE, Podman, missing
from tests.stack.stack import Played, Stack
from tests.waiting import wait_for

pytestmark = [
    pytest.mark.heavy,
    # The first test waits for the images too, which a slow network can make minutes of.
    pytest.mark.timeout(900),
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

ALERT = "PeakproofSourceUnreadable"
# A run, and the alert that came of it.
Alerted = tuple[Played, dict[str, Any]]


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Build and start the stack; end it whatever happens."""
    podman = Podman(
        folder=STORAGE,
        project=f"stack{secrets.token_hex(2)}",
        variables={
            **{name: secrets.token_hex(16) for name in re.findall(r"\$\{(\w+):\?", COMPOSE.read_text())},
            "PEAKPROOF_SHOP_PORT": str(free_port()),
            "PEAKPROOF_SPANS_URL": "http://master:18086",
            "PEAKPROOF_PLAN": "./tests/stack/plan.yaml",
            "PEAKPROOF_OBJECTIVES": "./tests/stack/objectives.yaml",
        },
    )
    with podman.alone():
        if (why := podman.refused()) is not None:
            pytest.skip(f"this machine runs no container: {why}")
        podman.clear()
        try:
            podman.build()
            made = Stack(podman)
            made.start()
            yield made
        finally:
            podman.clear()


@pytest.fixture(scope="module")
def without_a_worker(stack: Stack) -> Played:
    """Play a run whose second worker is killed in the plateau; start the worker again when the run is over."""
    name = stack.begin()
    stack.podman.podman("kill", stack.podman.name("worker", 2))
    played = stack.end(name)
    stack.podman.podman("start", stack.podman.name("worker", 2))
    return played


@pytest.fixture(scope="module")
def whole(stack: Stack, without_a_worker: Played) -> Played:
    """Play a run with both workers after one was lost and came back.

    It is played once more when the machine, by the verdict's own finding, was too busy for the load generator.
    """
    played = stack.end(stack.begin())
    assert played.name != without_a_worker.name
    return stack.end(stack.begin()) if played.machine_was_late else played


@pytest.fixture(scope="module")
def without_a_database(stack: Stack, whole: Played) -> Alerted:
    """Play a run whose database is stopped in the plateau; return it, and the alert that tells of it."""
    assert whole.run["ended"] == "completed", whole.said
    assert ALERT not in {alert["labels"]["alertname"] for alert in stack.alerts()}
    name = stack.begin()
    stack.podman.podman("stop", "-t", "0", stack.podman.name("postgres"))
    played = stack.end(name)
    alert = wait_for(
        lambda: next((a for a in stack.alerts() if a["labels"]["alertname"] == ALERT), None), f"{ALERT} at the hook"
    )
    return played, alert


def findings(played: Played) -> str:
    """Return the verdict's findings as one text, for a failing assertion to show."""
    return json.dumps([one for one in played.verdict["findings"] if one["severity"] != "note"], indent=1)


# -- a killed worker ---------------------------------------------------------------------------------------


def test_a_worker_that_is_killed_is_lost_and_its_arrivals_are_counted(without_a_worker: Played) -> None:
    played = without_a_worker
    assert played.code == 75, played.said
    (gone,) = (name for name, lost in played.lost.items() if lost)
    assert sorted(played.lost) == ["w0", "w1"]
    assert set(played.run["account"]["lost"]) == {gone}
    assert played.run["account"]["lost"][gone] > 0
    assert played.account_adds_up, played.run["account"]


def test_the_verdict_over_a_lost_worker_is_inconclusive_and_names_it(without_a_worker: Played) -> None:
    verdict = without_a_worker.verdict
    (gone,) = (name for name, lost in without_a_worker.lost.items() if lost)
    assert (verdict["outcome"], without_a_worker.code) == ("INCONCLUSIVE", 75), findings(without_a_worker)
    assert f"{gone} was lost" in [one["message"] for one in verdict["findings"] if one["subject"] == "workers"]
    assert without_a_worker.run["ended_because"] == f"{gone} was lost in mid-run"


def test_the_other_worker_plays_its_part_to_the_end(without_a_worker: Played) -> None:
    left = [worker for worker in without_a_worker.run["workers"] if not worker["lost"]]
    assert [worker["parts_expected"] == worker["parts_received"] > 0 for worker in left] == [True]


def test_workers_join_leave_and_join_again(stack: Stack, without_a_worker: Played, whole: Played) -> None:
    for number in (1, 2):
        joined = stack.joined(number)
        assert joined[0] == without_a_worker.name
        assert whole.name in joined[1:]


# -- the whole ---------------------------------------------------------------------------------------------


def test_a_run_over_two_workers_passes_with_one_verdict_over_both(whole: Played) -> None:
    run, verdict = whole.run, whole.verdict
    assert (run["ended"], whole.lost) == ("completed", {"w0": False, "w1": False}), whole.said
    assert all(worker["parts_expected"] == worker["parts_received"] > 0 for worker in run["workers"])
    assert sum(worker["arrivals"] for worker in run["workers"]) == run["account"]["planned"]
    assert run["account"]["completed"] == run["account"]["planned"]
    assert (verdict["run"], verdict["outcome"], whole.code) == (whole.name, "PASS", 0), findings(whole)
    assert {one["outcome"] for one in verdict["objectives"]} == {"met"}
    assert {one["source"] for one in verdict["objectives"]} == {"records", "prometheus"}


def test_every_request_of_both_workers_is_recorded_and_scraped(stack: Stack, whole: Played) -> None:
    rows = stack.rows(whole.name, "requests")
    assert len(rows) == whole.run["requests"]["sent"] > 0
    counted = "sum(loadtest_requests_total)"
    wait_for(lambda: stack.value(counted) == len(rows), f"{counted} of {len(rows)}", 30)


def test_spans_of_shoppers_shop_and_provider_are_recorded_in_common_traces(stack: Stack, whole: Played) -> None:
    by_trace: dict[Any, set[str]] = {}
    for span in stack.rows(whole.name, "spans"):
        by_trace.setdefault(span["trace_id"], set()).add(span["service"])
    assert {"shopper", "shop", "payments"} in by_trace.values()


def test_everything_of_ours_is_scraped_during_a_run(stack: Stack, whole: Played) -> None:
    up = stack.up(whole)
    assert up.pop("spans") == {"0"}  # the Collector's, which isn't here
    assert up == {
        job: {"1"}
        for job in ("shop", "payments", "loadgen", "stock", "orders", "recorder", "prometheus", "alertmanager")
    }


def test_prometheus_answers_to_the_verdicts_queries_are_kept(stack: Stack, whole: Played) -> None:
    kept = pq.read_table(stack.runs / whole.name / "metrics" / "objectives.parquet").to_pylist()
    assert any(row["at"] for row in kept)


def test_the_alert_rules_are_evaluated(stack: Stack, whole: Played) -> None:
    assert whole.run["ended"] == "completed"
    rules = [rule for group in stack.prometheus("/api/v1/rules")["groups"] for rule in group["rules"]]
    names = {rule["name"] for rule in rules}
    own = {rule["name"]: rule["health"] for rule in rules if rule["name"].startswith("Peakproof")}
    assert own == dict.fromkeys(
        (ALERT, *(f"Peakproof{what}" for what in ("ExporterDown", "ShopDown", "RunStoppedEarly", "ShopErrors"))), "ok"
    )
    # Those of days and of the budget are evaluated each five minutes, and may not have been yet.
    assert {rule["health"] for rule in rules} <= {"ok", "unknown"}
    assert {"ErrorBudgetBurn", "ObjectiveNoTraffic", "ObjectiveScrapeDown", "ObjectiveSeriesMissing"} <= names


# -- a dead database ---------------------------------------------------------------------------------------


def test_a_database_that_dies_fails_the_run(stack: Stack, without_a_database: Alerted) -> None:
    """A miss is certain after 20 s of judged time, and this plan has no more: the demo's test shows the early stop."""
    played, _ = without_a_database
    assert played.run["ended"] in ("completed", "aborted"), played.said
    # A miss is shown in a valid run only.
    expected = ("INCONCLUSIVE", 75) if played.machine_was_late else ("FAIL", 99)
    assert (played.verdict["outcome"], played.code) == expected, findings(played)
    assert {o["outcome"] for o in played.verdict["objectives"] if o["name"] == "browse-latency"} == {"missed"}
    failed = [row for row in stack.rows(played.name, "requests") if row["error"] is not None]
    assert len(failed) == played.run["requests"]["errors"] > 0
    assert {row["status"] for row in failed} & {500, 502, 503}
    assert played.account_adds_up, played.run["account"]
    assert not any(played.lost.values())


def test_an_audit_that_the_dead_database_prevents_counts_for_nothing(
    without_a_database: Alerted,
) -> None:
    kept = {check["name"]: check["status"] for check in without_a_database[0].verdict["checks"]}
    assert (kept["order-exists"], kept["stock-not-negative"]) == ("unknown", "unknown")


def test_the_alert_of_a_dead_database_reaches_the_webhook(without_a_database: Alerted) -> None:
    _, alert = without_a_database
    assert (alert["status"], alert["labels"]["severity"]) == ("firing", "page")
    assert alert["labels"]["job"] in ("stock", "orders")
    assert alert["annotations"]["summary"] == f"The exporter {alert['labels']['job']} can't read the shop."


def test_the_image_holds_the_command_and_the_names_that_storefronts_import(stack: Stack) -> None:
    """Also in a folder with packages of the same names, which a mounted repository may have."""
    script = "mkdir /tmp/x && cd /tmp/x && mkdir scripts slo && echo 1/0 | tee scripts/__init__.py slo/__init__.py"
    run = ("run", "--rm", "--network", "none", "-e", "PYTHONPATH=.", OURS, "sh", "-ec")
    shown = stack.podman.podman(*run, f"{script} && peakproof ci --help && PYTHONPATH= python -c 'import peakproof'")
    assert "usage: peakproof ci [-h] ACTION ..." in shown
