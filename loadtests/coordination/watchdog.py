"""Watchdogs that end this process's part of a run: its parent has died, its master is silent, or the run is over."""

import os
from collections.abc import Callable
from pathlib import Path

import gevent

from loadtests.coordination.worker_liveness import ALONE_S

_LOOK_S = 1.0


def until_orphaned() -> str:
    """Return why to stop when the process that started this one is gone: it can't be stopped from there any more."""
    parent = os.getppid()
    while os.getppid() == parent:
        gevent.sleep(_LOOK_S)
    return "the process that started the run is gone"


def until_over(over: Path) -> str:
    """Return why to stop when the run directory holds the file `over`, whatever the master sends."""
    while not gevent.get_hub().threadpool.apply(over.exists):
        gevent.sleep(_LOOK_S)
    return "the run was over"


class MasterSilence:
    """For how many seconds in a row the master sent nothing; `on_second` is called with it each second.

    Only seconds in which this process ran count: one that was paused itself isn't alone.
    """

    def __init__(self, on_second: Callable[[int], None]) -> None:
        self._on_second = on_second
        self.lasts_s = 0

    def heard(self) -> None:
        """Begin to count anew: the master sent something."""
        self.lasts_s = 0

    @property
    def is_long(self) -> bool:
        """Whether the master is taken for gone: this process can't be stopped by it."""
        return self.lasts_s >= ALONE_S

    def until_long(self) -> str:
        """Return why to stop when the silence is long."""
        while not self.is_long:
            gevent.sleep(1)
            self.lasts_s += 1
            self._on_second(self.lasts_s)
        return f"nothing was heard of the master for {ALONE_S} s; mend the network between it and its workers"
