"""Peakproof on Locust: its runners, workers, events and web UI carry a run; no other module knows Locust.

`peakproof run` starts it as `locust -f loadtests/locustfile.py --run-directory DIR`, alone or as a master with
workers. One `Shoppers` user a worker plays that worker's arrivals; Locust's user count is the number of workers.
The halves of a run are in `loadtests.coordination`; here they are tied to Locust.
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

from loadtests.coordination import shared_path
from loadtests.coordination.admission import Admission, AdmissionHandler, proof
from loadtests.coordination.master import Master
from loadtests.coordination.messages import ALONE, ASK_FOR_BUNDLE, BUNDLE, JOIN, REFUSED, ClientId, Role
from loadtests.coordination.process import Process
from loadtests.coordination.run_bundle import BundleServer, RefusedError, fetch, unpack
from loadtests.coordination.uploads import KEY_VARIABLE, UploadPermits
from loadtests.results.run_directory import write_json
from loadtests.runtime.resource_limits import allow_most
from loadtests.web_ui.guard import LOOPBACK, Guard
from loadtests.web_ui.page import WHO, make_page
from loadtests.web_ui.tables import report
from loadtests.worker.job import BEGIN, Job, read_job, run_token
from slo.documents import BadInput
from slo.outcomes import ExitCode


class LocustTransport:
    """The connection to the other processes of a run, by Locust's runner."""

    def __init__(self, environment: Environment, runner: MasterRunner | WorkerRunner | LocalRunner) -> None:
        self._environment, self._runner = environment, runner

    @property
    def role(self) -> Role:
        """What this process is."""
        if isinstance(self._runner, MasterRunner):
            return "master"
        return "worker" if isinstance(self._runner, WorkerRunner) else "alone"

    def send(self, kind: str, value: Mapping[str, Any], client: ClientId | None = None) -> None:
        """Send a message."""
        if not isinstance(self._runner, LocalRunner):
            self._runner.send_message(kind, dict(value), client)

    def responsive(self) -> Collection[ClientId]:
        """Return the workers that Locust doesn't miss."""
        if not isinstance(self._runner, MasterRunner):
            return {ALONE}
        return {one.id for one in self._runner.clients.all} - set(self.unresponsive())

    def unresponsive(self) -> Collection[ClientId]:
        """Return the workers that Locust misses."""
        if not isinstance(self._runner, MasterRunner):
            return set()
        return {one.id for one in self._runner.clients.missing}

    def leave(self) -> None:
        """Quit as a worker."""
        if isinstance(self._runner, WorkerRunner):
            self._runner.client.socket.linger = 0  # messages to a master that is gone aren't waited for
            self._runner.quit()

    def end(self, code: ExitCode) -> None:
        """Quit with a code."""
        self._environment.process_exit_code = code
        self._runner.quit()
        if self._environment.web_ui is not None:
            self._environment.web_ui.stop()


_process: list[Process] = []


class Shoppers(User):
    """The one user of a worker: it plays all of that worker's arrivals."""

    wait_time = constant(3600)

    @task
    def visit(self) -> None:
        """Play the arrivals, once."""
        if (worker := _process[0].worker) is not None:
            worker.play()


def add_options(parser: LocustArgumentParser, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Add what a run needs to Locust's command line."""
    parser.add_argument("--run-directory", metavar="DIR", help="the run directory that `peakproof run` prepared")
    parser.add_argument("--fetch-into", metavar="DIR", help="only fetch the run bundle from its master, and end")
    parser.add_argument(
        "--change-on-stdin", action="store_true", help="take changes from standard input: pause, resume, 1.2"
    )
    parser.add_argument("--begin-on-stdin", action="store_true", help=f"wait for the line {BEGIN} on standard input")
    parser.add_argument("--upload-port", metavar="PORT", type=int, default=0, help="where workers elsewhere upload to")


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
        allow_most()
        if isinstance(runner, MasterRunner):
            process = _master(environment, runner, job, token)
        else:
            job.accesses()  # what the shop wants to see is there, or nothing starts
            process = Process(job.with_data(), LocustTransport(environment, runner))
    except BadInput as error:
        raise SystemExit(_refused(str(error))) from error
    if web_ui is not None and process.master is not None:
        add_page(web_ui, process, process.master)
        fill_tables(environment, process, process.master)
    _process.append(process)
    events.quitting.add_listener(write_everything)  # the last one is called first: before the runner hangs up
    process.watch()
    if options is not None and options.change_on_stdin:
        gevent.spawn(process.read_commands)
    for kind, handle in process.handlers().items():
        runner.register_message(kind, lambda msg, handle=handle, **_: handle(msg.node_id, msg.data))
    if isinstance(runner, WorkerRunner):
        _join(environment, runner, process, token)


def _master(environment: Environment, runner: MasterRunner, job: Job, token: str) -> Process:
    """Return the master's process; from now on only workers that it admits reach Locust. Raises BadInput."""
    run, seats = job.directory.name, getattr(environment.parsed_options, "expect_workers", 1)
    port = getattr(environment.parsed_options, "upload_port", 0)
    permits = UploadPermits(key=os.environ.get(KEY_VARIABLE, ""), run=run, port=port)
    admission, bundle = Admission(token, run, seats), BundleServer(token, job.directory, seats)
    process = Process(job, LocustTransport(environment, runner), admission, permits)
    guard(runner, admission, AdmissionHandler(admission, bundle, job.directory, permits))
    return process


def _join(environment: Environment, runner: WorkerRunner, process: Process, token: str) -> None:
    """Join the run: prove that this worker knows its token, and say what it sees of the master's run directory."""
    directory, worker = process.job.directory, process.worker
    if worker is not None:
        worker.host = runner.master_host
        events.heartbeat_received.add_listener(lambda **_: worker.silence.heard())
    runner.register_message(REFUSED, lambda msg, **_: _left_out(environment, runner, msg.data))
    shown = proof(token, directory.name, runner.client_id)
    sees = shared_path.look(directory, runner.client_id)
    runner.send_message(JOIN, {"proof": shown, "version": version, "sees": sees})


def _fetch(runner: WorkerRunner, folder: Path) -> int:
    """Write the run bundle below `folder`; `peakproof worker` reads the run's name from `fetched-<pid>.json` there."""
    answers: Queue[tuple[str, dict[str, Any]]] = Queue()
    for kind in (BUNDLE, REFUSED):
        runner.register_message(kind, lambda msg, **_: answers.put((msg.type, msg.data)))
    try:
        token, client = run_token(os.environ), runner.client_id
        bundle = fetch(token, client, lambda question: runner.send_message(ASK_FOR_BUNDLE, question), answers)
        unpack(bundle, folder)
        write_json(folder / f"fetched-{os.getpid()}.json", {"run": bundle.run, "workers": bundle.workers})
    except RefusedError as error:
        _refused(f"the master doesn't let this worker in: {error}")
        return ExitCode.INCONCLUSIVE
    except (BadInput, OSError) as error:
        return _refused(str(error))
    return ExitCode.OK


def guard(runner: MasterRunner, admission: Admission, handler: AdmissionHandler) -> None:
    """Let through to Locust only messages from workers that have joined.

    A worker counts as soon as Locust hears of it, and no event of Locust's comes before: so its one way in is guarded.
    """
    pass_on = runner.handle_message

    def handle(client_id: str, msg: Message) -> None:
        if admission.has_joined(client_id):
            pass_on(client_id, msg)
        elif msg.type == "client_ready":
            admission.saw(client_id)
            runner.send_message("ack", None, client_id)  # it waits for this before it sends its proof
        else:
            if (reply := handler.reply(client_id, msg.type, msg.data)) is not None:
                runner.send_message(*reply, client_id)
            if admission.has_joined(client_id):
                pass_on(client_id, Message("client_ready", str(msg.data.get("version")), client_id))

    runner.handle_message = handle  # type: ignore[method-assign]


def add_page(web_ui: WebUI, process: Process, master: Master) -> None:
    """Add Peakproof's page to Locust's web UI, and guard what was there; refused on another address than loopback."""
    if web_ui.host not in LOOPBACK:
        raise SystemExit(_refused("the web UI may listen on this machine only: --web-host 127.0.0.1, or --headless"))
    app: Any = web_ui.app
    token, job = secrets.token_urlsafe(32), process.job
    app.register_blueprint(make_page(master, job.directory.name, job.plan, token))
    app.wsgi_app = Guard(app.wsgi_app, lambda: process.stop("stopped", WHO))


def fill_tables(environment: Environment, process: Process, master: Master) -> None:
    """Report each change to Locust as a worker of its own would, so that its tables and charts show what we count."""
    methods = process.job.storefront.methods
    if isinstance(environment.runner, LocalRunner):
        setup_distributed_stats_event_listeners(environment.events, environment.stats)

    def tell(worker: str, change: Mapping[str, Any]) -> None:
        data = report(change, methods, process.clock.now())
        environment.events.worker_report.fire(client_id=worker, data=data)

    master.on_change = tell


def start(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Open the run as soon as it may begin: on the master when its workers are there, and alone."""
    master = _process[0].master
    if master is None:
        return
    if environment.parsed_options is None or not environment.parsed_options.begin_on_stdin:
        master.may_begin.set()
    gevent.spawn(_open, environment.runner, master)


def _open(runner: object, master: Master) -> None:
    master.may_begin.wait()
    clients = runner.clients if isinstance(runner, MasterRunner) else None
    master.open(
        [ALONE] if clients is None else [one.id for one in (*clients.ready, *clients.spawning, *clients.running)]
    )


def write_everything(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Whatever ends the process, cut off what is under way and write what was recorded."""
    has_completed = _process[0].close()
    if environment.process_exit_code is None:
        environment.process_exit_code = ExitCode.OK if has_completed else ExitCode.INCONCLUSIVE


def _left_out(environment: Environment, runner: WorkerRunner, refusal: dict[str, str]) -> None:
    environment.process_exit_code = _refused(f"the master doesn't let this worker in: {refusal['because']}")
    runner.quit()


def _refused(message: str) -> int:
    print(message)  # noqa: T201 - this process has no other way to tell a person
    return ExitCode.USAGE


gevent.config.track_greenlet_tree = False  # who spawned whom is of no use here, and kept for each session
events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(set_up)
events.test_start.add_listener(start)
