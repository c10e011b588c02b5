"""What one process of a run holds: the job, and its player or, on the master and alone, the board.

It knows gevent, and the line to the others; not Locust, which carries that line.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gevent
from gevent.event import AsyncResult, Event
from gevent.fileobject import FileObject
from gevent.queue import Queue

from loadtests import arrow_memory
from loadtests.attendance import Attendance
from loadtests.clock import Clock
from loadtests.collector import calm
from loadtests.control import Control
from loadtests.demand.revision import Revision
from loadtests.job import BEGIN, Job
from loadtests.joining import Door
from loadtests.line import (
    CHANGE,
    DONE,
    PIECE,
    PING,
    PLAY,
    PONG,
    RECEIPT,
    REVISE,
    STOP,
    TAKEN,
    Client,
    Ears,
    Line,
)
from loadtests.live import Board, Gauges, Watch
from loadtests.live_file import LiveFile
from loadtests.offsets import SAME_CLOCK, Offsets, pong_of
from loadtests.player import Player
from loadtests.streaming.outbox import Outbox
from loadtests.streaming.receptions import Receptions
from loadtests.streaming.stream import Stream, in_a_thread
from loadtests.vigil import Silence, until_orphaned, until_over
from loadtests.watches import watches_of
from slo.outcomes import ExitCode

_LEAD_NS = 500_000_000
_SNAPSHOT_S = 1.0
_LAST_WORDS_S = 10.0
_LONGEST_WISH = 100
_DELIVERY_S, _NO_RECEIPT_S, _LATE_DELIVERY_S = 40.0, 10.0, 3.0
_LOOK_S = 0.1
_FIRST_PINGS, _FIRST_PING_S, _PING_S = 10, 0.1, 2.0


class Stage:
    """One process's part of a run; `door` is the master's."""

    def __init__(self, job: Job, line: Line, door: Door | None = None) -> None:
        self.job, self._line, self._door = job, line, door
        self._clock = Clock.start()
        self._offsets = Offsets(self._clock.now)
        self._watches: Sequence[Watch] = watches_of(job.directory, job.plan)
        self._start: AsyncResult[dict[str, Any]] = AsyncResult()
        self.may_begin = Event()
        self.on_change: Callable[[str, Mapping[str, Any]], None] = lambda _worker, _change: None
        self._player: Player | None = None
        self._board: Board | None = None
        self._control: Control | None = None
        self._revisions: Queue[Revision] = Queue()
        self._last_shown: dict[str, Any] = {}
        self._attendance: Attendance | None = None
        self._ended: str | None = None
        self._because: str | None = None
        self.streams = False  # whether this worker's files go over the line
        self._stream: Stream | None = None
        self._receptions = Receptions(job.directory, line)
        self._seats: dict[Client, int] = {}
        self._live = LiveFile(job.directory.live)
        self._playing: gevent.Greenlet | None = None
        self._silence = Silence(self._was_silent)

    def now(self) -> int:
        """Return the run's time (ns)."""
        return self._clock.now()

    def ears(self) -> Ears:
        """Return what is to be called for each kind that is heard on the line."""
        if self._line.role == "worker":
            return {
                PLAY: lambda _, told: self._start.set(told),
                STOP: lambda _, told: self.stop(**told),
                REVISE: lambda _, told: self._revisions.put(Revision.model_validate(told)),
                PONG: lambda _, told: self._offsets.pong(told),
                RECEIPT: lambda _, told: self._receipt(told),
            }
        return {
            CHANGE: lambda _, told: self._merge(told),
            TAKEN: lambda _, told: self._taken(told),
            DONE: lambda _, told: self._finished(told["worker"], told["ended"]),
            PIECE: self._receptions.hear,
            PING: lambda client, told: self._line.tell(PONG, pong_of(told, self._clock.now()), client),
        }

    def watch(self) -> None:
        """Begin to watch for what must end this process's part, for as long as it lasts."""
        gevent.spawn(self._leave_after, until_orphaned)
        if self._line.role == "worker":
            gevent.spawn(self._leave_after, self._silence.until_long)
            gevent.spawn(self._leave_after, partial(until_over, self.job.directory.over))

    # -- the player's side -------------------------------------------------------------------------------

    def perform(self, client: Client) -> None:
        """Play this worker's arrivals, once, telling the master, or the own board, once a second what changed.

        Locust ends its users, and starts them anew, as workers go missing and come back: the play isn't theirs.
        A worker that has no seat in this run waits for its end.
        """
        start = self._start.get()
        if self._playing is None and client in start["seats"]:
            self._playing = gevent.spawn(self._play, start["seats"][client], start)
        if self._playing is not None:
            self._playing.join()

    def _play(self, index: int, start: dict[str, Any]) -> None:
        seat = (index, start["workers"], start["started_at"])
        player = self._player = Player(self.job, *seat, self._watches, clock=self._clock)
        if self.streams:
            send = partial(self._line.tell, PIECE)
            self._stream = Stream(Outbox(self.job.directory, player.name, send, self._clock.now, in_a_thread))
        if self._ended is not None:
            player.stop(self._ended, str(self._because))
        beside = [
            gevent.spawn(self._tell_changes, player),
            gevent.spawn(self._revise, player),
            gevent.spawn(self._ping, player),
        ]
        calm()
        arrow_memory.share()
        try:
            player.play()
        finally:
            gevent.killall(beside)
            self._tell(player)
            self._deliver(_DELIVERY_S, _NO_RECEIPT_S)
            self._finished(player.name, player.ended or "stopped")

    def _deliver(self, longest_s: float, silent_s: float) -> None:
        """Wait until the master has what this worker wrote, if it is streamed; say what it hasn't got."""
        if self._stream is None:
            return
        left = self._stream.drain(0.0 if self._silence.is_long else longest_s, silent_s)
        if not left:
            self._stream.close()
            self._stream = None  # what is written anew from now on says the same
        else:
            print(f"the master hasn't got {', '.join(left)}: kept in {self.job.directory.path}")  # noqa: T201 - our log

    def _receipt(self, told: dict[str, Any]) -> None:
        if self._stream is not None:
            self._stream.hear(told)

    @property
    def has_completed(self) -> bool:
        """Whether this worker played its part to the end."""
        return self._player is not None and self._player.ended == "completed"

    def stop(self, ended: str, because: str) -> None:
        """End the run early, here and, from the master, everywhere."""
        self._ended, self._because = self._ended or ended, self._because or because
        self.may_begin.set()  # and end at once: whoever would have said so may be gone
        if self._player is not None:
            self._player.stop(ended, because)
        if self._line.role == "master":
            self._line.tell(STOP, {"ended": ended, "because": because})

    def _revise(self, player: Player) -> None:
        """Take the revisions of the plan one after the other, and say so."""
        while True:
            revision = self._revisions.get()
            taken = {"number": revision.number, "struck": player.revise(revision), "worker": player.name}
            self._line.tell(TAKEN, taken)
            self._taken(taken)

    def _ping(self, player: Player) -> None:
        """Measure how far this worker's clock is from its master's, for as long as it plays."""
        if self._line.role == "alone":
            player.clock_offset = SAME_CLOCK
            return
        for number in itertools.count():
            self._line.tell(PING, self._offsets.ping())
            gevent.sleep(_FIRST_PING_S if number < _FIRST_PINGS else _PING_S)
            player.clock_offset = self._offsets.to_json()

    def _tell_changes(self, player: Player) -> None:
        while True:
            gevent.sleep(_SNAPSHOT_S)
            self._tell(player)

    def _tell(self, player: Player) -> None:
        change, gauges = player.take()
        if self._board is not None:
            self._board.merge(player.name, change, gauges)
            self.on_change(player.name, change)
        else:
            told = {name: getattr(gauges, name) for name in Gauges.__slots__}
            self._line.tell(CHANGE, {"worker": player.name, "change": change, "gauges": told})

    def _leave_after(self, until: Callable[[], str]) -> None:
        self._leave(until())

    def heard(self) -> None:
        """Take note that the master was heard."""
        self._silence.heard()

    def _was_silent(self, for_s: int) -> None:
        if self._player is not None:
            self._player.master_silent_s = max(self._player.master_silent_s, for_s)

    def _leave(self, because: str) -> None:
        """Stop, and, on a worker, end the process when everything is written: no word of its master will come."""
        self.stop("stopped", because)
        if self._line.role == "worker":
            if self._playing is not None:
                self._playing.join(timeout=_LAST_WORDS_S)
            self._line.leave()

    # -- the board's side --------------------------------------------------------------------------------

    def open(self, clients: Sequence[Client]) -> None:
        """Fix the start of the run and tell it to everyone, each with its seat."""
        started_at = self._clock.now() + _LEAD_NS
        self._board = Board(self.job.timetable(), self._watches, started_at)
        workers = len(clients)
        self._control = Control(self.job, self._board, (started_at, workers), self._clock.now, self._tell_revision)
        names = [f"w{seat}" for seat in range(workers)]
        self._attendance = Attendance(names, started_at, started_at + round(self.job.plan.duration_s * 1e9))
        seats = self._seats = {client: seat for seat, client in enumerate(clients)}
        self._receptions.open({client: f"w{seat}" for client, seat in seats.items()})
        start = {"workers": workers, "started_at": started_at, "seats": seats}
        self._line.tell(PLAY, start)
        self._start.set(start)
        gevent.spawn(self._watch, self._board, self._attendance)

    def listen(self) -> None:
        """Take the wishes of whoever started this process from its standard input, a line a wish.

        The word BEGIN is none: it lets a run begin that waits for it.
        """
        wishes = FileObject(0, "rb", closefd=False)
        while line := wishes.readline(_LONGEST_WISH):
            wish, _, who = line.decode(errors="replace").strip().partition("\t")
            if wish == BEGIN:
                self.may_begin.set()
            else:
                self.wish(wish, who or "by hand")

    def wish(self, wish: str, who: str) -> None:
        """Change the plan as a person wishes, once the run has been opened."""
        if self._control is not None:
            self._control.obey(wish, who)

    def shown(self) -> Mapping[str, Any]:
        """Return the last live snapshot, empty before the first, and the last word on changes of the plan."""
        told = {"told": self._control.told} if self._control is not None and self._last_shown else {}
        return {**self._last_shown, **told}

    def close(self) -> bool:
        """Cut off what is under way and write everything; return whether this worker completed its part."""
        if self._player is not None:
            self._player.close()
            self._deliver(_LATE_DELIVERY_S, _LATE_DELIVERY_S)
        self._receive_the_rest()
        self._snapshot("ended")
        return self._line.role == "worker" and self.has_completed

    def streams_from(self, client: Client) -> None:
        """Take what that client writes over the line: it can't see the run directory."""
        self._receptions.expect(client)

    def _receive_the_rest(self) -> None:
        """Let workers that stream say their last words before this master is gone, be it ended from outside."""
        if self._attendance is not None and self._receptions and not self._attendance.is_over:
            self.stop("stopped", "the run's master was ended")
            with gevent.Timeout(_LAST_WORDS_S, exception=False):
                while not self._attendance.is_over:
                    gevent.sleep(_LOOK_S)
                    self._see(self._attendance)
        self._receptions.close()

    def _merge(self, told: dict[str, Any]) -> None:
        if self._board is not None:
            self._board.merge(told["worker"], told["change"], Gauges(**told["gauges"]))
            self.on_change(told["worker"], told["change"])

    def _taken(self, told: dict[str, Any]) -> None:
        """Take note that a worker took a revision."""
        if self._control is not None:
            self._control.taken(**told)

    def _tell_revision(self, revision: Revision) -> None:
        if self._line.role == "master":
            self._line.tell(REVISE, revision.model_dump())
        else:
            self._revisions.put(revision)

    def _finished(self, name: str, ended: str) -> None:
        """Take note that a worker's part is over."""
        if self._line.role == "worker":
            self._line.tell(DONE, {"worker": name, "ended": ended})
        if self._attendance is not None:
            self._attendance.finished(name, ended)

    def _snapshot(self, state: str) -> None:
        """Write `live.json`; what says that the run has ended is the last."""
        if self._board is not None and self._control is not None and self._last_shown.get("state") != "ended":
            strangers = {"refused_workers": self._door.strangers} if self._door is not None else {}
            shown = self._board.snapshot(self._clock.now(), state)
            self._last_shown = {**shown, **self._control.snapshot(), **strangers}
            write = self._live.close if state == "ended" else self._live.write
            write(self._last_shown)

    def _watch(self, board: Board, attendance: Attendance) -> None:
        """Once a second: write the snapshot, stop on a certain breach, quit when every worker is done or given up."""
        while not attendance.is_over:
            gevent.sleep(_SNAPSHOT_S)
            self._see(attendance)
            self._snapshot("running")
            if (breached := board.certain_breach()) and self._ended is None:
                self.stop("aborted", f"{breached} will be missed whatever comes")
            if (blocked := board.blocked()) and self._ended is None:
                self.stop("stopped", blocked)
            if self._ended is not None:
                self.stop(self._ended, str(self._because))  # again: a worker that was away hears it when it is back
        self._snapshot("ended")
        self._line.end(self.exit_code())

    def _see(self, attendance: Attendance) -> None:
        seats = self._seats
        heard = {f"w{seats[client]}" for client in self._line.heard() if client in seats}
        silent = {f"w{seats[client]}" for client in self._line.silent() if client in seats}
        attendance.see(self._clock.now(), heard, silent)

    def exit_code(self) -> ExitCode:
        """Return 0 when every worker completed its part, else 75: whether it is valid is judged from the directory."""
        completed = self._attendance is not None and self._attendance.is_complete
        return ExitCode.OK if completed and self._ended is None else ExitCode.INCONCLUSIVE
