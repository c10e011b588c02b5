"""The lifecycle of a run: check, start what measures it, play the load, keep everything, and record how it ended."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from loadtests.audit.readers import Access, Reader, readers_of
from loadtests.audit.sources import keep_stock, own_records
from loadtests.comparison.turns import Turns
from loadtests.demand.reference import why_no_causes
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.evidence.steps import write_manifest
from loadtests.guardrails.access import AccessFacts, check_allowed
from loadtests.guardrails.lease import Lease
from loadtests.guardrails.release_watch import probe_release_or_none
from loadtests.results.inputs import Inputs, prepare
from loadtests.results.run_directory import RunDirectory
from loadtests.results.run_json import NOT_ENDED, NOT_PLAYED, PEAKPROOF, EndFacts, LoadFacts, StartFacts, write_run
from loadtests.results.worker_status import read_workers
from loadtests.runtime.clock import Clock, since_boot
from loadtests.storefronts import storefront_of
from loadtests.worker.job import write_job
from scripts.context import Context
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.processes import Children, wait_until
from scripts.local_stack.prometheus import Program, Prometheus, wait_for_targets
from scripts.running.browser import find_browser, seen_by, shopper_of
from scripts.running.data_need import check_enough, data_needed
from scripts.running.finished_run import BY_HAND, UNREAD, FinishedRun
from scripts.running.guards import Watches, check_environment, lease_of
from scripts.running.keyboard import Unsuspended
from scripts.running.locust_processes import (
    LocustProcesses,
    check_connections,
    check_shared,
    how_it_ended,
    port_hint,
    start_generator,
)
from scripts.running.metrics_archive import keep_answers, samples_kept
from scripts.running.notices import Notices, check_alertmanager
from scripts.running.remote_settings import read_remote_settings
from scripts.running.rendezvous import Rendezvous, announced
from scripts.running.supervision import Supervision
from scripts.running.telemetry import Telemetry, find_program, ports_used
from scripts.running.terminal_view import read_snapshot
from scripts.running.what_failed import DirectoryWatch, why_hung
from scripts.running.worker_shutdown import wait_for_workers
from slo.documents import BadInput
from slo.objectives.counters import MARGIN_S
from slo.outcomes import EnvironmentLacks
from slo.validity.run_document import AnswersFacts, BrowserFacts, LeaseFacts

_FIRST_SNAPSHOT_S = 90.0
_LAST_SCRAPES_S = 2.5
_LONGEST_POLL_S = 30.0


class TwoReleases(Protocol):
    """What a run needs in which two releases take turns: its sessions' turns where both are up, None where one is."""

    @property
    def turns(self) -> Turns | None:
        """Whose turn it is, for the workers."""

    def check(self, resolved: ResolvedEnvironment) -> None:
        """Look at both before the load; raises EnvironmentLacks."""

    def beside(self, resolved: ResolvedEnvironment, directory: RunDirectory) -> AbstractContextManager[object]:
        """Return what goes on beside the load."""

    def why_stop(self, started_at: int) -> str | None:
        """Return why the run that began at `started_at` (ns) may end now; None while it goes on. It doesn't wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How to run: on which ports, with how many workers, by which permission, and where leases are kept.

    `releases_expected` may be seen in the run. `on_phase` gets the name of each phase that begins, and
    `phase_releases` maps a phase to the release that it runs on, where releases are changed on purpose. With `browser`
    a real browser visits the shop during the load. Leases are kept beside the runs unless `lease_folder` is given;
    where the caller holds one for several runs, it is `lease`. Without `stops_early` an objective that is certain to be
    missed doesn't end the run. With `two_releases` the run's own checks and its watch are those of the first of them.
    """

    ports: Ports
    workers: int = 1
    permit: Path | None = None
    lease_folder: Path | None = None
    lease: Lease | None = None
    stops_early: bool = True
    releases_expected: tuple[str, ...] = ()
    on_phase: Callable[[str], None] = lambda _name: None
    phase_releases: Mapping[str, str] = field(default_factory=dict)
    web_port: int | None = None
    browser: bool = False
    two_releases: TwoReleases | None = None


class RunLifecycle:
    """One run, from the first check to the last file.

    Its parts return facts; `_load` and `_end` hold the latest, and `run.json` is written from them at the end.
    """

    def __init__(self, inputs: Inputs, setting: Setting, context: Context) -> None:
        self._inputs, self._setting, self._context = inputs, setting, context
        self._outside = read_remote_settings(context.environment)
        self._clock = Clock.start()
        self._began_at = self._clock.now()
        both = setting.two_releases
        self._supervision = Supervision(
            inputs.plan, self._clock, context, setting.on_phase, None if both is None else both.why_stop
        )
        self._load, self._end = NOT_PLAYED, NOT_ENDED

    @cached_property
    def _resolved(self) -> ResolvedEnvironment:
        """The resolved environment: its names and secrets are read once, when it is first needed."""
        return resolve_environment(self._inputs.environment, self._context.environment)

    @property
    def _watched(self) -> ResolvedEnvironment:
        """The environment as the release is reached that the run itself watches."""
        both = self._setting.two_releases
        return self._resolved if both is None or both.turns is None else self._resolved.variant(both.turns.a)

    def perform(self) -> FinishedRun:
        """Run; raises EnvironmentLacks before any load when something is missing.

        Once there is load, every ending leaves a whole run directory: a failure of the generator, a breach, a
        signal (KeyboardInterrupt stops the run).
        """
        self._inputs = replace(self._inputs, records=own_records(self._inputs.environment, self._context.environment))
        access = self._check()
        program = find_program(self._outside, self._setting.ports, self._context)
        self._browser = find_browser(self._inputs, self._context) if self._setting.browser else None
        with self._lease() as lease:
            release = check_environment(self._watched, self._setting.releases_expected)
            if self._setting.two_releases is not None:
                self._setting.two_releases.check(self._resolved)
            check_alertmanager(self._inputs, self._resolved, access.permission)
            self._watches = Watches(self._watched, lease, self._clock, self._context)
            self._watches.keep(release)
            return self._perform(program, lease, self._start(access, lease, release))

    def _lease(self) -> AbstractContextManager[Lease]:
        if self._setting.lease is not None:
            return nullcontext(self._setting.lease)
        return lease_of(self._inputs, self._setting.lease_folder or leases_beside(self._context), self._context.say)

    def _check(self) -> AccessFacts:
        """Refuse what may not be run, or can't; return what allows the load."""
        inputs, permit, setting = self._inputs, self._setting.permit, self._setting
        access = check_allowed(inputs, permit, self._resolved)
        shown = {} if setting.web_port is None else {"web UI": setting.web_port}
        setting.ports.check_free(ports_used(setting.ports, self._outside, setting.workers) | shown)
        self._check_generator()
        return access

    def _check_generator(self) -> None:
        """Refuse more connections than the local workers can hold open; hint at what may be too many."""
        plan, environment, workers = self._inputs.plan, self._inputs.environment, self._setting.workers
        check_shared(plan, workers)
        if environment.traces and (why_not := why_no_causes(plan)):
            self._context.say(f"a hint: a FAIL will name no cause: {why_not}")
        check_enough(environment, self._inputs.data, workers)
        for line in data_needed(plan, environment, self._inputs.data, workers, storefront_of(environment).customers):
            self._context.say(line)
        if self._outside.workers_join:
            return  # each checks this on its own machine
        check_connections(plan, environment, workers)
        if (hint := port_hint(plan, self._resolved)) is not None:
            self._context.say(f"a hint: {hint}")

    def _start(self, access: AccessFacts, lease: Lease, release: str | None) -> StartFacts:
        return StartFacts(
            command=self._context.command,
            workers=self._setting.workers,
            began_at=self._began_at,
            permission=access.permission,
            destinations=access.destinations,
            shares_addresses=access.shares_addresses,
            lease=LeaseFacts(file=str(lease.path), took_over=lease.took_over),
            release=release,
            releases_expected=self._setting.releases_expected,
            phase_releases=self._setting.phase_releases,
        )

    def _perform(self, program: Program | None, lease: Lease, start: StartFacts) -> FinishedRun:
        """Run while the lease is held."""
        directory = prepare(self._inputs, self._context.runs)
        there = DirectoryWatch(directory)
        lease.name_run(directory.name)
        self._context.say(f"run {directory.path}")
        telemetry = Telemetry(directory, self._resolved, self._setting.ports, self._outside, program, self._polled())
        self._write_job(directory)
        write_run(directory, self._inputs, start)
        notices = Notices(self._inputs, self._resolved, directory.name, self._clock, self._context.say)
        try:
            with notices:
                self._keep_notices(notices)
                write_run(directory, self._inputs, start, end=self._end)
                self._measured(directory, telemetry)
                self._tell_when(notices)
        except KeyboardInterrupt:
            self._ended("stopped", BY_HAND)
            raise
        except EnvironmentLacks as error:
            self._ended("failed", str(error))
            raise
        finally:
            self._keep_notices(notices)
            if (why := there.why_gone()) is not None:
                raise EnvironmentLacks(f"{why}: nothing more of it can be kept")
            end = replace(self._end, recorder=telemetry.recorded)
            run = write_run(directory, self._inputs, start, self._load, end)
            write_manifest(directory)
        return FinishedRun(directory=directory, run=run)

    def _keep_notices(self, notices: Notices) -> None:
        """Keep what is known by now of the silence and of the mark."""
        facts = notices.facts
        self._end = replace(self._end, alert_silence=facts.alert_silence, annotation=facts.annotation)

    def _tell_when(self, notices: Notices) -> None:
        if self._load.started_at is not None and self._load.ended_at is not None:
            notices.played(self._load.started_at, self._load.ended_at)

    def _polled(self) -> Mapping[str, Reader]:
        """Return the readers of shop records that the exporters ask during the run."""
        access = Access(
            token=self._resolved.bearer(),
            http=self._resolved.http(),
            variables=self._context.environment,
            longest_s=_LONGEST_POLL_S,
            quiet=True,
        )
        return readers_of(self._inputs.environment, access, self._inputs.records, ("stock", "funnel"))

    def _write_job(self, directory: RunDirectory) -> None:
        inputs, ports = self._inputs, self._setting.ports
        write_job(
            directory,
            self._outside.send_spans_to(ports.recorder) if inputs.plan.trace_sampling > 0 else None,
            PEAKPROOF,
            self._resolved.destinations,
            data=inputs.data,
            production=inputs.production,
            browser=self._setting.browser,
            stops_early=self._setting.stops_early,
            turns=None if self._setting.two_releases is None else self._setting.two_releases.turns,
        )

    def _ended(self, ended: str, because: str) -> None:
        """Keep how the run ended, unless that is known already, and when its load began."""
        if self._load.ended is None:
            started_at = self._load.started_at or self._supervision.started_at
            self._load = replace(self._load, started_at=started_at, ended=ended, because=because)

    def _measured(self, directory: RunDirectory, telemetry: Telemetry) -> None:
        """Start everything that measures, play, and stop it again."""
        keep_stock(directory, self._resolved, self._inputs.records, self._context.environment)
        with telemetry.listening() as exporters, Children(directory.logs) as children:
            prometheus = telemetry.prometheus(children, exporters, self._inputs)
            self._load = self._play(directory, children, prometheus)
            self._end = self._releases()
            self._end = self._keep_answers(directory, prometheus)

    def _play(self, directory: RunDirectory, children: Children, prometheus: Prometheus) -> LoadFacts:
        """Play the load; return when it was played and how it ended."""
        setting, outside = self._setting, self._outside
        shopper = None
        if self._browser is not None:
            shopper = shopper_of(self._browser, directory, self._inputs, self._resolved, self._context)
        with Unsuspended(self._context.say) as unsuspended:
            generator = start_generator(
                children,
                directory,
                setting.ports,
                self._context.environment,
                outside,
                workers=setting.workers,
                web_port=setting.web_port,
            )
            wait_for_targets(prometheus)
            generator.begin()
            if setting.web_port is not None:
                self._context.say(f"web UI: http://{HOST}:{setting.web_port}/peakproof")
            with self._beside(directory):
                self._until_it_ends(directory, generator, shopper or nullcontext(), unsuspended)
            generator.end()
        if outside.workers_join:
            wait_for_workers(directory, setting.workers)
        return self._load_facts(directory, generator, None if shopper is None else seen_by(shopper, self._context.say))

    def _beside(self, directory: RunDirectory) -> AbstractContextManager[object]:
        both = self._setting.two_releases
        return nullcontext() if both is None else both.beside(self._resolved, directory)

    def _until_it_ends(
        self,
        directory: RunDirectory,
        generator: LocustProcesses,
        beside: AbstractContextManager[object],
        unsuspended: Unsuspended,
    ) -> None:
        """Follow the run until it is over, and keep how and why it was ended from here, if it was."""
        try:
            with announced(self._context.runs, self._rendezvous(directory)):
                wait_until(directory.live.exists, [generator.head], _FIRST_SNAPSHOT_S, "the load generator")
            with self._watches, beside:
                why = self._supervision.follow(directory, generator, self._watches, unsuspended)
            if why is not None:
                self._ended("stopped" if why_hung(directory) is None else "failed", why)
        except KeyboardInterrupt:
            self._ended("stopped", BY_HAND)
            self._context.say("stopping: what was recorded until now is kept")
        except BrokenPipeError:
            self._ended("stopped", UNREAD)
        except EnvironmentLacks as error:
            self._ended("failed", why_hung(directory) or str(error))

    def _rendezvous(self, directory: RunDirectory) -> Rendezvous | None:
        if not self._outside.workers_join:
            return None
        self._context.say(f"waiting for {self._setting.workers} workers to join")
        host, port = self._outside.reached_as, self._setting.ports.locust
        return Rendezvous(run=directory.name, host=host, port=port, workers=self._setting.workers)

    def _load_facts(
        self, directory: RunDirectory, generator: LocustProcesses, browser: BrowserFacts | None
    ) -> LoadFacts:
        live = read_snapshot(directory.live)
        refused = tuple(live.refused_workers) if live else ()
        for worker in refused:
            self._context.say(f"the worker {worker} was left out: it didn't show the token of this run")
        ended, because = self._how_it_ended(directory, generator)
        return LoadFacts(
            started_at=self._supervision.started_at or (live.started_at if live else None),
            ended_at=self._clock.now(),
            ended_since_boot=since_boot(),
            clock_step_s=self._clock.step_s(),
            ended=ended,
            because=because,
            workers_refused=refused,
            browser=browser,
        )

    def _how_it_ended(self, directory: RunDirectory, generator: LocustProcesses) -> tuple[str, str | None]:
        try:
            workers = read_workers(directory)
        except BadInput as error:
            return "failed", str(error)
        if self._load.ended is not None:
            return self._load.ended, self._load.because
        ended, because = how_it_ended(workers, self._setting.workers, generator)
        return ended, (why_hung(directory) if ended == "failed" else None) or because

    def _releases(self) -> EndFacts:
        """Return the releases that were seen, the one after the load included; nothing when nothing was played."""
        if self._load.started_at is None:
            return NOT_ENDED
        release = probe_release_or_none(self._watched)
        self._watches.keep(release)
        return EndFacts(release=release, releases_seen=self._watches.seen)

    def _keep_answers(self, directory: RunDirectory, prometheus: Prometheus) -> EndFacts:
        """Let the last scrapes come in, then keep every answer that a verdict or a page will need."""
        load, plan = self._load, self._inputs.plan
        if load.started_at is None or load.ended_at is None:
            return self._end
        starts_at, ends_at = (load.started_at + round(at_s * 1e9) for at_s in plan.judged_span())
        judged = (starts_at, min(ends_at, load.ended_at))
        span = (load.started_at, load.ended_at)
        try:
            if load.ended != "stopped":
                time.sleep(last_scrapes_s(judged[1], prometheus.scrape_interval_s()))
            gap = keep_answers(prometheus, directory, self._inputs.objectives, judged, span)
        except EnvironmentLacks as error:
            return replace(self._end, notes=(str(error),))
        end = replace(self._end, answers=AnswersFacts(samples=samples_kept(directory)))
        if gap is None:
            return end
        self._context.say(f"not on the pages: {gap}")
        return replace(end, page_gaps=(gap,))


def leases_beside(context: Context) -> Path:
    """Return where leases are kept unless another folder is named."""
    return context.runs.parent / "leases"


def last_scrapes_s(judged_to: int, scrape_interval_s: float) -> float:
    """Return how long to wait for a scrape after the judged time (ns), without which its end isn't known.

    That is at most one interval, whatever the wall clock says: it may have been set back in mid-run.
    """
    longest_s = min(scrape_interval_s, MARGIN_S)
    due_s = judged_to / 1e9 + longest_s - time.time()
    return min(longest_s, max(0.0, due_s)) + _LAST_SCRAPES_S


def perform(inputs: Inputs, setting: Setting, context: Context) -> FinishedRun:
    """Perform one run; see `RunLifecycle.perform`."""
    return RunLifecycle(inputs, setting, context).perform()
