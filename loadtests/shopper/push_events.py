"""Server-sent events beside a session: one event stream, reopened as a browser's EventSource does.

Each wait for an event is recorded as a step; events that no step waits for are not. A stream that is still open when
the session ends is closed, which is no error.
"""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple, Protocol

import gevent
from gevent import get_hub, getcurrent

from loadtests.client.errors import DeadlineError, ProtocolError, word_of
from loadtests.client.interface import Event, Listener, Reply, Request
from loadtests.client.sockets.deadlines import deadlines
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.canaries import OthersDataError
from slo.verdict.own_data import OTHERS_DATA

# How many connections a session's push events take at most, by the plan's setting (over HTTP/2, a retired one).
STREAMS = {"off": 0, "orders": 1}
MAX_REOPENINGS = 20
MAX_PENDING, MAX_PENDING_SIZE = 256, 4 << 20
WITHIN_S = 30.0
# What browsers wait when the stream doesn't say (3 to 5 s), and the bounds of what it may say.
_RETRY_S, _LEAST_RETRY_S, _MOST_RETRY_S = 3.0, 0.1, 60.0
_OK, _NO_CONTENT = 200, 204
_UNSAMPLED = "00"
# Failures that may be over when the stream is reopened.
_PASSING = frozenset({"connection", "timeout", "no_descriptor", "no_port"})
Times = tuple[int, int, int]


class SentRequest(NamedTuple):
    """A recorded request: its reply, when that was received (ns), and its trace."""

    reply: Reply
    ended_at: int
    traceparent: str


class WaitResult(NamedTuple):
    """The result of a wait: when it ended (ns), and the event or the error."""

    ended_at: int
    event: Event | None
    error: str | None


class Ask(Protocol):
    """How a session sends and records a request beside its own; raises CeilingReachedError above the ceiling."""

    def __call__(self, client: Listener, request: Request, due_at: int) -> SentRequest:
        """Send `request`, wanted at `due_at` (ns)."""


class Log(Protocol):
    """How a visit records a request, or a wait for an event: a session's `_log`."""

    def __call__(self, step: str, status: int, error: str | None, size: int, times: Times, traceparent: str) -> None:
        """Record it; `times` are when it was due, sent and over (ns), `size` is its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushContext:
    """What a session gives to its push events.

    `unreadable` are the errors that a predicate raises on an event it can't read; `failures` counts defects of ours.
    """

    clock: Clock
    alarms: Alarms
    ask: Ask
    log: Log
    unreadable: tuple[type[Exception], ...]
    failures: Counter[tuple[str, str]]


class PushEvents:
    """One stream; `under_way` holds the step and the wanted moment (ns) of a reopening that was sent.

    When the server ends the stream it is reopened with Last-Event-ID after the stream's `retry` time, within bounds of
    number and time. Each reopening is a request under the ceiling and under the first one's step. A 204 stops it.
    """

    __slots__ = (
        "_context",
        "_event_wait",
        "_has_dropped",
        "_over",
        "_pending",
        "_pending_size",
        "_reader",
        "_request",
        "_stream",
        "_traceparent",
        "under_way",
    )

    def __init__(self, context: PushContext, stream: Listener) -> None:
        self._context, self._stream = context, stream
        self._request: Request | None = None
        self._traceparent = ""
        self._pending: deque[tuple[int, Event]] = deque()
        self._pending_size, self._has_dropped = 0, False
        self._event_wait: _EventWait | None = None
        self._over: str | CeilingReachedError | None = None
        self._reader: gevent.Greenlet | None = None
        self.under_way: list[tuple[str, int]] = []

    def open(self, request: Request, due_at: int) -> WaitResult:
        """Open the stream, due at `due_at` (ns); its events are kept from then on."""
        sent = self._ask(request, due_at)
        if sent.reply.error is None:
            self._request = request._replace(accept=request.accept | {_NO_CONTENT})
            self._reader = gevent.spawn(self._read)
        return WaitResult(sent.ended_at, None, sent.reply.error)

    def hear(self, step: str, wanted: Callable[[Event], bool], due_at: int, within_s: float = WITHIN_S) -> WaitResult:
        """Wait from `due_at` (ns) on for an event that is `wanted`, and record the wait; other events are kept.

        An event that came earlier ends the wait at once. Raises CeilingReachedError when the ceiling forbids to reopen
        the stream; the wait is recorded as `connection` then.
        """
        sent_at = self._context.clock.now()
        try:
            result = self._wait_for(wanted, sent_at, monotonic() + within_s - (sent_at - due_at) / 1e9)
        except (gevent.GreenletExit, CeilingReachedError) as error:
            outcome = "connection" if isinstance(error, CeilingReachedError) else "cut_off"
            self._log(step, (due_at, sent_at, self._context.clock.now()), WaitResult(0, None, outcome))
            raise
        if result.event is None and self._has_dropped:  # it may have been among them
            self._context.failures["listening", "more events came than are kept, and then one didn't"] += 1
        self._log(step, (due_at, sent_at, result.ended_at), result)
        return result

    def close(self) -> None:
        """Close the stream, and cancel a reopening."""
        if self._reader is not None:
            self._reader.kill()
        self._stream.close()

    def _log(self, step: str, times: Times, result: WaitResult) -> None:
        """Record a wait under its stream's trace; it sends no span of its own."""
        status, size = (0, 0) if result.event is None else (_OK, len(result.event.data.encode("utf-8", "replace")))
        traceparent = f"{self._traceparent[: -len(_UNSAMPLED)]}{_UNSAMPLED}"
        self._context.log(step, status, result.error, size, times, traceparent)

    def _wait_for(self, wanted: Callable[[Event], bool], sent_at: int, ends_at: float) -> WaitResult:
        error: str | None = None
        try:
            while (found := self._take(wanted)) is None and error is None:
                if isinstance(self._over, CeilingReachedError):
                    raise self._over
                error = self._over or self._wait(ends_at)
        except OthersDataError:
            found, error = None, OTHERS_DATA
        except self._context.unreadable:
            found, error = None, "wrong_reply"
        if found is None:
            return WaitResult(self._context.clock.now(), None, error)
        came_at, event = found
        return WaitResult(max(sent_at, came_at), event, None)

    def _take(self, wanted: Callable[[Event], bool]) -> tuple[int, Event] | None:
        for one in self._pending:
            if wanted(one[1]):
                self._pending.remove(one)
                self._pending_size -= len(one[1].data)
                return one
        return None

    def _wait(self, ends_at: float) -> str | None:
        """Wait for any event, until `ends_at` of the monotonic clock; return `timeout` then."""
        event_wait = self._event_wait = _EventWait(ends_at)
        deadlines().watch(event_wait)
        try:
            get_hub().switch()
        except DeadlineError:
            return "timeout"
        finally:
            self._event_wait = event_wait.waiter = None
            deadlines().forget(event_wait)
        return None

    def _ask(self, request: Request, due_at: int) -> SentRequest:
        sent = self._context.ask(self._stream, request, due_at)
        self._traceparent = sent.traceparent
        self._keep(self._stream.first, sent.ended_at)
        return sent

    def _read(self) -> None:
        """Keep events, and reopen the stream within the bounds; runs in a greenlet beside the session."""
        left = MAX_REOPENINGS
        try:
            failure: str | None = None
            while failure is None:
                failure, left = self._listen_on(left)
        except CeilingReachedError as error:
            self._end(error)
        except ProtocolError:
            self._end("protocol")
        except Exception as error:  # noqa: BLE001 - a mistake of ours must be counted, not lost
            self._context.failures["listening", repr(error)] += 1
            self._end("connection")
        else:
            self._end(failure)
        finally:
            self._stream.close()

    def _listen_on(self, left: int) -> tuple[str | None, int]:
        """Read the stream to its end and reopen it; return why it can't be, if so, and the reopenings left."""
        error = self._read_to_end()
        while left:
            left -= 1
            reply = self._reopened()
            if reply.error is None and reply.status == _NO_CONTENT:
                return "wrong_reply", left
            if reply.error is None:
                return None, left
            error = reply.error
            if error not in _PASSING:
                return error, left
        return error, left

    def _read_to_end(self) -> str:
        """Keep events until the stream ends; return the error that this is for a wait."""
        stream, clock = self._stream, self._context.clock
        try:
            while (received := stream.receive()) is not None:
                self._keep(received.events, clock.now() - received.read_delay_ns)
        except OSError as error:
            return word_of(error)
        return "connection"

    def _reopened(self) -> Reply:
        assert self._request is not None  # noqa: S101 - there is a reader since it was opened
        retry_ms = self._stream.retry_ms
        retry_s = _RETRY_S if retry_ms is None else min(max(retry_ms / 1e3, _LEAST_RETRY_S), _MOST_RETRY_S)
        due_at = self._context.clock.now() + round(retry_s * 1e9)
        self._context.alarms.sleep_until(due_at)
        one = (self._request.step, due_at)
        self.under_way.append(one)
        try:
            return self._ask(self._request, due_at).reply
        finally:
            self.under_way.remove(one)

    def _keep(self, events: list[Event], came_at: int) -> None:
        if events:
            self._pending.extend((came_at, event) for event in events)
            self._pending_size += sum(len(event.data) for event in events)
            while len(self._pending) > MAX_PENDING or self._pending_size > MAX_PENDING_SIZE:
                self._pending_size -= len(self._pending.popleft()[1].data)
                self._has_dropped = True
            self._wake()

    def _end(self, why: str | CeilingReachedError | None) -> None:
        self._over = why or "connection"
        self._wake()

    def _wake(self) -> None:
        if self._event_wait is not None:
            get_hub().loop.run_callback(self._event_wait.wake)


class _EventWait:
    """One greenlet's wait for an event, with a deadline."""

    __slots__ = ("ends_at", "waiter")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.waiter: Any = getcurrent()

    def wake(self) -> None:
        """Resume the greenlet if it still waits."""
        if self.waiter is not None:
            self.waiter.switch()
