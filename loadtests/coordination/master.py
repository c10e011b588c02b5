"""A master's half of a run: it fixes the start, merges the workers' figures, changes the plan, and ends the run.

It knows gevent and the transport to the workers; not Locust.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import gevent
from gevent.event import Event

from loadtests.coordination.admission import Admission
from loadtests.coordination.clock_offset import pong_to
from loadtests.coordination.messages import (
    CHANGE,
    DONE,
    FAILED,
    PING,
    PLAY,
    PONG,
    REVISE,
    STOP,
    TAKEN,
    ClientId,
    Handlers,
    Transport,
)
from loadtests.coordination.rate_control import RateControl
from loadtests.coordination.uploads import UploadPermits
from loadtests.coordination.worker_liveness import WorkerLiveness
from loadtests.demand.reference import causes_known_s
from loadtests.demand.revision import Revision
from loadtests.live.board import Board
from loadtests.live.criteria import criteria_of
from loadtests.live.rates import rates_of
from loadtests.live.snapshot_file import SnapshotFile
from loadtests.live.worker_figures import Gauges, Watch
from loadtests.results.live_document import LiveDocument
from loadtests.runtime.clock import Clock
from loadtests.worker.job import Job
from slo.outcomes import ExitCode
from slo.special_functions import special

_LEAD_NS = 500_000_000
_SNAPSHOT_S = 1.0
_LAST_UPLOADS_S = 10.0
_LOOK_S = 0.1
_LONGEST_REASON = 1000


class Master:
    """Runs `job` by `clock` with the workers at the other end of `transport`.

    `admission` knows the workers that were refused, `permits` those that upload what they write. `on_change` is called
    with each worker's changes, as they came. `may_begin` is set when the run may start, and when it was stopped before.
    """

    def __init__(
        self,
        job: Job,
        transport: Transport,
        clock: Clock,
        watches: Sequence[Watch],
        admission: Admission | None = None,
        permits: UploadPermits | None = None,
    ) -> None:
        self._job, self._transport, self._clock, self._watches = job, transport, clock, watches
        self._admission, self._permits = admission, permits
        special()  # the board asks for it while there is load, which may be this process's
        self.on_change: Callable[[str, Mapping[str, Any]], None] = lambda _worker, _change: None
        self.may_begin = Event()
        self._board: Board | None = None
        self._rate_control: RateControl | None = None
        self._liveness: WorkerLiveness | None = None
        self._names: dict[ClientId, str] = {}
        self._live = SnapshotFile(job.directory.live)
        self._last_snapshot: LiveDocument | None = None
        self._stopped: tuple[str, str] | None = None
        self._started_at: int | None = None

    def handlers(self) -> Handlers:
        """Return what is called for each kind of message from a worker."""
        return {
            CHANGE: lambda _, value: self._merge(value),
            TAKEN: lambda _, value: self._taken(value),
            DONE: lambda _, value: self._finished(value["worker"], value["ended"]),
            FAILED: lambda _, value: self.stop("failed", str(value["because"])[:_LONGEST_REASON]),
            PING: lambda client, value: self._transport.send(PONG, pong_to(value, self._clock.now()), client),
        }

    def open(self, clients: Sequence[ClientId]) -> None:
        """Fix the start of the run and send it to each worker, with its seat and, where needed, its upload permit."""
        self._started_at = started_at = self._clock.now() + _LEAD_NS
        rates = rates_of(criteria_of(self._job.directory), self._job.plan)
        self._board = Board(self._job.timetable(), self._watches, started_at, rates)
        workers = len(clients)
        self._rate_control = RateControl(
            self._job, self._board, (started_at, workers), self._clock.now, self._send_revision
        )
        self._names = {client: f"w{seat}" for seat, client in enumerate(clients)}
        ends_at = started_at + round(self._job.plan.duration_s * 1e9)
        self._liveness = WorkerLiveness(self._names.values(), started_at, ends_at)
        for seat, (client, name) in enumerate(self._names.items()):
            permit = None if self._permits is None else self._permits.for_worker(client, name)
            start = {"workers": workers, "started_at": started_at, "seat": seat, "upload": permit}
            self._transport.send(PLAY, start, client)
        gevent.spawn(self._watch, self._board, self._liveness)

    def change_rate(self, change: str, who: str) -> None:
        """Change the rate as a person asks, once the run has been opened."""
        if self._rate_control is not None:
            self._rate_control.apply(change, who)

    def shown(self) -> Mapping[str, Any]:
        """Return the last live snapshot, empty before the first, with the last answer to a change of the rate."""
        if self._rate_control is None or self._last_snapshot is None:
            return {}
        return self._last_snapshot.model_copy(update={"message": self._rate_control.message}).model_dump(mode="json")

    def stop(self, ended: str, because: str) -> None:
        """End the run early, everywhere; the first reason given is the one that counts."""
        self._stopped = self._stopped or (ended, because)
        self._transport.send(STOP, {"ended": ended, "because": because})
        self.may_begin.set()  # and end at once: the process that would let it begin may be gone

    def close(self) -> None:
        """Let workers that upload finish, and write the last snapshot."""
        self._wait_for_uploads()
        self._snapshot("ended")

    @property
    def exit_code(self) -> ExitCode:
        """0 when every worker completed its part, else 75: whether it is valid is judged from the directory."""
        completed = self._liveness is not None and self._liveness.is_complete
        return ExitCode.OK if completed and self._stopped is None else ExitCode.INCONCLUSIVE

    def _wait_for_uploads(self) -> None:
        """Let workers that upload end before this master is gone, also when it is ended from outside."""
        uploading = set() if self._permits is None else self._permits.clients & self._names.keys()
        if self._liveness is not None and uploading and not self._liveness.is_over:
            self.stop("stopped", "the run's master was ended")
            with gevent.Timeout(_LAST_UPLOADS_S, exception=False):
                while not self._liveness.is_over:
                    gevent.sleep(_LOOK_S)
                    self._see(self._liveness)

    def _merge(self, value: dict[str, Any]) -> None:
        if self._board is not None:
            self._board.merge(value["worker"], value["change"], Gauges(**value["gauges"]))
            self.on_change(value["worker"], value["change"])

    def _taken(self, value: dict[str, Any]) -> None:
        """Take note that a worker took a revision."""
        if self._rate_control is not None:
            self._rate_control.taken(**value)

    def _send_revision(self, revision: Revision) -> None:
        self._transport.send(REVISE, revision.model_dump())

    def _finished(self, name: str, ended: str) -> None:
        """Take note that a worker's part is over."""
        if self._liveness is not None:
            self._liveness.finished(name, ended)

    def _snapshot(self, state: str) -> None:
        """Write `live.json`; the snapshot of a run that is over is the last."""
        is_over = self._last_snapshot is not None and self._last_snapshot.is_over
        if self._board is not None and self._rate_control is not None and not is_over:
            refused = {} if self._admission is None else {"refused_workers": list(self._admission.strangers)}
            snapshot = self._board.snapshot(self._clock.now(), state)
            self._last_snapshot = snapshot.model_copy(update={**self._rate_control.snapshot(), **refused})
            write = self._live.close if state == "ended" else self._live.write
            write(self._last_snapshot.model_dump(mode="json"))

    def _watch(self, board: Board, liveness: WorkerLiveness) -> None:
        """Once a second: write the snapshot, stop on a certain breach, quit when every worker is done or given up."""
        while not liveness.is_over:
            gevent.sleep(_SNAPSHOT_S)
            self._see(liveness)
            try:
                self._snapshot("running")
            except OSError as error:
                self.stop("failed", f"{self._job.directory.live}: {error.strerror}"[:_LONGEST_REASON])
            if (breached := board.certain_breach()) and self._stopped is None and self._may_stop_early():
                self.stop("aborted", f"{breached} will be missed whatever comes")
            if (blocked := board.blocked()) and self._stopped is None:
                self.stop("stopped", blocked)
            if self._stopped is not None:
                self.stop(*self._stopped)  # again: a worker that was away receives it when it is back
        with suppress(OSError):  # named already
            self._snapshot("ended")
        self._transport.end(self.exit_code)

    def _may_stop_early(self) -> bool:
        """Whether enough was played for the verdict to name causes, where the plan and the environment let it.

        Never in a run that is compared with another: what it is compared by isn't known yet.
        """
        if not self._job.stops_early:
            return False
        if self._started_at is None or not self._job.environment.traces:
            return True
        return self._clock.now() >= self._started_at + round(causes_known_s(self._job.plan) * 1e9)

    def _see(self, liveness: WorkerLiveness) -> None:
        responsive = {self._names[one] for one in self._transport.responsive() if one in self._names}
        unresponsive = {self._names[one] for one in self._transport.unresponsive() if one in self._names}
        liveness.see(self._clock.now(), responsive, unresponsive)
