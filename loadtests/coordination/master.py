"""A master's half of a run: it fixes the start, counts what its workers tell, changes the plan, and ends the run.

It knows gevent and the line to the workers; not Locust, which carries that line.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gevent

from loadtests.coordination.admission import Admission
from loadtests.coordination.clock_offset import pong_of
from loadtests.coordination.messages import (
    CHANGE,
    DONE,
    PIECE,
    PING,
    PLAY,
    PONG,
    REVISE,
    STOP,
    TAKEN,
    Client,
    Ears,
    Line,
)
from loadtests.coordination.rate_control import RateControl
from loadtests.coordination.streaming.pump import Receptions
from loadtests.coordination.worker_liveness import WorkerLiveness
from loadtests.demand.revision import Revision
from loadtests.live.board import Board
from loadtests.live.snapshot_file import SnapshotFile
from loadtests.live.worker_figures import Gauges, Watch
from loadtests.results.live_document import LiveDocument
from loadtests.runtime.clock import Clock
from loadtests.worker.job import Job
from slo.outcomes import ExitCode

_LEAD_NS = 500_000_000
_SNAPSHOT_S = 1.0
_LAST_WORDS_S = 10.0
_LOOK_S = 0.1


class Master:
    """Directs the run of `job` by `clock`, over `line`; `door` is where workers from elsewhere come in.

    `on_change` is told of each worker's changes, as they came; `receptions` takes what workers write that can't see
    the run directory.
    """

    def __init__(
        self, job: Job, line: Line, clock: Clock, watches: Sequence[Watch], door: Admission | None = None
    ) -> None:
        self._job, self._line, self._clock, self._watches, self._door = job, line, clock, watches, door
        self.on_change: Callable[[str, Mapping[str, Any]], None] = lambda _worker, _change: None
        self.receptions = Receptions(job.directory, line)
        self._board: Board | None = None
        self._control: RateControl | None = None
        self._attendance: WorkerLiveness | None = None
        self._seats: dict[Client, int] = {}
        self._live = SnapshotFile(job.directory.live)
        self._last_shown: LiveDocument | None = None
        self._stopped: tuple[str, str] | None = None

    def ears(self) -> Ears:
        """Return what is to be called for each kind that a worker says."""
        return {
            CHANGE: lambda _, told: self._merge(told),
            TAKEN: lambda _, told: self._taken(told),
            DONE: lambda _, told: self._finished(told["worker"], told["ended"]),
            PIECE: self.receptions.hear,
            PING: lambda client, told: self._line.tell(PONG, pong_of(told, self._clock.now()), client),
        }

    def open(self, clients: Sequence[Client]) -> None:
        """Fix the start of the run and tell it to everyone, each with its seat."""
        started_at = self._clock.now() + _LEAD_NS
        self._board = Board(self._job.timetable(), self._watches, started_at)
        workers = len(clients)
        self._control = RateControl(self._job, self._board, (started_at, workers), self._clock.now, self._tell_revision)
        names = [f"w{seat}" for seat in range(workers)]
        self._attendance = WorkerLiveness(names, started_at, started_at + round(self._job.plan.duration_s * 1e9))
        seats = self._seats = {client: seat for seat, client in enumerate(clients)}
        self.receptions.open({client: f"w{seat}" for client, seat in seats.items()})
        self._line.tell(PLAY, {"workers": workers, "started_at": started_at, "seats": seats})
        gevent.spawn(self._watch, self._board, self._attendance)

    def wish(self, wish: str, who: str) -> None:
        """Change the plan as a person wishes, once the run has been opened."""
        if self._control is not None:
            self._control.obey(wish, who)

    def shown(self) -> Mapping[str, Any]:
        """Return the last live snapshot, empty before the first, and the last word on changes of the plan."""
        if self._control is None or self._last_shown is None:
            return {}
        return self._last_shown.model_copy(update={"told": self._control.told}).model_dump(mode="json")

    def stop(self, ended: str, because: str) -> None:
        """End the run early, everywhere; the first reason given is the one that counts."""
        self._stopped = self._stopped or (ended, because)
        self._line.tell(STOP, {"ended": ended, "because": because})

    def close(self) -> None:
        """Take the last words of workers that stream, and write the last snapshot."""
        self._receive_the_rest()
        self._snapshot("ended")

    @property
    def exit_code(self) -> ExitCode:
        """0 when every worker completed its part, else 75: whether it is valid is judged from the directory."""
        completed = self._attendance is not None and self._attendance.is_complete
        return ExitCode.OK if completed and self._stopped is None else ExitCode.INCONCLUSIVE

    def _receive_the_rest(self) -> None:
        """Let workers that stream say their last words before this master is gone, be it ended from outside."""
        if self._attendance is not None and self.receptions and not self._attendance.is_over:
            self.stop("stopped", "the run's master was ended")
            with gevent.Timeout(_LAST_WORDS_S, exception=False):
                while not self._attendance.is_over:
                    gevent.sleep(_LOOK_S)
                    self._see(self._attendance)
        self.receptions.close()

    def _merge(self, told: dict[str, Any]) -> None:
        if self._board is not None:
            self._board.merge(told["worker"], told["change"], Gauges(**told["gauges"]))
            self.on_change(told["worker"], told["change"])

    def _taken(self, told: dict[str, Any]) -> None:
        """Take note that a worker took a revision."""
        if self._control is not None:
            self._control.taken(**told)

    def _tell_revision(self, revision: Revision) -> None:
        self._line.tell(REVISE, revision.model_dump())

    def _finished(self, name: str, ended: str) -> None:
        """Take note that a worker's part is over."""
        if self._attendance is not None:
            self._attendance.finished(name, ended)

    def _snapshot(self, state: str) -> None:
        """Write `live.json`; what says that the run has ended is the last."""
        is_over = self._last_shown is not None and self._last_shown.is_over
        if self._board is not None and self._control is not None and not is_over:
            strangers = {"refused_workers": list(self._door.strangers)} if self._door is not None else {}
            shown = self._board.snapshot(self._clock.now(), state)
            self._last_shown = shown.model_copy(update={**self._control.snapshot(), **strangers})
            write = self._live.close if state == "ended" else self._live.write
            write(self._last_shown.model_dump(mode="json"))

    def _watch(self, board: Board, attendance: WorkerLiveness) -> None:
        """Once a second: write the snapshot, stop on a certain breach, quit when every worker is done or given up."""
        while not attendance.is_over:
            gevent.sleep(_SNAPSHOT_S)
            self._see(attendance)
            self._snapshot("running")
            if (breached := board.certain_breach()) and self._stopped is None:
                self.stop("aborted", f"{breached} will be missed whatever comes")
            if (blocked := board.blocked()) and self._stopped is None:
                self.stop("stopped", blocked)
            if self._stopped is not None:
                self.stop(*self._stopped)  # again: a worker that was away hears it when it is back
        self._snapshot("ended")
        self._line.end(self.exit_code)

    def _see(self, attendance: WorkerLiveness) -> None:
        seats = self._seats
        heard = {f"w{seats[client]}" for client in self._line.heard() if client in seats}
        silent = {f"w{seats[client]}" for client in self._line.silent() if client in seats}
        attendance.see(self._clock.now(), heard, silent)
