"""What ends a process's part of a run though nobody says so: it is alone, or its run is over."""

import os
from collections.abc import Callable
from pathlib import Path

import gevent

from loadtests.coordination.worker_liveness import ALONE_S

_LOOK_S = 1.0


def until_orphaned() -> str:
    """Return when whoever started this process is gone: nobody would read what it finds, or stop it."""
    parent = os.getppid()
    while os.getppid() == parent:
        gevent.sleep(_LOOK_S)
    return "the process that started the run is gone"


def until_over(over: Path) -> str:
    """Return when the run directory says that the run is over, whatever the master says."""
    while not gevent.get_hub().threadpool.apply(over.exists):
        gevent.sleep(_LOOK_S)
    return "the run was over"


class Silence:
    """For how long nothing was heard of the master; `told` is told each second.

    What counts are seconds in which this process ran: one that was paused itself isn't alone.
    """

    def __init__(self, told: Callable[[int], None]) -> None:
        self._told = told
        self.lasts_s = 0

    def heard(self) -> None:
        """Take note that the master was heard."""
        self.lasts_s = 0

    @property
    def is_long(self) -> bool:
        """Whether the master has to be taken for gone: nobody could stop this process."""
        return self.lasts_s >= ALONE_S

    def until_long(self) -> str:
        """Return when it is."""
        while not self.is_long:
            gevent.sleep(1)
            self.lasts_s += 1
            self._told(self.lasts_s)
        return f"nothing was heard of the master for {ALONE_S} s; mend the network between it and its workers"
