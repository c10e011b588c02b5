"""A worker's half of a run: it plays its arrivals once, sends what changed, and uploads what it wrote elsewhere.

It knows gevent and the transport to its master; not Locust.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.queue import Queue

from loadtests.coordination.clock_offset import SAME_CLOCK, ClockOffsets
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
    Handlers,
    Transport,
)
from loadtests.coordination.uploader import Uploader
from loadtests.coordination.watchdog import MasterSilence
from loadtests.demand.revision import Revision
from loadtests.live.worker_figures import Gauges, Watch
from loadtests.runtime import process_tuning
from loadtests.runtime.clock import Clock
from loadtests.worker.job import Job
from loadtests.worker.worker import Worker

_CHANGES_S = 1.0
_FINISH_S = 10.0
# How long the last uploads may take, how long the server may take none of them, and that once more at the very end.
_UPLOADS_S, _NO_UPLOAD_S, _LATE_UPLOADS_S = 40.0, 10.0, 3.0
_FIRST_PINGS, _FIRST_PING_S, _PING_S = 10, 0.1, 2.0


class WorkerSide:
    """Plays this process's arrivals of `job` by `clock`, and reports to its master over `transport`.

    `host` is where its master runs, whose command takes uploads.
    """

    def __init__(self, job: Job, transport: Transport, clock: Clock, watches: Sequence[Watch]) -> None:
        self._job, self._transport, self._clock, self._watches = job, transport, clock, watches
        self.host = ""
        self.silence = MasterSilence(self._was_silent)
        self._offsets = ClockOffsets(clock.now)
        self._start: AsyncResult[dict[str, Any]] = AsyncResult()
        self._revisions: Queue[Revision] = Queue()
        self._worker: Worker | None = None
        self._playing: gevent.Greenlet | None = None
        self._uploader: Uploader | None = None
        self._stopped: tuple[str, str] | None = None

    def handlers(self) -> Handlers:
        """Return what is called for each kind of message from a master."""
        return {
            PLAY: lambda _, value: self._start.set(value),
            STOP: lambda _, value: self.stop(**value),
            REVISE: lambda _, value: self._revisions.put(Revision.model_validate(value)),
            PONG: lambda _, value: self._offsets.pong(value),
        }

    def play(self) -> None:
        """Play this worker's arrivals, once, from when the master starts the run; returns at the end.

        Locust ends its users, and starts them anew, as workers go missing and come back: the play isn't theirs.
        A worker that has no seat in this run waits for its end.
        """
        start = self._start.get()
        if self._playing is None:
            self._playing = gevent.spawn(self._play, start)
        self._playing.join()

    def stop(self, ended: str, because: str) -> None:
        """End the play early, or as soon as it begins; the first reason given is the one that counts."""
        self._stopped = self._stopped or (ended, because)
        if self._worker is not None:
            self._worker.stop(ended, because)

    @property
    def has_completed(self) -> bool:
        """Whether it played its part to the end."""
        return self._worker is not None and self._worker.ended == "completed"

    def finish(self) -> None:
        """Wait for a play that was stopped to be written and uploaded, as long as that takes in the worst case."""
        if self._playing is not None:
            self._playing.join(timeout=_FINISH_S)

    def close(self) -> None:
        """Cut off what is under way, and write and upload everything."""
        if self._worker is not None:
            self._worker.close()
            self._upload_the_rest(_LATE_UPLOADS_S, _LATE_UPLOADS_S)

    def _play(self, start: dict[str, Any]) -> None:
        seat = (start["seat"], start["workers"], start["started_at"])
        worker = self._worker = Worker(self._job, *seat, self._watches, clock=self._clock)
        permit = start["upload"]
        worker.uploads = permit is not None
        worker.on_failure = lambda because: self._transport.send(FAILED, {"because": because})
        if permit is not None:
            server = f"http://{self.host}:{permit['port']}"
            self._uploader = Uploader(self._job.directory, worker.name, server, permit["token"])
        if self._stopped is not None:
            worker.stop(*self._stopped)
        beside = [
            gevent.spawn(self._send_changes, worker),
            gevent.spawn(self._revise, worker),
            gevent.spawn(self._ping, worker),
        ]
        process_tuning.calm()
        process_tuning.share()
        try:
            worker.play()
        finally:
            gevent.killall(beside)
            self._send_change(worker)
            self._upload_the_rest(_UPLOADS_S, _LATE_UPLOADS_S if self.silence.is_long else _NO_UPLOAD_S)
            self._transport.send(DONE, {"worker": worker.name, "ended": worker.ended or "stopped"})

    def _upload_the_rest(self, longest_s: float, silent_s: float) -> None:
        """Wait until all that this worker wrote elsewhere has arrived; name in the log what hasn't."""
        uploader = self._uploader
        if uploader is None:
            return
        left = uploader.drain(longest_s, silent_s)
        if not left:
            uploader.close()
            self._uploader = None  # what is written anew from now on says the same
            return
        why = f" ({uploader.last_failure})" if uploader.last_failure else ""
        print(f"the master hasn't got {', '.join(left)}{why}: kept in {self._job.directory.path}")  # noqa: T201 - our log

    def _revise(self, worker: Worker) -> None:
        """Take the revisions of the plan one after the other, and acknowledge each."""
        while True:
            revision = self._revisions.get()
            taken = {"number": revision.number, "struck": worker.revise(revision), "worker": worker.name}
            self._transport.send(TAKEN, taken)

    def _ping(self, worker: Worker) -> None:
        """Measure how far this worker's clock is from its master's, for as long as it plays."""
        if self._transport.role == "alone":
            worker.clock_offset = SAME_CLOCK
            return
        for number in itertools.count():
            self._transport.send(PING, self._offsets.ping())
            gevent.sleep(_FIRST_PING_S if number < _FIRST_PINGS else _PING_S)
            worker.clock_offset = self._offsets.to_json()

    def _send_changes(self, worker: Worker) -> None:
        while True:
            gevent.sleep(_CHANGES_S)
            self._send_change(worker)

    def _send_change(self, worker: Worker) -> None:
        change, gauges = worker.take()
        values = {name: getattr(gauges, name) for name in Gauges.__slots__}
        self._transport.send(CHANGE, {"worker": worker.name, "change": change, "gauges": values})

    def _was_silent(self, for_s: int) -> None:
        if self._worker is not None:
            self._worker.master_silent_s = max(self._worker.master_silent_s, for_s)
