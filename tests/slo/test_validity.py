"""A run that was not what it should have been is not judged; what is not known is not fine."""

import dataclasses
from typing import Any

import pyarrow as pa
import pytest

from slo.documents import BadInput
from slo.findings import Finding, Severity
from slo.indicators import Window
from slo.run_facts import judged_window, run_facts
from slo.validity import Delivered, check_validity, delivered, left_out
from slo.verdict import Case

SECOND = 1_000_000_000


def _found(case: Case, run: dict[str, Any], **records: int | None) -> list[Finding]:
    given = dataclasses.replace(case.records, **records)
    checks = check_validity(run_facts(run), given, case.declared)
    return [finding for check in checks for finding in check.findings]


def test_a_good_run_has_no_finding(passing: Case) -> None:
    assert _found(passing, dict(passing.run)) == []


@pytest.mark.parametrize(
    ("browser", "told"),
    [
        ({"pages": 0, "why_not_more": "it hung"}, ["the browser beside the load saw no page: it hung"]),
        ({"pages": 0}, ["the browser beside the load saw no page: the run was too short"]),
        ({"pages": 3, "why_not_more": "it hung"}, []),
    ],
)
def test_a_browser_that_saw_nothing_is_a_note_and_never_more(
    passing: Case, browser: dict[str, Any], told: list[str]
) -> None:
    found = _found(passing, {**passing.run, "browser": browser})
    assert [(finding.severity, finding.message) for finding in found] == [(Severity.NOTE, one) for one in told]


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"ended": "stopped", "ended_because": "Ctrl-C"},
        "ended",
        "the run was not completed, it was stopped: Ctrl-C",
        "run it to its end",
    ),
    (
        {"ended": None},
        "ended",
        "how the run ended is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {
            "workers": [{"name": "w0", "parts_expected": 2, "parts_received": 2, "lost": True}],
            "generator_cpu": {"w0": 0.1},
        },
        "workers",
        "w0 was lost",
        "see its log; give it memory, or use fewer sessions a worker",
    ),
    (
        {
            "workers": [{"name": "w0", "parts_expected": 2, "parts_received": 1, "lost": False}],
            "generator_cpu": {"w0": 0.1},
        },
        "records",
        "1 of 2 parts of w0 arrived",
        "free disk space; see its log",
    ),
    (
        {"requests": {"sent": 8001}},
        "records",
        "8,000 requests are recorded, the run tells of 8,001",
        "a part is missing or there twice: see logs/",
    ),
    (
        {"scheduling_lag_s": {"p99": 0.25}},
        "scheduling lag",
        "the generator sent late: lag p99 250 ms, at most 100 ms",
        "add workers, or move them off the shop's machine",
    ),
    (
        {"generator_cpu": {"w0": 0.97, "w1": 0.2}},
        "generator CPU",
        "w0 used 97 % of a core, at most 90 %",
        "add workers",
    ),
    (
        {"generator_cpu": {"w0": 0.5}},
        "generator CPU",
        "how busy w1 was is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {"hook_failures": [{"hook": "ledger", "error": "disk full", "count": 3}]},
        "hooks",
        "the hook ledger failed 3 times: disk full",
        "mend the hook: what it should have seen is missing",
    ),
    (
        {"release": {"before": "2026.47.0", "after": "2026.48.0", "expected": ["2026.47.0"], "seen": []}},
        "release",
        "release 2026.48.0 was seen after the run, expected 2026.47.0",
        "keep deploys off the environment while a run holds it",
    ),
    (
        {
            "release": {
                "before": "a",
                "after": "a",
                "expected": [],
                "seen": [
                    {"at": 1, "release": "a"},
                    {"at": 2, "release": None},
                    {"at": 3, "release": "b"},
                    {"at": 4, "release": "a"},
                    {"at": 5, "release": "b"},
                    {"at": 6, "release": "a"},
                ],
            }
        },
        "release",
        "release b was seen during the run, expected a",
        "keep deploys off the environment while a run holds it",
    ),
    (
        {"release": {"before": "2026.47.0", "after": "2026.48.0", "expected": [], "seen": []}},
        "release",
        "release 2026.48.0 was seen after the run, expected 2026.47.0",
        "keep deploys off the environment while a run holds it",
    ),
    (
        {"recorder": {"spans": 5, "dropped": 2}},
        "spans",
        "the recorder dropped 2 spans",
        "lower the plan's trace_sampling",
    ),
]


@pytest.mark.parametrize(("change", "subject", "message", "mend"), WRONG, ids=[row[2] for row in WRONG])
def test_what_makes_a_run_invalid_is_told_with_what_to_change(
    passing: Case, change: dict[str, Any], subject: str, message: str, mend: str
) -> None:
    (finding,) = _found(passing, {**passing.run, **change})
    assert (finding.severity, finding.subject) == (Severity.INCONCLUSIVE, subject)
    assert (finding.message, finding.change) == (message, mend)


def test_an_account_that_does_not_add_up_is_a_gap(passing: Case) -> None:
    account = {**passing.run["account"], "planned": 1001}
    (finding,) = _found(passing, {**passing.run, "account": account})
    assert finding.message == "the account tells of 1,000 sessions, 1,001 were planned"


def test_sessions_never_due_in_a_completed_run_are_load_not_played(passing: Case) -> None:
    account = {**passing.run["account"], "planned": 1010, "not_due": 10}
    (finding,) = _found(passing, {**passing.run, "account": account})
    assert finding.message == "10 planned sessions were never due though the run was completed"
    assert _found(passing, {**passing.run, "account": account, "ended": "aborted"}) == []


def test_less_than_99_of_100_sessions_on_time_is_load_not_delivered(passing: Case) -> None:
    assert _found(passing, dict(passing.run), due=1000, on_time=990) == []
    (finding,) = _found(passing, dict(passing.run), due=1000, on_time=989)
    assert finding.message == "98.9 % of the 1,000 sessions due started on time, at least 99 % must"
    (finding,) = _found(passing, dict(passing.run), due=0, on_time=0)
    assert finding.message == "no session was due in the judged window"


def test_more_than_1_of_100_requests_blocked_is_a_firewall_and_fewer_are_a_note(passing: Case) -> None:
    (finding,) = _found(passing, dict(passing.run), blocked=41)
    assert finding.severity is Severity.INCONCLUSIVE
    assert finding.message == "41 of 4,000 requests were blocked before they reached the shop"
    (finding,) = _found(passing, dict(passing.run), blocked=40)
    assert finding.severity is Severity.NOTE
    assert finding.message == "40 of 4,000 requests were blocked and are left out"


def test_an_environment_without_a_release_probe_is_noted_and_judged(passing: Case) -> None:
    case = dataclasses.replace(passing, declared=passing.declared - {"release"})
    (finding,) = _found(case, {**passing.run, "release": {"before": None, "after": None, "expected": []}})
    assert finding.severity is Severity.NOTE
    assert finding.message == "no release_probe is declared: nothing says that one release was tested throughout"


def test_a_value_of_the_wrong_type_is_refused(passing: Case) -> None:
    with pytest.raises(BadInput) as refused:
        run_facts({**passing.run, "requests": {"sent": "many"}})
    assert str(refused.value) == (
        "run.json: requests.sent: Input should be a valid integer, unable to parse string as an integer, found 'many'"
    )


def test_the_judged_window_ends_with_the_run(passing: Case) -> None:
    early = run_facts({**passing.run, "ended_at": 150 * SECOND})
    assert judged_window(early) == Window(starts_at=100 * SECOND, ends_at=150 * SECOND)
    assert judged_window(run_facts({**passing.run, "ended_at": 100 * SECOND})) is None
    assert judged_window(run_facts({})) is None


def test_the_load_is_counted_from_the_records() -> None:
    window = Window(starts_at=100 * SECOND, ends_at=200 * SECOND)
    sessions = pa.table(
        {
            "scheduled_at": pa.array([99, 100, 120, 150, 180, 200], pa.int64()),
            "started_at": pa.array([99, 101, 122, 0, 180, 200], pa.int64()),
        }
    )
    seconds = pa.table(
        {name: pa.array([v * SECOND for v in sessions[name].to_pylist()]) for name in sessions.column_names}
    )
    requests = pa.table(
        {
            "scheduled_at": pa.array([99 * SECOND, 100 * SECOND, 150 * SECOND], pa.int64()),
            "error": pa.array(["blocked", "blocked", None], pa.string()),
        }
    )
    assert delivered(seconds, requests, window) == Delivered(
        due=4, on_time=2, requests=2, blocked=1, session_rows=6, request_rows=3
    )


def test_what_is_left_out_is_counted_by_phase(passing: Case) -> None:
    run = run_facts(passing.run)
    window = judged_window(run)
    assert window is not None
    at = pa.array([50 * SECOND, 60 * SECOND, 150 * SECOND, 300 * SECOND], pa.int64())
    assert left_out(pa.table({"scheduled_at": at}), run, window) == {"warm-up": 2, "outside of every phase": 1}
