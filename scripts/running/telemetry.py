"""What measures a run: the span recorder, the exporters, and Prometheus over both and over the shop."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import MappingProxyType
from typing import Any, Literal

from exporters.serving.http_server import CantListen
from exporters.serving.pages import Server, serve
from exporters.serving.records_source import RecordsSource
from exporters.serving.scrape import Subject
from exporters.serving.source import AdminSource, Source
from exporters.spans.recorder import Recorder
from exporters.subjects import loadgen, orders, stock
from loadtests.audit.http_records import HttpPages
from loadtests.audit.readers import Reader
from loadtests.environment.credentials import Secret
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.results.inputs import Inputs
from loadtests.results.run_directory import RunDirectory
from loadtests.results.worker_status import read_workers
from loadtests.runtime.clock import Clock
from scripts.context import Context
from scripts.local_stack.ports import HOST, Ports
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus import Program, Prometheus, start_prometheus
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.prometheus_config import Scrape, Watched, scrapes_of
from scripts.running.remote_settings import RemoteSettings
from scripts.running.run_rules import run_rules
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks
from slo.validity.run_document import RecorderFacts

_SPANS = "spans"
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - compared, not bound


class Telemetry:
    """The telemetry of one run, on its ports; `program` is the Prometheus to start, None for one that runs already.

    `recorded` holds the recorder's counts once `listening` is over.
    """

    def __init__(
        self,
        directory: RunDirectory,
        resolved: ResolvedEnvironment,
        ports: Ports,
        outside: RemoteSettings,
        program: Program | None,
        readers: Mapping[str, Reader] = MappingProxyType({}),
    ) -> None:
        self._directory, self._resolved, self._ports, self._outside = directory, resolved, ports, outside
        self._program, self._readers = program, readers
        self.recorded: RecorderFacts | None = None
        self._private = Path()  # holds Prometheus' credentials while it runs, readable by this user alone
        self._recorder = Recorder(
            directory,
            outside.bind,
            ports.recorder,
            token=_revealed(outside.run_token),
            metrics_token=_revealed(outside.metrics_token),
            upload_key=outside.upload_key.reveal(),
        )

    @contextmanager
    def listening(self) -> Iterator[Server]:
        """Take spans and serve metrics for as long as the block lasts; `recorded` holds the counts afterwards.

        Raises EnvironmentLacks when a port is taken.
        """
        try:
            self._recorder.start()
        except CantListen as error:
            raise EnvironmentLacks(str(error)) from error
        try:
            exporters = self._serve()
            try:
                with TemporaryDirectory(prefix="peakproof-") as private:
                    self._private = Path(private)
                    yield exporters
            finally:
                exporters.stop()
        finally:
            for reader in self._readers.values():
                reader.close()
            summary = self._recorder.stop()
            lost = summary.dropped + sum(summary.rejected.values()) + _client_spans_dropped(self._directory)
            self.recorded = RecorderFacts(
                spans=summary.spans, dropped=lost, rejected=dict(summary.rejected), refused=dict(summary.refused)
            )

    def _serve(self) -> Server:
        try:
            token, host = _revealed(self._outside.metrics_token), self._outside.exporters_bind
            return serve(self._subjects(), host, self._ports.exporters, token=token)
        except CantListen as error:
            raise EnvironmentLacks(str(error)) from error

    def prometheus(self, children: Children, exporters: Server, inputs: Inputs) -> Prometheus:
        """Start a Prometheus, or take the one that runs: it must scrape every job that the verdict rests on.

        The one that is started evaluates the rules of the run's objectives and of the exporters that it scrapes.
        """
        if self._program is not None:
            folder, name = self._directory.path / "prometheus", inputs.environment_name
            watched = Watched(environment=name, rules=run_rules(inputs.objectives, self._exported(), name))
            return start_prometheus(children, self._program, folder, self._private, self._scrapes(exporters), watched)
        jobs = frozenset(target.job for target in self._resolved.environment.metrics) | set(self._exported())
        return Prometheus(str(self._outside.prometheus_url), None, jobs)

    def _subjects(self) -> Sequence[Subject[Any]]:
        folder = self._directory.path
        subjects: list[Subject[Any]] = [loadgen.subject(lambda: folder)]
        turn = Lock()
        if "stock" in self._readers:
            subjects.append(stock.subject(self._source("stock", turn)))
        if "funnel" in self._readers:
            subjects.append(orders.subject(self._source("funnel", turn)))
        return subjects

    def _source(self, kind: Literal["stock", "funnel"], turn: Lock) -> Source:
        """Return a page of the stand-in's as it is read at each scrape, and anything else as it is asked gently."""
        reader = self._readers[kind]
        if isinstance(reader, HttpPages) and reader.numbered:
            return AdminSource(url=reader.url, headers=reader.headers, masks=reader.masks, session=self._resolved.http)
        return RecordsSource(reader, kind, turn, Clock.start().now)

    def _exported(self) -> list[str]:
        """Return the jobs that the run's own exporters serve."""
        named = {"stock": "stock", "funnel": "orders"}
        return ["loadgen", *(job for kind, job in named.items() if kind in self._readers)]

    def _scrapes(self, exporters: Server) -> list[Scrape]:
        token = self._outside.run_token
        authorization = None if token is None else Secret(f"Bearer {token.reveal()}")
        spans, host = self._recorder.metrics_url, HOST if self._outside.bind == _EVERYWHERE else self._outside.bind
        return [
            *scrapes_of(self._resolved),
            *(Scrape(job=name, url=f"{exporters.url}/metrics/{name}", address=HOST) for name in self._exported()),
            Scrape(job=_SPANS, url=spans, address=host, authorization=authorization),
        ]


def find_program(outside: RemoteSettings, ports: Ports, context: Context) -> Program | None:
    """Return the Prometheus to start, None when one runs already; raises EnvironmentLacks when there is none."""
    if outside.prometheus_url is not None:
        return None
    found = find_prometheus(context.environment, context.say)
    return Program(path=found, port=ports.prometheus, environment=context.environment)


def ports_used(ports: Ports, outside: RemoteSettings, workers: int) -> dict[str, int]:
    """Return the ports that the processes of a run listen on, by the name of each."""
    used = {"span recorder": ports.recorder, "exporters": ports.exporters}
    used |= {"Prometheus": ports.prometheus} if outside.prometheus_url is None else {}
    has_master = workers > 1 or outside.workers_join
    return used | ({"Locust's master": ports.locust} if has_master else {})


def _revealed(secret: Secret | None) -> str | None:
    return None if secret is None else secret.reveal()


def _client_spans_dropped(directory: RunDirectory) -> int:
    try:
        return sum((worker.spans or {}).get("dropped", 0) for worker in read_workers(directory))
    except BadInput:
        return 0
