"""A worker's half of a run: it plays its arrivals once, tells what changed, and brings away what it wrote.

It knows gevent and the line to its master; not Locust, which carries that line.
"""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.queue import Queue

from loadtests.coordination.clock_offset import SAME_CLOCK, ClockOffsets
from loadtests.coordination.messages import (
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
from loadtests.coordination.streaming.pump import Stream, in_a_thread
from loadtests.coordination.streaming.sender import Outbox
from loadtests.coordination.watchdog import Silence
from loadtests.demand.revision import Revision
from loadtests.live.worker_figures import Gauges, Watch
from loadtests.runtime import process_tuning as arrow_memory
from loadtests.runtime.clock import Clock
from loadtests.runtime.process_tuning import calm
from loadtests.worker.job import Job
from loadtests.worker.worker import Worker

_TELL_S = 1.0
_LAST_WORDS_S = 10.0
_DELIVERY_S, _NO_RECEIPT_S, _LATE_DELIVERY_S = 40.0, 10.0, 3.0
_FIRST_PINGS, _FIRST_PING_S, _PING_S = 10, 0.1, 2.0


class WorkerSide:
    """Plays this process's arrivals of `job` by `clock`, and tells its master over `line`.

    `streams` says whether what it writes goes over the line; whoever knows sets it before the play begins.
    """

    def __init__(self, job: Job, line: Line, clock: Clock, watches: Sequence[Watch]) -> None:
        self._job, self._line, self._clock, self._watches = job, line, clock, watches
        self.streams = False
        self.silence = Silence(self._was_silent)
        self._offsets = ClockOffsets(clock.now)
        self._start: AsyncResult[dict[str, Any]] = AsyncResult()
        self._revisions: Queue[Revision] = Queue()
        self._player: Worker | None = None
        self._playing: gevent.Greenlet | None = None
        self._stream: Stream | None = None
        self._stopped: tuple[str, str] | None = None

    def ears(self) -> Ears:
        """Return what is to be called for each kind that a master says."""
        return {
            PLAY: lambda _, told: self._start.set(told),
            STOP: lambda _, told: self.stop(**told),
            REVISE: lambda _, told: self._revisions.put(Revision.model_validate(told)),
            PONG: lambda _, told: self._offsets.pong(told),
            RECEIPT: lambda _, told: self._receipt(told),
        }

    def perform(self, client: Client) -> None:
        """Play this worker's arrivals, once, telling the master once a second what changed; returns at the end.

        Locust ends its users, and starts them anew, as workers go missing and come back: the play isn't theirs.
        A worker that has no seat in this run waits for its end.
        """
        start = self._start.get()
        if self._playing is None and client in start["seats"]:
            self._playing = gevent.spawn(self._play, start["seats"][client], start)
        if self._playing is not None:
            self._playing.join()

    def stop(self, ended: str, because: str) -> None:
        """End the play early, or as soon as it begins; the first reason given is the one that counts."""
        self._stopped = self._stopped or (ended, because)
        if self._player is not None:
            self._player.stop(ended, because)

    @property
    def has_completed(self) -> bool:
        """Whether it played its part to the end."""
        return self._player is not None and self._player.ended == "completed"

    def finish(self) -> None:
        """Wait for a play that was stopped to be written and told of, as long as that takes in the worst case."""
        if self._playing is not None:
            self._playing.join(timeout=_LAST_WORDS_S)

    def close(self) -> None:
        """Cut off what is under way, and write and deliver everything."""
        if self._player is not None:
            self._player.close()
            self._deliver(_LATE_DELIVERY_S, _LATE_DELIVERY_S)

    def _play(self, index: int, start: dict[str, Any]) -> None:
        seat = (index, start["workers"], start["started_at"])
        player = self._player = Worker(self._job, *seat, self._watches, clock=self._clock)
        player.streams = self.streams
        if self.streams:
            send = partial(self._line.tell, PIECE)
            self._stream = Stream(Outbox(self._job.directory, player.name, send, self._clock.now, in_a_thread))
        if self._stopped is not None:
            player.stop(*self._stopped)
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
            self._line.tell(DONE, {"worker": player.name, "ended": player.ended or "stopped"})

    def _deliver(self, longest_s: float, silent_s: float) -> None:
        """Wait until the master has what this worker wrote, if it is streamed; say what it hasn't got."""
        stream = self._stream
        if stream is None:
            return
        left = stream.drain(0.0 if self.silence.is_long else longest_s, silent_s)
        if not left:
            stream.close()
            self._stream = None  # what is written anew from now on says the same
        else:
            print(f"the master hasn't got {', '.join(left)}: kept in {self._job.directory.path}")  # noqa: T201 - our log

    def _receipt(self, told: dict[str, Any]) -> None:
        if self._stream is not None:
            self._stream.hear(told)

    def _revise(self, player: Worker) -> None:
        """Take the revisions of the plan one after the other, and say so."""
        while True:
            revision = self._revisions.get()
            taken = {"number": revision.number, "struck": player.revise(revision), "worker": player.name}
            self._line.tell(TAKEN, taken)

    def _ping(self, player: Worker) -> None:
        """Measure how far this worker's clock is from its master's, for as long as it plays."""
        if self._line.role == "alone":
            player.clock_offset = SAME_CLOCK
            return
        for number in itertools.count():
            self._line.tell(PING, self._offsets.ping())
            gevent.sleep(_FIRST_PING_S if number < _FIRST_PINGS else _PING_S)
            player.clock_offset = self._offsets.to_json()

    def _tell_changes(self, player: Worker) -> None:
        while True:
            gevent.sleep(_TELL_S)
            self._tell(player)

    def _tell(self, player: Worker) -> None:
        change, gauges = player.take()
        told = {name: getattr(gauges, name) for name in Gauges.__slots__}
        self._line.tell(CHANGE, {"worker": player.name, "change": change, "gauges": told})

    def _was_silent(self, for_s: int) -> None:
        if self._player is not None:
            self._player.master_silent_s = max(self._player.master_silent_s, for_s)
