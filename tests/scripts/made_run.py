"""Whole run directories made up without load: prepared and accounted by the real code, their records written here."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from loadtests.demand.arrivals import schedule
from loadtests.evidence.manifest import read_manifest
from loadtests.evidence.steps import recorded_step, write_manifest
from loadtests.results.inputs import Inputs, prepare
from loadtests.results.run_directory import RunDirectory, write_json, write_table
from loadtests.results.run_json import EndFacts, LoadFacts, StartFacts, write_run
from loadtests.results.schemas import ANSWERS, REQUESTS, SESSIONS, SPANS
from scripts.running.metrics_archive import samples_kept
from scripts.running.read_inputs import read_inputs
from slo.validity.run_document import AnswersFacts, RecorderFacts
from slo.verdict.promises import NEEDS
from tests.scripts.world import GOOD, TOTAL, World, write_inputs

START = 1_795_780_800_000_000_000  # 2026-11-27 12:00:00 UTC
SECOND = 1_000_000_000
STEPS = ("home", "search", "product", "cart", "checkout")
WORKERS = 2


def make_run(folder: Path, outcome: str, **given: str) -> Path:
    """Make a run directory below `folder`/runs that is judged `outcome`, of inputs that are as `given` or good.

    FAIL: checkouts are slow after the reference phase. INCONCLUSIVE: a tenth of the requests' rows never arrived.
    """
    write_inputs(folder, **given)
    inputs = read_inputs(folder / "plan.yaml", (folder / "objectives.yaml",), folder / "targets.yaml", "staging")
    directory = prepare(inputs, World(folder=folder).context().runs)
    requests = _records(directory, inputs, slow=outcome == "FAIL")
    for worker in range(WORKERS):
        rows = [row for row in requests if row["session"] % WORKERS == worker]
        kept = rows[: len(rows) * 9 // 10] if outcome == "INCONCLUSIVE" else rows
        write_table(directory.part("requests", f"w{worker}", "00000"), pa.Table.from_pylist(kept, schema=REQUESTS))
        orders = len(requests) // len(STEPS) if worker == 0 else 0
        told = {"attempted": orders, "accepted": orders, "refused": 0, "unknown": 0}
        write_json(directory.worker(f"w{worker}"), worker_account(worker, len(rows), orders=told))
    _answers(directory, requests)
    write_json(directory.live, live_snapshot(run=directory.name))
    write_json(directory.stock_before, {"format": "peakproof/stock/v1", "taken_at": START, "stock": []})
    start, load, end = facts()
    end = replace(end, answers=AnswersFacts(samples=samples_kept(directory)))
    assert write_run(directory, inputs, start, load, end).notes == ()
    write_manifest(directory)
    reads = [directory.run, *directory.ledgers()]
    with recorded_step(directory, "audit", reads=reads, writes=[directory.audit]):
        _audit(directory, len(requests) // len(STEPS))
    return directory.path


def listed_anew(run: Path) -> None:
    """Rewrite a run's manifest to what its directory holds, as whoever can write there may."""
    directory = RunDirectory(path=run)
    name = read_manifest(run).document.run if directory.manifest.exists() else run.name
    write_manifest(directory, name)


def facts(**changed: Any) -> tuple[StartFacts, LoadFacts, EndFacts]:
    """Return the facts of a run that went well, with the facts of its load changed."""
    start = StartFacts(
        command="peakproof run plan.yaml --on staging", workers=WORKERS, began_at=START - SECOND, release="2026.47.0"
    )
    load: dict[str, Any] = {
        "started_at": START,
        "ended_at": START + 28 * SECOND,
        "ended": "completed",
        "clock_step_s": 0.0,
    }
    end = EndFacts(release="2026.47.0", recorder=RecorderFacts(spans=10, dropped=0))
    return start, LoadFacts(**{**load, **changed}), end


def live_snapshot(**changed: Any) -> dict[str, Any]:
    """Return the last live snapshot of a run of which only its end matters."""
    latency = {"p50": None, "p95": None, "p99": None}
    orders = dict.fromkeys(("attempted_total", "accepted_total", "refused_total", "unknown_total"), 0)
    sessions = {"sessions_per_s": 0.0, "sessions_total": 0}
    return {
        "format": "peakproof/live/v1",
        "sequence": 1,
        "gaps": 0,
        "at": START,
        "run": "run",
        "started_at": START,
        "phase": "drain",
        "state": "ended",
        "elapsed_s": 0.0,
        "left_s": 0.0,
        "planned": sessions,
        "achieved": {**sessions, "requests_per_s": 0.0, "requests_total": 0, "open_sessions": 0},
        "latency_s": latency,
        "errors": {"total": 0, "per_s": 0.0, "by_step": {}},
        "orders": {**orders, "per_minute": 0.0},
        "steps": {},
        "lag_s": {"p99": None},
        "generator_cpu": None,
        "dropped_total": 0,
        "workers": 2,
        "objectives": [],
        **changed,
    }


def worker_account(index: int, requests: int, **changed: Any) -> dict[str, Any]:
    """Return what a worker said of itself at last."""
    good: dict[str, Any] = {
        "format": "peakproof/worker/v1",
        "name": f"w{index}",
        "index": index,
        "workers": WORKERS,
        "arrivals": requests // len(STEPS),
        "next_arrival": None,
        "ended": "completed",
        "because": None,
        "requests": requests,
        "errors": 0,
        "accepted_5xx": 0,
        "parts": {"requests": 1, "sessions": 1},
        "lag_s": {"p50": 0.001, "p99": 0.004, "max": 0.02},
        "hub_stall_s": {"p99": 0.004, "max": 0.05},
        "descriptors": {"peak": 40, "limit": 1024},
        "master_silent_s": 1,
        "clock_offset": {"offset_s": 0.001 * index, "uncertainty_s": 0.002, "pings": 20},
        "uploaded": index == 1,
        "cpu_peak": 0.3 + index / 10,
        "hook_failures": [],
        "spans": {"sent": 1, "dropped": 0},
        "open_sessions_peak": 9,
        "rss_peak_bytes": 1 << 20,
    }
    return {**good, **changed}


def _records(directory: RunDirectory, inputs: Inputs, *, slow: bool) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = []
    sessions: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    ledger: list[dict[str, Any]] = []
    changed_at = START + 5 * SECOND
    for arrival in schedule(inputs.plan):
        at = begun = START + round(arrival.at_s * 1e9)
        for step in STEPS:
            takes = SECOND if slow and step == "checkout" and at > changed_at else SECOND // 50
            trace = f"{arrival.number:016x}{len(requests):016x}"
            requests.append(_request(arrival.number, step, at, takes, trace))
            spans += _spans(trace, step, at, takes)
            at += takes
        sessions.append(_session(arrival.number, begun, at))
        ledger += _order(arrival.number, at)
    for worker in range(WORKERS):
        own = [row for row in sessions if row["session"] % WORKERS == worker]
        write_table(directory.part("sessions", f"w{worker}", "00000"), pa.Table.from_pylist(own, schema=SESSIONS))
    write_table(directory.part("spans", 0), pa.Table.from_pylist(spans, schema=SPANS))
    directory.ledger("w0").write_text("".join(json.dumps(row) + "\n" for row in ledger))
    return requests


def _request(session: int, step: str, at: int, takes: int, trace: str) -> dict[str, Any]:
    return {
        "session": session,
        "journey": "search-and-buy",
        "step": step,
        "scheduled_at": at,
        "sent_at": at,
        "finished_at": at + takes,
        "status": 200,
        "error": None,
        "bytes": 100,
        "trace_id": trace,
    }


def _session(number: int, begun: int, ended: int) -> dict[str, Any]:
    return {
        "session": number,
        "journey": "search-and-buy",
        "scheduled_at": begun,
        "started_at": begun,
        "ended_at": ended,
        "outcome": "completed",
        "reason": None,
        "late_s": 0.0,
    }


def _spans(trace: str, step: str, at: int, takes: int) -> list[dict[str, Any]]:
    common = {"trace_id": trace, "started_at": at, "ended_at": at + takes, "status": "unset", "attributes": "{}"}
    route = f"POST /{step}" if step == "checkout" else f"GET /{step}"
    return [
        {**common, "span_id": "a" * 16, "parent_id": "", "service": "shopper", "name": step, "kind": "client"},
        {**common, "span_id": "b" * 16, "parent_id": "a" * 16, "service": "shop", "name": route, "kind": "server"},
    ]


def _order(number: int, at: int) -> list[dict[str, Any]]:
    lines = [{"sku": "tee-M-black", "quantity": 1, "location": "warehouse"}]
    attempt = {"event": "attempt", "at": at, "session": number, "key": f"k{number}", "lines": lines, "amount_cents": 9}
    outcome = {"event": "outcome", "at": at, "key": f"k{number}", "outcome": "accepted", "status": 201}
    return [attempt, {**outcome, "order_id": f"o{number}", "reason": None, "total_cents": 9}]


def _answers(directory: RunDirectory, requests: list[dict[str, Any]]) -> None:
    """Two counters of one replica, sampled each second, that count the checkouts."""
    at = [START + second * SECOND for second in range(-30, 28)]
    ends = sorted(row["finished_at"] for row in requests if row["step"] == "checkout")
    value = [float(sum(end <= moment for end in ends)) for moment in at]
    assert all(before <= after for before, after in pairwise(value))
    labels = {
        "__name__": "http_server_request_duration_seconds_count",
        "job": "shop",
        "instance": "127.0.0.1:18082",
        "http_response_status_code": "201",
    }
    asked = {"kind": "raw", "asked_from": START - 30 * SECOND, "asked_to": START + 27 * SECOND}
    rows = [
        {"query": query, **asked, "labels": json.dumps(labels), "at": at, "value": value} for query in (GOOD, TOTAL)
    ]
    write_table(directory.metrics / "objectives.parquet", pa.Table.from_pylist(rows, schema=ANSWERS))
    write_table(directory.metrics / "dashboards.parquet", ANSWERS.empty_table())


def _audit(directory: RunDirectory, orders: int) -> None:
    checks = [
        {"name": name, "outcome": "holds", "checked": orders, "broken": 0, "detail": f"all {orders}", "examples": []}
        for name in NEEDS
    ]
    write_json(
        directory.audit,
        {
            "format": "peakproof/audit/v2",
            "run": directory.name,
            "checked_at": START + 60 * SECOND,
            "sources": {"orders": "read", "payments": "read", "stock": "read"},
            "counts": {"attempted": orders, "accepted": orders, "refused": 0, "unknown": 0},
            "checks": checks,
        },
    )
