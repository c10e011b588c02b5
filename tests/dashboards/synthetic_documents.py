"""The documents of a run directory that is made up, by the models and the writers of the real ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from slo.causes.causes import Cause
from slo.findings import Finding, Kind, Severity
from slo.objectives.indicators import Window
from slo.outcomes import Outcome
from slo.validity.run_document import FORMAT as RUN
from slo.validity.run_document import (
    AccountFacts,
    ClockOffset,
    EnvironmentFacts,
    Judged,
    Lag,
    LiveFacts,
    OrderCounts,
    Phase,
    PlanFacts,
    RecorderFacts,
    ReleaseFacts,
    RequestCounts,
    RunDocument,
    WorkerFacts,
)
from slo.verdict.about import about
from slo.verdict.audit_document import FORMAT as AUDIT
from slo.verdict.audit_document import AuditDocument, BrokenEntry, CheckEntry
from slo.verdict.objective_results import ObjectiveOutcome, ObjectiveResult
from slo.verdict.verdict import Verdict
from slo.verdict.verdict_document import VerdictDocument, verdict_document
from tests.dashboards.made import SECOND, START, Made, phases

PLAN = """\
format: peakproof/plan/v1
name: holiday-peak
seed: 20261127
demand:
  source: "orders.csv: busiest hour of last season, 27 Nov 2025 12:00."
  forecast_orders_per_hour: 6480
  factor: 3.0
  orders_per_session: 0.9
  peak_sessions_per_s: 6.0
phases:
  - {name: reference, kind: reference, duration_s: 25, level: [0.5, 0.5]}
  - {name: warm-up, kind: warm-up, duration_s: 8, level: [0.5, 0.5]}
  - {name: ramp, kind: ramp, duration_s: 15, represents_s: 600, level: [0.5, 1.0]}
  - {name: plateau, kind: plateau, duration_s: 75, represents_s: 3000, level: [1.0, 1.0]}
  - {name: drain, kind: drain, duration_s: 8}
journeys: {search-and-buy: 0.6, click-and-collect: 0.2, design-your-own: 0.1, window-shop: 0.1}
mix_note: "buyers' traffic: nine of ten sessions order, so checkout is pressed harder than browsing."
think_time: {median_s: 2.0, sigma: 0.6, max_s: 12.0}
cart_lines: {min: 1, max: 3}
limits: {open_sessions: 500}
"""


def run_document(made: Made, outcome: str) -> RunDocument:
    return RunDocument(
        format=RUN,
        run=made.path.name,
        peakproof="0.1.0",
        plan=PlanFacts(name="holiday-peak", sha256="5f" * 32),
        seed=20261127,
        environment=EnvironmentFacts(
            name="staging",
            base_url="http://127.0.0.1:18080",
            fingerprint={"replicas": 2, "database": "sqlite", "cache": "cold"},
        ),
        command="peakproof run plan.yaml --on staging",
        started_at=START - 4 * SECOND,
        ended_at=START + 135 * SECOND,
        ended="completed",
        ended_because=None,
        phases=tuple(Phase(**phase) for phase in phases()),
        judged=Judged(starts_at=made.judged[0], ends_at=made.judged[1]),
        release=ReleaseFacts(before="2026.47.0", after="2026.47.0", expected=("2026.47.0",), seen=()),
        plan_revisions=(),
        live=LiveFacts(gaps=0),
        notes=("Trace sampling 1.0",),
        recorder=RecorderFacts(spans=len(made.spans), dropped=0),
        versions={"python": "3.11.9", "locust": "2.47.0"},
    ).updated(_from_workers(made, outcome))


def _from_workers(made: Made, outcome: str) -> RunDocument:
    dropped = sum(session["outcome"] == "dropped" for session in made.sessions)
    planned = len(made.sessions)
    return RunDocument(
        account=AccountFacts(
            planned=planned,
            completed=planned - dropped,
            failed=0,
            cut_off=0,
            dropped={"open sessions at their limit": dropped} if dropped else {},
            lost={},
            not_due=0,
        ),
        requests=RequestCounts(sent=len(made.requests), errors=sum(r["error"] is not None for r in made.requests)),
        orders=OrderCounts(attempted=planned, accepted=planned - 31, refused=28, unknown=3),
        scheduling_lag_s=Lag(p50=0.0004, p99=0.0061, max=0.021),
        generator_cpu={"w0": 0.41, "w1": 0.93 if outcome == "INCONCLUSIVE" else 0.44},
        clock_offsets={name: ClockOffset(offset_s=0.0, uncertainty_s=0.0, pings=0) for name in ("w0", "w1")},
        workers=tuple(
            WorkerFacts(
                name=name,
                arrivals=planned // 2,
                parts_expected=1,
                parts_received=1,
                ledger_rows_expected=0,
                ledger_rows_received=0,
                lost=False,
            )
            for name in ("w0", "w1")
        ),
        hook_failures=(),
    )


HOLDS = (
    ("order-exists", "Every accepted order is in the shop."),
    ("order-once", "No key has two orders."),
    ("refused-not-ordered", "What was refused is not in the shop."),
    ("order-settled", "No order is pending for long."),
    ("paid-once", "Every accepted order has one payment."),
    ("order-as-promised", "Lines and totals are as promised."),
    ("paid-right-amount", "Every payment is the order's total."),
    ("no-payment-without-order", "Every payment has its order."),
    ("stock-not-negative", "No location sold what it did not have."),
    ("stock-moved-by-what-was-sold", "Five locations moved by what they sold."),
)
TWICE = CheckEntry(
    name="paid-once",
    outcome="broken",
    broken=1,
    detail="One order was charged twice.",
    examples=(
        BrokenEntry(key="key-000412", order_id="o412", detail="captured twice: pay-881 and pay-902, 19.00 each"),
    ),
)
UNREAD = CheckEntry(
    name="stock-moved-by-what-was-sold",
    outcome="unknown",
    broken=0,
    detail="The stock before the run was not read.",
    examples=(),
)
FOUND: dict[str, dict[str, CheckEntry]] = {
    "PASS": {},
    "FAIL": {"paid-once": TWICE},
    "INCONCLUSIVE": {"stock-moved-by-what-was-sold": UNREAD},
}


def audit_document(made: Made, outcome: str) -> AuditDocument:
    planned = len(made.sessions)
    good = {
        name: CheckEntry(name=name, outcome="holds", broken=0, detail=detail, examples=()) for name, detail in HOLDS
    }
    checks = {**good, **FOUND[outcome]}
    return AuditDocument(
        format=AUDIT,
        checked_at=START + 140 * SECOND,
        sources={"orders": "read", "payments": "read", "stock": "read"},
        counts={"attempted": planned, "accepted": planned - 31, "refused": 28, "unknown": 3},
        checks=tuple(
            check.model_copy(update={"checked": 5 if name.startswith("stock-moved") else planned - 31})
            for name, check in checks.items()
        ),
    )


BECAUSE = {
    "met": "Even the upper bound of bad events stays below what is allowed.",
    "missed": "Even the lower bound of bad events is above what is allowed.",
    "undecided": "What is allowed lies between the bounds.",
}


def _objective(name: str, display: str, outcome: ObjectiveOutcome, figures: dict[str, Any]) -> ObjectiveResult:
    usual: dict[str, Any] = {
        "source": "records",
        "indicator": "availability",
        "steps": ("checkout",),
        "threshold_s": None,
        "left_out": 0,
        "design_effect": 2.0,
        "design_effect_from": "assumed error bursts of 1 s",
        "design_effect_miss": 1.0,
        "design_effect_miss_from": "measured",
        "planned_events": None,
        "survives_error_burst_s": None,
        "last_third_bad_ratio": None,
        "effective_events": 100.0,
        "effective_bad": 1.0,
        "alpha_fail": 0.05,
        "alpha_pass": 0.05,
        "budget_spend_note": "0.02 % of a 30 d budget",
        "observed_quantile_s": None,
        "observed_quantile_at_least_s": None,
        "observed_service_quantile_s": None,
        "needs": None,
    }
    return ObjectiveResult(
        name=name, display_name=display, outcome=outcome, because=BECAUSE[outcome], **{**usual, **figures}
    )


def _latency(made: Made, steps: Sequence[str], threshold_s: float, target: float) -> dict[str, Any]:
    times = [
        (r["finished_at"] - r["scheduled_at"]) / SECOND
        for r in made.judged_requests()
        if r["step"] in steps and r["error"] != "cut_off"
    ]
    bad = sum(value > threshold_s for value in times)
    observed = float(np.quantile(times, target, method="inverted_cdf"))
    return {
        "indicator": "latency",
        "steps": tuple(steps),
        "threshold_s": threshold_s,
        "target": target,
        "events": len(times),
        "bad": bad,
        "ratio_good": 1 - bad / len(times),
        "bad_ratio_low": bad / len(times) * 0.8,
        "bad_ratio_high": bad / len(times) * 1.3 + 0.002,
        "budget_burn": bad / len(times) / (1 - target),
        "observed_quantile_s": observed,
        "observed_quantile_at_least_s": observed,
        "observed_service_quantile_s": observed - 0.003,
    }


def _available(made: Made, outcome: str) -> dict[str, Any]:
    checkouts = [r for r in made.judged_requests() if r["step"] == "checkout"]
    bad = sum(r["error"] is not None for r in checkouts)
    return {
        "target": 0.99,
        "events": len(checkouts),
        "bad": bad,
        "ratio_good": 1 - bad / len(checkouts),
        "bad_ratio_low": 0.0005,
        "bad_ratio_high": 0.0093,
        "budget_burn": bad / len(checkouts) / 0.01,
        "needs": None if outcome == "PASS" else "4 more minutes at this rate (1,250 checkouts)",
    }


def verdict_of(made: Made, outcome: str) -> VerdictDocument:
    words: dict[str, ObjectiveOutcome] = {"PASS": "met", "FAIL": "missed", "INCONCLUSIVE": "undecided"}
    browse = _latency(made, ["home", "search", "product"], 0.6, 0.95)
    objectives = (
        _objective(
            "checkout-latency",
            "Checkout answers in time",
            words[outcome],
            _latency(made, ["checkout"], 1.5, 0.95),
        ),
        _objective("browse-latency", "Browsing answers in time", "met", browse),
        _objective(
            "checkout-availability",
            "Checkout works",
            "met" if outcome == "PASS" else "undecided",
            _available(made, outcome),
        ),
    )
    headline, findings, causes = REASONS[outcome]
    return verdict_document(
        Verdict(
            run=made.path.name,
            about=about(run_document(made, outcome)),
            outcome=Outcome(outcome),
            headline=headline,
            decided_at=START + 150 * SECOND,
            judged=Window(starts_at=made.judged[0], ends_at=made.judged[1]),
            left_out={"reference": 310, "warm-up": 96, "drain": 41},
            objectives=objectives,
            findings=findings,
            checks=(),
            is_altered=False,
            is_contradictory=False,
            causes=causes,
            not_shown=("more load than was played, another size or other data than staging's",)
            if outcome == "PASS"
            else (),
        )
    )


def _finding(kind: Kind, severity: Severity, subject: str, message: str) -> Finding:
    return Finding(kind=kind, severity=severity, subject=subject, message=message)


_CAUSE = Cause(
    objective="checkout-latency",
    service="shop",
    span="SELECT stock",
    calls_per_trace_before=1.0,
    calls_per_trace_now=12.0,
    self_s_before=0.048,
    self_s_now=0.61,
    grew_s=0.562,
    grew_low_s=0.51,
    p_value=0.002,
    traces_before=18,
    traces_now=121,
    blocks_before=4,
    blocks_now=8,
    example_trace_ids=("0000000000000123000000000000045a",),
)
_SHORT = "95.7 % of the planned sessions started; 99 % are needed."
REASONS: dict[str, tuple[str, tuple[Finding, ...], tuple[Cause, ...]]] = {
    "PASS": ("PASS: every objective was shown to hold, and so was every promise.", (), ()),
    "FAIL": (
        "FAIL: checkout answers in time for too few shoppers; SELECT stock is called 12 times instead of once.",
        (
            _finding(
                "objective",
                Severity.FAIL,
                "checkout-latency",
                "p95 is over its limit of 1.5 s from the scheduled start.",
            ),
            _finding("audit", Severity.FAIL, "paid-once", "One order was charged twice (key-000412)."),
            _finding(
                "cause", Severity.NOTE, "SELECT stock", "grew by 562 ms a checkout: 12 calls a trace instead of 1."
            ),
        ),
        (_CAUSE,),
    ),
    "INCONCLUSIVE": (
        "INCONCLUSIVE: 4.3 % of the sessions were never started, so this was not the load it claims to be.",
        (
            _finding("validity", Severity.INCONCLUSIVE, "load", _SHORT),
            _finding("validity", Severity.INCONCLUSIVE, "generator", "worker w1 used 93 % of its core."),
        ),
        (),
    ),
}
