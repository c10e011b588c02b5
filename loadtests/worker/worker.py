"""One worker's part of a run: its records, ledger, spans and live figures around one scheduler.

It reads all it needs from the run directory, and writes all it records there. It knows gevent, not Locust.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gevent.lock import BoundedSemaphore

from loadtests.client.factory import Clients, share_of
from loadtests.demand.arrivals import revise, schedule, shard
from loadtests.demand.revision import Revision
from loadtests.live.histogram import Histogram
from loadtests.live.worker_figures import Gauges, Watch, WorkerFigures
from loadtests.results.error_samples import ErrorSamples
from loadtests.results.hooks import Hooks, Listener
from loadtests.results.ledger import Ledger
from loadtests.results.records import Records, SessionRecord, StepBatch, StepLog
from loadtests.results.run_directory import write_json
from loadtests.results.worker_status import CanaryStatus, PoolStatus, Taken, WorkerStatus
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.runtime.hang_watch import HangWatch
from loadtests.runtime.periodic_timer import PeriodicTimer
from loadtests.runtime.process_memory import peak_rss_bytes
from loadtests.runtime.resource_limits import allowed, used
from loadtests.runtime.stop_event import StopEvent
from loadtests.shopper.data_pools import DataPools
from loadtests.shopper.session import Session, in_flight
from loadtests.worker.client_spans import ClientSpans
from loadtests.worker.hub_lag import HubLag
from loadtests.worker.job import VARIABLE as RUN_TOKEN
from loadtests.worker.job import Job
from loadtests.worker.job_contexts import Own, contexts_by_turn, secrets_of, session_context
from loadtests.worker.reply_samples import ReplySamples
from loadtests.worker.scheduler import Scheduler, WorkerSchedule
from loadtests.worker.storefront_failures import StorefrontFailures
from slo.documents import BadInput

_CPU_WINDOW_S = 5
_BEAT_S = 0.05
_BATCH = 250
_SERVER_ERROR = 500
_HANG_S = 15.0  # as long as a worker plays on without its master


class _Totals:
    """Totals of a worker's requests for its status; a listener of the hooks."""

    def __init__(self) -> None:
        self.lag = Histogram()
        self.errors = 0
        self.accepted_5xx = 0

    def steps_ended(self, batch: StepBatch) -> None:
        self.lag.add_all(batch.lag())
        self.errors += len(batch.error) - batch.error.count(None)
        self.accepted_5xx += batch.accepted(_SERVER_ERROR)

    def session_ended(self, record: SessionRecord) -> None:
        """Sessions are counted by the scheduler."""


class Worker:
    """Worker number `index` of `workers`; `play()` blocks until its part of the run is over.

    Set from outside, for its status: `master_silent_s` is for how long at most its master sent nothing, `clock_offset`
    how far its clock is from the master's, and `uploads` whether what it writes is uploaded.
    `on_failure` is called with why the run must end because of the storefront.
    """

    def __init__(
        self,
        job: Job,
        index: int,
        workers: int,
        started_at: int,
        watches: Sequence[Watch] = (),
        *,
        clock: Clock | None = None,
    ) -> None:
        self.name = f"w{index}"
        self._job, self._index, self._workers = job, index, workers
        self._clock = clock or Clock.start()
        self._records, self._totals = Records(job.directory, self.name), _Totals()
        self._clients = Clients(share_of(job.plan.limits.connections, index, workers))
        self._log = StepLog()
        self._ledger = Ledger(job.directory.ledger(self.name))
        self._spans = ClientSpans(job.recorder_url, job.variables.get(RUN_TOKEN)) if job.recorder_url else None
        self._under_way: dict[int, Session] = {}
        self._figures = WorkerFigures(watches, job.judged(started_at), partial(in_flight, self._under_way))
        self._storefront = self._make_storefront()
        listeners: list[Listener] = [self._records, self._totals, self._figures, self._storefront]
        self._hooks = Hooks([*listeners, self._spans] if self._spans else listeners)
        self._arrivals = shard(schedule(job.plan), index, workers)
        self._revisions: list[Taken] = []
        self._cpu: list[tuple[float, float]] = []
        self._cpu_peak: float | None = None
        self._descriptors_peak = used()
        self._over = StopEvent()
        self._storefront_ended = False
        self._closing, self._one_at_a_time = False, BoundedSemaphore()
        self._own = self._make_own()
        self._context = session_context(job, job.plan, self._own, (index, workers), started_at)
        self._scheduler = self._make_scheduler(started_at)
        self._hub_lag = HubLag(self._clock.now, started_at + round(job.plan.duration_s * 1e9), _BEAT_S)
        self._timer = PeriodicTimer(_BEAT_S, self._beat)
        self._hang = HangWatch(job.directory.hang(self.name), _HANG_S)
        self.on_failure: Callable[[str], None] = lambda _because: None
        self._background: list[gevent.Greenlet] = []
        self.ended: str | None = None
        self.because: str | None = None
        self.master_silent_s = 0
        self.clock_offset: Mapping[str, float] | None = None
        self.uploads: bool | None = None
        self._write_status()

    def play(self) -> None:
        """Play the arrivals; returns when the run is over or was stopped, with everything written."""
        self._background = [gevent.spawn(self._run_each_second, self._over.listen())]
        if self._spans:
            self._background.append(gevent.spawn(self._send_spans, self._spans, self._over.listen()))
        self._hub_lag.begin()
        self._timer.start()
        self._hang.alive()
        try:
            self._begin_storefront()
            self._scheduler.play()
            if not self._closing:
                self.ended = self.ended or "completed"
        finally:
            self.close()

    def stop(self, ended: str, because: str) -> None:
        """End the run early: `ended` is `stopped`, `aborted` or `failed`."""
        self.ended, self.because = self.ended or ended, self.because or because
        self._scheduler.stop()

    def revise(self, revision: Revision) -> int:
        """Play the plan with one more revision; return how many of the sessions that it strikes were started before.

        Revisions come one after the other, in the order of their numbers.
        """
        heard_at = self._clock.now()
        plan, index, workers = self._job.plan, self._index, self._workers
        # In a thread: the hub must go on starting sessions while a long plan is drawn.
        new = gevent.get_hub().threadpool.apply(
            lambda: shard(revise(self._arrivals, plan, revision), index, workers),
        )
        struck = self._scheduler.revise(new, kept=len(self._arrivals.before(revision.at_s)))
        self._arrivals = new
        self._revisions.append(Taken(number=revision.number, heard_at=heard_at, struck=struck))
        return struck

    def close(self) -> None:
        """Cut off what is under way and write everything; returns when it is written, also by an earlier call."""
        self._closing = True
        self._scheduler.stop()
        with self._one_at_a_time:
            self._write_all()

    def _write_all(self) -> None:
        self._scheduler.cut_off()
        self._end_storefront()
        self._timer.stop()
        self._hang.close()  # what is written now takes its time
        self._clients.close()
        self._over.ring()
        gevent.joinall(self._background)  # what is being written is written whole
        self._hand_on()
        self._records.close()
        if self._spans:
            self._spans.flush()
            self._spans.close()
        self.ended = self.ended or "stopped"
        self._write_status()

    def _begin_storefront(self) -> None:
        """Let the storefront begin; a run whose storefront can't ends."""
        try:
            self._job.storefront.begin(self._job.given())
        except BadInput as error:
            self._fail(f"the storefront can't begin: {error}")

    def _end_storefront(self) -> None:
        """Let the storefront end, once."""
        if not self._storefront_ended:
            self._storefront_ended = True
            try:
                self._job.storefront.end()
            except Exception as error:  # noqa: BLE001 - what a listener of the user's raises marks the run
                self._hooks.failures["storefront", repr(error)[:300]] += 1

    def take(self) -> tuple[dict[str, Any], Gauges]:
        """Return what changed since the last call, and the state now."""
        self._hand_on()
        gauges = Gauges(
            open_sessions=self._scheduler.open_sessions,
            started_total=self._scheduler.counts["started"],
            dropped_total=self._scheduler.counts["dropped"],
            orders=dict(self._ledger.counts),
            cpu=self._cpu_now(),
        )
        return self._figures.take(self._clock.now()), gauges

    def _make_own(self) -> Own:
        samples = ErrorSamples(self._job.directory, self.name)
        return Own(
            clock=self._clock,
            alarms=Alarms(self._clock),
            hooks=self._hooks,
            log=self._log,
            ledger=self._ledger,
            clients=self._clients,
            unexpected=ReplySamples(samples, self._clock.now, secrets_of(self._job)).unexpected,
            under_way=self._under_way,
        )

    def _make_storefront(self) -> StorefrontFailures:
        storefront, given = self._job.storefront, self._job.given()

        def visit(session: Session) -> None:
            storefront.play(session, given)

        path = self._job.directory.storefront_failures(self.name)
        return StorefrontFailures(visit, storefront.file, path, self._fail, secrets_of(self._job))

    def _fail(self, because: str) -> None:
        """End the run here, and tell the master to end it everywhere."""
        self.stop("failed", because)
        self.on_failure(because)

    def _make_scheduler(self, started_at: int) -> Scheduler:
        job = self._job
        own = WorkerSchedule(
            arrivals=self._arrivals,
            started_at=started_at,
            ends_at=started_at + round(job.plan.duration_s * 1e9),
            open_until=started_at + round(job.plan.arrivals_end_s * 1e9),
            max_open=max(1, job.most_open // self._workers),
        )
        context_of = contexts_by_turn(job, self._own, self._context, self._index)
        return Scheduler(self._context, own, self._storefront.visit, secrets_of(job), context_of)

    def _hand_on(self) -> None:
        """Hand the requests that ended to the listeners."""
        if batch := self._log.take():
            self._hooks.steps_ended(batch)

    def _beat(self) -> None:
        """Hand requests on in small batches, so that none holds the hub for long."""
        self._hub_lag.beat()
        self._hang.alive()
        if len(self._log) >= _BATCH:
            self._hand_on()

    def _run_each_second(self, over: Event) -> None:
        """Once a second close parts that are due, and look at what the process takes."""
        while not over.wait(timeout=1):
            self._hand_on()
            try:
                self._each_second()
            except OSError as error:  # what it records can't be kept
                self.stop("failed", f"{error.filename or self._job.directory.path}: {error.strerror}")

    def _each_second(self) -> None:
        self._records.close_if_due(self._clock.now())
        self._cpu.append((time.perf_counter(), time.process_time()))
        threadpool = gevent.get_hub().threadpool
        now_used = threadpool.apply(used)
        self._descriptors_peak = None if now_used is None else max(self._descriptors_peak or 0, now_used)
        threadpool.apply(write_json, (self._job.directory.worker(self.name), self._status()))

    def _send_spans(self, spans: ClientSpans, over: Event) -> None:
        """Send what is buffered once a second: a slow recorder holds nothing else up."""
        while not over.wait(timeout=1):
            spans.flush()

    def _cpu_now(self) -> float | None:
        """Share of one core over the last seconds; the highest is kept."""
        if len(self._cpu) <= _CPU_WINDOW_S:
            return None
        (wall_a, cpu_a), (wall_b, cpu_b) = self._cpu[-1 - _CPU_WINDOW_S], self._cpu[-1]
        share = (cpu_b - cpu_a) / (wall_b - wall_a)
        self._cpu_peak = max(self._cpu_peak or 0.0, share)
        return round(share, 4)

    def _write_status(self) -> None:
        write_json(self._job.directory.worker(self.name), self._status())

    def _status(self) -> dict[str, Any]:
        """Return the worker status as JSON."""
        self._cpu_now()
        totals, records, spans = self._totals, self._records, self._spans
        assets, hosts, canaries = self._context.assets, self._context.hosts, self._context.canaries
        return WorkerStatus(
            name=self.name,
            index=self._index,
            workers=self._workers,
            arrivals=len(self._arrivals),
            next_arrival=self._scheduler.next_arrival,
            given_out=self._arrivals.given_out,
            revisions=tuple(self._revisions),
            at=self._clock.now(),
            ended=self.ended,
            because=self.because,
            requests=records.requests.rows,
            errors=totals.errors,
            accepted_5xx=totals.accepted_5xx,
            orders=dict(self._ledger.counts),
            parts={"requests": records.requests.closed, "sessions": records.sessions.closed},
            lag_s={name: totals.lag.quantile(q) for name, q in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))},
            hub_stall_s=self._hub_lag.to_json(),
            descriptors={"peak": self._descriptors_peak, "limit": allowed()},
            master_silent_s=self.master_silent_s,
            clock_offset=None if self.clock_offset is None else dict(self.clock_offset),
            uploaded=self.uploads,
            cpu_peak=self._cpu_peak,
            open_sessions_peak=self._scheduler.peak_open,
            rss_peak_bytes=peak_rss_bytes(),
            hook_failures=[
                {"hook": hook, "error": error, "count": count} for (hook, error), count in self._hooks.failures.items()
            ],
            storefront_failures=tuple(self._storefront.found()),
            assets_left_out=None if assets is None else dict(assets.left_out),
            undeclared_hosts=None if hosts is None else dict(hosts.locations.undeclared),
            data_pools=_pool_status(self._context.pools),
            canaries=CanaryStatus(sessions=canaries.given, shown=canaries.shown),
            spans=None if spans is None else {"sent": spans.sent, "dropped": spans.dropped},
            pid=os.getpid(),
        ).model_dump(mode="json")


def _pool_status(pools: DataPools | None) -> dict[str, PoolStatus]:
    return (
        {}
        if pools is None
        else {
            name: PoolStatus(
                use=pool.use,
                rows=len(pool),
                given=pool.given,
                in_use_peak=pool.in_use_peak,
                lacked=pool.lacked,
                short_peak=pool.short_peak,
                locked=pool.locked,
            )
            for name, pool in pools.pools.items()
        }
    )
