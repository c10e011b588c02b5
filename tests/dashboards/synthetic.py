"""Run directories made up for the tests, seeded, in the form the contract gives them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dashboards.grafana.build import build
from dashboards.grafana.queries import queries
from loadtests.results.run_directory import RunDirectory, write_json, write_table
from loadtests.results.schemas import ANSWERS, REQUESTS, SESSIONS, SPANS
from tests.dashboards.made import DATABASE, PEAK_PER_S, PHASES, SECOND, START, STEPS, Made, phases
from tests.dashboards.synthetic_documents import PLAN, audit_document, run_document, verdict_of


def make(parent: Path, outcome: str = "PASS", seed: int = 7) -> Made:
    """Make a whole run directory below `parent` that was judged `outcome`."""
    path = parent / f"20261127T120000Z-holiday-peak-{seed:04x}"
    (path / "metrics").mkdir(parents=True)
    (path / "objectives").mkdir()
    directory = RunDirectory(path=path)
    made = _records(directory, outcome, np.random.default_rng(seed))
    write_table(directory.part("requests", "w0", 0), pa.Table.from_pylist(made.requests[::2], schema=REQUESTS))
    write_table(directory.part("requests", "w1", 0), pa.Table.from_pylist(made.requests[1::2], schema=REQUESTS))
    write_table(directory.part("sessions", "w0", 0), pa.Table.from_pylist(made.sessions, schema=SESSIONS))
    write_table(directory.part("spans", 0), pa.Table.from_pylist(made.spans, schema=SPANS))
    _documents(directory, made, outcome)
    _metrics(directory, made)
    return made


def _records(directory: RunDirectory, outcome: str, rng: np.random.Generator) -> Made:
    listed = phases()
    judged = (listed[2]["starts_at"], listed[3]["ends_at"])
    requests: list[dict[str, Any]] = []
    sessions: list[dict[str, Any]] = []
    spans: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    for number, at in enumerate(_arrivals(rng)):
        slow = 3.2 if outcome == "FAIL" and at > judged[0] + 10 * SECOND else 1.0
        ended = _session(number, at, slow, rng, requests, spans, lines)
        dropped = outcome == "INCONCLUSIVE" and number % 23 == 0
        sessions.append(_session_row(number, at, ended, dropped=dropped, late=float(rng.exponential(0.002))))
    directory.ledger("w0").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"event":"outc')
    return Made(path=directory.path, requests=requests, sessions=sessions, spans=spans, judged=judged)


def _arrivals(rng: np.random.Generator) -> list[int]:
    times: list[int] = []
    for phase, (_, _, length, (low, high)) in zip(phases(), PHASES, strict=True):
        number = rng.poisson((low + high) / 2 * PEAK_PER_S * length)
        times += [phase["starts_at"] + int(share * length * SECOND) for share in np.sort(rng.random(number))]
    return times


def _session_row(number: int, at: int, ended: int, *, dropped: bool, late: float) -> dict[str, Any]:
    return {
        "session": number,
        "journey": "search-and-buy",
        "scheduled_at": at,
        "started_at": 0 if dropped else at + int(late * SECOND),
        "ended_at": ended,
        "outcome": "dropped" if dropped else "completed",
        "reason": "open sessions at their limit" if dropped else None,
        "late_s": late,
    }


def _session(  # noqa: PLR0913, PLR0917 - the builder's own state
    number: int,
    at: int,
    slow: float,
    rng: np.random.Generator,
    requests: list[dict[str, Any]],
    spans: list[dict[str, Any]],
    lines: list[dict[str, Any]],
) -> int:
    for step, typical in STEPS.items():
        took = typical * float(rng.lognormal(0, 0.55)) * (slow if step == "checkout" else 1.0)
        sent = at + int(rng.exponential(0.0012) * SECOND)
        finished = sent + int(took * SECOND)
        trace = f"{number:016x}{len(requests):016x}"
        error, status = ("http_5xx", 503) if step == "checkout" and rng.random() < 0.004 * slow**2 else (None, 200)
        requests.append(
            {
                "session": number,
                "journey": "search-and-buy",
                "step": step,
                "scheduled_at": at,
                "sent_at": sent,
                "finished_at": finished,
                "status": status,
                "error": error,
                "bytes": 2048,
                "trace_id": trace,
            }
        )
        if number % 4 == 0 or took > 1.5:
            spans += _spans(trace, step, sent, finished, repeated=12 if slow > 1 and step == "checkout" else 1)
        if step == "checkout":
            lines += _ledger(number, sent, finished, "accepted" if error is None else "unknown", rng)
        at = finished + int(rng.lognormal(0.2, 0.4) * SECOND)
    return at


def _ledger(number: int, sent: int, finished: int, outcome: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    told = "refused" if rng.random() < 0.05 else outcome
    key = f"key-{number:06d}"
    sold = [{"sku": "holly-m-red", "quantity": 1, "location": "warehouse"}]
    return [
        {"event": "attempt", "at": sent, "session": number, "key": key, "lines": sold, "amount_cents": 1900},
        {
            "event": "outcome",
            "at": finished,
            "key": key,
            "outcome": told,
            "status": 201,
            "order_id": f"o{number}" if told == "accepted" else None,
            "reason": None,
            "total_cents": 1900,
        },
    ]


def _spans(trace: str, step: str, sent: int, finished: int, *, repeated: int) -> list[dict[str, Any]]:
    def span(name: str, parent: str, service: str, kind: str, since: float, until: float) -> dict[str, Any]:
        length = finished - sent
        span.made += 1  # type: ignore[attr-defined]
        return {
            "trace_id": trace,
            "span_id": f"{span.made:016x}",  # type: ignore[attr-defined]
            "parent_id": parent,
            "service": service,
            "name": name,
            "kind": kind,
            "started_at": sent + int(since * length),
            "ended_at": sent + int(until * length),
            "status": "unset",
            "attributes": json.dumps({"db.query.summary": name} if " " in name and kind == "client" else {}),
        }

    span.made = 0  # type: ignore[attr-defined]
    root = span(step, "", "shopper", "client", 0, 1)
    server = span(f"GET /{step}", root["span_id"], "shop", "server", 0.03, 0.97)
    names = [name for name in DATABASE[step] for _ in range(repeated if "stock" in name else 1)]
    share = 0.6 / len(names)
    children = [
        span(name, server["span_id"], "shop", "client", 0.05 + i * share, 0.05 + (i + 0.9) * share)
        for i, name in enumerate(names)
    ]
    if step == "checkout":
        call = span("POST", server["span_id"], "shop", "client", 0.7, 0.95)
        children += [call, span("POST /payments", call["span_id"], "payments", "server", 0.74, 0.93)]
    return [root, server, *children]


def _documents(directory: RunDirectory, made: Made, outcome: str) -> None:
    directory.plan.write_text(PLAN)
    directory.run.with_name("objectives").joinpath("checkout.yaml").write_text("format: openslo\n")
    write_json(directory.run, run_document(made, outcome).to_json())
    write_json(directory.audit, audit_document(made, outcome).model_dump(mode="json"))
    write_json(directory.verdict, verdict_of(made, outcome).model_dump(mode="json"))


def _metrics(directory: RunDirectory, made: Made) -> None:
    rng = np.random.default_rng(3)
    at = [made.requests[0]["scheduled_at"] // SECOND * SECOND + i * SECOND for i in range(131)]
    rows = [row for query in queries(build()["peak-run"]) for row in _series(query, at, rng)]
    write_table(directory.metrics / "dashboards.parquet", pa.Table.from_pylist(rows, schema=ANSWERS))
    write_table(
        directory.metrics / "objectives.parquet", pa.Table.from_pylist([_row("up", {}, [], [])], schema=ANSWERS)
    )


def _series(query: str, at: list[int], rng: np.random.Generator) -> list[dict[str, Any]]:
    if "http_route" in query:
        names = [{"http_route": f"/{step}"} for step in STEPS]
    elif "span_name" in query:
        names = [{"service_name": "shop", "span_name": name} for name in ("SELECT stock", "UPDATE stock", "POST")]
    else:
        names = [{}]
    scale = 0.2 if "histogram_quantile" in query else 6.0
    scale *= 1000 if "milliseconds" in query else 1
    scale = 0.0 if "* 0" in query else scale
    return [
        _row(query, labels, at, [scale * (i + 1) * (1 + 0.2 * value) for value in rng.normal(size=len(at))])
        for i, labels in enumerate(names)
    ]


def _row(query: str, labels: dict[str, str], at: list[int], value: list[float]) -> dict[str, Any]:
    asked = {"query": query, "kind": "range", "asked_from": START, "asked_to": START + 131 * SECOND}
    return {**asked, "labels": json.dumps(labels), "at": at, "value": value}
