"""Performing a run: start what measures it, play the load, keep everything, and say how it ended."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dashboards.grafana.build import build
from dashboards.grafana.queries import queries
from exporters import loadgen, orders, stock
from exporters.listening import CantListen
from exporters.recorder import Recorder
from exporters.scrape import Subject
from exporters.serving import Server, serve
from exporters.source import AdminSource
from loadtests.account import read_workers
from loadtests.audit_sources import Sources, SourceUnavailableError
from loadtests.clock import Clock
from loadtests.player import write_job
from loadtests.run_directory import RunDirectory, write_json
from loadtests.targets import ScrapeTarget
from scripts.context import Context
from scripts.local_stack.children import Children, wait_until
from scripts.local_stack.ports import Ports
from scripts.local_stack.prometheus import Prometheus, start_prometheus, wait_for_targets
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.refusals import EnvironmentLacks
from scripts.running.answers import keep_range, keep_raw
from scripts.running.browser import BrowserSetting, BrowserShopper, check_browser
from scripts.running.browser_program import find_chromium
from scripts.running.document import PEAKPROOF, Progress, write_run
from scripts.running.gathering import Gathering, announced
from scripts.running.generator import Generator, start_generator
from scripts.running.guards import NO_RAILS_TOLD, Rails, Watches, check_permission, lease_of, look
from scripts.running.lease import Lease
from scripts.running.live_view import LiveView, read_live
from scripts.running.look_before import check_side_effects
from scripts.running.outside import read_outside
from scripts.running.preparation import Inputs, prepare
from scripts.running.reaching import Reach, reach_of
from scripts.running.release_watch import probe_release_or_none
from slo.documents import BadInput

_FIRST_SNAPSHOT_S = 90.0
_LOOK_S = 0.2
_LAST_SCRAPES_S = 2.5
_BY_HAND = "by hand or signal"
_SPANS = "spans"


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
    browser: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """A run that is over: its directory and `run.json`."""

    directory: RunDirectory
    run: dict[str, Any]


class Performance:
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
    def _reach(self) -> Reach:
        """How the environment is reached: resolved and read once, the first time it is asked for."""
        return reach_of(self._inputs.environment, self._context)

    def perform(self) -> Performed:
        """Run; raises EnvironmentLacks before any load when something is missing.

        Once there is load, every ending leaves a whole run directory: a failure of the generator, a breach, a
        signal (KeyboardInterrupt is taken as the wish to stop).
        """
        inputs, rails, progress = self._inputs, self._setting.rails, self._progress
        check_permission(inputs, rails, progress)
        check_side_effects(inputs.environment_name, inputs.environment, self._reach.destinations)
        self._setting.ports.check_free(self._ports_used())
        program = self._find_prometheus()
        self._chromium = self._find_browser()
        with lease_of(inputs, rails, self._context, progress) as lease:
            progress.release_before = look(self._reach, rails)
            self._watches = Watches(self._reach, lease, self._clock, self._context)
            self._watches.keep(progress.release_before)
            return self._perform(program, lease)

    def _perform(self, program: Path | None, lease: Lease) -> Performed:
        """Run with the environment ours alone."""
        ports, inputs, reach = self._setting.ports, self._inputs, self._reach
        directory = prepare(inputs, self._context)
        lease.name_run(directory.name)
        self._context.say(f"run {directory.path}")
        recorder = Recorder(directory, self._outside.bind, ports.recorder)
        spans_to = self._outside.send_spans_to(ports.recorder) if inputs.plan.trace_sampling > 0 else None
        write_job(directory, spans_to, PEAKPROOF, reach.destinations, browser=self._setting.browser)
        write_run(directory, inputs, self._progress)
        try:
            self._measured(directory, program, recorder)
        except KeyboardInterrupt:
            self._tell_end("stopped", _BY_HAND)
            raise
        except EnvironmentLacks as error:
            self._tell_end("failed", str(error))
            raise
        finally:
            run = write_run(directory, inputs, self._progress)
        return Performed(directory=directory, run=run)

    def _tell_end(self, ended: str, because: str) -> None:
        """Say how the run ended, unless that is known already."""
        if self._progress.ended is None:
            self._progress.ended, self._progress.because = ended, because

    def _measured(self, directory: RunDirectory, program: Path | None, recorder: Recorder) -> None:
        """Start everything that measures, play, and stop it again."""
        self._keep_stock(directory)
        exporters = self._serve(directory, recorder)
        try:
            with Children(directory.logs) as children:
                prometheus = self._prometheus(children, program, directory, self._targets(exporters, recorder))
                self._play(directory, children, prometheus)
                self._measure_the_end(directory, prometheus)
        finally:
            exporters.stop()
            summary = recorder.stop()
            self._progress.spans = summary.spans
            self._progress.spans_dropped = summary.dropped + _client_spans_dropped(directory)

    def _find_prometheus(self) -> Path | None:
        """Return the program to start, None when a Prometheus runs already."""
        if self._outside.prometheus_url is not None:
            return None
        return find_prometheus(self._context.environment, self._context.say)

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

    def _prometheus(
        self, children: Children, program: Path | None, directory: RunDirectory, targets: Sequence[ScrapeTarget]
    ) -> Prometheus:
        """Start ours, or take the one that runs: it must scrape every job that the verdict rests on."""
        if program is not None:
            folder, port = directory.path / "prometheus", self._setting.ports.prometheus
            return start_prometheus(children, program, port, folder, targets)
        jobs = frozenset(target.job for target in targets) - {_SPANS}
        return Prometheus(str(self._outside.prometheus_url), None, jobs)

    def _ports_used(self) -> dict[str, int]:
        ports, outside = self._setting.ports, self._outside
        used = {"span recorder": ports.recorder, "exporters": ports.exporters}
        used |= {"Prometheus": ports.prometheus} if outside.prometheus_url is None else {}
        has_master = self._setting.workers > 1 or outside.workers_join
        return used | ({"Locust's master": ports.locust} if has_master else {})

    def _keep_stock(self, directory: RunDirectory) -> None:
        environment = self._inputs.environment
        if environment.stock_url is None:
            return
        sources = Sources(environment, self._reach.bearer(), self._reach.asking())
        try:
            write_json(directory.stock_before, sources.stock_document())
        except SourceUnavailableError as error:
            raise EnvironmentLacks(f"the stock at {environment.stock_url} is {error}") from error
        finally:
            sources.close()

    def _serve(self, directory: RunDirectory, recorder: Recorder) -> Server:
        try:
            recorder.start()
            return serve(self._subjects(directory), self._outside.bind, self._setting.ports.exporters)
        except CantListen as error:
            raise EnvironmentLacks(str(error)) from error

    def _subjects(self, directory: RunDirectory) -> Sequence[Subject[Any]]:
        environment = self._inputs.environment
        token, ask = self._reach.bearer() or "", self._reach.asking
        subjects: list[Subject[Any]] = [loadgen.subject(lambda: directory.path)]
        if environment.stock_url is not None:
            subjects.append(stock.subject(AdminSource(url=environment.stock_url, token=token, session=ask)))
        if environment.funnel_url is not None:
            subjects.append(orders.subject(AdminSource(url=environment.funnel_url, token=token, session=ask)))
        return subjects

    def _targets(self, exporters: Server, recorder: Recorder) -> list[ScrapeTarget]:
        environment = self._inputs.environment
        ours = ["loadgen"]
        ours += ["stock"] if environment.stock_url is not None else []
        ours += ["orders"] if environment.funnel_url is not None else []
        return [
            *environment.metrics,
            *(ScrapeTarget(job=name, url=f"{exporters.url}/metrics/{name}") for name in ours),
            ScrapeTarget(job=_SPANS, url=recorder.metrics_url),
        ]

    def _play(self, directory: RunDirectory, children: Children, prometheus: Prometheus) -> None:
        wait_for_targets(prometheus)
        setting, outside = self._setting, self._outside
        port = setting.ports.locust
        generator = start_generator(children, directory, setting.workers, port, self._context.environment, outside)
        try:
            with announced(self._context.runs, self._gathering(directory)):
                wait_until(directory.live.exists, [generator.head], _FIRST_SNAPSHOT_S, "the load generator")
            with self._watches, self._browser(directory):
                self._watch(directory, generator)
        except KeyboardInterrupt:
            self._tell_end("stopped", _BY_HAND)
            self._context.say("stopping: what was recorded until now is kept")
        except EnvironmentLacks as error:
            self._tell_end("failed", str(error))
        generator.end()
        self._conclude(directory, generator)

    def _gathering(self, directory: RunDirectory) -> Gathering | None:
        if not self._outside.workers_join:
            return None
        self._context.say(f"waiting for {self._setting.workers} workers to join")
        host, port = self._outside.reached_as, self._setting.ports.locust
        return Gathering(run=directory.name, host=host, port=port, workers=self._setting.workers)

    def _watch(self, directory: RunDirectory, generator: Generator) -> None:
        seen, phase = 0, ""
        with LiveView(self._context.say, is_terminal=self._context.is_terminal) as view:
            while not generator.is_over and not self._must_stop():
                snapshot = read_live(directory.live)
                if snapshot is not None and snapshot["sequence"] != seen:
                    seen = snapshot["sequence"]
                    view.show(snapshot)
                self._progress.started_at = self._progress.started_at or (snapshot or {}).get("started_at")
                phase = self._tell_phase(phase)
                time.sleep(_LOOK_S)

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

    def _conclude(self, directory: RunDirectory, generator: Generator) -> None:
        progress, live = self._progress, read_live(directory.live) or {}
        progress.started_at = progress.started_at or live.get("started_at")
        progress.load_ended_at = self._clock.now()
        try:
            workers = read_workers(directory)
        except BadInput as error:
            progress.ended, progress.because = "failed", str(error)
            return
        if progress.ended is not None:
            return
        ended = {worker.ended for worker in workers}
        if ended == {"completed"} and len(workers) == self._setting.workers:
            progress.ended = "completed"
        elif early := [w for w in workers if w.because is not None and w.ended in ("aborted", "stopped")]:
            progress.ended, progress.because = early[0].ended, early[0].because
        else:
            head = generator.head
            progress.ended, progress.because = "failed", f"{head.name} ended with {head.code}: {head.last_words()}"

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
            if judged[1] > judged[0]:
                selectors = [s for objective in self._inputs.objectives for s in objective.indicator.selectors()]
                keep_raw(prometheus, selectors, judged, directory.metrics / "objectives.parquet")
            span = (progress.started_at, progress.load_ended_at)
            asked = [query for dashboard in build().values() for query in queries(dashboard)]
            keep_range(prometheus, asked, span, directory.metrics / "dashboards.parquet")
        except EnvironmentLacks as error:
            progress.notes.append(str(error))


def _client_spans_dropped(directory: RunDirectory) -> int:
    try:
        return sum((worker.spans or {}).get("dropped", 0) for worker in read_workers(directory))
    except BadInput:
        return 0


def perform(inputs: Inputs, setting: Setting, context: Context) -> Performed:
    """Perform one run; see `Performance.perform`."""
    return Performance(inputs, setting, context).perform()


def find_run(name: str, context: Context) -> Path:
    """Return the run directory that `name` means: a path, a name, or `latest`; raises BadInput."""
    if name == "latest":
        runs = sorted(path for path in context.runs.glob("*Z-*") if (path / "run.json").is_file())
        if not runs:
            raise BadInput(f"{context.runs}: holds no run yet; `peakproof demo` or `peakproof run` makes one")
        return runs[-1]
    for path in (Path(name) if Path(name).is_absolute() else context.folder / name, context.runs / name):
        if (path / "run.json").is_file():
            return path
    raise BadInput(f"{name}: not a run directory: expected a path, a name below {context.runs}, or latest")
