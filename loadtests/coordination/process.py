"""The halves of a run that one process holds: the master's, a worker's, or, when it is alone, both.

It knows gevent and the transport; not Locust.
"""

from collections.abc import Callable
from functools import partial

import gevent
from gevent.fileobject import FileObject

from loadtests.coordination.admission import Admission
from loadtests.coordination.master import Master
from loadtests.coordination.messages import Handlers, LocalTransport, Transport
from loadtests.coordination.uploads import UploadPermits
from loadtests.coordination.watchdog import until_orphaned, until_over
from loadtests.coordination.worker_side import WorkerSide
from loadtests.live.objectives import watches_of
from loadtests.runtime.clock import Clock
from loadtests.worker.job import BEGIN, Job

_LONGEST_LINE = 100


class Process:
    """What this process has of the run of `job`: `master` is None on a worker, `worker` is None on a master."""

    def __init__(
        self,
        job: Job,
        transport: Transport,
        admission: Admission | None = None,
        permits: UploadPermits | None = None,
    ) -> None:
        self.job, self._transport, self.clock = job, transport, Clock.start()
        watches, role = watches_of(job.directory, job.plan), transport.role
        up, down = (LocalTransport(transport), LocalTransport(transport)) if role == "alone" else (transport, transport)
        self.worker = None if role == "master" else WorkerSide(job, up, self.clock, watches)
        self.master = None if role == "worker" else Master(job, down, self.clock, watches, admission, permits)
        if isinstance(up, LocalTransport) and isinstance(down, LocalTransport) and self.master and self.worker:
            up.handlers, down.handlers = self.master.handlers(), self.worker.handlers()

    def handlers(self) -> Handlers:
        """Return what is called for each kind of message from another process."""
        if self.worker is not None and self.master is None:
            return self.worker.handlers()
        return self.master.handlers() if self.master is not None and self.worker is None else {}

    def watch(self) -> None:
        """Watch, for as long as the process lasts, for what must end its part of the run."""
        gevent.spawn(self._leave_after, until_orphaned)
        if self.master is None and self.worker is not None:
            gevent.spawn(self._leave_after, self.worker.silence.until_long)
            gevent.spawn(self._leave_after, partial(until_over, self.job.directory.over))

    def read_commands(self) -> None:
        """Take changes of the plan from standard input, a line each, and the word BEGIN: the run may start."""
        commands = FileObject(0, "rb", closefd=False)
        while line := commands.readline(_LONGEST_LINE):
            command, _, who = line.decode(errors="replace").strip().partition("\t")
            if self.master is None:
                continue
            if command == BEGIN:
                self.master.may_begin.set()
            else:
                self.master.change_rate(command, who or "by hand")

    def stop(self, ended: str, because: str) -> None:
        """End the run early, on a worker only here: `ended` is `stopped` or `aborted`."""
        half = self.master or self.worker
        if half is not None:
            half.stop(ended, because)

    def close(self) -> bool:
        """Cut off what is under way and write everything; return whether this is a worker that completed its part."""
        if self.worker is not None:
            self.worker.close()
        if self.master is not None:
            self.master.close()
        return self.master is None and self.worker is not None and self.worker.has_completed

    def _leave_after(self, until: Callable[[], str]) -> None:
        """Stop after that and, on a worker, end the process when everything is written: its master won't end it."""
        self.stop("stopped", until())
        if self.master is None and self.worker is not None:
            self.worker.finish()
            self._transport.leave()
