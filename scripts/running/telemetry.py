"""What measures a run: the span recorder, the exporters, and Prometheus over both and over the shop."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from exporters.serving.http_server import CantListen
from exporters.serving.pages import Server, serve
from exporters.serving.records_source import RecordsSource
from exporters.serving.scrape import Subject
from exporters.serving.source import AdminSource
from exporters.spans.recorder import Recorder
from exporters.subjects import loadgen, orders, stock
from loadtests.audit.records_process import RecordsProcess
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
        records: RecordsProcess | None = None,
    ) -> None:
        self._directory, self._resolved, self._ports, self._outside = directory, resolved, ports, outside
        self._program, self._records = program, records
        self._declares = frozenset[str]() if records is None else records.file.declares
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
            if self._records is not None:
                self._records.close()
            summary = self._recorder.stop()
            dropped = summary.dropped + _client_spans_dropped(self._directory)
            self.recorded = RecorderFacts(spans=summary.spans, dropped=dropped)

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
        environment, folder = self._resolved.environment, self._directory.path
        token, ask = self._resolved.bearer() or "", self._resolved.http
        subjects: list[Subject[Any]] = [loadgen.subject(lambda: folder)]
        turn, now = Lock(), Clock.start().now
        if environment.stock_url is not None:
            subjects.append(stock.subject(AdminSource(url=environment.stock_url, token=token, session=ask)))
        elif self._records is not None and "stock" in self._declares:
            subjects.append(stock.subject(RecordsSource(self._records, "stock", turn, now)))
        if environment.funnel_url is not None:
            subjects.append(orders.subject(AdminSource(url=environment.funnel_url, token=token, session=ask)))
        elif self._records is not None and "funnel" in self._declares:
            subjects.append(orders.subject(RecordsSource(self._records, "funnel", turn, now)))
        return subjects

    def _exported(self) -> list[str]:
        """Return the jobs that the run's own exporters serve."""
        environment = self._resolved.environment
        jobs = ["loadgen"]
        jobs += ["stock"] if environment.stock_url is not None or "stock" in self._declares else []
        return jobs + (["orders"] if environment.funnel_url is not None or "funnel" in self._declares else [])

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
