"""One worker's part of a run: its records, ledger, spans and figures around one conductor.

Everything it needs stands in the run directory; everything it learns goes there. It knows gevent, not Locust.
"""

import itertools
import os
import platform
import resource
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

import gevent
import gevent.ssl
import pydantic

from loadtests.ceilings import Ceilings
from loadtests.client import Access, GeventClient
from loadtests.client_spans import ClientSpans
from loadtests.clock import Clock
from loadtests.conductor import Conductor, Score
from loadtests.credentials import credentials_of
from loadtests.demand.arrivals import schedule, shard
from loadtests.demand.plan import Plan, read_plan
from loadtests.destinations import Destinations, host_of, resolve
from loadtests.firewalls import Firewall
from loadtests.histogram import Histogram
from loadtests.hooks import Hooks, Listener
from loadtests.joining import VARIABLE as RUN_TOKEN
from loadtests.journeys import JOURNEYS
from loadtests.ledger import Ledger
from loadtests.live import Gauges, Timetable, Watch, WorkerFigures
from loadtests.records import SessionRecord, StepRecord, request_parts, session_parts
from loadtests.run_directory import RunDirectory, write_json
from loadtests.session import Session, Worker, shopper_headers
from loadtests.storefronts import STOREFRONTS
from loadtests.targets import Environment, Targets
from loadtests.tls import context_of
from slo.documents import BadInput, read_json

REPLY_DEADLINE_S = 30.0
_CPU_WINDOW_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run as its workers see it, read from the run directory."""

    directory: RunDirectory
    plan: Plan
    environment: Environment
    recorder_url: str | None
    version: str
    destinations: Destinations
    variables: Mapping[str, str] = field(repr=False)

    def access(self) -> Access:
        """Read the secrets and return how the shop is reached; raises BadInput on what is missing or can't be used."""
        environment, credentials = self.environment, credentials_of(self.environment, self.variables)
        told = credentials.revealed()
        tagged = shopper_headers(self.directory.name, self.version, environment.tag)
        given = {name.lower() for name in told}
        return Access(
            base_url=environment.base_url,
            addresses=self.destinations.of(host_of(environment.base_url)),
            headers={**{name: value for name, value in tagged.items() if name.lower() not in given}, **told},
            masks=credentials.masks(),
            tls=context_of(environment, gevent.ssl.create_default_context)
            if environment.base_url.startswith("https:")
            else None,
            firewall=Firewall(environment.blocked),
        )

    def timetable(self) -> Timetable:
        """Return what is planned when."""
        starts = self.plan.starts_s()
        names = [phase.name for phase in self.plan.phases]
        return Timetable(
            run=self.directory.name,
            phases=tuple(zip(names, starts[1:], strict=True)),
            arrivals_s=schedule(self.plan).at_s.tolist(),
            rate=self.plan.curve().rate,
        )

    def judged(self, started_at: int) -> tuple[int, int]:
        """Return the start and end of judging in ns, for a run that started at `started_at`."""
        start_s, end_s = self.plan.judged_span()
        return started_at + round(start_s * 1e9), started_at + round(end_s * 1e9)


class _JobFile(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")

    format: Literal["peakproof/job/v1"]
    recorder_url: str | None
    version: str
    destinations: Destinations


def write_job(
    directory: RunDirectory, recorder_url: str | None, version: str, destinations: Destinations | None = None
) -> None:
    """Leave for the workers what isn't in the copies of the input.

    Hosts that weren't resolved yet are resolved now, once for all workers; raises BadInput.
    """
    found = destinations or resolve(_environment_of(directory))
    value = {"format": "peakproof/job/v1", "recorder_url": recorder_url, "version": version}
    write_json(directory.path / "job.json", {**value, "destinations": found.model_dump(mode="json")})


def read_job(path: Path, variables: Mapping[str, str] | None = None) -> Job:
    """Read the run directory at `path`; `variables` hold the secrets that it names. Raises BadInput."""
    directory = RunDirectory(path=path)
    job = read_json(directory.path / "job.json", _JobFile)
    environment = _environment_of(directory)
    return Job(
        directory=directory,
        plan=read_plan(directory.plan),
        environment=environment,
        recorder_url=job.recorder_url,
        version=job.version,
        destinations=job.destinations,
        variables=variables or {},
    )


def _environment_of(directory: RunDirectory) -> Environment:
    targets = read_json(directory.targets, Targets)
    if len(targets.environments) != 1:
        raise BadInput(f"{directory.targets}: expected one environment, found {', '.join(targets.environments)}")
    (environment,) = targets.environments.values()
    return environment


class _Recorder:
    """Keeps every request and session; the first listener."""

    def __init__(self, directory: RunDirectory, worker: str, clock: Clock) -> None:
        self.requests = request_parts(directory, worker)
        self.sessions = session_parts(directory, worker)
        self.lag = Histogram()
        self.errors = 0
        self._clock = clock

    def step_ended(self, record: StepRecord) -> None:
        self.requests.add(record, record.finished_at)
        self.lag.add(record.lag_s)
        self.errors += record.error is not None

    def session_ended(self, record: SessionRecord) -> None:
        self.sessions.add(record, record.ended_at)

    def close_due(self) -> None:
        now = self._clock.now()
        self.requests.close_if_due(now)
        self.sessions.close_if_due(now)

    def close(self) -> None:
        self.requests.close()
        self.sessions.close()


class Player:
    """Worker number `index` of `workers`; `play()` blocks until its part of the run is over."""

    def __init__(self, job: Job, index: int, workers: int, started_at: int, watches: Sequence[Watch] = ()) -> None:
        self.name = f"w{index}"
        self._job, self._index, self._workers = job, index, workers
        self._clock = Clock.start()
        self._recorder = _Recorder(job.directory, self.name, self._clock)
        self._ledger = Ledger(job.directory.ledger(self.name))
        self._spans = ClientSpans(job.recorder_url, job.variables.get(RUN_TOKEN)) if job.recorder_url else None
        self._figures = WorkerFigures(watches, job.judged(started_at))
        listeners: list[Listener] = [self._recorder, self._figures]
        self._hooks = Hooks([*listeners, self._spans] if self._spans else listeners)
        self._arrivals = shard(schedule(job.plan), index, workers)
        self._cpu: list[tuple[float, float]] = []
        self._cpu_peak: float | None = None
        self._conductor = self._make_conductor(started_at)
        self.ended: str | None = None
        self.because: str | None = None
        self._write_account()

    def play(self) -> None:
        """Play the arrivals; returns when the run is over or was stopped, with everything written."""
        ticker = gevent.spawn(self._tick)
        try:
            self._conductor.play()
            self.ended = self.ended or "completed"
        finally:
            ticker.kill()
            self.close()

    def stop(self, ended: str, because: str) -> None:
        """End the run early: `ended` is `stopped` or `aborted`."""
        self.ended, self.because = self.ended or ended, self.because or because
        self._conductor.stop()

    def close(self) -> None:
        """Cut off what is under way and write everything. Calling it again does nothing new."""
        self._conductor.cut_off()
        self._recorder.close()
        if self._spans:
            self._spans.flush()
            self._spans.close()
        self.ended = self.ended or "stopped"
        self._write_account()

    def take(self) -> tuple[dict[str, Any], Gauges]:
        """Return what changed since the last call, and the state now."""
        gauges = Gauges(
            open_sessions=self._conductor.open_sessions,
            started_total=self._conductor.counts["started"],
            dropped_total=self._conductor.counts["dropped"],
            orders=dict(self._ledger.counts),
            cpu=self._cpu_now(),
        )
        return self._figures.take(self._clock.now()), gauges

    def _make_conductor(self, started_at: int) -> Conductor:
        job = self._job
        access, turn = job.access(), itertools.count(self._index)
        worker = Worker(
            plan=job.plan,
            clock=self._clock,
            hooks=self._hooks,
            ledger=self._ledger,
            in_flight=self._figures,
            ceilings=Ceilings(job.environment.ceiling, self._index, self._workers),
            ids=Random(secrets.randbits(128)),  # noqa: S311 - ids must differ between runs, not be secret
            new_client=lambda: GeventClient(access.turned(next(turn)), REPLY_DEADLINE_S),
        )
        storefront = STOREFRONTS[job.environment.storefront]

        def visit(session: Session) -> None:
            JOURNEYS[session.arrival.journey](session, storefront(session))

        most = min(job.plan.limits.open_sessions, job.environment.ceiling.open_sessions)
        score = Score(
            arrivals=self._arrivals,
            started_at=started_at,
            ends_at=started_at + round(job.plan.duration_s * 1e9),
            max_open=max(1, most // self._workers),
        )
        return Conductor(worker, score, visit)

    def _tick(self) -> None:
        while True:
            gevent.sleep(1)
            self._recorder.close_due()
            self._cpu.append((time.perf_counter(), time.process_time()))
            self._write_account()
            if self._spans:
                self._spans.flush()

    def _cpu_now(self) -> float | None:
        """Share of one core over the last seconds; the highest is kept."""
        if len(self._cpu) <= _CPU_WINDOW_S:
            return None
        (wall_a, cpu_a), (wall_b, cpu_b) = self._cpu[-1 - _CPU_WINDOW_S], self._cpu[-1]
        share = (cpu_b - cpu_a) / (wall_b - wall_a)
        self._cpu_peak = max(self._cpu_peak or 0.0, share)
        return round(share, 4)

    def _write_account(self) -> None:
        self._cpu_now()
        recorder = self._recorder
        write_json(
            self._job.directory.worker(self.name),
            {
                "format": "peakproof/worker/v1",
                "name": self.name,
                "index": self._index,
                "workers": self._workers,
                "arrivals": len(self._arrivals),
                "next_arrival": self._conductor.next_arrival,
                "at": self._clock.now(),
                "ended": self.ended,
                "because": self.because,
                "requests": recorder.requests.rows,
                "errors": recorder.errors,
                "orders": dict(self._ledger.counts),
                "parts": {"requests": recorder.requests.closed, "sessions": recorder.sessions.closed},
                "lag_s": {
                    "p50": recorder.lag.quantile(0.5),
                    "p99": recorder.lag.quantile(0.99),
                    "max": recorder.lag.quantile(1.0),
                },
                "cpu_peak": self._cpu_peak,
                "open_sessions_peak": self._conductor.peak_open,
                "rss_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT,
                "hook_failures": [
                    {"hook": hook, "error": error, "count": count}
                    for (hook, error), count in self._hooks.failures.items()
                ],
                "spans": {"sent": self._spans.sent, "dropped": self._spans.dropped} if self._spans else None,
                "pid": os.getpid(),
            },
        )


_RSS_UNIT = 1 if platform.system() == "Darwin" else 1024
