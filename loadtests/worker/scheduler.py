"""The scheduler (k6's arrival-rate executor): starts each session when it is due, whatever the shop does."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gevent
from gevent.event import Event

from loadtests.demand.arrivals import Arrival
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.masking.text import masked_start, texts_of
from loadtests.results.records import SessionRecord
from loadtests.shopper.data_pools import NO_ACCOUNT
from loadtests.shopper.session import Session
from loadtests.shopper.session_context import SessionContext
from loadtests.shopper.session_errors import NothingFreeError, SessionFailedError

_KILL_S = 1.0
_LOOK_NS = 50_000_000
_LONGEST_ERROR, _MOST_ERRORS = 300, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSchedule:
    """What one worker is to play: its arrivals, when the run started, and when it ends. Times in ns.

    Until `open_until` more arrivals may come by a revision: it isn't over before.
    """

    arrivals: Sequence[Arrival]
    started_at: int
    ends_at: int
    max_open: int
    open_until: int = 0


class Scheduler:
    """Plays a schedule; every arrival that came due ends as exactly one session record.

    `known` are the environment's secrets, which no record may say. Where arrivals differ in how the shop is reached,
    `context_of` gives each its own.
    """

    def __init__(
        self,
        context: SessionContext,
        schedule: WorkerSchedule,
        visit: Callable[[Session], None],
        known: tuple[str, ...] = (),
        context_of: Callable[[Arrival], SessionContext] | None = None,
    ) -> None:
        self._context_of = context_of
        self._context, self._schedule, self._visit, self._known = context, schedule, visit, known
        self._open: dict[int, tuple[SessionRecord, gevent.Greenlet]] = {}
        self._arrivals, self._place = schedule.arrivals, 0
        self._woken, self._stopped = Event(), False
        self.counts: Counter[str] = Counter()
        self.peak_open = 0

    @property
    def next_arrival(self) -> int | None:
        """The number of the first arrival that wasn't started, None when all were."""
        return self._arrivals[self._place].number if self._place < len(self._arrivals) else None

    @property
    def open_sessions(self) -> int:
        """How many sessions are under way."""
        return len(self._open)

    def play(self) -> None:
        """Start every arrival when it is due, let sessions end until the run's end, cut off the rest.

        Returns early when the last session ended before the drain did.
        """
        try:
            while not self._stopped and (at := self._next_at()) is not None:
                if self._wait_until(at) and self._place < len(self._arrivals):
                    self._place += 1
                    self._start(self._arrivals[self._place - 1])
            while self._open and not self._stopped and self._context.clock.now() < self._schedule.ends_at:
                self._wait_until(min(self._schedule.ends_at, self._context.clock.now() + _LOOK_NS))
        finally:
            self.cut_off()

    def revise(self, arrivals: Sequence[Arrival], kept: int) -> int:
        """Play `arrivals` from here on; the first `kept` are those it had. Return how many others it had started."""
        started, self._place = self._place, min(self._place, kept)
        self._arrivals = arrivals
        self._woken.set()
        return started - self._place

    def stop(self) -> None:
        """Stop starting sessions; `play` then cuts off those under way and returns."""
        self._stopped = True
        self._woken.set()

    def cut_off(self) -> None:
        """End the sessions under way at once; each is recorded as cut off. Calling it again does nothing."""
        with gevent.Timeout(_KILL_S, exception=False):  # killall's own timeout raises, and would lose the records
            gevent.killall([greenlet for _, greenlet in self._open.values()])
        for record, _greenlet in list(self._open.values()):  # those that hadn't run a line yet, or won't end
            self._close(record, "cut_off", None)

    def _next_at(self) -> int | None:
        """Return when something is to be done next (ns): an arrival, or the end of all; None when that is past."""
        if self._place < len(self._arrivals):
            return self._schedule.started_at + round(self._arrivals[self._place].at_s * 1e9)
        return self._schedule.open_until if self._context.clock.now() < self._schedule.open_until else None

    def _wait_until(self, at: int) -> bool:
        """Sleep until `at` (ns) and return True; False as soon as it was stopped or its arrivals were changed."""
        wait_ns = at - self._context.clock.now()
        if self._woken.wait(timeout=wait_ns / 1e9) if wait_ns > 0 else self._woken.is_set():
            self._woken.clear()
            return False
        return True

    def _start(self, arrival: Arrival) -> None:
        now = self._context.clock.now()
        scheduled_at = self._schedule.started_at + round(arrival.at_s * 1e9)
        why = self._why_dropped(arrival, now)
        dropped = why is not None
        record = SessionRecord(
            session=arrival.number,
            journey=arrival.journey,
            scheduled_at=scheduled_at,
            started_at=0 if dropped else now,
            ended_at=now,
            outcome="dropped" if dropped else "cut_off",
            reason=why,
            late_s=max(0.0, (now - scheduled_at) / 1e9),
        )
        if dropped:
            self._record(record)
            return
        self.counts["started"] += 1
        self._open[arrival.number] = (record, gevent.spawn(self._run, arrival, record))
        self.peak_open = max(self.peak_open, len(self._open))

    def _why_dropped(self, arrival: Arrival, now: int) -> str | None:
        """Return why a session can't begin, None when it can; it has its account then."""
        if len(self._open) >= self._schedule.max_open:
            return "open_sessions"
        if not self._context.ceilings.has_room(now):
            return "ceiling_requests"
        pools = self._context.pools
        return None if pools is None or pools.admit(arrival) else NO_ACCOUNT

    def _run(self, arrival: Arrival, record: SessionRecord) -> None:
        outcome, reason = "failed", "ended by force"
        try:
            outcome, reason = "completed", self._play_out(arrival, record)
        except (CeilingReachedError, NothingFreeError) as error:
            outcome, reason = "dropped", str(error)
        except SessionFailedError as error:
            outcome, reason = "failed", str(error)
        except gevent.GreenletExit:
            outcome, reason = "cut_off", ""
        except Exception as error:  # noqa: BLE001 - a journey's own mistake must be counted, not lost
            mistake = self._shown(arrival, error)
            outcome, reason = "failed", f"journey: {mistake}"
            self._context.hooks.failures["journey", self._bounded(mistake)] += 1
        finally:
            self._close(record, outcome, reason or None)

    def _bounded(self, error: str) -> str:
        """Return the error of a journey, or one word for all that come when many different ones were counted."""
        failures = self._context.hooks.failures
        return error if ("journey", error) in failures or len(failures) < _MOST_ERRORS else "other errors"

    def _play_out(self, arrival: Arrival, record: SessionRecord) -> str:
        """Play a visit; return what it lacked, "" for nothing."""
        context = self._context if self._context_of is None else self._context_of(arrival)
        session = Session(context, arrival, record.scheduled_at)
        try:
            self._visit(session)
            session.settle()
        finally:
            session.close()
        return session.lacked or ""

    def _close(self, record: SessionRecord, outcome: str, reason: str | None) -> None:
        if self._open.pop(record.session, None) is None:
            return
        if self._context.pools is not None:
            self._context.pools.release(record.session)
        self._record(record._replace(ended_at=self._context.clock.now(), outcome=outcome, reason=reason))

    def _shown(self, arrival: Arrival, error: Exception) -> str:
        """Return what a mistake says, without a secret, or what its session was given of accounts and data."""
        pools = self._context.pools
        known = () if pools is None else texts_of(pools.masks(arrival.number))
        return masked_start(repr(error), _LONGEST_ERROR, (*self._known, *known))

    def _record(self, record: SessionRecord) -> None:
        self.counts[record.outcome] += 1
        self._context.hooks.session_ended(record)
