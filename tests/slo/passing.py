"""A run that passes, as plain functions: the fixtures of these tests, and the known answers, are made of them."""

from pathlib import Path
from typing import Any

from slo.design_effect import StepCounts
from slo.objectives.indicators import Evidence
from slo.objectives.objective import Objective
from slo.objectives.reading import read_objectives
from slo.validity.delivery import Delivered, JourneyRequests, RecordedSpans, StepRequests
from slo.validity.run_document import parse_run
from slo.verdict.audit_document import parse_audit
from slo.verdict.promises import NEEDS
from slo.verdict.verdict import Case

SHIPPED = Path(__file__).parents[2] / "slo" / "objectives" / "twisted-threads.yaml"
SECOND = 1_000_000_000
STEPS = ("home", "search", "product", "checkout")
MADE: Any = {name: dict.fromkeys(STEPS, 1000) for name in ("requests", "requests_of_completed")}


def shipped_objectives() -> dict[str, Objective]:
    """Return the objectives that Peakproof ships, by name."""
    return {one.name: one for one in read_objectives([SHIPPED])}


def passing_run() -> dict[str, Any]:
    """Return a complete and valid run.json."""
    return {
        "format": "peakproof/run/v1",
        "run": "20261122T150000Z-holiday-peak-ab12",
        "environment": {"name": "staging", "fingerprint": {"replicas": 2, "cache": "cold"}},
        "not_played": [],
        "assets": {"fetched": "all", "left_out": {}},
        "canaries": {"sessions": 450, "shown": 0},
        "ended_at": 1_000 * SECOND,
        "ended": "completed",
        "ended_because": None,
        "phases": [{"name": "warm-up", "kind": "warm-up", "starts_at": 0, "ends_at": 100 * SECOND, "release": None}],
        "judged": {"starts_at": 100 * SECOND, "ends_at": 200 * SECOND},
        "release": {"before": "2026.47.0", "after": "2026.47.0", "expected": ["2026.47.0"], "seen": []},
        "plan_revisions": [],
        "account": {
            "planned": 1000,
            "completed": 990,
            "failed": 5,
            "cut_off": 2,
            "dropped": {"open_sessions": 3},
            "lost": {},
            "not_due": 0,
        },
        "requests": {"sent": 8000, "errors": 3},
        "orders": {"attempted": 400, "accepted": 390, "refused": 10, "unknown": 0},
        "scheduling_lag_s": {"p50": 0.001, "p99": 0.004, "max": 0.02},
        "hub_stall_s": {"p99": 0.004, "max": 0.05},
        "generator_cpu": {"w0": 0.4, "w1": 0.5},
        "descriptors": {"w0": {"peak": 40, "limit": 1024}, "w1": {"peak": 41, "limit": 1024}},
        "master_silent_s": {"w0": 1, "w1": 4},
        "clock_offsets": {
            "w0": {"offset_s": 0.0, "uncertainty_s": 0.0, "pings": 0},
            "w1": {"offset_s": -0.4, "uncertainty_s": 0.1, "pings": 40},
        },
        "live": {"gaps": 0},
        "workers": [
            {"name": name, "arrivals": 500, "parts_expected": 2, "parts_received": 2, "lost": False}
            | {"ledger_rows_expected": 400, "ledger_rows_received": 400}
            for name in ("w0", "w1")
        ],
        "hook_failures": [],
        "notes": [],
        "recorder": {"spans": 9000, "dropped": 0},
    }


def passing_audit() -> dict[str, Any]:
    """Return an audit by which every promise holds."""
    return {
        "format": "peakproof/audit/v2",
        "checked_at": 1,
        "sources": {"orders": "read", "payments": "read", "stock": "read"},
        "checks": [
            {"name": name, "outcome": "holds", "checked": 390, "broken": 0, "detail": "all hold", "examples": []}
            for name in NEEDS
        ],
    }


def passing_case(shipped: dict[str, Objective], run_json: dict[str, Any], audit_json: dict[str, Any]) -> Case:
    """Return a case that is judged PASS."""
    names = ("checkout-availability", "checkout-latency", "browse-latency")
    counts = StepCounts(step="checkout", events=(50,) * 20, bad=(0,) * 20)
    return Case(
        run=parse_run(run_json),
        records=Delivered(
            failed_journeys={},
            due=500,
            on_time=499,
            steps={step: StepRequests(requests=1000) for step in STEPS},
            journeys={"search-and-buy": JourneyRequests(sessions=1000, completed=1000, **MADE)},
            session_rows=1000,
            request_rows=8000,
            no_descriptor=0,
            no_port=0,
            buyers=450,
            unserved=0,
            spans=RecordedSpans(shoppers=8000, shop=1000, joined=True),
        ),
        objectives=tuple(shipped[name] for name in names),
        evidence={name: Evidence(counts=(counts,), quantile_s=0.2, service_quantile_s=0.19) for name in names},
        audit=parse_audit(audit_json),
        declared=frozenset({"orders", "payments", "stock", "release", "traces"}),
        not_judged={},
        assumed_error_burst_s=0.1,
        decided_at=2,
        left_out={"warm-up": 4000},
        visits={"search-and-buy": dict.fromkeys(STEPS, 1.0)},
    )
