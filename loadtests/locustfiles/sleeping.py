"""What a locustfile's code sleeps for: time that passes in the session, and no latency of its next request."""

import time
from collections.abc import Callable
from typing import Any

import gevent

from loadtests.locustfiles.visit import CURRENT


def install() -> None:
    """Let the sleeps of a session's greenlet be its pauses; where gevent hasn't patched time nothing is changed."""
    from gevent import monkey  # noqa: PLC0415 - gevent is no more than this here

    if monkey.is_module_patched("time"):
        if not getattr(time.sleep, "is_of_sessions", False):
            time.sleep = _of_sessions(time.sleep)
        if not getattr(gevent.sleep, "is_of_sessions", False):
            gevent.sleep = _of_sessions(gevent.sleep)


def _of_sessions(sleep: Callable[..., Any]) -> Callable[..., Any]:
    def pause(seconds: float = 0, *others: Any, **how: Any) -> Any:  # noqa: ANN401 - gevent's signature
        visit = CURRENT.get()
        if visit is None or not seconds:
            return sleep(seconds, *others, **how)
        return visit.pause(seconds)

    pause.is_of_sessions = True  # type: ignore[attr-defined]
    return pause
