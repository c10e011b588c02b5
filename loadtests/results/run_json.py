"""`run.json`: what the run was, how it ended, and the account of its arrivals, made from what is on disk."""

import platform
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from loadtests.demand.arrivals import revised
from loadtests.demand.plan import Plan
from loadtests.demand.revision import Revision
from loadtests.environment.targets import Environment
from loadtests.results.account import make_account, read_sessions
from loadtests.results.inputs import Inputs, hash_inputs
from loadtests.results.ledger import count_rows, orders_of
from loadtests.results.live_document import read_live
from loadtests.results.revisions import ACKNOWLEDGED_NS, read_revisions
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.worker_status import WorkerStatus, read_workers
from slo.documents import BadInput

Seen = dict[str, int | str | None]
PEAKPROOF = version("peakproof")
_PACKAGES = ("locust", "prometheus-client", "opentelemetry-sdk", "pyarrow", "duckdb")


@dataclass(slots=True, kw_only=True)
class Progress:
    """What is learnt about a run while it goes on; times in ns."""

    command: str
    workers: int
    began_at: int
    started_at: int | None = None
    load_ended_at: int | None = None
    ended: str | None = None
    because: str | None = None
    release_before: str | None = None
    release_after: str | None = None
    releases_expected: tuple[str, ...] = ()
    releases_seen: list[Seen] = field(default_factory=list)
    permission: dict[str, Any] | None = None
    lease: dict[str, str | None] | None = None
    destinations: dict[str, Any] | None = None
    shares_addresses: dict[str, list[str]] = field(default_factory=dict)
    workers_refused: list[str] = field(default_factory=list)
    phase_releases: dict[str, str] = field(default_factory=dict)
    spans: int | None = None
    spans_dropped: int | None = None
    browser: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)


def write_run(directory: RunDirectory, inputs: Inputs, progress: Progress) -> dict[str, Any]:
    """Write `run.json` as far as it is known; return it. What can't be known is null."""
    value = {
        "format": "peakproof/run/v1",
        "run": directory.name,
        "peakproof": PEAKPROOF,
        "plan": {"name": inputs.plan.name, "sha256": inputs.plan_sha256},
        "inputs": hash_inputs(directory),
        "seed": inputs.plan.seed,
        "shared_connections": inputs.plan.limits.connections,
        "environment": {
            "name": inputs.environment_name,
            "base_url": inputs.environment.base_url,
            "fingerprint": dict(inputs.environment.fingerprint),
            "destinations": progress.destinations,
            **_proxy(inputs.environment),
            "shares_addresses": progress.shares_addresses,
        },
        "command": progress.command,
        "release": {
            "before": progress.release_before,
            "after": progress.release_after,
            "expected": list(progress.releases_expected),
            "seen": progress.releases_seen,
        },
        "permission": progress.permission,
        "lease": progress.lease,
        "workers_refused": progress.workers_refused,
        **account_for(directory, inputs.plan, progress),
        "recorder": None if progress.spans is None else {"spans": progress.spans, "dropped": progress.spans_dropped},
        "browser": progress.browser,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "platform": f"{sys.platform} {platform.machine()}",
    }
    write_json(directory.run, value)
    return value


def _proxy(environment: Environment) -> dict[str, Any]:
    """Say through which proxy the environment was reached, nothing when it was straight."""
    proxy = environment.proxy
    if proxy is None:
        return {}
    return {"proxy": {"url": proxy.url, "straight": list(proxy.straight), "resolves_names": proxy.resolves_names}}


def account_for(directory: RunDirectory, plan: Plan, progress: Progress) -> dict[str, Any]:
    """Return the part of `run.json` that says when and how the run ended, and what its workers' files tell."""
    learnt = _learnt(directory, plan, progress)
    return {
        "started_at": progress.started_at or progress.began_at,
        "ended_at": progress.load_ended_at,
        "ended": progress.ended,
        "ended_because": progress.because,
        **_timing(plan, progress),
        **learnt,
        "live": {"gaps": _gaps(directory)},
        "notes": progress.notes,
    }


def _gaps(directory: RunDirectory) -> int | None:
    """Return how many of the workers' live changes were lost on the way."""
    try:
        return read_live(directory.live).gaps
    except BadInput:
        return None


def _timing(plan: Plan, progress: Progress) -> dict[str, Any]:
    start = progress.started_at
    if start is None:
        return {"phases": [], "judged": {"starts_at": None, "ends_at": None}}
    at = [start + round(offset_s * 1e9) for offset_s in plan.starts_s()]
    judged = [start + round(offset_s * 1e9) for offset_s in plan.judged_span()]
    phases = [
        {
            "name": phase.name,
            "kind": phase.kind,
            "starts_at": at[number],
            "ends_at": at[number + 1],
            "release": progress.phase_releases.get(phase.name),
        }
        for number, phase in enumerate(plan.phases)
    ]
    ends_at = judged[1] if progress.load_ended_at is None else max(judged[0], min(judged[1], progress.load_ended_at))
    return {"phases": phases, "judged": {"starts_at": judged[0], "ends_at": ends_at}}


def _learnt(directory: RunDirectory, plan: Plan, progress: Progress) -> dict[str, Any]:
    """Everything that comes from the workers' files."""
    try:
        workers, revisions = read_workers(directory), read_revisions(directory)
        account = _account(directory, plan, progress, workers, revisions)
    except (BadInput, ValueError) as error:
        progress.notes.append(f"the workers' files can't be read: {error}")
        return dict.fromkeys(
            (
                *(
                    "plan_revisions",
                    "account",
                    "requests",
                    "orders",
                    "assets",
                    "scheduling_lag_s",
                    "hub_stall_s",
                    "generator_cpu",
                ),
                *("descriptors", "master_silent_s", "clock_offsets", "workers", "hook_failures"),
            )
        )
    return {
        "plan_revisions": [_revision(one, progress, workers) for one in revisions],
        "account": account,
        "requests": {"sent": sum(w.requests for w in workers), "errors": sum(w.errors for w in workers)},
        "orders": orders_of(directory),
        "assets": _assets(plan, workers),
        "scheduling_lag_s": {name: _highest([w.lag_s for w in workers], name) for name in ("p50", "p99", "max")},
        "hub_stall_s": {name: _highest([w.hub_stall_s for w in workers], name) for name in ("p99", "max")},
        "descriptors": {w.name: w.descriptors for w in workers},
        "master_silent_s": {w.name: w.master_silent_s for w in workers},
        "clock_offsets": {w.name: w.clock_offset for w in workers},
        "generator_cpu": {w.name: w.cpu_peak for w in workers},
        "workers": _workers(directory, progress, workers),
        "hook_failures": [failure for w in workers for failure in w.hook_failures],
    }


def _account(
    directory: RunDirectory,
    plan: Plan,
    progress: Progress,
    workers: tuple[WorkerStatus, ...],
    revisions: Sequence[Revision],
) -> dict[str, Any]:
    started, ended = progress.started_at, progress.load_ended_at
    ran_s = 0.0 if started is None or ended is None else max(0.0, (ended - started) / 1e9)
    arrivals = revised(plan, revisions)
    sessions = read_sessions(directory)
    return make_account(arrivals, sessions, workers, workers_expected=progress.workers, ran_s=ran_s).to_json()


def _revision(revision: Revision, progress: Progress, workers: tuple[WorkerStatus, ...]) -> dict[str, Any]:
    """Return a change of the plan, who didn't take it in time, and who had started what it struck."""
    at = None if progress.started_at is None else progress.started_at + round(revision.at_s * 1e9)
    taken = {w.name: one for w in workers for one in w.revisions if one.number == revision.number}
    names = {f"w{index}" for index in range(progress.workers)} | {w.name for w in workers}
    in_time = {name for name, one in taken.items() if at is not None and one.heard_at <= at + ACKNOWLEDGED_NS}
    return {
        **revision.model_dump(),
        "at": at,
        "not_taken": sorted(names - in_time),
        "struck_started": {name: one.struck for name, one in sorted(taken.items()) if one.struck},
    }


def _assets(plan: Plan, workers: tuple[WorkerStatus, ...]) -> dict[str, Any]:
    left_out: Counter[str] = Counter()
    for worker in workers:
        left_out.update(worker.assets_left_out or {})
    return {"fetched": plan.assets, "left_out": dict(left_out)}


def _workers(directory: RunDirectory, progress: Progress, workers: tuple[WorkerStatus, ...]) -> list[dict[str, Any]]:
    told = [
        {
            "name": w.name,
            "arrivals": w.arrivals,
            "parts_expected": sum(w.parts.values()),
            "parts_received": sum(len(_parts(directory, kind, w.name)) for kind in w.parts),
            "ledger_rows_expected": None if w.orders is None else sum(w.orders.values()),
            "ledger_rows_received": count_rows(directory.ledger(w.name)),
            "streamed": w.streamed,
            "lost": w.lost,
            "open_sessions_peak": w.open_sessions_peak,
            "rss_peak_bytes": w.rss_peak_bytes,
        }
        for w in workers
    ]
    silent = {f"w{index}" for index in range(progress.workers)} - {w.name for w in workers}
    return told + [
        {
            "name": name,
            "arrivals": None,
            "parts_expected": None,
            "parts_received": 0,
            "ledger_rows_expected": None,
            "ledger_rows_received": count_rows(directory.ledger(name)),
            "streamed": None,
            "lost": True,
        }
        for name in sorted(silent)
    ]


def _parts(directory: RunDirectory, kind: str, worker: str) -> list[Any]:
    return [path for path in directory.parts(kind) if path.name.startswith(f"{kind}-{worker}-")]


def _highest(told: Sequence[Mapping[str, float | None] | None], name: str) -> float | None:
    """Return the highest of what each worker told; None when one of them didn't, or there are none."""
    values = [(one or {}).get(name) for one in told]
    known = [value for value in values if value is not None]
    return max(known) if known and len(known) == len(values) else None
