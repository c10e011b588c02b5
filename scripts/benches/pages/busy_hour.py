"""A run directory of an hour with millions of requests, made up and seeded: what the report is measured on."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from loadtests.results.run_directory import RunDirectory, write_json, write_table
from loadtests.results.schemas import ANSWERS, REQUESTS, SESSIONS, SPANS
from slo.validity.run_document import AccountFacts, EnvironmentFacts, Judged, OrderCounts, Phase, PlanFacts, RunDocument
from slo.verdict.verdict_document import JudgedTime, ObjectiveEntry, VerdictDocument

SECOND_NS = 1_000_000_000
START_NS = 1_795_780_800 * SECOND_NS
LENGTH_S = 3600
WORKERS = 8
TRACES, SPANS_A_TRACE = 20_000, 10
# The steps of a visit with the median of their waiting in seconds.
STEPS: Mapping[str, float] = {"home": 0.06, "search": 0.11, "product": 0.08, "cart": 0.09, "checkout": 0.35}
JOURNEYS = ("search-and-buy", "click-and-collect", "design-your-own", "window-shop")
PHASES = (("reference", 300), ("warm-up", 120), ("ramp", 300), ("plateau", 2760), ("drain", 120))
_LEVELS = {"reference": "[0.5, 0.5]", "warm-up": "[0.5, 0.5]", "ramp": "[0.5, 1.0]", "plateau": "[1.0, 1.0]"}
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.str_]


def write_hour(path: Path, requests: int, queries: Sequence[str]) -> None:
    """Write the run at `path`, a new folder: `requests` of them, as many orders as checkouts, answers to `queries`."""
    for folder in (path / "metrics", path / "objectives"):
        folder.mkdir(parents=True)
    directory = RunDirectory(path=path)
    dice = np.random.default_rng(7)
    each = requests // len(STEPS) // WORKERS
    for worker in range(WORKERS):
        _worker(directory, worker, each, dice)
    write_table(directory.part("spans", 0), _spans())
    write_table(directory.metrics / "dashboards.parquet", _answers(queries, dice))
    write_table(directory.metrics / "objectives.parquet", ANSWERS.empty_table())
    _documents(directory, each * WORKERS)


def _worker(directory: RunDirectory, worker: int, sessions: int, dice: np.random.Generator) -> None:
    name = f"w{worker}"
    first = worker * sessions
    due = START_NS + (np.sort(dice.random(sessions)) * (LENGTH_S - PHASES[-1][1]) * SECOND_NS).astype(np.int64)
    journeys = np.array(JOURNEYS)[dice.integers(0, len(JOURNEYS), sessions)]
    numbers = np.arange(first, first + sessions)
    at = due
    tables = []
    for place, (step, typical_s) in enumerate(STEPS.items()):
        sent = at + (dice.exponential(0.0012, sessions) * SECOND_NS).astype(np.int64)
        ended = sent + (typical_s * dice.lognormal(0, 0.55, sessions) * SECOND_NS).astype(np.int64)
        tables.append(_requests(step, place, numbers, journeys, at, sent, ended, dice.random(sessions)))
        at = ended + (dice.lognormal(0.7, 0.6, sessions) * SECOND_NS).astype(np.int64)
    write_table(directory.part("requests", name, 0), pa.concat_tables(tables))
    write_table(directory.part("sessions", name, 0), _sessions(numbers, journeys, due, at))
    _ledger(directory, name, numbers, at)


def _requests(  # noqa: PLR0913, PLR0917 - the columns
    step: str, place: int, numbers: Ints, journeys: Words, due: Ints, sent: Ints, ended: Ints, draws: Floats
) -> pa.Table:
    size = len(numbers)
    failed = draws < (0.004 if step == "checkout" else 0.0004)
    columns = {
        "session": numbers,
        "journey": journeys,
        "step": np.full(size, step),
        "scheduled_at": due,
        "sent_at": sent,
        "finished_at": ended,
        "status": np.where(failed, 503, 200).astype(np.int16),
        "error": pa.array(np.full(size, "http_5xx"), mask=~failed),
        "bytes": np.full(size, 2048),
        "trace_id": _ids(numbers * len(STEPS) + place),
    }
    return pa.table(columns).cast(REQUESTS)


def _ids(numbers: Ints) -> pa.Array:
    return pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 32, "0")


def _sessions(numbers: Ints, journeys: Words, due: Ints, ended: Ints) -> pa.Table:
    size = len(numbers)
    columns = {
        "session": numbers,
        "journey": journeys,
        "scheduled_at": due,
        "started_at": due + 1_000_000,
        "ended_at": ended,
        "outcome": np.full(size, "completed"),
        "reason": pa.nulls(size, pa.string()),
        "late_s": np.full(size, 0.001),
    }
    return pa.table(columns).cast(SESSIONS)


def _ledger(directory: RunDirectory, name: str, numbers: Ints, at: Ints) -> None:
    outcomes = ("accepted",) * 19 + ("refused",)
    with directory.ledger(name).open("w") as file:
        for number, moment in zip(numbers.tolist(), at.tolist(), strict=True):
            known = f'"at": {moment}, "key": "key-{number:09d}"'
            file.write(f'{{"event": "attempt", {known}, "session": {number}, "amount_cents": 1900}}\n')
            file.write(f'{{"event": "outcome", {known}, "outcome": "{outcomes[number % 20]}", "status": 201}}\n')


def _spans() -> pa.Table:
    size = TRACES * SPANS_A_TRACE
    number = np.arange(size)
    place = number % SPANS_A_TRACE
    since = START_NS + (1200 + number // SPANS_A_TRACE * 0.1) * SECOND_NS + place * 5_000_000
    columns = {
        "trace_id": _ids((number // SPANS_A_TRACE) * 97),
        "span_id": pc.utf8_lpad(pa.array(number + 1).cast(pa.string()), 16, "0"),
        "parent_id": np.where(place == 0, "", np.char.zfill((number - place + 1).astype(str), 16)),
        "service": np.where(place == 0, "shopper", "shop"),
        "name": np.char.add("SELECT table ", place.astype(str)),
        "kind": np.full(size, "client"),
        "started_at": since.astype(np.int64),
        "ended_at": since.astype(np.int64) + 4_000_000,
        "status": np.full(size, "unset"),
        "attributes": np.full(size, "{}"),
    }
    return pa.table(columns).cast(SPANS)


def _answers(queries: Sequence[str], dice: np.random.Generator) -> pa.Table:
    at = [START_NS + moment * SECOND_NS for moment in range(0, LENGTH_S + 1, 10)]
    rows = [
        {
            "query": query,
            "kind": "range",
            "asked_from": at[0],
            "asked_to": at[-1],
            "labels": f'{{"span_name": "s{one}"}}',
            "at": at,
            "value": (1 + one + dice.random(len(at))).tolist(),
        }
        for query in queries
        for one in range(5)
    ]
    return pa.Table.from_pylist(rows, schema=ANSWERS)


def _documents(directory: RunDirectory, sessions: int) -> None:
    rate = sessions / (LENGTH_S - PHASES[-1][1])
    phases = [f"  - {{name: {name}, kind: {name}, duration_s: {length}{_level(name)}}}" for name, length in PHASES]
    directory.plan.write_text(_PLAN.format(orders=rate * 3600 / 3, rate=rate, phases="\n".join(phases)))
    at, played = START_NS, []
    for name, length in PHASES:
        played.append(Phase(name=name, kind=name, starts_at=at, ends_at=at + length * SECOND_NS, release=None))
        at += length * SECOND_NS
    judged = (played[2].starts_at, played[3].ends_at)
    run = RunDocument(
        format="peakproof/run/v1",
        run=directory.path.name,
        peakproof="0.1.0",
        plan=PlanFacts(name="busy-hour", sha256=None),
        seed=7,
        environment=EnvironmentFacts(name="staging", base_url="http://127.0.0.1:18080", fingerprint={"replicas": 8}),
        started_at=START_NS,
        ended_at=at,
        ended="completed",
        phases=tuple(played),
        judged=Judged(starts_at=judged[0], ends_at=judged[1]),
        account=AccountFacts(planned=sessions, completed=sessions, failed=0, cut_off=0, dropped={}, lost={}, not_due=0),
        orders=OrderCounts(attempted=sessions, accepted=sessions * 19 // 20, refused=sessions // 20, unknown=0),
    )
    write_json(directory.run, run.to_json())
    verdict = VerdictDocument(
        outcome="PASS",
        exit_code=0,
        run=directory.path.name,
        headline="PASS  2 objectives met",
        judged=JudgedTime(starts_at=judged[0], ends_at=judged[1], left_out={}),
        objectives=(
            _objective("checkout-latency", ("checkout",), 1.5),
            _objective("browse-latency", ("home", "search", "product"), 0.6),
        ),
    )
    write_json(directory.verdict, verdict.model_dump(mode="json"))


def _level(name: str) -> str:
    return f", level: {_LEVELS[name]}" if name in _LEVELS else ""


def _objective(name: str, steps: tuple[str, ...], threshold_s: float) -> ObjectiveEntry:
    return ObjectiveEntry(
        name=name,
        outcome="met",
        events=1_000_000,
        bad=0,
        source="records",
        indicator="latency",
        steps=steps,
        threshold_s=threshold_s,
        target=0.95,
    )


_PLAN = """\
format: peakproof/plan/v1
name: busy-hour
seed: 7
demand:
  source: "made up"
  forecast_orders_per_hour: {orders}
  factor: 3.0
  orders_per_session: 1.0
  peak_sessions_per_s: {rate}
phases:
{phases}
journeys: {{search-and-buy: 1.0}}
mix_note: "all buy"
think_time: {{median_s: 2.0, sigma: 0.6, max_s: 12.0}}
cart_lines: {{min: 1, max: 3}}
limits: {{open_sessions: 100000}}
"""
