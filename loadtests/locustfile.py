"""Peakproof on Locust: its runners, workers, events and web UI carry a run; no other module knows Locust.

`peakproof run` starts it as `locust -f loadtests/locustfile.py --run-directory DIR`, alone or as a master with
workers. One `Shoppers` user a worker plays that worker's arrivals; Locust's user count is the number of workers.
"""

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.fileobject import FileObject
from gevent.queue import Queue
from locust import User, constant, events, task
from locust import __version__ as version
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import LocalRunner, MasterRunner, WorkerRunner
from locust.stats import setup_distributed_stats_event_listeners
from locust.web import WebUI

from loadtests.attendance import ALONE_S, Attendance
from loadtests.clock import Clock
from loadtests.collector import calm
from loadtests.control import Control
from loadtests.demand.revision import Revision
from loadtests.descriptors import allow_most
from loadtests.job import Job, read_job
from loadtests.joining import JOIN, REFUSED, Door, proof, run_token
from loadtests.live import Board, Gauges, Watch
from loadtests.live_file import LiveFile
from loadtests.player import Player
from loadtests.storefronts import METHODS
from loadtests.watches import watches_of
from loadtests.web_ui.guard import LOOPBACK, Guard
from loadtests.web_ui.page import WHO, make_page
from loadtests.web_ui.tables import report
from slo.documents import BadInput
from slo.outcomes import ExitCode

_LEAD_NS = 500_000_000
_SNAPSHOT_S = 1.0
_LAST_WORDS_S = 10.0
_ALONE, _ALONE_NAME = "alone", "w0"
_PLAY, _CHANGE, _DONE, _STOP = "peakproof_play", "peakproof_change", "peakproof_done", "peakproof_stop"
_REVISE, _TAKEN = "peakproof_revise", "peakproof_taken"
_LONGEST_WISH = 100


class Stage:
    """What one process of a run holds: the job, and its player or, on the master and alone, the board."""

    def __init__(self, job: Job, environment: Environment) -> None:
        self.job, self.environment = job, environment
        self.clock = Clock.start()
        self.watches: Sequence[Watch] = watches_of(job.directory, job.plan)
        self.start: AsyncResult[dict[str, Any]] = AsyncResult()
        self.player: Player | None = None
        self.board: Board | None = None
        self.on_change: Callable[[str, Mapping[str, Any]], None] = lambda _worker, _change: None
        self.door: Door | None = None
        self.control: Control | None = None
        self.revisions: Queue[Revision] = Queue()
        self.last_shown: dict[str, Any] = {}
        self.attendance: Attendance | None = None
        self.ended: str | None = None
        self.because: str | None = None
        self._live = LiveFile(job.directory.live)
        self._playing: gevent.Greenlet | None = None
        self._silent_s = 0

    # -- the player's side -------------------------------------------------------------------------------

    def perform(self, client: str) -> None:
        """Play this worker's arrivals, once, telling the master, or the own board, once a second what changed.

        Locust ends its users, and starts them anew, as workers go missing and come back: the play isn't theirs.
        A worker that has no seat in this run waits for its end.
        """
        start = self.start.get()
        if self._playing is None and client in start["seats"]:
            self._playing = gevent.spawn(self._play, start["seats"][client], start)
        if self._playing is not None:
            self._playing.join()

    def _play(self, index: int, start: dict[str, Any]) -> None:
        player = self.player = Player(self.job, index, start["workers"], start["started_at"], self.watches)
        if self.ended is not None:
            player.stop(self.ended, str(self.because))
        beside = [gevent.spawn(self._tell_changes, player), gevent.spawn(self._revise, player)]
        calm()
        try:
            player.play()
        finally:
            gevent.killall(beside)
            self._tell(player)
            self.finished(player.name, player.ended or "stopped")

    @property
    def has_completed(self) -> bool:
        """Whether this worker played its part to the end."""
        return self.player is not None and self.player.ended == "completed"

    def stop(self, ended: str, because: str) -> None:
        """End the run early, here and, from the master, everywhere."""
        self.ended, self.because = self.ended or ended, self.because or because
        if self.player is not None:
            self.player.stop(ended, because)
        if isinstance(self.environment.runner, MasterRunner):
            self.environment.runner.send_message(_STOP, {"ended": ended, "because": because})

    def _revise(self, player: Player) -> None:
        """Take the revisions of the plan one after the other, and say so."""
        while True:
            revision = self.revisions.get()
            taken = {"number": revision.number, "struck": player.revise(revision), "worker": player.name}
            if isinstance(self.environment.runner, WorkerRunner):
                self.environment.runner.send_message(_TAKEN, taken)
            else:
                self.taken(taken)

    def _tell_changes(self, player: Player) -> None:
        while True:
            gevent.sleep(_SNAPSHOT_S)
            self._tell(player)

    def _tell(self, player: Player) -> None:
        change, gauges = player.take()
        if self.board is not None:
            self.board.merge(player.name, change, gauges)
            self.on_change(player.name, change)
        elif isinstance(self.environment.runner, WorkerRunner):
            told = {name: getattr(gauges, name) for name in Gauges.__slots__}
            self.environment.runner.send_message(_CHANGE, {"worker": player.name, "change": change, "gauges": told})

    def watch_parent(self) -> None:
        """End the run when whoever started it is gone: nobody would read what it finds, or stop it."""
        parent = os.getppid()
        while os.getppid() == parent:
            gevent.sleep(_SNAPSHOT_S)
        self.leave("the process that started the run is gone")

    def watch_master(self) -> None:
        """End this worker's part when its master isn't heard any more: nobody could stop it.

        What counts are seconds in which this process ran: one that was paused itself isn't alone.
        """
        while self._silent_s < ALONE_S:
            gevent.sleep(1)
            self._silent_s += 1
            if self.player is not None:
                self.player.master_silent_s = max(self.player.master_silent_s, self._silent_s)
        self.leave(f"nothing was heard of the master for {ALONE_S} s; mend the network between it and its workers")

    def watch_over(self) -> None:
        """End this worker's part when the run directory says that the run is over, whatever the master says."""
        while not gevent.get_hub().threadpool.apply(self.job.directory.over.exists):
            gevent.sleep(1)
        self.leave("the run was over")

    def heard(self) -> None:
        """Take note that the master was heard."""
        self._silent_s = 0

    def leave(self, because: str) -> None:
        """Stop, and, on a worker, end the process when everything is written: no word of its master will come."""
        self.stop("stopped", because)
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            if self._playing is not None:
                self._playing.join(timeout=_LAST_WORDS_S)
            runner.client.socket.linger = 0  # what a master that is gone would have been told isn't waited for
            runner.quit()

    # -- the board's side --------------------------------------------------------------------------------

    def open(self, clients: Sequence[str]) -> None:
        """Fix the start of the run and tell it to everyone, each with its seat."""
        started_at = self.clock.now() + _LEAD_NS
        self.board = Board(self.job.timetable(), self.watches, started_at)
        workers = len(clients)
        self.control = Control(self.job, self.board, (started_at, workers), self.clock.now, self._tell_revision)
        names = [f"w{seat}" for seat in range(workers)]
        self.attendance = Attendance(names, started_at, started_at + round(self.job.plan.duration_s * 1e9))
        seats = {client: seat for seat, client in enumerate(clients)}
        start = {"workers": workers, "started_at": started_at, "seats": seats}
        if isinstance(self.environment.runner, MasterRunner):
            self.environment.runner.send_message(_PLAY, start)
        self.start.set(start)
        gevent.spawn(self._watch, self.board, self.attendance, seats)

    def listen(self) -> None:
        """Take the wishes of whoever started this process from its standard input, a line a wish."""
        wishes = FileObject(0, "rb", closefd=False)
        while line := wishes.readline(_LONGEST_WISH):
            wish, _, who = line.decode(errors="replace").strip().partition("\t")
            self.wish(wish, who or "by hand")

    def wish(self, wish: str, who: str) -> None:
        """Change the plan as a person wishes, once the run has been opened."""
        if self.control is not None:
            self.control.obey(wish, who)

    def shown(self) -> Mapping[str, Any]:
        """Return the last live snapshot, empty before the first, and the last word on changes of the plan."""
        told = {"told": self.control.told} if self.control is not None and self.last_shown else {}
        return {**self.last_shown, **told}

    def taken(self, told: dict[str, Any]) -> None:
        """Take note that a worker took a revision."""
        if self.control is not None:
            self.control.taken(**told)

    def _tell_revision(self, revision: Revision) -> None:
        if isinstance(self.environment.runner, MasterRunner):
            self.environment.runner.send_message(_REVISE, revision.model_dump())
        else:
            self.revisions.put(revision)

    def finished(self, name: str, ended: str) -> None:
        """Take note that a worker's part is over."""
        if isinstance(self.environment.runner, WorkerRunner):
            self.environment.runner.send_message(_DONE, {"worker": name, "ended": ended})
        if self.attendance is not None:
            self.attendance.finished(name, ended)

    def snapshot(self, state: str) -> None:
        """Write `live.json`; what says that the run has ended is the last."""
        if self.board is not None and self.control is not None and self.last_shown.get("state") != "ended":
            strangers = {"refused_workers": self.door.strangers} if self.door is not None else {}
            shown = self.board.snapshot(self.clock.now(), state)
            self.last_shown = {**shown, **self.control.snapshot(), **strangers}
            write = self._live.close if state == "ended" else self._live.write
            write(self.last_shown)

    def _watch(self, board: Board, attendance: Attendance, seats: dict[str, int]) -> None:
        """Once a second: write the snapshot, stop on a certain breach, quit when every worker is done or given up."""
        while not attendance.is_over:
            gevent.sleep(_SNAPSHOT_S)
            self._see(attendance, seats)
            self.snapshot("running")
            if (breached := board.certain_breach()) and self.ended is None:
                self.stop("aborted", f"{breached} will be missed whatever comes")
            if (blocked := board.blocked()) and self.ended is None:
                self.stop("stopped", blocked)
            if self.ended is not None:
                self.stop(self.ended, str(self.because))  # again: a worker that was away hears it when it is back
        self.snapshot("ended")
        self.environment.process_exit_code = self.exit_code()
        if self.environment.runner is not None:
            self.environment.runner.quit()
        if self.environment.web_ui is not None:
            self.environment.web_ui.stop()

    def _see(self, attendance: Attendance, seats: dict[str, int]) -> None:
        runner = self.environment.runner
        if not isinstance(runner, MasterRunner):
            attendance.see(self.clock.now(), {_ALONE_NAME}, ())
            return
        clients = runner.clients
        silent = {f"w{seats[one.id]}" for one in clients.missing if one.id in seats}
        heard = {f"w{seats[one.id]}" for one in clients.all if one.id in seats} - silent
        attendance.see(self.clock.now(), heard, silent)

    def exit_code(self) -> int:
        """Return 0 when every worker completed its part, else 75: whether it is valid is judged from the directory."""
        completed = self.attendance is not None and self.attendance.is_complete
        return ExitCode.OK if completed and self.ended is None else ExitCode.INCONCLUSIVE


_stage: list[Stage] = []


class Shoppers(User):
    """The one user of a worker: it plays all of that worker's arrivals."""

    wait_time = constant(3600)

    @task
    def visit(self) -> None:
        """Play the arrivals, once."""
        runner = self.environment.runner
        _stage[0].perform(runner.client_id if isinstance(runner, WorkerRunner) else _ALONE)


def add_options(parser: LocustArgumentParser, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Add what a run needs to Locust's command line."""
    parser.add_argument("--run-directory", metavar="DIR", help="the run directory that `peakproof run` prepared")
    parser.add_argument("--obey-stdin", action="store_true", help="take wishes from standard input: pause, resume, 1.2")


def set_up(environment: Environment, runner: Any, web_ui: WebUI | None = None, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Read the job and take a part in it; without one, end with the code of bad usage and one line."""
    folder = getattr(environment.parsed_options, "run_directory", None)
    if not folder:
        raise SystemExit(_refused("--run-directory is missing: `peakproof run` prepares one and starts Locust"))
    try:
        stage = Stage(read_job(Path(folder), os.environ), environment)
        token = "" if isinstance(runner, LocalRunner) else run_token(os.environ)
        allow_most()
        if not isinstance(runner, MasterRunner):
            stage.job.access()  # what the shop wants to see is there, or nothing starts
    except BadInput as error:
        raise SystemExit(_refused(str(error))) from error
    if web_ui is not None:
        add_page(web_ui, stage)
    _stage.append(stage)
    gevent.spawn(stage.watch_parent)
    if environment.parsed_options is not None and environment.parsed_options.obey_stdin:
        gevent.spawn(stage.listen)
    if isinstance(runner, WorkerRunner):
        runner.register_message(REFUSED, lambda msg, **_: _left_out(environment, runner, msg.data))
        runner.register_message(_PLAY, lambda msg, **_: stage.start.set(msg.data))
        runner.register_message(_STOP, lambda msg, **_: stage.stop(**msg.data))
        runner.register_message(_REVISE, lambda msg, **_: stage.revisions.put(Revision.model_validate(msg.data)))
        shown = proof(token, stage.job.directory.name, runner.client_id)
        runner.send_message(JOIN, {"proof": shown, "version": version})
        events.heartbeat_received.add_listener(lambda **_: stage.heard())
        gevent.spawn(stage.watch_master)
        gevent.spawn(stage.watch_over)
    if isinstance(runner, MasterRunner):
        seats = getattr(environment.parsed_options, "expect_workers", 1)
        stage.door = Door(token, stage.job.directory.name, seats)
        guard(runner, stage.door)
        runner.register_message(_CHANGE, lambda msg, **_: _merge(stage, msg.data))
        runner.register_message(_TAKEN, lambda msg, **_: stage.taken(msg.data))
        runner.register_message(_DONE, lambda msg, **_: stage.finished(msg.data["worker"], msg.data["ended"]))


def guard(runner: MasterRunner, door: Door) -> None:
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
        elif msg.type == JOIN:
            why = door.refusal(client_id, msg.data)
            if why is None:
                let_in(client_id, Message("client_ready", str(msg.data.get("version")), client_id))
            else:
                runner.send_message(REFUSED, {"because": why}, client_id)

    runner.handle_message = handle  # type: ignore[method-assign]


def add_page(web_ui: WebUI, stage: Stage) -> None:
    """Add Peakproof's page to Locust's web UI, and guard what was there; refused on another address than loopback."""
    if web_ui.host not in LOOPBACK:
        raise SystemExit(_refused("the web UI may listen on this machine only: --web-host 127.0.0.1, or --headless"))
    app: Any = web_ui.app
    token = secrets.token_urlsafe(32)
    app.register_blueprint(make_page(stage, stage.job.directory.name, stage.job.plan, token))
    app.wsgi_app = Guard(app.wsgi_app, lambda: stage.stop("stopped", WHO))
    fill_tables(stage)


def fill_tables(stage: Stage) -> None:
    """Report each change to Locust as a worker of its own would, so that its tables and charts show what we count."""
    environment, methods = stage.environment, METHODS.get(stage.job.environment.storefront, {})
    if isinstance(environment.runner, LocalRunner):
        setup_distributed_stats_event_listeners(environment.events, environment.stats)

    def tell(worker: str, change: Mapping[str, Any]) -> None:
        environment.events.worker_report.fire(client_id=worker, data=report(change, methods, stage.clock.now()))

    stage.on_change = tell


def start(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Open the run: on the master when its workers are there, and alone."""
    runner = environment.runner
    if isinstance(runner, MasterRunner):
        clients = runner.clients
        _stage[0].open([client.id for client in (*clients.ready, *clients.spawning, *clients.running)])
    elif isinstance(runner, LocalRunner):
        _stage[0].open([_ALONE])


def write_everything(environment: Environment, **_: Any) -> None:  # noqa: ANN401 - Locust's events
    """Whatever ends the process, cut off what is under way and write what was recorded."""
    if not _stage:
        return
    stage = _stage[0]
    if stage.player is not None:
        stage.player.close()
    stage.snapshot("ended")
    if environment.process_exit_code is None:
        is_done = isinstance(environment.runner, WorkerRunner) and stage.has_completed
        environment.process_exit_code = ExitCode.OK if is_done else ExitCode.INCONCLUSIVE


def _left_out(environment: Environment, runner: WorkerRunner, told: dict[str, str]) -> None:
    environment.process_exit_code = _refused(f"the master doesn't let this worker in: {told['because']}")
    runner.quit()


def _merge(stage: Stage, data: dict[str, Any]) -> None:
    if stage.board is not None:
        stage.board.merge(data["worker"], data["change"], Gauges(**data["gauges"]))
        stage.on_change(data["worker"], data["change"])


def _refused(message: str) -> int:
    print(message)  # noqa: T201 - this process has no other way to tell a person
    return ExitCode.USAGE


gevent.config.track_greenlet_tree = False  # who spawned whom is of no use here, and kept for each session

events.init_command_line_parser.add_listener(add_options)
events.init.add_listener(set_up)
events.test_start.add_listener(start)
events.quitting.add_listener(write_everything)
