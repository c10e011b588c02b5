"""Performing a run: start what measures it, play the load, keep everything, and say how it ended."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

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
from loadtests.targets import Environment, ScrapeTarget
from scripts.context import Context
from scripts.local_stack.children import Children, wait_until
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.prometheus import Prometheus, start_prometheus, wait_for_targets
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.refusals import EnvironmentLacks
from scripts.running.answers import keep_range, keep_raw
from scripts.running.document import PEAKPROOF, Progress, write_run
from scripts.running.generator import Generator, start_generator
from scripts.running.live_view import LiveView, read_live
from scripts.running.preparation import Inputs, prepare
from slo.documents import BadInput

_FIRST_SNAPSHOT_S = 90.0
_LOOK_S = 0.2
_PROBE_S = 5.0
_SERVER_ERROR = 500
_LAST_SCRAPES_S = 2.5
_BY_HAND = "by hand or signal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How to perform a run: on which ports, with how many workers, and who is told when a phase begins.

    `expects` maps a phase to the release that it runs on, where releases are changed on purpose.
    """

    ports: Ports
    workers: int = 1
    on_phase: Callable[[str], None] = lambda _name: None
    phase_releases: dict[str, str] | None = None
    releases_expected: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """A run that is over: its directory and `run.json`."""

    directory: RunDirectory
    run: dict[str, Any]


class Performance:
    """One run, from the first check to the last file."""

    def __init__(self, inputs: Inputs, setting: Setting, context: Context) -> None:
        self._inputs, self._setting, self._context = inputs, setting, context
        self._clock = Clock.start()
        self._progress = Progress(
            command=context.command,
            workers=setting.workers,
            began_at=self._clock.now(),
            phase_releases=setting.phase_releases or {},
            releases_expected=setting.releases_expected,
        )

    def perform(self) -> Performed:
        """Run; raises EnvironmentLacks before any load when something is missing.

        Once there is load, every ending leaves a whole run directory: a failure of the generator, a breach, a
        signal (KeyboardInterrupt is taken as the wish to stop).
        """
        ports, inputs = self._setting.ports, self._inputs
        token_of(inputs.environment, self._context)
        ports.check_free(self._ports_used())
        program = find_prometheus(self._context.environment, self._context.say)
        self._progress.release_before = probe_release(inputs.environment)
        directory = prepare(inputs, self._context)
        self._context.say(f"run {directory.path}")
        recorder = Recorder(directory, HOST, ports.recorder)
        write_job(directory, recorder.url if inputs.plan.trace_sampling > 0 else None, PEAKPROOF)
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

    def _measured(self, directory: RunDirectory, program: Path, recorder: Recorder) -> None:
        """Start everything that measures, play, and stop it again."""
        ports = self._setting.ports
        self._keep_stock(directory)
        exporters = self._serve(directory, recorder)
        try:
            with Children(directory.logs) as children:
                prometheus = start_prometheus(
                    children,
                    program,
                    ports.prometheus,
                    directory.path / "prometheus",
                    self._targets(exporters, recorder),
                )
                self._play(directory, children, prometheus)
                self._measure_the_end(directory, prometheus)
        finally:
            exporters.stop()
            summary = recorder.stop()
            self._progress.spans = summary.spans
            self._progress.spans_dropped = summary.dropped + _client_spans_dropped(directory)

    def _ports_used(self) -> dict[str, int]:
        ports = self._setting.ports
        used = {"span recorder": ports.recorder, "exporters": ports.exporters, "Prometheus": ports.prometheus}
        return used | ({"Locust's master": ports.locust} if self._setting.workers > 1 else {})

    def _keep_stock(self, directory: RunDirectory) -> None:
        environment = self._inputs.environment
        if environment.stock_url is None:
            return
        sources = Sources(environment, token_of(environment, self._context))
        try:
            write_json(directory.stock_before, sources.stock_document())
        except SourceUnavailableError as error:
            raise EnvironmentLacks(f"the stock at {environment.stock_url} is {error}") from error
        finally:
            sources.close()

    def _serve(self, directory: RunDirectory, recorder: Recorder) -> Server:
        try:
            recorder.start()
            return serve(self._subjects(directory), HOST, self._setting.ports.exporters)
        except CantListen as error:
            raise EnvironmentLacks(str(error)) from error

    def _subjects(self, directory: RunDirectory) -> Sequence[Subject[Any]]:
        environment = self._inputs.environment
        token = token_of(environment, self._context) or ""
        subjects: list[Subject[Any]] = [loadgen.subject(lambda: directory.path)]
        if environment.stock_url is not None:
            subjects.append(stock.subject(AdminSource(url=environment.stock_url, token=token)))
        if environment.funnel_url is not None:
            subjects.append(orders.subject(AdminSource(url=environment.funnel_url, token=token)))
        return subjects

    def _targets(self, exporters: Server, recorder: Recorder) -> list[ScrapeTarget]:
        environment = self._inputs.environment
        ours = ["loadgen"]
        ours += ["stock"] if environment.stock_url is not None else []
        ours += ["orders"] if environment.funnel_url is not None else []
        return [
            *environment.metrics,
            *(ScrapeTarget(job=name, url=f"{exporters.url}/metrics/{name}") for name in ours),
            ScrapeTarget(job="spans", url=recorder.metrics_url),
        ]

    def _play(self, directory: RunDirectory, children: Children, prometheus: Prometheus) -> None:
        wait_for_targets(prometheus)
        generator = start_generator(
            children, directory, self._setting.workers, self._setting.ports.locust, self._context.environment
        )
        try:
            wait_until(directory.live.exists, [generator.head], _FIRST_SNAPSHOT_S, "the load generator")
            self._watch(directory, generator)
        except KeyboardInterrupt:
            self._tell_end("stopped", _BY_HAND)
            self._context.say("stopping: what was recorded until now is kept")
        except EnvironmentLacks as error:
            self._tell_end("failed", str(error))
        generator.end()
        self._conclude(directory, generator)

    def _watch(self, directory: RunDirectory, generator: Generator) -> None:
        seen, phase = 0, ""
        with LiveView(self._context.say, is_terminal=self._context.is_terminal) as view:
            while not generator.is_over:
                snapshot = read_live(directory.live)
                if snapshot is not None and snapshot["sequence"] != seen:
                    seen = snapshot["sequence"]
                    view.show(snapshot)
                self._progress.started_at = self._progress.started_at or (snapshot or {}).get("started_at")
                phase = self._tell_phase(phase)
                time.sleep(_LOOK_S)

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
        elif "aborted" in ended:
            progress.ended, progress.because = "aborted", next(w.because for w in workers if w.ended == "aborted")
        else:
            head = generator.head
            progress.ended, progress.because = "failed", f"{head.name} ended with {head.code}: {head.last_words()}"

    def _measure_the_end(self, directory: RunDirectory, prometheus: Prometheus) -> None:
        """Let the last scrapes come in, then keep every answer that a verdict or a page will need."""
        progress = self._progress
        if progress.started_at is None or progress.load_ended_at is None:
            return
        progress.release_after = probe_release_or_none(self._inputs.environment)
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


def probe_release(environment: Environment) -> str | None:
    """Return the release that the shop says it is, None when no probe is declared.

    Raises EnvironmentLacks when the shop doesn't answer: nothing is loaded that isn't there.
    """
    probe = environment.release_probe
    url = environment.base_url + (probe.path if probe else "/")
    with requests.Session() as http:
        http.trust_env = False
        try:
            reply = http.get(url, timeout=_PROBE_S, allow_redirects=False)
            if reply.status_code >= _SERVER_ERROR:
                raise EnvironmentLacks(f"the shop at {url} answers HTTP {reply.status_code}")
        except requests.RequestException as error:
            raise EnvironmentLacks(f"the shop at {url} doesn't answer: {type(error).__name__}") from error
    return None if probe is None else _release_in(reply, probe.field, url)


def _release_in(reply: requests.Response, field: str, url: str) -> str:
    try:
        told = reply.json()[field]
    except (ValueError, KeyError, TypeError):
        told = None
    if not isinstance(told, str | int | float):
        raise EnvironmentLacks(f"the shop at {url} doesn't say its release in the field {field!r}")
    return str(told)


def probe_release_or_none(environment: Environment) -> str | None:
    """Return the release, None also when the shop doesn't answer any more."""
    try:
        return probe_release(environment)
    except EnvironmentLacks:
        return None


def token_of(environment: Environment, context: Context) -> str | None:
    """Return the bearer token of the shop's sources from the variable that targets.yaml names.

    Raises BadInput when the variable is named and not set.
    """
    if environment.token_env is None:
        return None
    if not (token := context.environment.get(environment.token_env)):
        raise BadInput(
            f"the environment variable {environment.token_env} is not set; targets.yaml names it in token_env"
        )
    return token


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
