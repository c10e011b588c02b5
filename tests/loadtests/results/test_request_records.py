"""What DuckDB says of a run's records is what they say when all are held in memory, whatever they are."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loadtests.results import exact_quantiles, session_sums
from loadtests.results.parts_database import PartsDatabase
from loadtests.results.request_records import RecordedRequests, read_record_facts, read_records
from loadtests.results.request_tallies import Questions, longer_than, tally, time_requests
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS, SESSIONS, SPANS
from slo.documents import BadInput
from slo.objectives.indicators import NEVER_JUDGED, Asked, Evidence, Window
from tests.slo.objectives.request_table import RequestTable

SECOND = 1_000_000_000
START = 1_795_780_800 * SECOND
JUDGED = Window(starts_at=START + 10 * SECOND, ends_at=START + 100 * SECOND + 7)
PHASES = (
    Window(starts_at=START, ends_at=START + 10 * SECOND),
    Window(starts_at=START + 10 * SECOND, ends_at=START + 41 * SECOND),
    Window(starts_at=START + 41 * SECOND, ends_at=START + 200 * SECOND),
    Window(starts_at=START + 41 * SECOND, ends_at=JUDGED.ends_at),
)
STEPS = ("home", "it's", "cart", "checkout")
ERRORS = (None, None, None, None, "http_5xx", "timeout", "cut_off", "cut_off", *NEVER_JUDGED)
ASKED = (
    Asked(steps=("checkout",)),
    Asked(steps=("home", "it's", "nobody's")),
    Asked(steps=("checkout",), threshold_s=0.4, quantile=0.95),
    Asked(steps=("home", "it's"), clock="sent", threshold_s=0.3, quantile=0.5),
    Asked(steps=("cart", "checkout"), threshold_s=12.0, quantile=0.999),
    Asked(steps=("home",), clock="sent", threshold_s=0.0, quantile=0.01),
    Asked(steps=("nobody's",), threshold_s=0.3, quantile=0.9),
)
QUESTIONS = Questions(asked=ASKED, window=JUDGED, windows=PHASES, steps=(*STEPS, "nobody's"))


def made(seed: int, size: int, sessions: int = 40) -> tuple[pa.Table, pa.Table]:
    """Return requests and sessions of a run in which everything happens, much of it at an edge."""
    dice = random.Random(seed)  # noqa: S311 - made up records
    ids = [dice.choice([number, number, number * 10**15]) if seed % 2 else number for number in range(sessions)]
    return (
        pa.Table.from_pylist([_request(dice, dice.choice(ids)) for _ in range(size)], schema=REQUESTS),
        pa.Table.from_pylist([_session(dice, number) for number in dict.fromkeys(ids)], schema=SESSIONS),
    )


def _at(dice: random.Random) -> int:
    edge = dice.choice([JUDGED.starts_at, JUDGED.ends_at, *JUDGED.edges(), *(one.starts_at for one in PHASES)])
    return dice.choice([edge + dice.choice([-1, 0, 1]), START + dice.randrange(-5, 120) * SECOND])


def _request(dice: random.Random, session: int) -> dict[str, Any]:
    at = _at(dice)
    sent = at + dice.choice([0, 0, 1, dice.randrange(SECOND)])
    waits = [0, 1, 4 * SECOND // 10, 3 * SECOND // 10, 10 * SECOND, 10 * SECOND - 1, 12 * SECOND]
    wait = dice.choice([*waits, dice.randrange(SECOND), dice.randrange(20 * SECOND), dice.randrange(-50, 50)])
    return {
        "session": session,
        "journey": "buy",
        "step": dice.choice(STEPS),
        "scheduled_at": at,
        "sent_at": sent,
        "finished_at": dice.choice([at, sent]) + wait,
        "status": 200,
        "error": dice.choice(ERRORS),
        "bytes": 9,
        "trace_id": f"{dice.randrange(30):032x}",
    }


def _session(dice: random.Random, number: int) -> dict[str, Any]:
    at = _at(dice)
    started = dice.choice([0, at, at + SECOND, at + SECOND + 1])
    return {
        "session": number,
        "journey": dice.choice(["buy", "look"]),
        "scheduled_at": at,
        "started_at": started,
        "ended_at": at,
        "outcome": dice.choice(["completed", "failed", "cut_off", "dropped"]),
        "reason": dice.choice([None, None, "sold_out", "cart: timeout"]),
        "late_s": 0.0,
    }


def written(path: Path, requests: pa.Table, sessions: pa.Table, parts: int = 3) -> RunDirectory:
    """Write a run directory of so many parts; its name is one that a shell would expand."""
    path = path / "run[0-9]*'?"
    path.mkdir()
    directory = RunDirectory(path=path)
    for kind, table in (("requests", requests), ("sessions", sessions)):
        size = -(-table.num_rows // parts)
        for number in range(parts):
            part = table.slice(number * size, size)
            if part.num_rows:
                write_table(directory.part(kind, "w[0]", number), part)
    return directory


def told(evidence: Evidence) -> tuple[Any, ...]:
    """Return all of it; the scatter, a float that comes of other sums, by itself."""
    counts = {one.step: (one.events, one.bad) for one in evidence.counts}
    quantiles = (evidence.quantile_s, evidence.quantile_at_least_s, evidence.service_quantile_s)
    return counts, evidence.left_out, evidence.unreached, evidence.failed, quantiles, evidence.no_data


def check(found: RecordedRequests, wanted: RequestTable) -> None:
    """Assert that both say the same of everything that is asked."""
    pairs = list(zip(found.evidence(ASKED, JUDGED), wanted.evidence(ASKED, JUDGED), strict=True))
    assert [told(ours) for ours, _ in pairs] == [told(theirs) for _, theirs in pairs]
    for ours, theirs in pairs:
        assert ours.session_scatter == (
            None if theirs.session_scatter is None else pytest.approx(theirs.session_scatter, rel=1e-6)
        )
    assert found.counts() == wanted.counts()
    for window in (JUDGED, *PHASES):
        assert found.counts(window) == wanted.counts(window)
    assert found.hung(JUDGED) == wanted.hung(JUDGED)
    assert found.session_rows() == wanted.session_rows()
    assert found.endings(JUDGED) == wanted.endings(JUDGED)
    assert found.made_by(JUDGED) == wanted.made_by(JUDGED)


@pytest.mark.parametrize("seed", range(6))
def test_duckdb_says_what_the_plain_reading_says(seed: int, tmp_path: Path) -> None:
    requests, sessions = made(seed, 400 if seed else 3)
    check(
        read_records(written(tmp_path, requests, sessions), QUESTIONS), RequestTable(table=requests, sessions=sessions)
    )


def test_neither_memory_for_few_sessions_nor_waits_that_are_many_change_what_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_sums, "_BYTES", 1_000)
    monkeypatch.setattr(session_sums, "_SMALL", 0)
    monkeypatch.setattr(exact_quantiles, "_FEW", 3)
    for seed in (10, 11):
        requests, sessions = made(seed, 300)
        folder = tmp_path / str(seed)
        folder.mkdir()
        check(
            read_records(written(folder, requests, sessions), QUESTIONS),
            RequestTable(table=requests, sessions=sessions),
        )


@pytest.mark.parametrize("deviations", [0, 0.5, 12])
def test_a_quantile_is_exact_whether_its_sample_encloses_it_or_misleads(
    deviations: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact_quantiles, "_FEW", 20)
    monkeypatch.setattr(exact_quantiles, "_SAMPLED", 125)
    monkeypatch.setattr(exact_quantiles, "_DEVIATIONS", deviations)
    requests, sessions = made(20, 1_000)
    directory = written(tmp_path, requests, sessions, parts=10)
    check(read_records(directory, QUESTIONS), RequestTable(table=requests, sessions=sessions))


def test_all_but_a_few_requests_lie_outside_of_the_cuts_around_a_quantile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact_quantiles, "_FEW", 0)
    monkeypatch.setattr(exact_quantiles, "_SAMPLED", 500)
    monkeypatch.setattr(exact_quantiles, "_DEVIATIONS", 2)
    directory = written(tmp_path, *made(20, 1_500), parts=10)
    with PartsDatabase(directory, {"requests": REQUESTS, "sessions": SESSIONS}) as database:
        database.check("requests", frozenset({"error"}))
        time_requests(database)
        found = exact_quantiles.cuts(database, QUESTIONS)
        tallies = tally(database, QUESTIONS, found)
    checkout = [one for one in tallies.judged(JUDGED) if one.step == "checkout" and one.error is None]
    by_place = Counter[int]()
    for one in checkout:
        by_place[one.longer["scheduled"]] += one.requests
    assert len(found["scheduled"]) >= 4
    assert max(by_place.values()) < 0.6 * sum(by_place.values())


def test_a_run_without_any_record_has_no_data(tmp_path: Path) -> None:
    empty = (REQUESTS.empty_table(), SESSIONS.empty_table())
    found = read_records(written(tmp_path, *empty), QUESTIONS)
    check(found, RequestTable(table=empty[0], sessions=empty[1]))
    assert [one.no_data for one in found.evidence(ASKED[:1], JUDGED)] == ["no judged request of checkout in the window"]


def test_a_time_that_no_clock_tells_is_never_good(tmp_path: Path) -> None:
    requests, sessions = made(2, 50)
    ended = pa.array([-(1 << 63)] * 50, pa.int64())
    spoilt = requests.set_column(requests.schema.get_field_index("finished_at"), "finished_at", ended)
    found = read_records(written(tmp_path, spoilt, sessions), QUESTIONS)
    slow = found.evidence(ASKED, JUDGED)[2]
    assert slow.events
    assert slow.bad == slow.events


def test_a_window_that_was_not_asked_for_is_an_error_and_not_nothing(tmp_path: Path) -> None:
    found = read_records(written(tmp_path, *made(2, 50)), QUESTIONS)
    other = Window(starts_at=START + 1, ends_at=START + 2)
    with pytest.raises(LookupError):
        found.counts(other)
    with pytest.raises(LookupError):
        found.evidence(ASKED, other)


def test_only_requests_whose_trace_was_recorded_are_traced(tmp_path: Path) -> None:
    requests, sessions = made(3, 200)
    directory = written(tmp_path, requests, sessions)
    spans = pa.table({name: ["a"] for name in SPANS.names if name not in ("started_at", "ended_at")})
    spans = spans.append_column("started_at", pa.array([1])).append_column("ended_at", pa.array([2]))
    kept = f"{7:032x}"
    spans = spans.set_column(0, "trace_id", pa.array([kept])).select(SPANS.names)
    write_table(directory.part("spans", 0), spans.cast(SPANS))
    found = read_records(directory, QUESTIONS).traced(STEPS[1:], JUDGED)
    every = RequestTable(table=requests).traced(STEPS[1:], JUDGED).to_pylist()
    wanted = [row for row in every if row["trace_id"] == kept]
    assert found.to_pylist() == sorted(wanted, key=lambda row: row["scheduled_at"])
    assert 0 < len(wanted) < len(every)


@pytest.mark.parametrize("value", [-(1 << 63), -1, 0, 7, 8, 9, 2**62, 2**63 - 1])
def test_a_value_is_beyond_the_cuts_that_are_less(value: int, tmp_path: Path) -> None:
    edges = [-1, 0, 8, 2**62]
    with PartsDatabase(RunDirectory(path=tmp_path), {}) as database:
        query = f"SELECT {longer_than('wait', edges)} FROM (SELECT $1::BIGINT AS wait)"  # noqa: S608 - numbers
        assert database.rows("requests", query, [value])[0][0] == sum(edge < value for edge in edges)


def test_the_database_reads_nothing_but_the_parts(tmp_path: Path) -> None:
    directory = written(tmp_path, *made(2, 20))
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    with PartsDatabase(directory, {"requests": REQUESTS}) as database, pytest.raises(BadInput, match="Permission"):
        database.rows("requests", "SELECT * FROM read_parquet($1)", [str(other)])
    assert not [path for path in directory.path.iterdir() if path.suffix == ".tmp"]


@pytest.mark.parametrize("column", ["error", "step", "sent_at", "trace_id"])
@pytest.mark.parametrize("rows", [0, 20])
def test_a_part_without_a_column_is_named_with_it_and_nothing_of_the_database_s_own_words(
    rows: int, column: str, tmp_path: Path
) -> None:
    """Also one whose column may be null, or that has no row."""
    directory = written(tmp_path, *made(2, 20))
    part = directory.part("requests", "w9", 0)
    pq.write_table(made(2, 20)[0].slice(0, rows).drop_columns([column]), part)
    for read in (lambda: read_records(directory, QUESTIONS), lambda: read_record_facts(directory)):
        with pytest.raises(BadInput) as refused:
            read()
        assert str(refused.value) == f"{part}: it has no column {column}"


def test_a_part_that_holds_something_else_is_named_with_the_column(tmp_path: Path) -> None:
    directory = written(tmp_path, *made(2, 20))
    part, requests = directory.part("requests", "w9", 0), made(2, 20)[0]
    place = requests.schema.get_field_index("sent_at")
    refusals = []
    for values in (pa.array([None] * requests.num_rows, pa.int64()), pa.array(["x"] * requests.num_rows)):
        pq.write_table(requests.set_column(place, "sent_at", values), part)
        with pytest.raises(BadInput) as refused:
            read_record_facts(directory)
        refusals.append(str(refused.value))
    number = requests.num_rows
    assert refusals == [
        f"{part}: sent_at: null in {number} of {number} rows",
        f"{part}: sent_at: expected INT64, found BYTE_ARRAY",
    ]


def test_parts_that_are_damaged_far_behind_the_first_batch_are_named(tmp_path: Path) -> None:
    directory = RunDirectory(path=tmp_path)
    part = directory.part("requests", "w0", 0)
    pq.write_table(pa.table({"session": range(800_000)}), part, row_group_size=20_000)
    column = pq.read_metadata(part).row_group(39).column(0)
    start = column.dictionary_page_offset or column.data_page_offset
    data = bytearray(part.read_bytes())
    data[start : start + 40] = b"\xff" * 40
    part.write_bytes(data)
    schema = pa.schema([("session", pa.int64())])
    with PartsDatabase(directory, {"requests": schema}) as database:
        batches = database.batches("requests", "SELECT session FROM requests")
        assert next(batches).num_rows
        with pytest.raises(BadInput, match=r"requests-\*\.parquet: can't be read: ") as refused:
            sum(batch.num_rows for batch in batches)
    assert len(str(refused.value).splitlines()) == 1
