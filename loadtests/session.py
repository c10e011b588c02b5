"""A session: one shopper's visit, its steps on two clocks and its think times."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol
from urllib.parse import quote

import gevent

from loadtests.ceilings import CeilingReachedError, Ceilings
from loadtests.client.exchange import Client, Reply, Request, redirected
from loadtests.clock import Clock
from loadtests.demand.arrivals import Arrival
from loadtests.demand.plan import Plan
from loadtests.hooks import Hooks
from loadtests.ledger import Attempt, Ledger, Line, OrderReply, OutcomeWord
from loadtests.records import StepRecord
from loadtests.targets import Tagging
from loadtests.trace_context import TraceContext, new_trace

_MAX_HOPS = 5


class SessionFailedError(Exception):
    """A step didn't get the reply it needs; the shopper gives up. The message is the step's error."""


class InFlight(Protocol):
    """Who wants to know which steps are under way."""

    def step_started(self, span_id: str, step: str, scheduled_at: int) -> None:
        """Take note that a request is about to be sent."""

    def step_gone(self, span_id: str) -> None:
        """Forget it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What all sessions of one process share."""

    plan: Plan
    clock: Clock
    hooks: Hooks
    ledger: Ledger
    in_flight: InFlight
    ceilings: Ceilings
    ids: Random
    new_client: Callable[[], Client]


class Session:
    """One shopper's visit.

    A first step is scheduled at the arrival, each later one at the previous reply's end plus its drawn think
    time; a step is sent when it is due, or later if the generator lags, and both moments are recorded. What the
    environment's ceiling forbids isn't sent: CeilingReachedError ends the visit.
    """

    def __init__(self, worker: Worker, arrival: Arrival, scheduled_at: int) -> None:
        self.arrival = arrival
        self.random = Random(arrival.seed)  # noqa: S311 - a reproducible shopper, not a secret
        self.plan = worker.plan
        self._worker = worker
        self._client = worker.new_client()
        self._due_at = scheduled_at
        self._may_send = False

    def step(self, request: Request, check: Callable[[Reply], object] | None = None) -> Reply:
        """Send `request` when it is due and record it; a `check` that can't read the reply makes it `wrong_reply`.

        Where the request follows redirects, each page that one leads to is asked for at once and recorded too, and
        the check is the last one's. Raises SessionFailedError when a reply is an error: the visit ends there.
        """
        for hops_left in range(_MAX_HOPS, -1, -1):
            reply = self._exchange(request, check, hops_left)
            if not _leads_on(request, reply):
                break
            request = redirected(request, reply)
        return reply

    def _exchange(self, request: Request, check: Callable[[Reply], object] | None, hops_left: int) -> Reply:
        self._wait_for_leave()
        self._may_send = False
        worker, trace = self._worker, new_trace(self._worker.ids, self.plan.trace_sampling)
        sent_at = worker.clock.now()
        worker.in_flight.step_started(trace.span_id, request.step, self._due_at)
        try:
            reply = self._client.send(request, trace.traceparent)
            if not _leads_on(request, reply):
                reply = _checked(reply, check)
            elif not hops_left:
                reply = reply._replace(error="wrong_reply")
        except gevent.GreenletExit:
            self._record(request, Reply(error="cut_off"), sent_at, trace)
            raise
        finally:
            worker.in_flight.step_gone(trace.span_id)
        self._record(request, reply, sent_at, trace)
        if reply.error is not None:
            raise SessionFailedError(f"{request.step}: {reply.error}")
        return reply

    def think(self) -> None:
        """Let the shopper think before the next step: log-normal, bounded, as the plan says."""
        think = self.plan.think_time
        self._due_at += round(1e9 * min(think.max_s, think.median_s * self.random.lognormvariate(0, think.sigma)))

    def order(self, lines: tuple[Line, ...], amount_cents: int, place: Callable[[str], "Placed"]) -> "Placed":
        """Place an order under a new idempotency key, writing the ledger before it is sent and after.

        What the ceiling forbids is no attempt: the ledger doesn't hold it.
        """
        self._wait_for_leave()
        self._worker.ceilings.take_order()
        key = str(uuid.UUID(int=self._worker.ids.getrandbits(128), version=4))
        attempt = Attempt(session=self.arrival.number, key=key, lines=lines, amount_cents=amount_cents)
        ledger, clock = self._worker.ledger, self._worker.clock
        ledger.attempt(attempt, clock.now())
        try:
            placed = place(key)
        except (SessionFailedError, CeilingReachedError, gevent.GreenletExit) as error:
            ledger.outcome(key, "unknown", clock.now(), OrderReply(status=0, reason=str(error) or "cut_off"))
            raise
        ledger.outcome(key, placed.outcome, clock.now(), placed.reply)
        return placed

    def close(self) -> None:
        """Close the shopper's connection."""
        self._client.close()

    def _wait_for_leave(self) -> None:
        """Sleep until the next step is due and take leave to send it, once."""
        wait_ns = self._due_at - self._worker.clock.now()
        if wait_ns > 0:
            gevent.sleep(wait_ns / 1e9)
        if not self._may_send:
            self._worker.ceilings.take_request(self._worker.clock.now())
            self._may_send = True

    def _record(self, request: Request, reply: Reply, sent_at: int, trace: TraceContext) -> None:
        finished_at = self._worker.clock.now()
        record = StepRecord(
            session=self.arrival.number,
            journey=self.arrival.journey,
            step=request.step,
            scheduled_at=self._due_at,
            sent_at=sent_at,
            finished_at=finished_at,
            status=reply.status,
            error=reply.error,
            bytes=len(reply.body),
            trace_id=trace.trace_id,
            span_id=trace.span_id,
            sampled=trace.sampled,
        )
        self._due_at = finished_at
        self._worker.hooks.step_ended(record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order attempt that was answered."""

    outcome: OutcomeWord
    reply: OrderReply


def _leads_on(request: Request, reply: Reply) -> bool:
    return request.follow is not None and reply.location is not None and reply.error is None


def _checked(reply: Reply, check: Callable[[Reply], object] | None) -> Reply:
    if reply.error is not None or check is None:
        return reply
    try:
        check(reply)
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return reply._replace(error="wrong_reply")
    return reply


def shopper_headers(run: str, version: str, tag: Tagging) -> Mapping[str, str]:
    """Return the headers that tag every request of a run as a test's; baggage (W3C) goes on behind the shop."""
    headers = {"User-Agent": f"peakproof/{version}", tag.header: run, "Accept": "application/json"}
    return {**headers, "baggage": f"peakproof.run={quote(run, safe='')}"} if tag.baggage else headers
