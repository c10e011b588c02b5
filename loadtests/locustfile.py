"""Peakproof on Locust: its runners, workers, events and web UI carry a run; no other module knows Locust.

`peakproof run` starts it as `locust -f loadtests/locustfile.py --run-directory DIR`, alone or as a master with
workers. One `Shoppers` user a worker plays that worker's arrivals; Locust's user count is the number of workers.
What a run is stands in `loadtests.coordination.process`; here it is tied to Locust.
"""

import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import gevent
from gevent.queue import Queue
from locust import User, constant, events, task
from locust import __version__ as version
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import LocalRunner, MasterRunner, WorkerRunner
from locust.stats import setup_distributed_stats_event_listeners
from locust.web import WebUI

from loadtests.coordination import shared_path as sight
from loadtests.coordination.admission import Admission, AdmissionHandler, proof
from loadtests.coordination.messages import ADMITTED, ALONE, ASK, JOIN, PAPERS, REFUSED, Client, Role
from loadtests.coordination.process import Stage
from loadtests.coordination.run_bundle import BundleServer, RefusedError, fetch, lay_out
from loadtests.results.run_directory import write_json
from loadtests.runtime.resource_limits import allow_most
from loadtests.web_ui.guard import LOOPBACK, Guard
from loadtests.web_ui.page import WHO, make_page
from loadtests.web_ui.tables import report
from loadtests.worker.job import BEGIN, read_job, run_token
from slo.documents import BadInput
from slo.outcomes import ExitCode


class LocustLine:
    """The line to the other processes of a run, as Locust's runner carries it."""

    def __init__(self, environment: Environment, runner: MasterRunner | WorkerRunner | LocalRunner) -> None:
        self._environment, self._runner = environment, runner

    @property
    def role(self) -> Role:
        """What this process is."""
        if isinstance(self._runner, MasterRunner):
            return "master"
        return "worker" if isinstance(self._runner, WorkerRunner) else "alone"

    def tell(self, kind: str, value: Mapping[str, Any], client: Client | None = None) -> None:
        """Send a message."""
        if not isinstance(self._runner, LocalRunner):
            self._runner.send_message(kind, dict(value), client)

    def heard(self) -> Collection[Client]:
        """Return the workers that Locust doesn't miss."""
        if not isinstance(self._runner, MasterRunner):
            return {ALONE}
        return {one.id for one in self._runner.clients.all} - set(self.silent())

    def silent(self) -> Collection[Client]:
        """Return the workers that Locust misses."""
        if not isinstance(self._runner, MasterRunner):
            return set()
        return {one.id for one in self._runner.clients.missing}

    def leave(self) -> None:
        """Quit as a worker."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.client.socket.linger = 0  # what a master that is gone would have been told isn't waited for
            self._runner.quit()

    def end(self, code: ExitCode) -> None:
        """Quit with a code."""
        self._environment.process_exit_code = code
        self._runner.quit()
        if self._environment.web_ui is not None:
            self._environment.web_ui.stop()


_stage: list[Stage] = []


class Shoppers(User):
    """The one user of a worker: it plays all of that worker's arrivals."""

    wait_time = constant(3600)

    @task
    def visit(self) -> None:
        """Play the arrivals, once."""
        runner = self.environment.runner
        _stage[0].perform(runner.client_id if isinstance(runner, WorkerRunner) else ALONE)


def add_options(parser: LocustArgumentParser, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Add what a run needs to Locust's command line."""
    parser.add_argument("--run-directory", metavar="DIR", help="the run directory that `peakproof run` prepared")
    parser.add_argument("--fetch-into", metavar="DIR", help="only fetch the run's papers from its master, and end")
    parser.add_argument("--obey-stdin", action="store_true", help="take wishes from standard input: pause, resume, 1.2")
    parser.add_argument("--begin-when-told", action="store_true", help=f"wait for the line {BEGIN} on standard input")


def set_up(environment: Environment, runner: Any, web_ui: WebUI | None = None, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Read the job and take a part in it; without one, end with the code of bad usage and one line."""
    options = environment.parsed_options
    if isinstance(runner, WorkerRunner) and (into := getattr(options, "fetch_into", None)):
        raise SystemExit(_fetch(runner, Path(into)))
    folder = getattr(options, "run_directory", None)
    if not folder:
        raise SystemExit(_refused("--run-directory is missing: `peakproof run` prepares one and starts Locust"))
    try:
        job = read_job(Path(folder), os.environ)
        token = "" if isinstance(runner, LocalRunner) else run_token(os.environ)
        is_master = isinstance(runner, MasterRunner)
        seats = getattr(options, "expect_workers", 1)
        door = Admission(token, job.directory.name, seats) if is_master else None
        stage = Stage(job, LocustLine(environment, runner), door)
        allow_most()
        if not is_master:
            job.access()  # what the shop wants to see is there, or nothing starts
    except BadInput as error:
        raise SystemExit(_refused(str(error))) from error
    if web_ui is not None:
        add_page(web_ui, stage)
        fill_tables(environment, stage)
    _stage.append(stage)
    events.quitting.add_listener(write_everything)  # the last one is called first: before the runner hangs up
    stage.watch()
    if options is not None and options.obey_stdin:
        gevent.spawn(stage.listen)
    _listen(runner, stage)
    if isinstance(runner, WorkerRunner):
        runner.register_message(REFUSED, lambda msg, **_: _left_out(environment, runner, msg.data))
        runner.register_message(ADMITTED, lambda msg, **_: stage.stream() if msg.data["streams"] else None)
        shown = proof(token, job.directory.name, runner.client_id)
        sees = sight.look(job.directory, runner.client_id)
        runner.send_message(JOIN, {"proof": shown, "version": version, "sees": sees})
        events.heartbeat_received.add_listener(lambda **_: stage.heard())
    if isinstance(runner, MasterRunner) and door is not None:
        guard(
            runner,
            door,
            AdmissionHandler(door, BundleServer(token, job.directory, seats), job.directory, stage.streams_from),
        )


def _fetch(runner: WorkerRunner, folder: Path) -> int:
    """Lay the run's papers out below `folder`; whoever started this reads the run's name from `fetched-<pid>.json`."""
    answers: Queue[tuple[str, dict[str, Any]]] = Queue()
    for kind in (PAPERS, REFUSED):
        runner.register_message(kind, lambda msg, **_: answers.put((msg.type, msg.data)))
    try:
        token, client = run_token(os.environ), runner.client_id
        papers = fetch(token, client, lambda question: runner.send_message(ASK, question), answers)
        lay_out(papers, folder)
        write_json(folder / f"fetched-{os.getpid()}.json", {"run": papers.run, "workers": papers.workers})
    except RefusedError as error:
        _refused(f"the master doesn't let this worker in: {error}")
        return ExitCode.INCONCLUSIVE
    except (BadInput, OSError) as error:
        return _refused(str(error))
    return ExitCode.OK


def _listen(runner: MasterRunner | WorkerRunner | LocalRunner, stage: Stage) -> None:
    """Hand what is heard on the line to the stage."""
    if isinstance(runner, LocalRunner):
        return
    for kind, hear in stage.ears().items():
        runner.register_message(kind, lambda msg, hear=hear, **_: hear(msg.node_id, msg.data))


def guard(runner: MasterRunner, door: Admission, porter: AdmissionHandler) -> None:
    """Let through to Locust only what comes from workers that have joined.

    A worker counts as soon as Locust hears of it, and no event of Locust's comes before: so its one way in is guarded.
    """
    let_in = runner.handle_message

    def handle(client_id: str, msg: Message) -> None:
        if door.has_joined(client_id):
            let_in(client_id, msg)
        elif msg.type == "client_ready":
            door.knock(client_id)
            runner.send_message("ack", None, client_id)  # it waits for this before it can show anything
        else:
            for kind, told in porter.answers(client_id, msg.type, msg.data):
                runner.send_message(kind, told, client_id)
            if door.has_joined(client_id):
                let_in(client_id, Message("client_ready", str(msg.data.get("version")), client_id))

    runner.handle_message = handle  # type: ignore[method-assign]


def add_page(web_ui: WebUI, stage: Stage) -> None:
    """Add Peakproof's page to Locust's web UI, and guard what was there; refused on another address than loopback."""
    if web_ui.host not in LOOPBACK:
        raise SystemExit(_refused("the web UI may listen on this machine only: --web-host 127.0.0.1, or --headless"))
    app: Any = web_ui.app
    token = secrets.token_urlsafe(32)
    app.register_blueprint(make_page(stage, stage.job.directory.name, stage.job.plan, token))
    app.wsgi_app = Guard(app.wsgi_app, lambda: stage.stop("stopped", WHO))


def fill_tables(environment: Environment, stage: Stage) -> None:
    """Report each change to Locust as a worker of its own would, so that its tables and charts show what we count."""
    methods = stage.job.storefront.methods
    if isinstance(environment.runner, LocalRunner):
        setup_distributed_stats_event_listeners(environment.events, environment.stats)

    def tell(worker: str, change: Mapping[str, Any]) -> None:
        environment.events.worker_report.fire(client_id=worker, data=report(change, methods, stage.now()))

    stage.tell_changes(tell)


def start(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Open the run as soon as it may begin: on the master when its workers are there, and alone."""
    if environment.parsed_options is None or not environment.parsed_options.begin_when_told:
        _stage[0].may_begin.set()
    gevent.spawn(_open, environment.runner)


def _open(runner: object) -> None:
    _stage[0].may_begin.wait()
    if isinstance(runner, MasterRunner):
        clients = runner.clients
        _stage[0].open([client.id for client in (*clients.ready, *clients.spawning, *clients.running)])
    elif isinstance(runner, LocalRunner):
        _stage[0].open([ALONE])


def write_everything(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Whatever ends the process, cut off what is under way and write what was recorded."""
    has_completed = _stage[0].close()
    if environment.process_exit_code is None:
        environment.process_exit_code = ExitCode.OK if has_completed else ExitCode.INCONCLUSIVE


def _left_out(environment: Environment, runner: WorkerRunner, told: dict[str, str]) -> None:
    environment.process_exit_code = _refused(f"the master doesn't let this worker in: {told['because']}")
    runner.quit()


def _refused(message: str) -> int:
    print(message)  # noqa: T201 - this process has no other way to tell a person
    return ExitCode.USAGE


gevent.config.track_greenlet_tree = False  # who spawned whom is of no use here, and kept for each session
events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(set_up)
events.test_start.add_listener(start)
