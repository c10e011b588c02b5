"""Wait times: Locust's, drawn by the session's own generator and measured on its own clock."""

import math
from collections.abc import Callable
from typing import Any

from loadtests.locustfiles.visit import CURRENT

WaitTime = Callable[[Any], float]
_RARE = 1e-12


def between(min_wait: float, max_wait: float) -> WaitTime:
    """Wait for a time between two, each as likely."""
    return lambda _user: min_wait + _draw() * (max_wait - min_wait)


def constant(wait_time: float) -> WaitTime:
    """Wait for the same time always."""
    return lambda _user: wait_time


def poisson(rate: float) -> WaitTime:
    """Wait for an exponential time: `rate` tasks a second in the mean."""
    return lambda _user: -math.log(max(_RARE, 1 - _draw())) / rate


def constant_pacing(wait_time: float) -> WaitTime:
    """Wait for what a task left of `wait_time`, by the session's own clock."""

    def paced(user: Any) -> float:  # noqa: ANN401 - a user or a set of tasks
        visit = CURRENT.get()
        now_s = 0.0 if visit is None else visit.now_s()
        ran_s = now_s - getattr(user, "_paced_at_s", now_s)
        wait_s = max(0.0, wait_time - ran_s)
        user._paced_at_s = now_s + wait_s  # noqa: SLF001 - it is ours
        return wait_s

    return paced


def constant_throughput(task_runs_per_second: float) -> WaitTime:
    """Wait as long as makes so many tasks a second."""
    if task_runs_per_second <= 0:
        raise ValueError(f"constant_throughput() needs a rate above 0, found {task_runs_per_second}")
    return constant_pacing(1 / task_runs_per_second)


def _draw() -> float:
    visit = CURRENT.get()
    return 0.5 if visit is None else visit.session.random.random()
