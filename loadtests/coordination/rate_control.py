"""Pause, resume and change the rate of a plan while it is played: on the master, or in the only process.

A change acts a little in the future, is on disk before it is sent, and is taken by every worker. It knows gevent, not
Locust.
"""

import math
from collections.abc import Callable
from typing import Any

import gevent
from gevent.lock import RLock

from loadtests.demand.arrivals import Schedule, revise, schedule
from loadtests.demand.revision import MAX_FACTOR, MAX_REVISIONS, Revision, factor_at, revised_curve
from loadtests.guardrails.plan_check import too_much
from loadtests.live.board import Board
from loadtests.results.revisions import ACKNOWLEDGED_NS, append_revision
from loadtests.worker.job import Job

LEAD_S = 1.25
STEP = 0.1
_MS = 1000


class RefusedError(ValueError):
    """A change that isn't made; the message says why in plain words."""


class RateControl:
    """Changes the plan of `job`, whose run started at `started_at` (ns) with `workers` workers.

    `now` is the time (ns), `send` sends a revision to every worker, `board` measures against the changed plan.
    """

    def __init__(
        self, job: Job, board: Board, start: tuple[int, int], now: Callable[[], int], send: Callable[[Revision], None]
    ) -> None:
        self._job, self._board, self._now, self._send = job, board, now, send
        self._started_at, self._workers = start
        self._revisions: list[Revision] = []
        self._arrivals: Schedule | None = None
        self._taken: dict[int, int] = {}
        self._one_at_a_time = RLock()
        self._before_pause = 1.0
        self.message = ""

    def apply(self, change: str, who: str) -> str:
        """Make the change that a person asks for, or refuse it; return the outcome as a sentence.

        A change is `pause`, `resume`, `pause or resume`, `more`, `less` (by a tenth of the plan), or a multiple of the
        plan such as `1.2`.
        """
        with self._one_at_a_time:
            try:
                self.message = self._change(self._factor_for(change), who)
            except RefusedError as refused:
                self.message = f"refused: {refused}"
            return self.message

    def taken(self, number: int, struck: int, worker: str) -> None:
        """Take note that a worker plays a revision, and how many struck sessions it had started before."""
        self._taken[number] = self._taken.get(number, 0) + 1
        if struck:
            self.message = f"{worker} got a change too late and had started {struck} sessions: the run isn't valid"

    def snapshot(self) -> dict[str, Any]:
        """Return its part of the live snapshot: the multiple that is played now, and the last outcome."""
        factor = factor_at(self._revisions, self._elapsed_s())
        return {"factor": factor, "paused": factor == 0, "message": self.message}

    @property
    def _wanted(self) -> float:
        """The multiple that will be played after all changes."""
        return self._revisions[-1].factor if self._revisions else 1.0

    def _elapsed_s(self) -> float:
        return max(0.0, (self._now() - self._started_at) / 1e9)

    def _factor_for(self, change: str) -> float:
        """Return the multiple of the plan that a change comes to."""
        wanted, paused = self._wanted, self._wanted == 0
        if change == "pause or resume":
            change = "resume" if paused else "pause"
        if change == "resume" and not paused:
            raise RefusedError("the run isn't paused")
        if change in ("more", "less"):
            if paused:
                raise RefusedError("the run is paused: resume it first")
            return _lower_bounded(round(wanted + (STEP if change == "more" else -STEP), 3))
        if change in ("pause", "resume"):
            return 0.0 if change == "pause" else self._before_pause
        try:
            return float(change)
        except ValueError:
            raise RefusedError(f"a multiple of the plan is a number such as 1.2, not {change[:40]!r}") from None

    def _change(self, factor: float, who: str) -> str:
        revision = self._checked(factor, who)
        try:
            gevent.get_hub().threadpool.apply(append_revision, (self._job.directory, revision))
        except OSError as error:
            raise RefusedError(f"{self._job.directory.revisions} can't be written: {error.strerror}") from error
        self._before_pause = self._wanted or self._before_pause
        self._revisions.append(revision)
        self._send(revision)
        gevent.spawn(self._await_workers, revision)
        self._measure(revision)
        return f"{_played(factor)} from second {revision.at_s:.1f} on ({who})"

    def _checked(self, factor: float, who: str) -> Revision:
        plan, at_s = self._job.plan, math.ceil((self._elapsed_s() + LEAD_S) * _MS) / _MS
        if not 0 <= factor <= MAX_FACTOR:
            raise RefusedError(f"a multiple of the plan is from 0 to {MAX_FACTOR}, not {factor:g}")
        if factor == self._wanted:
            raise RefusedError(f"it is so already: {_played(factor)}")
        if at_s >= plan.arrivals_end_s:
            raise RefusedError("no session arrives any more")
        if len(self._revisions) == MAX_REVISIONS:
            raise RefusedError(f"a plan can be changed {MAX_REVISIONS} times, and was")
        if self._job.production and factor > 1:
            raise RefusedError("production is loaded by a permission for this plan: no more than the plan")
        revision = Revision(number=len(self._revisions) + 1, at_s=at_s, factor=factor, why=who)
        curve = revised_curve(plan.curve(), [*self._revisions, revision])
        if why := too_much(plan, curve, self._job.environment.ceiling, at_s):
            raise RefusedError(f"{_played(factor)} {why}")
        return revision

    def _measure(self, revision: Revision) -> None:
        """Let the board measure against the changed plan; a long plan takes a while to draw."""
        plan = self._job.plan

        def draw() -> Schedule:
            return revise(self._arrivals or schedule(plan), plan, revision)

        self._arrivals = drawn = gevent.get_hub().threadpool.apply(draw)
        self._board.revise(drawn.at_s, revised_curve(plan.curve(), self._revisions).rate)

    def _await_workers(self, revision: Revision) -> None:
        """Note when a worker didn't take a revision in time; run.json names it."""
        late_at = self._started_at + round(revision.at_s * 1e9) + ACKNOWLEDGED_NS
        gevent.sleep(max(0.0, (late_at - self._now()) / 1e9))
        missing = self._workers - self._taken.get(revision.number, 0)
        if missing > 0:
            self.message = f"{missing} of {self._workers} workers did not take the change in time: the run isn't valid"


def _lower_bounded(factor: float) -> float:
    if factor <= 0:
        raise RefusedError("no session would arrive any more: pause the run instead")
    return factor


def _played(factor: float) -> str:
    return "paused" if factor == 0 else f"{factor:g} x the plan"
