"""Writing `run.json`: what the run was, how it ended, and the account of its arrivals, made from what is on disk."""

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
from loadtests.results.account import make_account, read_sessions
from loadtests.results.inputs import Inputs, RecordsFile, hash_inputs
from loadtests.results.ledger import count_rows, orders_of
from loadtests.results.live_document import read_live
from loadtests.results.revisions import ACKNOWLEDGED_NS, read_revisions
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.results.worker_status import PoolStatus, WorkerStatus, read_workers
from slo.boot_time import BootTime
from slo.documents import BadInput
from slo.validity.run_document import (
    FORMAT,
    AlertSilenceFacts,
    AnnotationFacts,
    AnswersFacts,
    BrowserFacts,
    DestinationsFacts,
    EnvironmentFacts,
    Judged,
    LeaseFacts,
    LiveFacts,
    PermissionFacts,
    Phase,
    PlanFacts,
    ProxyFacts,
    RecorderFacts,
    ReleaseFacts,
    RunDocument,
    SeenRelease,
    ShopRecordsFacts,
    parse_run,
)

PEAKPROOF = version("peakproof")
_PACKAGES = ("locust", "prometheus-client", "opentelemetry-sdk", "pyarrow", "duckdb")
_FROM_WORKERS = (
    *("plan_revisions", "account", "requests", "orders", "assets", "undeclared_hosts", "data_pools", "canaries"),
    *("scheduling_lag_s", "hub_stall_s", "generator_cpu", "descriptors", "master_silent_s", "clock_offsets"),
    *("workers", "hook_failures", "storefront_failures"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFacts:
    """What is known of a run before its load: how it was started, and what allowed it.

    `workers` is how many there are to be, `began_at` when the command began (ns); `phase_releases` maps a phase to
    the release that it runs on, where releases are changed on purpose.
    """

    command: str
    workers: int
    began_at: int
    permission: PermissionFacts | None = None
    lease: LeaseFacts | None = None
    destinations: DestinationsFacts | None = None
    shares_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    release: str | None = None
    releases_expected: tuple[str, ...] = ()
    phase_releases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFacts:
    """When the load was played (ns), how that ended and why, and what was beside it; None is not known.

    `ended_since_boot` is its end by a clock that nothing sets back, `clock_step_s` by how much the wall clock was set.
    """

    started_at: int | None = None
    ended_at: int | None = None
    ended_since_boot: BootTime | None = None
    clock_step_s: float | None = None
    ended: str | None = None
    because: str | None = None
    workers_refused: tuple[str, ...] = ()
    browser: BrowserFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndFacts:
    """What is learnt after the load: the releases that were seen, the recorder's counts, and what couldn't be kept.

    The silence in Alertmanager and the mark in Grafana are known in part before it.
    """

    release: str | None = None
    releases_seen: tuple[SeenRelease, ...] = ()
    recorder: RecorderFacts | None = None
    notes: tuple[str, ...] = ()
    page_gaps: tuple[str, ...] = ()
    alert_silence: AlertSilenceFacts | None = None
    annotation: AnnotationFacts | None = None
    answers: AnswersFacts = field(default_factory=AnswersFacts)


NOT_PLAYED, NOT_ENDED = LoadFacts(), EndFacts()


def write_run(
    directory: RunDirectory, inputs: Inputs, start: StartFacts, load: LoadFacts = NOT_PLAYED, end: EndFacts = NOT_ENDED
) -> RunDocument:
    """Write `run.json` as far as it is known; return it. What can't be known is null."""
    release = ReleaseFacts(
        before=start.release, after=end.release, expected=start.releases_expected, seen=end.releases_seen
    )
    document = RunDocument(
        format=FORMAT,
        run=directory.name,
        peakproof=PEAKPROOF,
        plan=PlanFacts(name=inputs.plan.name, sha256=inputs.plan_sha256),
        inputs=hash_inputs(directory),
        seed=inputs.plan.seed,
        not_played=inputs.not_played,
        shared_connections=inputs.plan.limits.connections,
        environment=_environment(inputs, start),
        shop_records=None if inputs.records is None else _shop_records(inputs.records),
        command=start.command,
        release=release,
        permission=start.permission,
        lease=start.lease,
        alert_silence=end.alert_silence,
        annotation=end.annotation,
        workers_refused=load.workers_refused,
        answers=end.answers,
        recorder=end.recorder,
        page_gaps=end.page_gaps,
        browser=load.browser,
        versions={"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        platform=f"{sys.platform} {platform.machine()}",
    ).updated(account_for(directory, inputs.plan, start, load, end.notes))
    write_json(directory.run, document.to_json())
    return document


def _environment(inputs: Inputs, start: StartFacts) -> EnvironmentFacts:
    """Return the environment as it was reached; without a proxy the document holds no such key."""
    environment, proxy = inputs.environment, inputs.environment.proxy
    facts = EnvironmentFacts(
        name=inputs.environment_name,
        base_url=environment.base_url,
        fingerprint=dict(environment.fingerprint),
        production_fingerprint=dict(environment.production_fingerprint),
        destinations=start.destinations,
        shares_addresses=dict(start.shares_addresses),
    )
    if proxy is None:
        return facts
    used = ProxyFacts(url=proxy.url, straight=tuple(proxy.straight), resolves_names=proxy.resolves_names)
    return facts.model_copy(update={"proxy": used})


def _shop_records(records: RecordsFile) -> ShopRecordsFacts:
    return ShopRecordsFacts(file=f"shop_records/{records.path.name}", declares=tuple(sorted(records.declares)))


def account_for(
    directory: RunDirectory, plan: Plan, start: StartFacts, load: LoadFacts, notes: tuple[str, ...] = ()
) -> RunDocument:
    """Return the part of the document that says when and how the run ended, and what its workers' files hold."""
    try:
        part = parse_run(_from_workers(directory, plan, start, load), "worker-*.json")
    except ValueError as error:
        part = parse_run(dict.fromkeys(_FROM_WORKERS))
        notes = (*notes, f"the workers' files can't be read: {error}")
    return part.updated(
        RunDocument(
            started_at=load.started_at or start.began_at,
            ended_at=load.ended_at,
            ended_since_boot=load.ended_since_boot,
            clock_step_s=load.clock_step_s,
            ended=load.ended,
            ended_because=load.because,
            phases=_phases(plan, start, load),
            judged=_judged(plan, load),
            live=LiveFacts(gaps=_gaps(directory)),
            notes=notes,
        )
    )


def _gaps(directory: RunDirectory) -> int | None:
    """Return how many of the workers' live changes were lost on the way."""
    try:
        return read_live(directory.live).gaps
    except BadInput:
        return None


def _phases(plan: Plan, start: StartFacts, load: LoadFacts) -> tuple[Phase, ...]:
    if load.started_at is None:
        return ()
    at = [load.started_at + round(offset_s * 1e9) for offset_s in plan.starts_s()]
    return tuple(
        Phase(
            name=phase.name,
            kind=phase.kind,
            starts_at=at[number],
            ends_at=at[number + 1],
            release=start.phase_releases.get(phase.name),
        )
        for number, phase in enumerate(plan.phases)
    )


def _judged(plan: Plan, load: LoadFacts) -> Judged:
    """Return the judged window, cut at the end of the load."""
    if load.started_at is None:
        return Judged(starts_at=None, ends_at=None)
    starts_at, ends_at = (load.started_at + round(offset_s * 1e9) for offset_s in plan.judged_span())
    if load.ended_at is not None:
        ends_at = max(starts_at, min(ends_at, load.ended_at))
    return Judged(starts_at=starts_at, ends_at=ends_at)


def _from_workers(directory: RunDirectory, plan: Plan, start: StartFacts, load: LoadFacts) -> dict[str, Any]:
    """Return everything that comes from the workers' files; raises BadInput or ValueError."""
    workers, revisions = read_workers(directory), read_revisions(directory)
    return {
        "account": _account(directory, plan, workers, revisions, start, load),
        "plan_revisions": [_revision(one, workers, start, load) for one in revisions],
        "requests": {
            "sent": sum(w.requests for w in workers),
            "errors": sum(w.errors for w in workers),
            "accepted_5xx": _accepted(workers),
        },
        "orders": orders_of(directory),
        "assets": _assets(plan, workers),
        "undeclared_hosts": _undeclared(workers),
        "data_pools": _data_pools(workers),
        "canaries": _canaries(workers),
        "scheduling_lag_s": {name: _highest([w.lag_s for w in workers], name) for name in ("p50", "p99", "max")},
        "hub_stall_s": {name: _highest([w.hub_stall_s for w in workers], name) for name in ("p99", "max")},
        "descriptors": {w.name: w.descriptors for w in workers},
        "master_silent_s": {w.name: w.master_silent_s for w in workers},
        "clock_offsets": {w.name: w.clock_offset for w in workers},
        "generator_cpu": {w.name: w.cpu_peak for w in workers},
        "workers": _workers(directory, workers, start.workers),
        "hook_failures": [failure for w in workers for failure in w.hook_failures],
        "storefront_failures": _storefront_failures(workers),
    }


def _account(
    directory: RunDirectory,
    plan: Plan,
    workers: tuple[WorkerStatus, ...],
    revisions: Sequence[Revision],
    start: StartFacts,
    load: LoadFacts,
) -> dict[str, Any]:
    ran_s = 0.0
    if load.started_at is not None and load.ended_at is not None:
        ran_s = max(0.0, (load.ended_at - load.started_at) / 1e9)
    arrivals, sessions = revised(plan, revisions), read_sessions(directory)
    return make_account(arrivals, sessions, workers, workers_expected=start.workers, ran_s=ran_s).to_json()


def _revision(
    revision: Revision, workers: tuple[WorkerStatus, ...], start: StartFacts, load: LoadFacts
) -> dict[str, Any]:
    """Return a change of the plan, the workers that took it too late, and the sessions they had started against it."""
    at = None if load.started_at is None else load.started_at + round(revision.at_s * 1e9)
    taken = {w.name: one for w in workers for one in w.revisions if one.number == revision.number}
    names = {f"w{index}" for index in range(start.workers)} | {w.name for w in workers}
    in_time = {name for name, one in taken.items() if at is not None and one.heard_at <= at + ACKNOWLEDGED_NS}
    return {
        **revision.model_dump(),
        "at": at,
        "not_taken": sorted(names - in_time),
        "struck_started": {name: one.struck for name, one in sorted(taken.items()) if one.struck},
    }


def _accepted(workers: tuple[WorkerStatus, ...]) -> int | None:
    """Return how many replies of status 5xx were no error; None when a worker doesn't say."""
    known = [worker.accepted_5xx for worker in workers if worker.accepted_5xx is not None]
    return sum(known) if len(known) == len(workers) else None


def _undeclared(workers: tuple[WorkerStatus, ...]) -> dict[str, int] | None:
    """Return where pages and redirects led that nobody went, by origin; None when a worker doesn't say."""
    counted = [worker.undeclared_hosts for worker in workers]
    known = [one for one in counted if one is not None]
    return dict(sum((Counter(one) for one in known), Counter[str]())) if len(known) == len(counted) else None


def _assets(plan: Plan, workers: tuple[WorkerStatus, ...]) -> dict[str, Any]:
    left_out: Counter[str] = Counter()
    for worker in workers:
        left_out.update(worker.assets_left_out or {})
    return {"fetched": plan.assets, "left_out": dict(left_out)}


def _data_pools(workers: tuple[WorkerStatus, ...]) -> dict[str, Any] | None:
    """Return what all workers gave out of each pool, None when one doesn't say."""
    if any(worker.data_pools is None for worker in workers):
        return None
    names = sorted({name for worker in workers for name in worker.data_pools or {}})
    return {
        name: _pool([w.data_pools[name] for w in workers if w.data_pools and name in w.data_pools]) for name in names
    }


def _canaries(workers: tuple[WorkerStatus, ...]) -> dict[str, int] | None:
    """Return how many sessions left a canary, and how often another's was shown; None when a worker doesn't say."""
    known = [worker.canaries for worker in workers if worker.canaries is not None]
    if not known or len(known) < len(workers):
        return None
    return {"sessions": sum(one.sessions for one in known), "shown": sum(one.shown for one in known)}


def _pool(parts: Sequence[PoolStatus]) -> dict[str, Any]:
    """Return the sums of one pool's counts; the rows of a shared one are every worker's own."""
    use, rows = parts[0].use, [part.rows for part in parts]
    counts = ("given", "in_use_peak", "lacked", "short_peak", "locked")
    sums = {name: sum(getattr(part, name) for part in parts) for name in counts}
    return {"use": use, "rows": max(rows) if use == "shared" else sum(rows), **sums}


def _workers(directory: RunDirectory, workers: tuple[WorkerStatus, ...], expected: int) -> list[dict[str, Any]]:
    reported = [
        {
            "name": w.name,
            "arrivals": w.arrivals,
            "parts_expected": sum(w.parts.values()),
            "parts_received": sum(len(_parts(directory, kind, w.name)) for kind in w.parts),
            "ledger_rows_expected": None if w.orders is None else sum(w.orders.values()),
            "ledger_rows_received": count_rows(directory.ledger(w.name)),
            "uploaded": w.uploaded,
            "lost": w.lost,
            "open_sessions_peak": w.open_sessions_peak,
            "rss_peak_bytes": w.rss_peak_bytes,
        }
        for w in workers
    ]
    silent = {f"w{index}" for index in range(expected)} - {w.name for w in workers}
    return reported + [
        {
            "name": name,
            "arrivals": None,
            "parts_expected": None,
            "parts_received": 0,
            "ledger_rows_expected": None,
            "ledger_rows_received": count_rows(directory.ledger(name)),
            "uploaded": None,
            "lost": True,
        }
        for name in sorted(silent)
    ]


def _storefront_failures(workers: Sequence[WorkerStatus]) -> list[dict[str, Any]]:
    """Return what the storefront's code raised, over all workers; the most frequent first."""
    counts: Counter[tuple[str, str, str, bool]] = Counter()
    for one in (one for w in workers for one in w.storefront_failures):
        counts[one.journey, one.place, one.error, one.unreadable] += one.count
    names = ("journey", "place", "error", "unreadable")
    return [{**dict(zip(names, key, strict=True)), "count": count} for key, count in counts.most_common()]


def _parts(directory: RunDirectory, kind: str, worker: str) -> list[Any]:
    return [path for path in directory.parts(kind) if path.name.startswith(f"{kind}-{worker}-")]


def _highest(reported: Sequence[Mapping[str, float | None] | None], name: str) -> float | None:
    """Return the highest value of the workers; None when one of them reported none, or there are no workers."""
    values = [(one or {}).get(name) for one in reported]
    known = [value for value in values if value is not None]
    return max(known) if known and len(known) == len(values) else None
