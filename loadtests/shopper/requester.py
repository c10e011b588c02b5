"""A session's requests: each is sent when it is due, and recorded with what its reply turns out to be."""

from collections.abc import Sequence
from typing import Any

import gevent

from loadtests.client.cookies import HostCookies
from loadtests.client.errors import CutOffError, DeadlineError
from loadtests.client.interface import Client, Listener, Reply, Request
from loadtests.client.response_head import Head
from loadtests.demand.arrivals import Arrival
from loadtests.results.records import StepRecord
from loadtests.shopper.hosts import SessionHosts
from loadtests.shopper.masking import masked_reply, masked_request, without
from loadtests.shopper.own_data import OwnData
from loadtests.shopper.push_events import SentRequest, Times
from loadtests.shopper.session_context import SessionContext

# What was asked and answered, its times and its trace.
Answered = tuple[Request, Reply, Times, str]


class Requester:
    """Sends the requests of one session, from the first that is due at `due_at` (ns), and records each.

    `own` is the session's own data: what is told of its replies is masked by it.

    The last request's record is held back until the next one begins, so that what is read of its reply may still show
    that it was wrong (`Session.wrong`); nothing is waited for in between.
    """

    __slots__ = ("_client", "_hosts", "_last", "_may_send", "_page", "_worker", "arrival", "due_at", "own", "waits_for")

    def __init__(self, worker: SessionContext, arrival: Arrival, due_at: int, own: OwnData) -> None:
        self.arrival = arrival
        self.due_at = due_at
        self.own = own
        self.waits_for: str | None = None
        self._worker = worker
        declared = worker.hosts
        self._hosts = SessionHosts(declared) if declared is not None and declared.new_client else None
        self._client = worker.new_client() if self._hosts is None else self._hosts.client(None)
        self._may_send = False
        self._last: Answered | None = None
        self._page: tuple[str | None, str] | None = None

    @property
    def answered(self) -> Request | None:
        """The request that was answered last, after redirects; None once the next one has begun."""
        return None if self._last is None else self._last[0]

    def ask(self, request: Request, within_s: float | None = None) -> Reply:
        """Send `request` when it is due, and return what comes: nothing is raised for an error, no redirect followed.

        Its record is held back as `step` does, and may be changed until the next request begins: see `judge`. A reply
        that takes longer than `within_s`, if that is less than what every request has, is the error `timeout`.
        """
        worker, due_at, host = self._worker, self.due_at, request.host
        client = self._client if self._hosts is None and host is None else self._client_for(request)
        if self._last is not None:
            self.write_last()
        sent_at = worker.alarms.sleep_until(due_at)
        if not self._may_send:
            worker.ceilings.take_request(sent_at, host)
        elif host is not None:
            worker.ceilings.take_at_host(sent_at, host)
        self._may_send = False
        traceparent = next(worker.traceparents)
        self.waits_for = request.step
        try:
            if within_s is None:
                reply = client.send(request, traceparent)
            else:
                reply = _sent_within(client, request, traceparent, within_s)
        except gevent.GreenletExit as exit_:
            error = "proxy" if client.at_proxy else "cut_off"
            self._log(request.step, 0, error, 0, self._times_broken_off(due_at, sent_at, exit_), traceparent)
            raise
        finally:
            self.waits_for = None
        times = due_at, sent_at, worker.clock.now()
        if reply.read_delay_ns or reply.waited_ns:
            times = _corrected(times, reply)
        self.due_at = times[2]
        self._last = request, reply, times, traceparent  # a check may ask what was answered, or say that it is wrong
        return reply

    def take_last(self) -> Answered | None:
        """Return what was asked last and its record, which is held back no more: `judge` must write it."""
        last, self._last = self._last, None
        return last

    def judge(self, answered: Answered, step: str, error: str | None, why: str = "") -> None:
        """Write the record of what was taken by `take_last`, as `step` and with what its reply turned out to be."""
        request, reply, times, traceparent = answered
        self._log(step, reply.status, error, len(reply.body), times, traceparent)
        if error is not None:
            self._tell(request, reply._replace(error=error), why)

    def fetch(self, client: Client, request: Request, due_at: int) -> Reply:
        """Send what a page asks for at once, beside the visit, and record it; raises CeilingReachedError."""
        return self._ask_beside(client, request, due_at).reply

    def _ask_beside(self, client: Client | Listener, request: Request, due_at: int) -> SentRequest:
        worker = self._worker
        sent_at = worker.clock.now()
        worker.ceilings.take_request(sent_at, request.host)
        traceparent = next(worker.traceparents)
        try:
            reply = client.send(request, traceparent)
        except BaseException as error:
            self._log(request.step, 0, "cut_off", 0, self._times_broken_off(due_at, sent_at, error), traceparent)
            raise
        times = due_at, sent_at, worker.clock.now()
        if reply.read_delay_ns or reply.waited_ns:
            times = _corrected(times, reply)
        self._log(request.step, reply.status, reply.error, len(reply.body), times, traceparent)
        return SentRequest(reply, times[2], traceparent)

    def write_last(self) -> None:
        """Write the record that was held back, if one is: what is read of the reply from here on changes it no more."""
        if self._last is not None:
            request, reply, times, traceparent = self._last
            self._last = None
            self._log(request.step, reply.status, reply.error, len(reply.body), times, traceparent)

    @property
    def cookies(self) -> HostCookies:
        """Its cookies as they go to the host of `base_url`; raises AttributeError where its client keeps none."""
        client: Any = self._client
        cookies: HostCookies = client.cookies
        return cookies

    @property
    def fields(self) -> Sequence[tuple[str, str]]:
        """The header fields of the last reply, names in lower case; none where there was no reply."""
        head = self._head_from(None if self.answered is None else self.answered.host)
        return () if head is None else head.fields

    def fields_of(self, request: Request, reply: Reply) -> Sequence[tuple[str, str]]:
        """Return the header fields of a reply that has just come; none of an event, or of a reply with no head here."""
        if request.method == "PUSH":
            return ()
        head = self._head_from(request.host)
        return head.fields if head is not None and head.status == reply.status else ()

    def _head_from(self, host: str | None) -> Head | None:
        """Return the head of the last reply from a declared host."""
        client: Any = self._client if self._hosts is None else self._hosts.client(host)
        head: Head | None = getattr(client, "head", None)
        return head

    @property
    def last_times(self) -> Times:
        """When the last request was due, sent and answered (ns), while its record is held back."""
        return (0, 0, 0) if self._last is None else self._last[2]

    @property
    def at_proxy(self) -> bool:
        """Whether its request waits for the environment's proxy to open a connection: the shop got nothing yet."""
        return self._client.at_proxy or (self._hosts is not None and self._hosts.at_proxy)

    def _client_for(self, request: Request) -> Client:
        """Return the client to the request's host; raises ValueError for one that isn't declared."""
        try:
            if self._hosts is not None:
                return self._hosts.client_for(request, None if self._page is None else self._page[0])
        except KeyError:
            pass
        known = () if self._worker.hosts is None else self._worker.hosts.new_client
        declared = ", ".join(label for label in known if label is not None)
        raise ValueError(f"no host {request.host!r} is declared; hosts holds: {declared or 'none'}")

    def _wait_for_leave(self) -> None:
        """Sleep until the next step is due and take leave to send it."""
        now = self._worker.alarms.sleep_until(self.due_at)
        if not self._may_send:
            self._worker.ceilings.take_request(now)
            self._may_send = True

    def _times_broken_off(self, due_at: int, sent_at: int, error: BaseException) -> Times:
        """Return when a request was due and sent that `error` broke off now (ns)."""
        waited_ns = error.waited_ns if isinstance(error, CutOffError) else 0
        return due_at, sent_at + waited_ns, self._worker.clock.now()

    def _tell(self, request: Request, reply: Reply, why: str) -> None:
        if self._worker.unexpected is not None:
            masks = self.own.masks()
            why = without(why, masks)
            self._worker.unexpected(self, masked_request(request, masks), masked_reply(reply, masks), why)

    def _log(self, step: str, status: int, error: str | None, size: int, times: Times, traceparent: str) -> None:
        arrival = self.arrival
        facts = (arrival.number, arrival.journey, step, *times, status, error, size, traceparent)
        self._worker.log.add(tuple.__new__(StepRecord, facts))  # a quarter of the time of StepRecord(...)


def _sent_within(client: Client, request: Request, traceparent: str, within_s: float) -> Reply:
    with gevent.Timeout(within_s, DeadlineError(f"over {within_s:g} s")):
        return client.send(request, traceparent)


def _corrected(times: Times, reply: Reply) -> Times:
    """Return when a request was sent that had to wait, and when the end of a reply was here that was read late."""
    due_at, sent_at, finished_at = times
    sent_at += reply.waited_ns
    if reply.read_delay_ns:
        finished_at = max(sent_at, finished_at - reply.read_delay_ns)
    return due_at, sent_at, finished_at
