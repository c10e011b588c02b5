"""A run whose documents and records say the same has no finding, and each contradiction has one of its own."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.boot_time import BootTime
from slo.findings import Severity
from slo.formatting import seconds
from slo.validity.consistency import OtherDocuments, check_audit, check_consistency
from slo.validity.record_facts import RecordFacts
from slo.validity.run_document import RunDocument, parse_run
from slo.verdict.audit_document import AuditDocument

SECOND = 1_000_000_000
START = 1_795_780_800 * SECOND
PLAN = "a" * 64
RUN: dict[str, Any] = {
    "format": "peakproof/run/v1",
    "run": "one",
    "plan": {"name": "small", "sha256": PLAN},
    "inputs": {"plan.yaml": PLAN},
    "seed": 7,
    "started_at": START,
    "ended_at": START + 30 * SECOND,
    "clock_step_s": 0.0,
    "phases": [
        {"starts_at": START, "ends_at": START + 10 * SECOND},
        {"starts_at": START + 10 * SECOND, "ends_at": START + 40 * SECOND},
    ],
    "judged": {"starts_at": START + 10 * SECOND, "ends_at": START + 30 * SECOND},
    "plan_revisions": [{"number": 1, "at_s": 35.0, "factor": 0.5}],
    "account": {
        "planned": 10,
        "completed": 7,
        "failed": 1,
        "cut_off": 0,
        "dropped": {"no_account": 1},
        "lost": {},
        "not_due": 1,
    },
    "requests": {"sent": 40, "errors": 2, "accepted_5xx": 1},
    "orders": {"attempted": 3, "accepted": 2, "refused": 1, "unknown": 0},
    "workers": [{"name": "w0", "lost": False, "parts_received": 2, "ledger_rows_received": 6}],
    "answers": {"samples": 100},
}
RECORDS = RecordFacts(
    requests=40,
    errors=2,
    requests_backwards=0,
    accepted_5xx=1,
    sessions=9,
    sessions_backwards=0,
    sessions_twice=0,
    outcomes={"completed": 7, "failed": 1, "dropped": 1},
    first_due_at=START,
    last_ended_at=START + 30 * SECOND,
)
OTHERS = OtherDocuments(
    runs={"live.json": "one", "manifest.json": "one"},
    plan="small",
    plan_sha256=PLAN,
    seed=7,
    starts_s=(0.0, 10.0, 40.0),
    judged_s=(10.0, 40.0),
    arrivals=(10, 10),
    revisions=((1, 35.0, 0.5),),
    live_started_at=START,
    sent=40,
    errors=2,
    accepted_5xx=1,
    parts={"w0": 2},
    ledger_rows={"w0": 6},
    part_rows={"requests": 40, "sessions": 9},
    samples=100,
)
AUDIT = AuditDocument(run="one", checked_at=START + 31 * SECOND, counts=RUN["orders"])


def run(**changed: Any) -> RunDocument:
    return parse_run({**RUN, **changed})


def messages(document: RunDocument, records: RecordFacts = RECORDS, others: OtherDocuments = OTHERS) -> list[str]:
    return [one.message for one in check_consistency(document, records, others)]


def test_a_run_that_says_the_same_everywhere_has_no_finding() -> None:
    assert messages(run()) == []
    assert check_audit(run(), AUDIT) == ()
    assert check_audit(run(), None) == ()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"requests_backwards": 3}, "the times of 3 requests run backwards"),
        ({"sessions_backwards": 1}, "the times of 1 sessions run backwards"),
        ({"sessions_twice": 2}, "2 sessions have a number that another has, too"),
        ({"other_status": {"http_5xx": 4}}, "4 requests failed with http_5xx, and their status is another"),
        ({"errors": 3}, "of errors run.json has 2, the workers' files 2, and 3 are recorded"),
        (
            {"accepted_5xx": 0},
            "of accepted replies of status 5xx run.json has 1, the workers' files 1, and 0 are recorded",
        ),
        ({"requests": 41}, "41 requests are recorded, the manifest lists 40 rows of them"),
        (
            {"outcomes": {"completed": 8, "failed": 0, "dropped": 1}},
            "8 sessions are recorded as completed, the account has 7",
        ),
        ({"first_due_at": START - 2 * SECOND}, "a session was due before the load began"),
        ({"last_ended_at": START + 32 * SECOND}, "a reply came after the run had ended"),
    ],
)
def test_records_that_contradict_the_run_are_found(changed: dict[str, Any], message: str) -> None:
    assert messages(run(), replace(RECORDS, **changed))[0] == message


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"runs": {"live.json": "two"}}, "run.json is of the run one, live.json of two"),
        ({"seed": 8}, "the plan's name, hash or seed in run.json isn't that of plan.yaml"),
        ({"live_started_at": START + 1}, "the load began at another moment than live.json says"),
        ({"starts_s": (0.0, 11.0, 40.0)}, "the phases aren't the plan's"),
        ({"judged_s": (11.0, 40.0)}, "the judged window isn't the plan's, cut at the end of the load"),
        ({"revisions": ()}, "the changes of the plan aren't those of revisions.jsonl"),
        ({"arrivals": (11, 12)}, "the account is of 10 planned sessions, the plan has 11 to 12"),
        ({"sent": 41}, "of requests run.json has 40, the workers' files 41"),
        ({"parts": {}}, "the manifest lists 0 parts of w0, run.json 2"),
        ({"ledger_rows": {}}, "the manifest lists 0 rows of the ledger of w0, run.json 6"),
        ({"samples": 5}, "5 samples of Prometheus are stored, the run kept 100"),
    ],
)
def test_documents_that_contradict_the_run_are_found(changed: dict[str, Any], message: str) -> None:
    assert messages(run(), others=replace(OTHERS, **changed)) == [message]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (
            {"requests": {"sent": 40, "errors": 2}},
            "whether the storefront accepts 1 replies of status 5xx is not known",
        ),
        ({"answers": None}, "how many samples of Prometheus were stored is not known"),
        ({"ended_at": None}, "when the load began and ended is not known"),
        ({"clock_step_s": None}, "whether the machine's clock was set during the run is not known"),
    ],
)
def test_what_a_run_does_not_tell_is_not_known(changed: dict[str, Any], what: str) -> None:
    assert [one.message for one in check_consistency(run(**changed), RECORDS, OTHERS) if not one.known] == [what]


def test_what_a_lost_worker_did_not_count_is_no_contradiction() -> None:
    lost = [{**RUN["workers"][0], "lost": True}]
    assert messages(run(workers=lost), replace(RECORDS, errors=3)) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"run": "two"}, "the audit is of two, and run.json of one"),
        ({"run": None}, "of which run the audit is, and of which moment of it, is not known"),
        (
            {"checked_at": START},
            "the audit was made before the run ended, by 30 s of the clocks of two machines or starts",
        ),
        ({"counts": {**RUN["orders"], "accepted": 3}}, "the audit counts 3 orders accepted, the run 2"),
    ],
)
def test_an_audit_that_is_not_of_the_run_is_found(changed: dict[str, Any], message: str) -> None:
    assert [one.message for one in check_audit(run(), AUDIT.model_copy(update=changed))] == [message]


def at(elapsed_s: float, boot: str | None = "one") -> BootTime:
    return BootTime(boot=boot, elapsed_ns=round(elapsed_s * SECOND))


@given(
    by_wall_s=st.integers(-100_000, 100_000),
    by_boot_s=st.integers(-100_000, 100_000).filter(bool),
    boots=st.sampled_from([("one", "one"), ("one", "two"), (None, "one"), ("one", None), (None, None)]),
)
def test_no_clock_that_is_set_makes_an_audit_one_of_before_the_end_or_hides_one_that_is(
    by_wall_s: int, by_boot_s: int, boots: tuple[str | None, str | None]
) -> None:
    """On one start of one machine its time since then decides; else the wall clocks do, and the finding says so."""
    ended = run(ended_since_boot=at(200_000, boots[0]).model_dump())
    assert ended.ended_at is not None
    times = {"checked_at": ended.ended_at + by_wall_s * SECOND, "checked_since_boot": at(200_000 + by_boot_s, boots[1])}
    found = check_audit(ended, AUDIT.model_copy(update=times))
    accused = [one for one in found if one.severity is not Severity.NOTE]
    is_same = boots == ("one", "one")
    assert bool(accused) is ((by_boot_s if is_same else by_wall_s) < 0)
    assert all(("of two machines or starts" in one.message) is not is_same for one in accused)
    back_s = by_boot_s - by_wall_s
    back = f"the machine's clock was set back by {seconds(back_s)}"
    noted = f"{back} between the run's end and its audit, which came after it"
    was_set_back = is_same and not accused and back_s > 1
    assert [one.message for one in found if one not in accused] == [noted] * was_set_back
