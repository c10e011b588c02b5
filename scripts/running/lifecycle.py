"""Performing a run: start what measures it, play the load, keep everything, and say how it ended."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from loadtests.audit.sources import keep_stock
from loadtests.browser.chromium import find_chromium
from loadtests.browser.visits import BrowserSetting, BrowserShopper, check_browser
from loadtests.environment.destinations import host_of
from loadtests.environment.resolved_environment import ResolvedEnvironment, reach_of
from loadtests.guardrails.lease import Lease
from loadtests.guardrails.preflight import check_side_effects
from loadtests.guardrails.release_watch import probe_release_or_none
from loadtests.results.account import read_workers
from loadtests.results.inputs import Inputs, prepare
from loadtests.results.run_directory import RunDirectory
from loadtests.results.run_json import PEAKPROOF, Progress, write_run
from loadtests.runtime.clock import Clock
from loadtests.runtime.resource_limits import hint
from loadtests.shopper.assets import CONNECTIONS, connections
from loadtests.shopper.push_events import STREAMS
from loadtests.worker.job import write_job
from scripts.context import Context
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.processes import Children, wait_until
from scripts.local_stack.prometheus import Program, Prometheus, wait_for_targets
from scripts.running.guards import NO_RAILS_TOLD, Rails, Watches, check_addresses, check_permission, lease_of, look
from scripts.running.keyboard import HINT, Keyboard, Unsuspended, obey
from scripts.running.locust_processes import LocustProcesses, check_connections, how_it_ended, start_generator
from scripts.running.metrics_archive import keep_answers
from scripts.running.remote_settings import read_outside
from scripts.running.rendezvous import Rendezvous, announced
from scripts.running.telemetry import Telemetry, find_program, ports_used
from scripts.running.terminal_view import TerminalView, read_live
from scripts.running.worker_shutdown import wait_for_workers
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

_FIRST_SNAPSHOT_S = 90.0
_LOOK_S = 0.2
_LAST_SCRAPES_S = 2.5
_BY_HAND = "by hand or signal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How to perform a run: on which ports, with how many workers, and who is told when a phase begins.

    `expects` maps a phase to the release that it runs on, where releases are changed on purpose. With `browser` a
    real one walks through the shop beside the load.
    """

    ports: Ports
    workers: int = 1
    on_phase: Callable[[str], None] = lambda _name: None
    phase_releases: dict[str, str] | None = None
    rails: Rails = NO_RAILS_TOLD
    web_port: int | None = None
    browser: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run that is over: its directory and `run.json`."""

    directory: RunDirectory
    run: dict[str, Any]


class RunLifecycle:
    """One run, from the first check to the last file."""

    def __init__(self, inputs: Inputs, setting: Setting, context: Context) -> None:
        self._inputs, self._setting, self._context = inputs, setting, context
        self._outside = read_outside(context.environment)
        self._clock = Clock.start()
        self._progress = Progress(
            command=context.command,
            workers=setting.workers,
            began_at=self._clock.now(),
            phase_releases=setting.phase_releases or {},
            releases_expected=setting.rails.releases_expected,
        )

    @cached_property
    def _reach(self) -> ResolvedEnvironment:
        """How the environment is reached: resolved and read once, the first time it is asked for."""
        return reach_of(self._inputs.environment, self._context.environment)

    def perform(self) -> FinishedRun:
        """Run; raises EnvironmentLacks before any load when something is missing.

        Once there is load, every ending leaves a whole run directory: a failure of the generator, a breach, a
        signal (KeyboardInterrupt is taken as the wish to stop).
        """
        inputs, rails, progress = self._inputs, self._setting.rails, self._progress
        check_permission(inputs, rails, progress)
        check_addresses(inputs, rails, progress, self._reach.destinations)
        check_side_effects(inputs.environment_name, inputs.environment, self._reach.destinations)
        ports, outside = self._setting.ports, self._outside
        shown = {} if self._setting.web_port is None else {"web UI": self._setting.web_port}
        ports.check_free(ports_used(ports, outside, self._setting.workers) | shown)
        self._check_generator()
        program = find_program(outside, ports, self._context)
        self._chromium = self._find_browser()
        with lease_of(inputs, rails, self._context, progress) as lease:
            progress.release_before = look(self._reach, rails)
            self._watches = Watches(self._reach, lease, self._clock, self._context)
            self._watches.keep(progress.release_before)
            return self._perform(program, lease)

    def _check_generator(self) -> None:
        """Refuse what the workers started from here could not hold open; hint at what may be too much for them."""
        plan, environment, workers = self._inputs.plan, self._inputs.environment, self._setting.workers
        shared = plan.limits.connections
        if shared is not None and shared < workers:
            raise BadInput(f"limits.connections: {shared} for {workers} workers; each needs one at least")
        if self._outside.workers_join:
            return  # each sees for itself
        check_connections(plan, environment, workers)
        if shared is not None:
            return  # few are opened, and kept
        highest = max(max(phase.level) for phase in plan.phases if phase.level is not None)
        host = host_of(environment.base_url)
        has_cdn, http2 = environment.cdn_url is not None, environment.http2
        to_shop = 1 if http2 else min(connections(plan.assets, has_cdn=has_cdn), CONNECTIONS)
        to_shop += STREAMS[plan.streams]
        told = hint(highest * plan.demand.peak_sessions_per_s * to_shop, self._reach.destinations.places(host))
        if told is not None:
            self._context.say(f"a hint: {told}")

    def _perform(self, program: Program | None, lease: Lease) -> FinishedRun:
        """Run with the environment ours alone."""
        ports, inputs, reach = self._setting.ports, self._inputs, self._reach
        directory = prepare(inputs, self._context.runs)
        lease.name_run(directory.name)
        self._context.say(f"run {directory.path}")
        instruments = Telemetry(directory, reach, ports, self._outside, program)
        spans_to = self._outside.send_spans_to(ports.recorder) if inputs.plan.trace_sampling > 0 else None
        write_job(
            directory,
            spans_to,
            PEAKPROOF,
            reach.destinations,
            production=inputs.production,
            browser=self._setting.browser,
        )
        write_run(directory, inputs, self._progress)
        try:
            self._measured(directory, instruments)
        except KeyboardInterrupt:
            self._tell_end("stopped", _BY_HAND)
            raise
        except EnvironmentLacks as error:
            self._tell_end("failed", str(error))
            raise
        finally:
            run = write_run(directory, inputs, self._progress)
        return FinishedRun(directory=directory, run=run)

    def _tell_end(self, ended: str, because: str) -> None:
        """Say how the run ended, unless that is known already."""
        if self._progress.ended is None:
            self._progress.ended, self._progress.because = ended, because

    def _measured(self, directory: RunDirectory, instruments: Telemetry) -> None:
        """Start everything that measures, play, and stop it again."""
        keep_stock(directory, self._reach)
        with instruments.listening(self._progress) as exporters, Children(directory.logs) as children:
            prometheus = instruments.prometheus(children, exporters)
            self._play(directory, children, prometheus)
            self._measure_the_end(directory, prometheus)

    def _find_browser(self) -> Path | None:
        """Return the browser's program where one is wished for."""
        if not self._setting.browser:
            return None
        check_browser(self._inputs.environment)
        return find_chromium(self._context.environment)

    @contextmanager
    def _browser(self, directory: RunDirectory) -> Iterator[None]:
        """Have a real shopper beside the load, where one is wished for; whatever befalls it, the run goes on."""
        if self._chromium is None:
            yield
            return
        shopper = BrowserShopper(
            BrowserSetting(
                program=self._chromium,
                directory=directory,
                plan=self._inputs.plan,
                reach=self._reach,
                environment=self._context.environment,
            )
        )
        try:
            with shopper:
                yield
        finally:
            told = self._progress.browser = shopper.told
            self._context.say(f"the browser saw {told['pages']} pages")
            if told["why_not_more"] is not None:
                self._context.say(f"the browser saw no more: {told['why_not_more']}")

    def _play(self, directory: RunDirectory, children: Children, prometheus: Prometheus) -> None:
        setting, outside = self._setting, self._outside
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
            try:
                with announced(self._context.runs, self._gathering(directory)):
                    wait_until(directory.live.exists, [generator.head], _FIRST_SNAPSHOT_S, "the load generator")
                with self._watches, self._browser(directory):
                    self._watch(directory, generator, unsuspended)
            except KeyboardInterrupt:
                self._tell_end("stopped", _BY_HAND)
                self._context.say("stopping: what was recorded until now is kept")
            except EnvironmentLacks as error:
                self._tell_end("failed", str(error))
            generator.end()
        if outside.workers_join:
            wait_for_workers(directory, setting.workers)
        self._conclude(directory, generator)

    def _gathering(self, directory: RunDirectory) -> Rendezvous | None:
        if not self._outside.workers_join:
            return None
        self._context.say(f"waiting for {self._setting.workers} workers to join")
        host, port = self._outside.reached_as, self._setting.ports.locust
        return Rendezvous(run=directory.name, host=host, port=port, workers=self._setting.workers)

    def _watch(self, directory: RunDirectory, generator: LocustProcesses, unsuspended: Unsuspended) -> None:
        seen, phase = 0, ""
        keyboard = self._context.keyboard
        hint = HINT if keyboard is not None else ""
        with (
            TerminalView(self._context.say, is_terminal=self._context.is_terminal, hint=hint) as view,
            Keyboard(keyboard) as keys,
        ):
            while not generator.is_over and not self._must_stop():
                snapshot = read_live(directory.live)
                if snapshot is not None and snapshot["sequence"] != seen:
                    seen = snapshot["sequence"]
                    view.show(snapshot)
                self._progress.started_at = self._progress.started_at or (snapshot or {}).get("started_at")
                phase = self._tell_phase(phase)
                obey(keys.pressed(_LOOK_S), generator)
                unsuspended.tell()

    def _must_stop(self) -> bool:
        why = self._watches.why_stop()
        if why is not None:
            self._tell_end("stopped", why)
            self._context.say(f"stopping: {why}")
        return why is not None

    def _tell_phase(self, told: str) -> str:
        """Tell, once each and in order, the phases that have begun."""
        if self._progress.started_at is None:
            return told
        elapsed_s = (self._clock.now() - self._progress.started_at) / 1e9
        phases = self._inputs.plan.phases
        begun = [p.name for p, start in zip(phases, self._inputs.plan.starts_s(), strict=False) if start <= elapsed_s]
        names = [p.name for p in phases]
        for name in begun[names.index(told) + 1 if told else 0 :]:
            self._setting.on_phase(name)
            told = name
        return told

    def _conclude(self, directory: RunDirectory, generator: LocustProcesses) -> None:
        progress, live = self._progress, read_live(directory.live) or {}
        progress.started_at = progress.started_at or live.get("started_at")
        progress.load_ended_at = self._clock.now()
        progress.workers_refused = live.get("refused_workers", [])
        for worker in progress.workers_refused:
            self._context.say(f"the worker {worker} was left out: it didn't show the token of this run")
        try:
            workers = read_workers(directory)
        except BadInput as error:
            progress.ended, progress.because = "failed", str(error)
            return
        if progress.ended is not None:
            return
        progress.ended, progress.because = how_it_ended(workers, self._setting.workers, generator)

    def _measure_the_end(self, directory: RunDirectory, prometheus: Prometheus) -> None:
        """Let the last scrapes come in, then keep every answer that a verdict or a page will need."""
        progress = self._progress
        if progress.started_at is None or progress.load_ended_at is None:
            return
        progress.release_after = probe_release_or_none(self._reach)
        self._watches.keep(progress.release_after)
        progress.releases_seen = self._watches.seen
        judged_end = progress.started_at + round(self._inputs.plan.judged_span()[1] * 1e9)
        end = min(judged_end, progress.load_ended_at)
        judged = (progress.started_at + round(self._inputs.plan.judged_span()[0] * 1e9), end)
        if progress.ended != "stopped":
            time.sleep(_LAST_SCRAPES_S)
        try:
            keep_answers(
                prometheus, directory, self._inputs.objectives, judged, (progress.started_at, progress.load_ended_at)
            )
        except EnvironmentLacks as error:
            progress.notes.append(str(error))


def perform(inputs: Inputs, setting: Setting, context: Context) -> FinishedRun:
    """Perform one run; see `RunLifecycle.perform`."""
    return RunLifecycle(inputs, setting, context).perform()
