"""What a trial sees of a session: its client, log and ledger, each of which also tells what happens."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from loadtests.client.interface import Client, Content, Listener, Reply, Request
from loadtests.masking.text import masked_head, masked_headers, masked_text, texts_of
from loadtests.results.ledger import Attempt, Ledger, OrderReply, OutcomeWord
from loadtests.results.records import StepLog, StepRecord
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.masking import masked_reply, masked_request, without
from loadtests.shopper.requester import Requester
from loadtests.shopper.session import Session
from loadtests.trial.messages import Accepted, Event, Exchange, OrderSeen, StepPlayed

_REPLY_HEAD, _BODY_HEAD = 2048, 1024
_LONGEST_PATH = 300
Tell = Callable[[Event], None]


class StuckError(BaseException):
    """Ends a session that doesn't end by itself; no `except Exception` of a storefront's keeps it."""


class PacedAlarms(Alarms):
    """Lets a session go on when it is due, but sends no more than one request in `every_s`.

    `waiting` is whether it lets one wait.
    """

    def __init__(self, clock: Clock, every_s: float) -> None:
        super().__init__(clock)
        self._now, self._every_ns, self._next_at = clock.now, round(every_s * 1e9), 0
        self.waiting = False

    def sleep_until(self, due_at: int) -> int:
        """Sleep until `due_at` (ns), and until a request may be sent; return the time (ns)."""
        self.waiting = True
        try:
            return super().sleep_until(max(due_at, self._next_at))
        finally:
            self.waiting = False

    def sent(self) -> None:
        """Say that a request is sent now."""
        self._next_at = self._now() + self._every_ns


class Seen:
    """What was seen of the session that is played, from its beginning.

    `known` are the environment's secrets, `most` is how many requests a session may make.
    """

    def __init__(self, tell: Tell, clock: Clock, alarms: PacedAlarms, known: tuple[str, ...], most: int) -> None:
        self.tell, self._known, self._most = tell, known, most
        self._session: Session | None = None
        self._clock, self._alarms = clock, alarms
        self.since = clock.now()
        self.begin()

    @property
    def _masks(self) -> tuple[bytes, ...]:
        return () if self._session is None else self._session.own.masks()

    def without_secrets(self, text: str) -> str:
        """Return `text` without the environment's secrets, and without what the session was given."""
        masks = self._masks
        return without(masked_text(text, (*self._known, *texts_of(masks))), masks)  # the short ones by the second

    def begin(self, session: Session | None = None) -> None:
        """Forget the session before."""
        self._session = session
        self.steps: Counter[str] = Counter()
        self.reopened: Counter[str] = Counter()
        self.orders: Counter[str] = Counter()
        self.requests = 0
        self.last: tuple[Request, Reply] | None = None
        self.why = ""
        self.touch()

    def touch(self) -> None:
        """Take note that the session goes on."""
        self.since = self._clock.now()

    @property
    def idle_s(self) -> float:
        """For how long nothing has happened, but that the session had to wait for its next step."""
        if self._alarms.waiting:
            self.touch()
        return (self._clock.now() - self.since) / 1e9

    def sends(self, request: Request) -> int:
        """Take note that a request is sent; return when."""
        self.requests += 1
        if self.requests > self._most:
            raise StuckError(f"the session made {self._most} requests and hasn't ended")
        self.last = (request, Reply())
        self._alarms.sent()
        self.touch()
        return self._clock.now()

    def received(self, request: Request, reply: Reply, sent_at: int) -> None:
        """Take note of a reply, and tell it."""
        self.last = (request, reply)
        self.touch()
        self.tell(
            StepPlayed(
                step=request.step,
                method=request.method,
                path=self._shown(request.path),
                status=reply.status,
                time_s=(self._clock.now() - sent_at) / 1e9,
                bytes=len(reply.body),
                error=reply.error,
                leads_to=None if reply.location is None else self._shown(reply.location),
            )
        )

    def unexpected(self, _: Requester, request: Request, reply: Reply, why: str) -> None:
        """Keep a reply that isn't what its step needs, and why."""
        self.last, self.why = (request, reply), why

    def recorded(self, record: StepRecord) -> None:
        """Count a record, and tell when its error turned out to be an answer."""
        self.steps[record.step] += 1
        if self.last is None:
            return
        request, reply = self.last
        if request.step == record.step and reply.error is not None and record.error is None:
            self.tell(Accepted(step=record.step, error=reply.error))
            self.last = (request, reply._replace(error=None))

    def exchange(self) -> Exchange | None:
        """Return the last request and its reply, masked and cut."""
        if self.last is None:
            return None
        masks = self._masks
        request, reply = masked_request(self.last[0], masks), masked_reply(self.last[1], masks)
        return Exchange(
            step=request.step,
            method=request.method,
            path=self._shown(request.path),
            headers=masked_headers(request.headers or {}, self._known),
            body=_body_of(request, self._known),
            status=reply.status,
            error=reply.error,
            reply_body=masked_head(reply.body, _REPLY_HEAD, self._known),
            reply_bytes=len(reply.body),
        )

    def _shown(self, path: str) -> str:
        return self.without_secrets(path)[:_LONGEST_PATH]


def _body_of(request: Request, known: tuple[str, ...]) -> str | None:
    """Return a request's body as it is sent, masked and cut."""
    if isinstance(request.body, Content):
        return masked_head(request.body.data, _BODY_HEAD, known)
    if request.body is not None:
        return masked_head(orjson.dumps(request.body, default=str), _BODY_HEAD, known)
    if request.form is not None:
        pairs = request.form.items() if isinstance(request.form, Mapping) else request.form
        return masked_head("&".join(f"{name}={value}" for name, value in pairs).encode(), _BODY_HEAD, known)
    return None


class WatchedClient:
    """A client that tells each request and its reply; all else is the client's own."""

    at_proxy: bool

    def __init__(self, client: Client, seen: Seen) -> None:
        self._client, self._seen = client, seen

    def __setattr__(self, name: str, value: object) -> None:
        """Set what isn't its own on the client."""
        if name in ("_client", "_seen"):
            object.__setattr__(self, name, value)
        else:
            setattr(self._client, name, value)

    def send(self, request: Request, traceparent: str) -> Reply:
        """Send `request`."""
        sent_at = self._seen.sends(request)
        reply = self._client.send(request, traceparent)
        self._seen.received(request, reply, sent_at)
        return reply

    def listener(self) -> Listener:
        """Return an event stream, whose opening is told, too."""
        return WatchedListener(self._client.listener(), self._seen)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the client has
        return getattr(self._client, name)


class WatchedListener:
    """An event stream that tells its opening; that the shop lets it be reopened is no visit of a step."""

    def __init__(self, listener: Listener, seen: Seen) -> None:
        self._listener, self._seen, self._opened = listener, seen, False

    def send(self, request: Request, traceparent: str) -> Reply:
        """Open the stream."""
        self._seen.reopened[request.step] += self._opened
        self._opened = True
        sent_at = self._seen.sends(request)
        reply = self._listener.send(request, traceparent)
        self._seen.received(request, reply, sent_at)
        return reply

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the stream has
        return getattr(self._listener, name)


class WatchedLog(StepLog):
    """A log that hands each record on to what is seen."""

    __slots__ = ("_keep", "_seen")

    def __init__(self, seen: Seen) -> None:
        super().__init__()
        self._keep, self._seen = self.add, seen
        self.add = self._add

    def _add(self, record: StepRecord) -> None:
        self._seen.recorded(record)
        self._keep(record)


class WatchedLedger(Ledger):
    """A ledger that tells each attempt and each outcome."""

    def __init__(self, path: Path, seen: Seen) -> None:
        super().__init__(path)
        self._seen = seen

    def attempt(self, attempt: Attempt, at: int) -> None:
        """Write an attempt."""
        super().attempt(attempt, at)
        self._seen.orders["attempted"] += 1
        self._seen.tell(OrderSeen())

    def outcome(self, key: str, outcome: OutcomeWord, at: int, reply: OrderReply) -> None:
        """Write an outcome."""
        super().outcome(key, outcome, at, reply)
        self._seen.orders[outcome] += 1
        shown = None if reply.order_id is None else self._seen.without_secrets(reply.order_id)
        self._seen.tell(OrderSeen(outcome=outcome, reason=reply.reason or None, order_id=shown))
