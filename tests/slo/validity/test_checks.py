"""A run that was not what it should have been is not judged; what is not known is not fine."""

import dataclasses
from typing import Any

import pytest

from slo.documents import BadInput
from slo.findings import Finding, Severity
from slo.objectives.indicators import Window
from slo.validity.checks import check_validity
from slo.validity.run_document import parse_run
from slo.verdict.verdict import Case

SECOND = 1_000_000_000


def _found(case: Case, run: dict[str, Any], **records: Any) -> list[Finding]:
    given = dataclasses.replace(case.records, **records)
    checks = check_validity(parse_run(run), given, case.declared)
    return [finding for check in checks for finding in check.findings]


def worker(**changed: Any) -> dict[str, Any]:
    """Return a worker of which everything arrived."""
    arrived = {"parts_expected": 2, "parts_received": 2, "ledger_rows_expected": 400, "ledger_rows_received": 400}
    return {"name": "w0", **arrived, "lost": False, **changed}


def offset(offset_s: float, uncertainty_s: float) -> dict[str, float]:
    return {"offset_s": offset_s, "uncertainty_s": uncertainty_s, "pings": 9}


def test_a_good_run_has_no_finding(passing: Case) -> None:
    assert _found(passing, passing.run.to_json()) == []


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
    found = _found(passing, {**passing.run.to_json(), "browser": browser})
    assert [(finding.severity, finding.message) for finding in found] == [(Severity.NOTE, one) for one in told]


def test_hosts_that_are_not_declared_are_a_note_that_lists_them(passing: Case) -> None:
    led_to = {"https://fonts.example": 1200, "https://ads.example": 7, "http://10.0.0.7:81": 7}
    (found,) = _found(passing, {**passing.run.to_json(), "undeclared_hosts": led_to})
    assert (found.severity, found.subject) == (Severity.NOTE, "hosts")
    assert found.message == (
        "hosts that aren't declared were led to and not contacted: https://fonts.example (1,200), http://10.0.0.7:81"
        " (7), https://ads.example (7); declare those of the shop's own under hosts"
    )
    many = {f"https://h{number:02}.example": 1 for number in range(13)}
    (found,) = _found(passing, {**passing.run.to_json(), "undeclared_hosts": many})
    assert "https://h09.example (1) and 3 more, see run.json; declare" in found.message
    none_at_all: dict[str, int] = {}
    for nothing in (none_at_all, None):
        assert _found(passing, {**passing.run.to_json(), "undeclared_hosts": nothing}) == []


def test_connections_that_were_shared_are_a_note_and_named_where_the_load_was_late(passing: Case) -> None:
    shared = {**passing.run.to_json(), "shared_connections": 1200}
    (note,) = _found(passing, shared)
    assert note.severity == Severity.NOTE
    assert note.message == (
        "all sessions shared 1,200 connections, as the plan says: shoppers open their own, so connecting cost the shop"
        " less than they will"
    )
    (late, _) = _found(passing, {**shared, "scheduling_lag_s": {"p99": 0.25}})
    assert late.change == (
        "raise or leave out limits.connections, for waiting for one counts; add workers, or move them off the shop's"
        " machine"
    )


WRONG: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"ended": "failed", "ended_because": "the storefront fails buy: mine.py:4: KeyError: 'sku'"},
        "ended",
        "the run was not completed, it failed: the storefront fails buy: mine.py:4: KeyError: 'sku'",
        "mend the storefront's file: peakproof try shows each step",
    ),
    (
        {"ended": "failed", "ended_because": "w0 hung in mine.py:4, buy: while True: pass"},
        "ended",
        "the run was not completed, it failed: w0 hung in mine.py:4, buy: while True: pass",
        "mend the storefront's file: peakproof try shows each step",
    ),
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
            "workers": [worker(lost=True, ledger_rows_received=402)],
            "generator_cpu": {"w0": 0.1},
        },
        "workers",
        "w0 was lost",
        "see its log; give it memory, or use fewer sessions a worker",
    ),
    (
        {
            "workers": [worker(parts_received=1)],
            "generator_cpu": {"w0": 0.1},
        },
        "records",
        "1 of 2 parts of w0 arrived",
        "free disk space; see its log",
    ),
    (
        {"requests": {"sent": 8001}},
        "records",
        "8,000 requests are recorded, the workers reported 8,001",
        "a part is missing or there twice: see logs/",
    ),
    (
        {"scheduling_lag_s": {"p99": 0.25}},
        "scheduling lag",
        "the generator sent late: lag p99 250 ms, at most 100 ms",
        "add workers, or move them off the shop's machine",
    ),
    (
        {"hub_stall_s": {"p99": 0.1, "max": 1.25}},
        "stalls",
        "the generator's event loop stalled for 1.25 s, at most 1 s",
        "give the generator a machine, or a core, of its own",
    ),
    (
        {"hub_stall_s": {"p99": 0.15, "max": 1.0}},
        "stalls",
        "the generator's event loop stalled again and again: p99 150 ms, at most 100 ms",
        "give the generator a machine, or a core, of its own",
    ),
    (
        {"hub_stall_s": {"p99": 0.01, "max": None}},
        "stalls",
        "for how long the generator's event loop stalled is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {"master_silent_s": {"w0": 1, "w1": 5}},
        "contact",
        "w1 had no contact with its master for 5 s: it couldn't have been stopped",
        "repair the network between the master and its workers, and run again",
    ),
    (
        {"master_silent_s": {"w0": 1}},
        "contact",
        "whether w1 had contact with its master is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {"clock_offsets": {"w0": offset(0.0, 0.0), "w1": offset(-0.45, 0.06)}},
        "clocks",
        "w1's clock was 450 ms behind its master's, give or take 60 ms; at most 500 ms",
        "keep the machines' clocks by NTP, near to each other, and run again",
    ),
    (
        {"clock_offsets": {"w0": offset(0.0, 0.0), "w1": offset(1.5, 0.001)}},
        "clocks",
        "w1's clock was 1.5 s ahead of its master's, give or take 1 ms; at most 500 ms",
        "keep the machines' clocks by NTP, near to each other, and run again",
    ),
    *(
        (
            {"clock_step_s": step_s},
            "clocks",
            f"the machine's clock was set {way} during the run; at most 500 ms",
            "let NTP slew the clock, don't suspend the machine, and run again: Prometheus and the shop go by it",
        )
        for step_s, way in ((-3.0, "back by 3 s"), (0.51, "forward by 510 ms"))
    ),
    (
        {"clock_offsets": {"w0": offset(0.0, 0.0), "w1": None}},
        "clocks",
        "how far w1's clock was from its master's is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {"workers": [worker(ledger_rows_received=399)], "generator_cpu": {"w0": 0.1}},
        "records",
        "399 of 400 rows of the ledger of w0 arrived",
        "see its log; what it wrote lies in its own folder",
    ),
    (
        {"workers": [worker(ledger_rows_received=401)], "generator_cpu": {"w0": 0.1}},
        "records",
        "401 of 400 rows of the ledger of w0 arrived",
        "see its log; what it wrote lies in its own folder",
    ),
    (
        {"workers": [worker(ledger_rows_expected=None)], "generator_cpu": {"w0": 0.1}},
        "records",
        "how many rows of the ledger w0 wrote is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {"descriptors": {"w0": {"peak": 40, "limit": 1024}}},
        "descriptors",
        "how many descriptors w1 had is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {"descriptors": {"w0": {"peak": 40, "limit": 1024}, "w1": {"peak": None, "limit": 1024}}},
        "descriptors",
        "how many descriptors w1 had is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {"generator_cpu": {"w0": 0.97, "w1": 0.2}},
        "generator CPU",
        "w0 used 97 % of a core, at most 90 %",
        "add workers",
    ),
    (
        {"generator_cpu": {"w0": 0.4, "w1": 0.5, "one the run doesn't list": 0.97}},
        "generator CPU",
        "one the run doesn't list used 97 % of a core, at most 90 %",
        "add workers",
    ),
    (
        {"generator_cpu": {"w0": 0.5}},
        "generator CPU",
        "how busy w1 was is not known",
        "run again; if it stays unknown, report it with logs/",
    ),
    (
        {"hook_failures": [{"hook": "journey", "error": "RuntimeError('no size')", "count": 9}]},
        "hooks",
        "the storefront's own code failed 9 times: RuntimeError('no size')",
        "mend the storefront's file: peakproof try shows each step",
    ),
    (
        {"hook_failures": [{"hook": "ledger", "error": "disk full", "count": 3}]},
        "hooks",
        "the hook ledger failed 3 times: disk full",
        "repair the hook: what it should have recorded is missing",
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
    (finding,) = _found(passing, {**passing.run.to_json(), **change})
    assert (finding.severity, finding.subject) == (Severity.INCONCLUSIVE, subject)
    assert (finding.message, finding.change) == (message, mend)


def revision(at: int, factor: float, **changed: Any) -> dict[str, Any]:
    """Return a change at second `at` of a run that started at 0; the judged window ends at 200."""
    facts = {"number": 1, "at": at * SECOND, "at_s": float(at), "factor": factor, "why": "a test"}
    return {**facts, "not_taken": [], "struck_started": {}, **changed}


def test_a_plan_that_was_changed_before_its_judged_window_ended_was_not_played(passing: Case) -> None:
    changed = {"plan_revisions": [revision(5, 0.0), revision(15, 1.0), revision(199, 1.25), revision(200, 3.0)]}
    (finding,) = _found(passing, {**passing.run.to_json(), **changed})
    assert (finding.severity, finding.subject) == (Severity.INCONCLUSIVE, "plan")
    assert finding.message == (
        "the plan was changed while it ran: paused from 5 s on, 1 x the plan from 15 s on,"
        " 1.25 x the plan from 199 s on"
    )
    assert finding.change == "run it without a pause and without another rate until the judged window has ended"


def test_a_change_after_the_judged_window_does_not_matter(passing: Case) -> None:
    assert _found(passing, {**passing.run.to_json(), "plan_revisions": [revision(200, 0.0)]}) == []


def test_a_change_that_a_worker_took_too_late_makes_the_run_invalid_whenever_it_was(passing: Case) -> None:
    late = [
        revision(201, 0.0, not_taken=["w1"], struck_started={"w0": 2}),
        revision(202, 1.0, struck_started={"w0": 1}),
    ]
    found = _found(passing, {**passing.run.to_json(), "plan_revisions": late})
    assert [(f.severity, f.message) for f in found] == [
        (Severity.INCONCLUSIVE, "w1 did not take a change of the plan in time"),
        (
            Severity.INCONCLUSIVE,
            "w0 got a change of the plan too late: it had started 3 sessions that it removed",
        ),
    ]


@pytest.mark.parametrize("missing", ["at", "at_s", "factor", "not_taken", "struck_started"])
def test_what_is_not_known_of_a_change_is_not_fine(passing: Case, missing: str) -> None:
    (finding,) = _found(passing, {**passing.run.to_json(), "plan_revisions": [{**revision(201, 0.0), missing: None}]})
    assert finding.message == "how the plan was changed while it ran is not known"
    (finding,) = _found(passing, {**passing.run.to_json(), "plan_revisions": None})
    assert finding.message == "whether the plan was changed while it ran is not known"


def test_an_account_that_does_not_add_up_is_a_gap(passing: Case) -> None:
    account = {**passing.run.to_json()["account"], "planned": 1001}
    (finding,) = _found(passing, {**passing.run.to_json(), "account": account})
    assert finding.message == "the account holds 1,000 sessions, 1,001 were planned"


def test_sessions_never_due_in_a_completed_run_are_load_not_played(passing: Case) -> None:
    account = {**passing.run.to_json()["account"], "planned": 1010, "not_due": 10}
    (finding,) = _found(passing, {**passing.run.to_json(), "account": account})
    assert finding.message == "10 planned sessions were never due though the run was completed"
    assert _found(passing, {**passing.run.to_json(), "account": account, "ended": "aborted"}) == []


def test_less_than_99_of_100_sessions_on_time_is_load_not_delivered(passing: Case) -> None:
    assert _found(passing, passing.run.to_json(), due=1000, on_time=990) == []
    (finding,) = _found(passing, passing.run.to_json(), due=1000, on_time=989)
    assert finding.message == "98.9 % of the 1,000 sessions due started on time, at least 99 % must"
    (finding,) = _found(passing, passing.run.to_json(), due=0, on_time=0)
    assert finding.message == "no session was due in the judged window"


LACKING = [
    ("no_descriptor", "descriptor", "raise ulimit -n on the generator's machine, or add workers"),
    ("no_port", "local port", "widen net.ipv4.ip_local_port_range, or add the generator a machine"),
]


@pytest.mark.parametrize(("error", "what", "mend"), LACKING, ids=[row[0] for row in LACKING])
def test_one_request_that_the_generator_could_not_send_is_one_too_many(
    passing: Case, error: str, what: str, mend: str
) -> None:
    (finding,) = _found(passing, passing.run.to_json(), **{error: 1})
    assert (finding.severity, finding.subject, finding.change) == (Severity.INCONCLUSIVE, "descriptors", mend)
    assert finding.message == f"the generator had no {what} for 1 requests: they were not sent"
    (finding,) = _found(passing, passing.run.to_json(), **{error: None})
    assert finding.message == f"whether a {what} was there for each request is not known"


def test_more_than_1_of_100_buyers_without_anything_to_buy_are_a_shop_without_stock_and_fewer_a_note(
    passing: Case,
) -> None:
    (finding,) = _found(passing, passing.run.to_json(), buyers=400, unserved=5)
    assert (finding.severity, finding.subject) == (Severity.INCONCLUSIVE, "data")
    assert finding.message == "5 of the 400 sessions that meant to buy found nothing in stock"
    assert finding.change == "raise the stock before the run, or play fewer buyers"
    (finding,) = _found(passing, passing.run.to_json(), buyers=400, unserved=4)
    assert finding.severity is Severity.NOTE
    (finding,) = _found(passing, passing.run.to_json(), unserved=None)
    assert finding.message == "whether those who meant to buy could is not known"


@pytest.mark.parametrize(("gaps", "known"), [(3, "3 live changes"), (None, "it is not known how many live changes")])
def test_a_gap_in_the_live_changes_is_noted_and_the_run_is_judged(passing: Case, gaps: int | None, known: str) -> None:
    (finding,) = _found(passing, {**passing.run.to_json(), "live": {"gaps": gaps}})
    assert finding.severity is Severity.NOTE
    assert finding.message == (
        f"{known} of the workers were lost on the way: the live view may be short, the verdict isn't"
    )


def test_an_environment_without_a_release_probe_is_noted_and_judged(passing: Case) -> None:
    case = dataclasses.replace(passing, declared=passing.declared - {"release"})
    (finding,) = _found(case, {**passing.run.to_json(), "release": {"before": None, "after": None, "expected": []}})
    assert finding.severity is Severity.NOTE
    assert finding.message == "no release_probe is declared: whether one release was tested throughout is not known"


def test_a_value_of_the_wrong_type_is_refused(passing: Case) -> None:
    with pytest.raises(BadInput) as refused:
        parse_run({**passing.run.to_json(), "requests": {"sent": "many"}})
    assert str(refused.value) == (
        "run.json: requests.sent: Input should be a valid integer, unable to parse string as an integer, found 'many'"
    )


def test_the_judged_window_ends_with_the_run(passing: Case) -> None:
    early = parse_run({**passing.run.to_json(), "ended_at": 150 * SECOND})
    assert early.judged_window == Window(starts_at=100 * SECOND, ends_at=150 * SECOND)
    assert parse_run({**passing.run.to_json(), "ended_at": 100 * SECOND}).judged_window is None
    assert parse_run({}).judged_window is None
