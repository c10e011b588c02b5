"""What one process of a run holds: a worker's half of it, a master's half, or, where it is alone, both.

It knows gevent, and the line to the others; not Locust, which carries that line.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gevent.fileobject import FileObject

from loadtests.coordination.admission import Admission
from loadtests.coordination.master import Master
from loadtests.coordination.messages import STOP, Client, Ears, Line, Loop
from loadtests.coordination.watchdog import until_orphaned, until_over
from loadtests.coordination.worker_side import WorkerSide
from loadtests.live.objectives import watches_of
from loadtests.runtime.clock import Clock
from loadtests.worker.job import BEGIN, Job

_LONGEST_WISH = 100


class Stage:
    """One process's part of the run of `job`, on `line`; `door` is the master's.

    `may_begin` is set when a run may be opened, and when it has ended before.
    """

    def __init__(self, job: Job, line: Line, door: Admission | None = None) -> None:
        self.job, self._line = job, line
        self._clock = Clock.start()
        watches = watches_of(job.directory, job.plan)
        up, down = (Loop(line), Loop(line)) if line.role == "alone" else (line, line)
        self._performer = WorkerSide(job, up, self._clock, watches)
        self._director = Master(job, down, self._clock, watches, door)
        if isinstance(up, Loop) and isinstance(down, Loop):
            up.ears, down.ears = self._director.ears(), self._performer.ears()
        self.may_begin = Event()

    def now(self) -> int:
        """Return the run's time (ns)."""
        return self._clock.now()

    def ears(self) -> Ears:
        """Return what is to be called for each kind that is heard on the line."""
        if self._line.role == "worker":
            return {**self._performer.ears(), STOP: lambda _, told: self.stop(**told)}
        return self._director.ears()

    def watch(self) -> None:
        """Begin to watch for what must end this process's part, for as long as it lasts."""
        gevent.spawn(self._leave_after, until_orphaned)
        if self._line.role == "worker":
            gevent.spawn(self._leave_after, self._performer.silence.until_long)
            gevent.spawn(self._leave_after, partial(until_over, self.job.directory.over))

    def stop(self, ended: str, because: str) -> None:
        """End the run early, here and, from the master, everywhere: `ended` is `stopped` or `aborted`."""
        (self._performer if self._line.role == "worker" else self._director).stop(ended, because)
        self.may_begin.set()  # and end at once: whoever would have said so may be gone

    def close(self) -> bool:
        """Cut off what is under way and write everything; return whether this worker completed its part."""
        self._performer.close()
        self._director.close()
        return self._line.role == "worker" and self._performer.has_completed

    def _leave_after(self, until: Callable[[], str]) -> None:
        self._leave(until())

    def _leave(self, because: str) -> None:
        """Stop, and, on a worker, end the process when everything is written: no word of its master will come."""
        self.stop("stopped", because)
        if self._line.role == "worker":
            self._performer.finish()
            self._line.leave()

    # -- a worker's ----------------------------------------------------------------------------------------

    def perform(self, client: Client) -> None:
        """Play the arrivals of this process, which the line calls `client`, once; returns when they are over."""
        self._performer.perform(client)

    def stream(self) -> None:
        """Let what this worker writes go over the line: its run directory isn't the master's."""
        self._performer.streams = True

    def heard(self) -> None:
        """Take note that the master was heard."""
        self._performer.silence.heard()

    # -- a master's ----------------------------------------------------------------------------------------

    def open(self, clients: Sequence[Client]) -> None:
        """Fix the start of the run and tell it to everyone, each with its seat."""
        self._director.open(clients)

    def streams_from(self, client: Client) -> None:
        """Take what that client writes over the line: it can't see the run directory."""
        self._director.receptions.expect(client)

    def tell_changes(self, listener: Callable[[str, Mapping[str, Any]], None]) -> None:
        """Call `listener` with a worker's name and what changed there, whenever one tells."""
        self._director.on_change = listener

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
        self._director.wish(wish, who)

    def shown(self) -> Mapping[str, Any]:
        """Return the last live snapshot, empty before the first, and the last word on changes of the plan."""
        return self._director.shown()
