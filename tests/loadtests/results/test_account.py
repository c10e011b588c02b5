"""Every arrival of the plan ends as exactly one thing, and the sum is the plan, after any ending."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.demand.arrivals import Schedule, revised, schedule
from loadtests.demand.revision import Revision
from loadtests.results.account import Account, make_account, read_sessions
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import SESSIONS
from loadtests.results.worker_status import WorkerStatus, read_workers
from slo.documents import BadInput
from tests.loadtests.fakes import session_record, small_plan

ARRIVALS: Schedule = schedule(small_plan())
COUNT = len(ARRIVALS)
END_S = float(ARRIVALS.at_s[-1]) + 1
OUTCOMES = ["completed", "failed", "cut_off", "dropped"]


def table(ended: dict[int, str], reason: str | None = None) -> pa.Table:
    rows = [session_record(session=number, outcome=outcome, reason=reason) for number, outcome in ended.items()]
    columns = {name: [getattr(row, name) for row in rows] for name in SESSIONS.names}
    return pa.table(columns, schema=SESSIONS)


def worker_account(index: int, name: str | None = None, **changes: Any) -> WorkerStatus:
    facts: dict[str, Any] = {
        "name": name or f"w{index}",
        "index": index,
        "workers": 2,
        "arrivals": 5,
        "next_arrival": None,
        "ended": "completed",
        "because": None,
        "requests": 0,
        "errors": 0,
        "parts": {},
        "lag_s": {},
        "cpu_peak": None,
        "hook_failures": [],
        "spans": None,
        "open_sessions_peak": 1,
        "rss_peak_bytes": 1,
    }
    return WorkerStatus(**{**facts, **changes})


def total(account: Account) -> int:
    told = account.to_json()
    assert told.pop("planned") == COUNT
    return sum(sum(value.values()) if isinstance(value, dict) else value for value in told.values())


def test_there_are_arrivals_to_account_for() -> None:
    assert COUNT > 5


@given(
    st.dictionaries(st.integers(0, COUNT - 1), st.sampled_from(OUTCOMES)),
    st.integers(1, 4),
    st.floats(0, END_S),
    st.dictionaries(st.integers(0, 3), st.sampled_from([None, "completed", "stopped"])),
    st.none() | st.integers(0, COUNT),
)
def test_an_account_adds_up_after_any_ending(
    ended: dict[int, str], workers: int, ran_s: float, known: dict[int, str | None], reached: int | None
) -> None:
    told = make_account(
        ARRIVALS,
        table(ended, "open_sessions"),
        [worker_account(index, ended=word, next_arrival=reached) for index, word in sorted(known.items())],
        workers_expected=workers,
        ran_s=ran_s,
    )
    counts = Counter(ended.values())
    assert total(told) == COUNT
    assert (told.completed, told.failed, told.cut_off) == tuple(counts[name] for name in OUTCOMES[:3])
    assert told.dropped == ({"open_sessions": counts["dropped"]} if counts["dropped"] else {})
    assert sum(told.lost.values()) + told.not_due == COUNT - len(ended)
    assert told.lost.keys() <= {f"w{index}" for index in range(workers)}


@given(ran_s=st.floats(0, END_S), silent=st.booleans())
def test_what_a_lost_worker_should_have_started_by_the_end_is_lost_and_the_rest_not_due(
    *, ran_s: float, silent: bool
) -> None:
    workers = [] if silent else [worker_account(0, ended=None, next_arrival=0)]
    told = make_account(ARRIVALS, table({}), workers, workers_expected=1, ran_s=ran_s)
    due = sum(arrival.at_s < ran_s for arrival in ARRIVALS)
    assert (told.lost, told.not_due) == ({"w0": due} if due else {}, COUNT - due)


@given(st.integers(0, COUNT))
def test_what_a_worker_had_not_come_to_when_it_was_stopped_is_not_due_however_long_the_end_took(reached: int) -> None:
    workers = [worker_account(0, ended="stopped", next_arrival=reached)]
    told = make_account(
        ARRIVALS, table(dict.fromkeys(range(reached), "completed")), workers, workers_expected=1, ran_s=END_S
    )
    assert (told.completed, told.lost, told.not_due) == (reached, {}, COUNT - reached)


def test_an_arrival_that_a_worker_came_to_and_did_not_record_is_lost() -> None:
    told = make_account(ARRIVALS, table({1: "completed"}), [worker_account(0)], workers_expected=1, ran_s=0.0)
    assert (told.lost, told.not_due) == ({"w0": COUNT - 1}, 0)


def test_a_lost_arrival_is_named_for_its_worker() -> None:
    told = make_account(
        ARRIVALS,
        table({number: "completed" for number in range(COUNT) if number % 2 == 0}),
        [worker_account(0), worker_account(1, name="west")],
        workers_expected=2,
        ran_s=END_S,
    )
    assert told.lost == {"west": COUNT // 2}


PAUSE = [
    Revision(number=1, at_s=0.4, factor=0.0, why="a test"),
    Revision(number=2, at_s=0.8, factor=3.0, why="a test"),
]
REVISED = revised(small_plan(), PAUSE)
STRUCK = [arrival.number for arrival in ARRIVALS if arrival.at_s >= 0.4]


def test_the_account_is_made_from_the_revised_plan() -> None:
    own = REVISED.numbers.tolist()
    told = make_account(REVISED, table(dict.fromkeys(own, "completed")), [], workers_expected=1, ran_s=END_S)
    assert (told.planned, told.completed, told.lost, told.not_due) == (len(own), len(own), {}, 0)
    assert STRUCK
    assert set(own).isdisjoint(STRUCK)
    assert max(own) >= COUNT


@given(st.sets(st.sampled_from(STRUCK)), st.sets(st.sampled_from(REVISED.numbers.tolist())))
def test_a_struck_session_that_was_started_is_accounted_for_as_well(struck: set[int], played: set[int]) -> None:
    sessions = table(dict.fromkeys([*struck, *played], "failed"))
    told = make_account(REVISED, sessions, [worker_account(0)], workers_expected=1, ran_s=END_S)
    assert told.planned == len(REVISED) + len(struck)
    assert told.failed == len(struck) + len(played)
    assert told.failed + sum(told.lost.values()) + told.not_due == told.planned


def test_a_session_beyond_every_number_given_out_was_never_planned() -> None:
    with pytest.raises(ValueError, match=r"^a session was recorded that the plan doesn't hold$"):
        make_account(REVISED, table({REVISED.given_out: "failed"}), [], workers_expected=1, ran_s=END_S)


def test_what_a_worker_never_knew_of_is_lost_only_as_far_as_it_was_due() -> None:
    """It came to the end of all it knew, and a revision drew more: not everything of that was reached."""
    workers = [worker_account(0, next_arrival=None, given_out=COUNT)]
    kept = {a.number: "completed" for a in REVISED if a.number < COUNT}
    middle = float(REVISED.at_s[-1])
    told = make_account(REVISED, table(kept), workers, workers_expected=1, ran_s=middle)
    assert (told.lost, told.not_due) == ({"w0": len(REVISED) - len(kept) - 1}, 1)


def test_a_run_that_never_started_owes_nothing() -> None:
    told = make_account(ARRIVALS, table({}), [], workers_expected=1, ran_s=0.0)
    assert (told.not_due, told.lost) == (COUNT, {})


def test_a_dropped_session_without_a_reason_is_counted_as_unknown() -> None:
    told = make_account(ARRIVALS, table({0: "dropped"}), [], workers_expected=1, ran_s=0.0)
    assert told.dropped == {"unknown": 1}


def test_an_empty_plan_has_an_empty_account() -> None:
    told = make_account(ARRIVALS[0:0], table({}), [], workers_expected=1, ran_s=10.0)
    assert told == Account(planned=0, completed=0, failed=0, cut_off=0, dropped={}, lost={}, not_due=0)


@pytest.mark.parametrize(
    ("sessions", "message"),
    [
        (pa.concat_tables([table({3: "completed"}), table({3: "failed"})]), "a session was recorded twice"),
        (table({COUNT: "completed"}), "a session was recorded that the plan doesn't hold"),
        (table({-1: "completed"}), "a session was recorded that the plan doesn't hold"),
        (
            table({0: "exploded"}),
            "a session ended as 'exploded'; it may be completed, failed, cut_off or dropped",
        ),
        (
            pa.Table.from_pylist([{"outcome": "completed"}], schema=SESSIONS),
            "a session was recorded without its number",
        ),
    ],
    ids=["twice", "too high", "negative", "unknown outcome", "no number"],
)
def test_an_account_that_cannot_be_right_is_refused(sessions: pa.Table, message: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the whole message is compared
        make_account(ARRIVALS, sessions, [], workers_expected=1, ran_s=END_S)
    assert str(refusal.value) == message


def test_an_account_stands_in_run_json_as_the_contract_says() -> None:
    told = make_account(ARRIVALS, table({0: "completed"}), [], workers_expected=1, ran_s=0.0)
    assert told.to_json() == {
        "planned": COUNT,
        "completed": 1,
        "failed": 0,
        "cut_off": 0,
        "dropped": {},
        "lost": {},
        "not_due": COUNT - 1,
    }


def test_a_worker_without_a_last_word_is_lost() -> None:
    assert worker_account(0, ended=None).lost
    assert not worker_account(0, ended="stopped").lost


def test_workers_are_read_in_order_and_what_is_new_in_a_later_version_is_left(tmp_path: Path) -> None:
    for index in (1, 0):
        facts = {**worker_account(index).model_dump(), "format": "peakproof/worker/v1", "news": 1}
        (tmp_path / f"worker-w{index}.json").write_text(json.dumps(facts))
    assert read_workers(RunDirectory(path=tmp_path)) == (worker_account(0), worker_account(1))


def test_a_worker_s_account_that_is_no_account_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "worker-w0.json"
    path.write_text(json.dumps({**worker_account(0).model_dump(), "requests": "many"}))
    with pytest.raises(BadInput) as refusal:
        read_workers(RunDirectory(path=tmp_path))
    expected = "Input should be a valid integer, unable to parse string as an integer, found 'many'"
    assert str(refusal.value) == f"{path}: requests: {expected}"


def test_sessions_are_read_from_all_parts(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    for worker, number in (("w0", 0), ("w1", 1)):
        write_table(directory.part("sessions", worker, 0), table({number: "completed"}))
    assert sorted(read_sessions(directory)["session"].to_pylist()) == [0, 1]


def test_a_part_that_cannot_be_read_is_told_and_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "sessions-w0-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput) as refusal:
        read_sessions(RunDirectory(path=tmp_path))
    assert str(refusal.value).startswith(f"{tmp_path}: sessions can't be read: ")
