"""Server-sent events beside a visit: one stream of events, opened again as a browser does, and waited on by step.

What the shopper waits for is recorded; what comes and isn't awaited is not. A stream that is still open when the visit
ends is closed, which is no error.
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

# How many connections of its own a session listens on at most, as the plan says (over HTTP/2, a retired one).
STREAMS = {"off": 0, "orders": 1}
MOST_REOPENINGS = 20
MOST_UNHEARD, MOST_HELD = 256, 4 << 20
WITHIN_S = 30.0
# What browsers wait when the stream doesn't say (3 to 5 s), and the bounds of what it may say.
_RETRY_S, _LEAST_RETRY_S, _MOST_RETRY_S = 3.0, 0.1, 60.0
_OK, _NO_CONTENT = 200, 204
_UNSAMPLED = "00"
# What may be over when the stream is asked for again.
_PASSING = frozenset({"connection", "timeout", "no_descriptor", "no_port"})
Times = tuple[int, int, int]


class Asked(NamedTuple):
    """An opening that was recorded: its reply, when that was there (ns), and its trace."""

    reply: Reply
    ended_at: int
    traceparent: str


class Heard(NamedTuple):
    """What came of waiting: when it was over (ns), and the event or the error's word."""

    ended_at: int
    event: Event | None
    error: str | None


class Ask(Protocol):
    """How a visit sends and records a request beside it; raises CeilingReachedError when it may not be sent."""

    def __call__(self, client: Listener, request: Request, due_at: int) -> Asked:
        """Send `request`, wanted at `due_at` (ns)."""


class Log(Protocol):
    """How a visit records a request, or a wait for an event: a session's `_log`."""

    def __call__(self, step: str, status: int, error: str | None, size: int, times: Times, traceparent: str) -> None:
        """Record it; `times` are when it was due, sent and over (ns), `size` is its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushContext:
    """What a visit lends to its listening.

    `unreadable` is what a reader of events raises that can't read one; `failures` counts what broke here and not at the
    shop.
    """

    clock: Clock
    alarms: Alarms
    ask: Ask
    log: Log
    unreadable: tuple[type[Exception], ...]
    failures: Counter[tuple[str, str]]


class PushEvents:
    """One stream; `under_way` holds the step and the wanted moment (ns) of a reopening that was sent.

    When the server ends the stream it is opened again, by the last event's id and after as long as it said; bounded in
    number, in haste and in patience, each a request under the ceiling and under the first one's step. A 204 stops it.
    """

    __slots__ = (
        "_desk",
        "_ear",
        "_forgot",
        "_held",
        "_over",
        "_reader",
        "_request",
        "_stream",
        "_traceparent",
        "_unheard",
        "under_way",
    )

    def __init__(self, desk: PushContext, stream: Listener) -> None:
        self._desk, self._stream = desk, stream
        self._request: Request | None = None
        self._traceparent = ""
        self._unheard: deque[tuple[int, Event]] = deque()
        self._held, self._forgot = 0, False
        self._ear: _StreamReader | None = None
        self._over: str | CeilingReachedError | None = None
        self._reader: gevent.Greenlet | None = None
        self.under_way: list[tuple[str, int]] = []

    def open(self, request: Request, due_at: int) -> Heard:
        """Open the stream, wanted at `due_at` (ns); what it brings is kept from then on."""
        asked = self._ask(request, due_at)
        if asked.reply.error is None:
            self._request = request._replace(accept=request.accept | {_NO_CONTENT})
            self._reader = gevent.spawn(self._read)
        return Heard(asked.ended_at, None, asked.reply.error)

    def hear(self, step: str, wanted: Callable[[Event], bool], due_at: int, within_s: float = WITHIN_S) -> Heard:
        """Wait from `due_at` (ns) on for an event that is `wanted` and record that; what else came is kept.

        An event that came before it was waited for was there at once. Raises CeilingReachedError when the stream had
        to be opened again for it and that may not be sent; the wait was in vain, and is recorded as `connection`.
        """
        sent_at = self._desk.clock.now()
        try:
            heard = self._heard(wanted, sent_at, monotonic() + within_s - (sent_at - due_at) / 1e9)
        except (gevent.GreenletExit, CeilingReachedError) as error:
            word = "connection" if isinstance(error, CeilingReachedError) else "cut_off"
            self._log(step, (due_at, sent_at, self._desk.clock.now()), Heard(0, None, word))
            raise
        if heard.event is None and self._forgot:  # it may have been among them
            self._desk.failures["listening", "more events came than are kept, and then one didn't"] += 1
        self._log(step, (due_at, sent_at, heard.ended_at), heard)
        return heard

    def close(self) -> None:
        """Stop listening: the stream is closed, and a reopening that is under way broken off."""
        if self._reader is not None:
            self._reader.kill()
        self._stream.close()

    def _log(self, step: str, times: Times, heard: Heard) -> None:
        """Record a wait under its stream's trace; it sends no span of its own."""
        status, size = (0, 0) if heard.event is None else (_OK, len(heard.event.data.encode("utf-8", "replace")))
        traceparent = f"{self._traceparent[: -len(_UNSAMPLED)]}{_UNSAMPLED}"
        self._desk.log(step, status, heard.error, size, times, traceparent)

    def _heard(self, wanted: Callable[[Event], bool], sent_at: int, ends_at: float) -> Heard:
        error: str | None = None
        try:
            while (found := self._take(wanted)) is None and error is None:
                if isinstance(self._over, CeilingReachedError):
                    raise self._over
                error = self._over or self._wait(ends_at)
        except self._desk.unreadable:
            found, error = None, "wrong_reply"
        if found is None:
            return Heard(self._desk.clock.now(), None, error)
        came_at, event = found
        return Heard(max(sent_at, came_at), event, None)

    def _take(self, wanted: Callable[[Event], bool]) -> tuple[int, Event] | None:
        for one in self._unheard:
            if wanted(one[1]):
                self._unheard.remove(one)
                self._held -= len(one[1].data)
                return one
        return None

    def _wait(self, ends_at: float) -> str | None:
        """Wait for whatever comes, until `ends_at` of the monotonic clock; return `timeout` then."""
        ear = self._ear = _StreamReader(ends_at)
        deadlines().watch(ear)
        try:
            get_hub().switch()
        except DeadlineError:
            return "timeout"
        finally:
            self._ear = ear.waiter = None
            deadlines().forget(ear)
        return None

    def _ask(self, request: Request, due_at: int) -> Asked:
        asked = self._desk.ask(self._stream, request, due_at)
        self._traceparent = asked.traceparent
        self._keep(self._stream.first, asked.ended_at)
        return asked

    def _read(self) -> None:
        """Keep what comes, opening the stream again as long as that may be; runs beside the visit."""
        left = MOST_REOPENINGS
        try:
            failure: str | None = None
            while failure is None:
                failure, left = self._listen_on(left)
        except CeilingReachedError as error:
            self._end(error)
        except ProtocolError:
            self._end("protocol")
        except Exception as error:  # noqa: BLE001 - a mistake of ours must be counted, not lost
            self._desk.failures["listening", repr(error)] += 1
            self._end("connection")
        else:
            self._end(failure)
        finally:
            self._stream.close()

    def _listen_on(self, left: int) -> tuple[str | None, int]:
        """Read the stream to its end and open it again; return why that is the last one, if so, and what is left."""
        word = self._read_to_end()
        while left:
            left -= 1
            reply = self._reopened()
            if reply.error is None and reply.status == _NO_CONTENT:
                return "wrong_reply", left
            if reply.error is None:
                return None, left
            word = reply.error
            if word not in _PASSING:
                return word, left
        return word, left

    def _read_to_end(self) -> str:
        """Keep what comes until the stream ends; return what an end is to whoever waits for more."""
        stream, clock = self._stream, self._desk.clock
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
        due_at = self._desk.clock.now() + round(retry_s * 1e9)
        self._desk.alarms.sleep_until(due_at)
        one = (self._request.step, due_at)
        self.under_way.append(one)
        try:
            return self._ask(self._request, due_at).reply
        finally:
            self.under_way.remove(one)

    def _keep(self, events: list[Event], came_at: int) -> None:
        if events:
            self._unheard.extend((came_at, event) for event in events)
            self._held += sum(len(event.data) for event in events)
            while len(self._unheard) > MOST_UNHEARD or self._held > MOST_HELD:
                self._held -= len(self._unheard.popleft()[1].data)
                self._forgot = True
            self._wake()

    def _end(self, why: str | CeilingReachedError | None) -> None:
        self._over = why or "connection"
        self._wake()

    def _wake(self) -> None:
        if self._ear is not None:
            get_hub().loop.run_callback(self._ear.wake)


class _StreamReader:
    """One wait, woken by the hub; `ends_at` is when it is over."""

    __slots__ = ("ends_at", "waiter")

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.waiter: Any = getcurrent()

    def wake(self) -> None:
        """Wake who waits, if they still do."""
        if self.waiter is not None:
            self.waiter.switch()
