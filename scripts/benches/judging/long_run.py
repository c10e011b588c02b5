"""A run directory of two hours with millions of requests, made up and seeded: four workers, parts of ten seconds."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from loadtests.evidence.steps import write_manifest
from loadtests.results.inputs import hash_inputs, prepare
from loadtests.results.records import PART_NS
from loadtests.results.run_directory import RunDirectory, write_json, write_table
from loadtests.results.schemas import ANSWERS, REQUESTS, SESSIONS
from scripts.running.read_inputs import read_inputs
from slo.validity.run_document import RunDocument

SECOND_NS = 1_000_000_000
START_NS = 1_795_780_800 * SECOND_NS
WORKERS = 4
PHASES = (("reference", 300), ("warm-up", 300), ("ramp", 900), ("plateau", 5_400), ("drain", 300))
LENGTH_S = sum(length_s for _, length_s in PHASES)
# The steps of a visit, with the median of their waiting in seconds and the share that fails.
STEPS: Mapping[str, tuple[float, float]] = {
    "home": (0.06, 0.0004),
    "search": (0.11, 0.0004),
    "product": (0.08, 0.0004),
    "variant": (0.05, 0.0004),
    "reviews": (0.04, 0.0002),
    "recommendations": (0.07, 0.002),
    "cart": (0.09, 0.0004),
    "checkout": (0.25, 0.004),
}
_OBJECTIVES = Path(__file__).parents[3] / "slo" / "objectives" / "twisted-threads.yaml"
_PLAN = """\
format: peakproof/plan/v1
name: two-hours
seed: 7
demand:
  source: made up
  forecast_orders_per_hour: {orders}
  factor: 1
  orders_per_session: 1
  peak_sessions_per_s: {peak}
phases:
- {{name: reference, kind: reference, duration_s: 300, level: [1, 1]}}
- {{name: warm-up, kind: warm-up, duration_s: 300, level: [1, 1]}}
- {{name: ramp, kind: ramp, duration_s: 900, level: [1, 1]}}
- {{name: plateau, kind: plateau, duration_s: 5400, level: [1, 1]}}
- {{name: drain, kind: drain, duration_s: 300}}
journeys: {{search-and-buy: 0.75, click-and-collect: 0.25}}
think_time: {{median_s: 2, sigma: 0.5, max_s: 8}}
cart_lines: {{min: 1, max: 3}}
trace_sampling: 0.01
limits: {{open_sessions: 100000}}
assumed_error_burst_s: 1
"""
_TARGETS = """\
format: peakproof/targets/v1
environments:
  staging:
    base_url: http://127.0.0.1:9
    storefront: twisted-threads
    ceiling: {requests_per_s: 5000, open_sessions: 200000, orders: 9000000}
"""
_JOURNEYS = np.array(["search-and-buy", "search-and-buy", "search-and-buy", "click-and-collect"])
_HEX = np.array([[ord(digit) for digit in f"{number:02x}"] for number in range(256)], np.uint8)
Ints = npt.NDArray[np.int64]


def write_long_run(folder: Path, requests: int) -> Path:
    """Write a run of about so many requests below `folder` and return its path."""
    sessions = requests // len(STEPS)
    peak = round(sessions / (LENGTH_S - PHASES[-1][1]), 3)
    (folder / "plan.yaml").write_text(_PLAN.format(peak=peak, orders=round(peak * 3600)))
    (folder / "targets.yaml").write_text(_TARGETS)
    inputs = read_inputs(folder / "plan.yaml", (_OBJECTIVES,), folder / "targets.yaml", "staging")
    directory = prepare(inputs, folder)
    for worker in range(WORKERS):
        _write_worker(directory, worker, sessions // WORKERS)
    write_table(directory.metrics / "objectives.parquet", ANSWERS.empty_table())
    write_json(directory.run, _run(directory).to_json())
    write_manifest(directory)
    return directory.path


def _run(directory: RunDirectory) -> RunDocument:
    ends = np.cumsum([length_s for _, length_s in PHASES]) * SECOND_NS + START_NS
    phases = [
        {"name": name, "kind": name, "starts_at": int(end) - length_s * SECOND_NS, "ends_at": int(end)}
        for (name, length_s), end in zip(PHASES, ends, strict=True)
    ]
    return RunDocument.model_validate(
        {
            "format": "peakproof/run/v1",
            "run": directory.name,
            "inputs": hash_inputs(directory),
            "started_at": START_NS,
            "ended_at": phases[-1]["ends_at"],
            "ended": "completed",
            "phases": phases,
            "judged": {"starts_at": phases[2]["starts_at"], "ends_at": phases[3]["ends_at"]},
        }
    )


def _write_worker(directory: RunDirectory, worker: int, sessions: int) -> None:
    dice = np.random.default_rng(worker)
    due = START_NS + (np.sort(dice.random(sessions)) * (LENGTH_S - PHASES[-1][1]) * SECOND_NS).astype(np.int64)
    number = np.arange(sessions) * WORKERS + worker
    journey = dice.integers(0, len(_JOURNEYS), sessions)
    columns = _visits(dice, due, number, journey)
    failed = np.zeros(sessions, bool)
    failed[np.unique(columns["session"][columns["failed"]]) // WORKERS] = True
    order = np.argsort(columns["scheduled_at"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    for part, rows in _parts(columns["scheduled_at"]):
        here = {name: values[rows] for name, values in columns.items()}
        _write(directory.part("requests", f"w{worker}", f"{part:05d}"), _requests(dice, here))
    for part, rows in _parts(due):
        here = {"session": number[rows], "journey": journey[rows], "due": due[rows], "failed": failed[rows]}
        _write(directory.part("sessions", f"w{worker}", f"{part:05d}"), _sessions(here))


def _write(path: Path, table: pa.Table) -> None:
    """Write a part as `write_table` does, but without waiting for the disk: there are thousands."""
    repeated = [name for name in ("journey", "step", "error", "outcome", "reason") if name in table.column_names]
    pq.write_table(table, path, compression="zstd", use_dictionary=repeated)


def _visits(dice: np.random.Generator, due: Ints, number: Ints, journey: Ints) -> dict[str, Ints]:
    """Return every request of every visit, step after step."""
    found: dict[str, list[Ints]] = {name: [] for name in _REQUEST}
    at, size = due, len(due)
    for place, (typical_s, failing) in enumerate(STEPS.values()):
        sent = at + (dice.exponential(0.0012, size) * SECOND_NS).astype(np.int64)
        ended = sent + (typical_s * dice.lognormal(0, 0.4, size) * SECOND_NS).astype(np.int64)
        values = (number, journey, np.full(size, place), at, sent, ended, dice.random(size) < failing)
        for name, value in zip(_REQUEST, values, strict=True):
            found[name].append(value)
        at = ended + (dice.lognormal(0.7, 0.5, size) * SECOND_NS).astype(np.int64)
    return {name: np.concatenate(values) for name, values in found.items()}


_REQUEST = ("session", "journey", "step", "scheduled_at", "sent_at", "finished_at", "failed")


def _parts(at: Ints) -> Iterator[tuple[int, slice]]:
    """Return the rows of each part, which a worker closes after ten seconds."""
    edges = np.searchsorted(at, np.arange(START_NS, START_NS + LENGTH_S * SECOND_NS + PART_NS, PART_NS))
    rows = (slice(first, last) for first, last in zip(edges[:-1], [*edges[1:-1], len(at)], strict=True) if first < last)
    return enumerate(rows)


def _requests(dice: np.random.Generator, here: Mapping[str, Ints]) -> pa.Table:
    failed = here["failed"].astype(bool)
    size = len(failed)
    columns = {
        "session": here["session"],
        "journey": _JOURNEYS[here["journey"]],
        "step": np.array(list(STEPS))[here["step"]],
        **{name: here[name] for name in ("scheduled_at", "sent_at", "finished_at")},
        "status": np.where(failed, 503, 200).astype(np.int16),
        "error": pa.array(np.full(size, "http_5xx"), mask=~failed),
        "bytes": dice.integers(400, 40_000, size),
        "trace_id": _trace_ids(dice, size),
    }
    return pa.table(columns).cast(REQUESTS)


def _trace_ids(dice: np.random.Generator, size: int) -> pa.Array:
    digits = _HEX[dice.integers(0, 256, (size, 16), np.uint8)].tobytes()
    offsets = np.arange(0, 32 * size + 1, 32).astype(np.int32)
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets.tobytes()), pa.py_buffer(digits))


def _sessions(here: Mapping[str, Ints]) -> pa.Table:
    failed = here["failed"].astype(bool)
    size = len(failed)
    columns = {
        "session": here["session"],
        "journey": _JOURNEYS[here["journey"]],
        "scheduled_at": here["due"],
        "started_at": here["due"] + 1_000_000,
        "ended_at": here["due"] + 20 * SECOND_NS,
        "outcome": np.where(failed, "failed", "completed"),
        "reason": pa.array(np.full(size, "checkout: http_5xx"), mask=~failed),
        "late_s": np.full(size, 0.001),
    }
    return pa.table(columns).cast(SESSIONS)
