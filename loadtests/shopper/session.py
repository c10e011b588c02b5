"""A session: one shopper's visit, its steps on two clocks and its think times."""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, NoReturn

import gevent

from loadtests.client.cookies import HostCookies
from loadtests.client.errors import CutOffError, DeadlineError
from loadtests.client.interface import Client, Event, Listener, Reply, Request, redirected
from loadtests.client.locations import UndeclaredHostError
from loadtests.client.response_head import Head
from loadtests.demand.arrivals import Arrival
from loadtests.demand.plan import Plan
from loadtests.demand.splitmix import SplitMix64
from loadtests.environment.ceilings import Ceilings
from loadtests.environment.hosts import SHOP
from loadtests.results.created import ACCOUNT
from loadtests.results.hooks import Hooks
from loadtests.results.ledger import Attempt, CreatedRow, Ledger, Line, OrderReply, OutcomeWord
from loadtests.results.records import StepLog, StepRecord
from loadtests.results.trace_context import traceparents
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.assets import Assets, AssetSource
from loadtests.shopper.canaries import Canaries, OthersDataError
from loadtests.shopper.data_pools import DataPools, UnknownPoolError
from loadtests.shopper.hosts import DeclaredHosts, OnlyHost, SessionHosts
from loadtests.shopper.masking import masked_reply, masked_request, without
from loadtests.shopper.push_events import WITHIN_S, PushContext, PushEvents, SentRequest, Times, WaitResult
from loadtests.shopper.rows import Account, Row
from slo.verdict.own_data import OTHERS_DATA

_MAX_HOPS = 10
# Errors of a whole reply of the shop's: what its body says may still make an answer of it.
_ANSWERED = frozenset({"http_4xx", "http_5xx", "graphql"})
NO_DATA = "no_data"
# What a check raises that can't read a reply.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


# What was asked and answered, its times and its trace.
Answered = tuple[Request, Reply, Times, str]


class SessionFailedError(Exception):
    """A step didn't get the reply it needs; the shopper gives up. The message is the step's error.

    `why` is what is wrong with the reply, where a check or the storefront said.
    """

    why = ""


class PersonalDataError(Exception):
    """A name for the records that holds a customer's data: a mistake of the storefront's."""


class NothingFreeError(SessionFailedError):
    """A pool of test data has no row free: what the load lacks, not the shop. The message is the record's reason."""


class UnreadableReplyError(SessionFailedError):
    """A storefront's code can't read a reply: the reply lacks what it reads, or the code is wrong; see its cause."""


class CheckFailedError(ValueError):
    """A check's word on a reply that isn't what its step needs; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionContext:
    """What all sessions of one process share; `under_way` holds the open ones by number.

    `assets` is None when the assets of pages aren't fetched. `new_client` makes a client to the host of `base_url`
    where no other is declared: see `hosts`. `started_at` is when the run began (ns), on every worker alike.
    `unexpected` is given the session and each reply of it that isn't what its step needs, and why; what the session was
    given of accounts and data is masked in it. `pools` is None where the environment declares neither. `canaries` are
    the run's.
    """

    plan: Plan
    clock: Clock
    alarms: Alarms
    hooks: Hooks
    log: StepLog
    ledger: Ledger
    ceilings: Ceilings
    ids: Random
    new_client: Callable[[], Client]
    assets: AssetSource | None = None
    hosts: DeclaredHosts | None = None
    started_at: int = 0
    unexpected: Callable[["Session", Request, Reply, str], object] | None = None
    pools: DataPools | None = None
    canaries: Canaries = field(default_factory=lambda: Canaries(""))
    under_way: dict[int, "Session"] = field(default_factory=dict)
    traceparents: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        """Begin to draw the traces that the plan samples."""
        object.__setattr__(self, "traceparents", traceparents(self.ids, self.plan.trace_sampling))


class Session:
    """One shopper's visit.

    A first step is scheduled at the arrival, each later one at the previous reply's end plus its drawn think
    time; a step is sent when it is due, or later if the generator lags, and both moments are recorded. What the
    environment's ceiling forbids isn't sent: CeilingReachedError ends the visit. `lacked` says what kept a shopper
    from doing what they came for, None when nothing did.

    The last request's record is held back until the next one begins, so that what is read of its reply may still show
    that it was wrong (`wrong`); nothing is waited for in between.
    """

    __slots__ = (
        "_canary", "_client", "_hosts", "_last", "_may_register", "_may_send", "_page", "_worker", "arrival", "assets",
        "due_at", "lacked", "listening", "plan", "random", "waits_for",
    )  # fmt: skip

    def __init__(self, worker: SessionContext, arrival: Arrival, scheduled_at: int) -> None:
        self.arrival = arrival
        self.random = SplitMix64(arrival.seed)
        self.plan = worker.plan
        self.due_at = scheduled_at
        self.waits_for: str | None = None
        self.assets: Assets | None = None
        self.listening: PushEvents | None = None
        self.lacked: str | None = None
        self._worker = worker
        declared = worker.hosts
        self._hosts = SessionHosts(declared) if declared is not None and declared.new_client else None
        self._client = worker.new_client() if self._hosts is None else self._hosts.client(None)
        self._may_send = self._may_register = False
        self._last: Answered | None = None
        self._page: tuple[str | None, str] | None = None
        self._canary: str | None = None
        worker.under_way[arrival.number] = self

    def step(
        self,
        request: Request,
        check: Callable[[Reply], object] | None = None,
        accepts: Callable[[Reply], bool] | None = None,
    ) -> Reply:
        """Send `request` when it is due and record it; a `check` that can't read the reply makes it `wrong_reply`.

        `accepts` is asked about a reply whose status the request doesn't accept: True takes it as an answer, without a
        check. Where the request follows redirects, each page that one leads to is requested at once and recorded too,
        and the check is the last one's. What a page asks for is then fetched beside the visit, if the plan says so.
        Raises SessionFailedError when a reply is an error: the visit ends there.
        """
        reply, hops_left = self._exchange(request, check, accepts, _MAX_HOPS), _MAX_HOPS
        while reply.location is not None and request.follow is not None:
            request, hops_left = redirected(request, reply), hops_left - 1
            reply = self._exchange(request, check, accepts, hops_left)
        if reply.html:
            self.show(request, reply)
        return reply

    def show(self, request: Request, reply: Reply) -> None:
        """Let the page be the one at hand, and fetch what it asks for if the plan says so."""
        self._page = request.host, request.path
        if self._worker.assets is not None:
            if self.assets is None:
                self.assets = Assets(self._worker.assets, self._hosts or OnlyHost(self._client), self.fetch)
            self.assets.load(request.host, request.path, reply.body, self.due_at)

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

    @property
    def answered(self) -> Request | None:
        """The request that was answered last, after redirects; None once the next one has begun."""
        return None if self._last is None else self._last[0]

    def locate(self, url: str, host: str | None = None, path: str | None = None) -> tuple[str | None, str]:
        """Return the declared host and the path below its address that `url` leads to; None is `base_url`'s label.

        It is relative to the page at `path` of `host`; without a path to the last one that was shown, else to the last
        reply. Raises SessionFailedError for what leads to no declared host: nothing is sent there, and it is counted.
        """
        declared = self._worker.hosts
        if path is None:
            last = self.answered
            host, path = self._page or ((last.host, last.path) if last is not None else (None, "/"))
        try:
            if declared is not None:
                return declared.locations.locate(url, host, path)
        except UndeclaredHostError as error:
            raise SessionFailedError(f"redirected_away: {error}") from error
        except ValueError as error:
            raise SessionFailedError(f"redirected_away: {url[:80]!r} is {error}") from error
        if url[:1] == "/" and url[:2] != "//":
            return None, url
        raise SessionFailedError("redirected_away: the shop's address isn't known")

    def wrong(self, step: str, reply: Reply, why: str) -> NoReturn:
        """Say that the `reply` to `step` isn't what it needs, and end the visit: raises SessionFailedError.

        While it is the last one its record becomes `wrong_reply`; an earlier one's is written already.
        """
        last = self._last
        if last is not None and last[1] is reply:
            request, _, times, traceparent = last
            self._last = request, reply._replace(error="wrong_reply"), times, traceparent
            self.write_last()
            self._tell(request, reply, why)
        failed = SessionFailedError(f"{step}: wrong_reply")
        failed.why = why
        raise failed

    def unreadable(self, error: Exception, why: str) -> NoReturn:
        """Say that what was read of the last reply failed with `error`, and end the visit: UnreadableReplyError.

        Where no reply is at hand that was right until then, the mistake is the storefront's: raises `error` itself.
        """
        if self._last is None:
            raise error
        request, reply, _, _ = self._last
        try:
            self.wrong(request.step, reply, why)
        except SessionFailedError as failed:
            raise UnreadableReplyError(str(failed)) from error

    @property
    def account(self) -> Account | None:
        """The account of its customer, None of a guest; of a new one the ledger says when it may be registered."""
        pools = self._worker.pools
        account = None if pools is None else pools.account(self.arrival.number)
        if account is not None and account.is_new and not self._may_register:
            self._may_register = True
            account.registers = lambda: self.created(ACCOUNT)
        return account

    @property
    def canary(self) -> str:
        """Its mark, to be left where a shopper's own data goes: no other session may be shown it.

        All sessions of one account of the environment's file have the same.
        """
        if self._canary is None:
            self._worker.canaries.given += 1
            self._canary = self._own_canary()
        return self._canary

    def _own_canary(self) -> str:
        canaries, pools, number = self._worker.canaries, self._worker.pools, self.arrival.number
        row = None if pools is None else pools.account_row(number)
        return canaries.of_session(number) if row is None else canaries.of_account(row)

    def _others_data(self, request: Request, body: bytes) -> str | None:
        """Return what a body shows of another shopper, None where it shows nothing, or may."""
        canaries = self._worker.canaries
        shown = None if request.shared_ok else canaries.other_in(body, self._canary or self._own_canary())
        if shown is None:
            return None
        canaries.shown += 1
        return shown.in_words(body)

    def alone(self, request: Request, reply: Reply) -> tuple[Reply, str]:
        """Return a reply, and what it shows of another shopper: then it is the error `others_data`; else "" ."""
        if self._worker.canaries.prefix not in reply.body:
            return reply, ""
        shown = self._others_data(request, reply.body)
        return (reply, "") if shown is None else (reply._replace(error=OTHERS_DATA, location=None), shown)

    def row(self, name: str) -> Row:
        """Return a row of the environment's data `name`.

        Raises NothingFreeError when none is free: the session ends; UnknownPoolError for what isn't declared.
        """
        pools = self._worker.pools
        if pools is None:
            raise UnknownPoolError(f"targets.yaml declares no data {name!r}: it declares none")
        row = pools.row(self.arrival.number, name, self.random)
        if row is None:
            raise NothingFreeError(NO_DATA)
        return row

    def masks(self) -> tuple[bytes, ...]:
        """Return what nothing that is kept of it may hold: what it was given of accounts and data, longest first."""
        pools = self._worker.pools
        return () if pools is None else pools.masks(self.arrival.number)

    def check_name(self, name: str) -> None:
        """Raise PersonalDataError for a word of the storefront's that holds what the session was given."""
        pools = self._worker.pools
        if pools is not None and pools.held_in(self.arrival.number, name):
            raise PersonalDataError("a step's name or an order's key holds what an account or a pool gave")

    def fetch(self, client: Client, request: Request, due_at: int) -> Reply:
        """Send what a page asks for at once, beside the visit, and record it; raises CeilingReachedError."""
        return self._ask_beside(client, request, due_at).reply

    def listen(self, request: Request) -> None:
        """Open the event stream that `request` asks for, when it is due, and record that as a step.

        It stays open beside the session until the session ends or opens another. Raises SessionFailedError when it
        can't be opened: the session ends there.
        """
        self.hang_up()
        worker = self._worker
        context = PushContext(
            clock=worker.clock,
            alarms=worker.alarms,
            ask=self._ask_beside,
            log=self._log,
            unreadable=UNREADABLE,
            failures=worker.hooks.failures,
        )
        client = self._client if self._hosts is None and request.host is None else self._client_for(request)
        listening = self.listening = PushEvents(context, client.listener())
        self._await(request.step, lambda: listening.open(request, self.due_at))

    def hear(self, step: str, wanted: Callable[[Event], bool], within_s: float = WITHIN_S) -> Event:
        """Wait, when it is due, for an event of the stream that is `wanted` and record that as `step`.

        One that `wanted` can't read is `wrong_reply`. Raises SessionFailedError when none comes within `within_s` or
        the stream has ended for good, ValueError when no event stream is open.
        """
        listening = self.listening
        if listening is None:
            raise ValueError("no event stream is open: call listen() first")

        def own_and_wanted(event: Event) -> bool:
            self._check_own(step, event)
            return wanted(event)

        event = self._await(step, lambda: listening.hear(step, own_and_wanted, self.due_at, within_s)).event
        assert event is not None  # noqa: S101 - there was no error
        return event

    def _check_own(self, step: str, event: Event) -> None:
        """Raise OthersDataError for an event that shows another shopper's data."""
        data = event.data.encode("utf-8", "replace")
        if self._worker.canaries.prefix not in data:
            return
        request = Request(step=step, method="PUSH", path="")
        if (shown := self._others_data(request, data)) is not None:
            self._tell(request, Reply(status=200, body=data, error=OTHERS_DATA), shown)
            raise OthersDataError(shown)

    def hang_up(self) -> None:
        """Close the event stream, if one is open."""
        if self.listening is not None:
            self.listening.close()
            self.listening = None

    def _await(self, step: str, hear: Callable[[], WaitResult]) -> WaitResult:
        self.write_last()
        self._worker.alarms.sleep_until(self.due_at)
        self.waits_for = step
        try:
            result = hear()
        finally:
            self.waits_for = None
        self.due_at = result.ended_at
        if result.error is not None:
            raise SessionFailedError(f"{step}: {result.error}")
        return result

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

    def _exchange(
        self,
        request: Request,
        check: Callable[[Reply], object] | None,
        accepts: Callable[[Reply], bool] | None,
        hops_left: int,
    ) -> Reply:
        reply, why = self.alone(request, self.ask(request))
        if why:
            self._last = None if self._last is None else (request, reply, *self._last[2:])
        elif (reply.error is not None or reply.location is not None or check is not None) and self._last is not None:
            reply, why = _checked(request, reply, check, accepts, hops_left)
            self._last = request, reply, *self._last[2:]
        if reply.error is not None:
            self.write_last()
            self._tell(request, reply, why)
            raise SessionFailedError(f"{request.step}: {reply.error}")
        return reply

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

    def pause(self, seconds: float) -> None:
        """Wait: the next step is due so much later, and what follows here happens then."""
        self.write_last()
        self.due_at += round(seconds * 1e9)
        self._worker.alarms.sleep_until(self.due_at)

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
    def failures(self) -> Counter[tuple[str, str]]:
        """The failures of hooks, which mark the run."""
        return self._worker.hooks.failures

    @property
    def at_proxy(self) -> bool:
        """Whether its request waits for the environment's proxy to open a connection: the shop got nothing yet."""
        return self._client.at_proxy or (self._hosts is not None and self._hosts.at_proxy)

    def think(self) -> None:
        """Let the shopper think before the next step, as long as the plan's distribution says."""
        self.due_at += round(1e9 * self.plan.think_time.draw(self.random))

    def wait_until(self, at: int) -> None:
        """Let the next step be due at `at` (ns) and not before."""
        self.due_at = max(self.due_at, at)

    def next_round(self, every_s: float) -> int:
        """Return the next moment (ns) that is a whole multiple of `every_s` after the run's start.

        It is the same on every worker: who waits for it acts at once with all others who do.
        """
        every, passed = round(every_s * 1e9), self.due_at - self._worker.started_at
        return self._worker.started_at + -(-passed // every) * every

    def begin_order(self, lines: tuple[Line, ...], amount_cents: int, key: str | None = None) -> str:
        """Write into the ledger that an order is about to be sent, and return its key: a new one, without `key`.

        What the ceiling forbids is no attempt: CeilingReachedError, and the ledger doesn't hold it.
        """
        self.write_last()
        if key is not None:
            self.check_name(key)
        self._wait_for_leave()
        self._worker.ceilings.take_order()
        if key is None:
            key = str(uuid.UUID(int=self._worker.ids.getrandbits(128), version=4))
        attempt = Attempt(session=self.arrival.number, key=key, lines=lines, amount_cents=amount_cents)
        self._worker.ledger.attempt(attempt, self._worker.clock.now())
        return key

    def end_order(self, key: str, outcome: OutcomeWord, reply: OrderReply) -> None:
        """Write the outcome of the order attempt `key` into the ledger."""
        pools, order_id = self._worker.pools, reply.order_id
        if pools is not None and order_id is not None and pools.held_in(self.arrival.number, order_id):
            reply = replace(reply, order_id=without(order_id, self.masks()))
        self._worker.ledger.outcome(key, outcome, self._worker.clock.now(), reply)

    def created(self, kind: str, own_id: str | None = None) -> None:
        """Write into the ledger that the shop has, or may soon have, something of the session's that isn't an order."""
        if own_id is not None:
            self.check_name(own_id)
        row = CreatedRow(session=self.arrival.number, kind=kind, id=own_id)
        self._worker.ledger.created(row, self._worker.clock.now())

    def write_last(self) -> None:
        """Write the record that was held back, if one is: what is read of the reply from here on changes it no more."""
        if self._last is not None:
            request, reply, times, traceparent = self._last
            self._last = None
            self._log(request.step, reply.status, reply.error, len(reply.body), times, traceparent)

    def settle(self) -> None:
        """Wait for the pages' assets: the session is over when the last one is fetched."""
        self.write_last()
        if self.assets is not None:
            self.assets.settle()

    def close(self) -> None:
        """Close the shopper's connections, cancelling open requests."""
        self._worker.under_way.pop(self.arrival.number, None)
        self.write_last()
        self.hang_up()  # before the connection that the stream may share
        if self.assets is not None:
            self.assets.close()
        self._client.close()
        if self._hosts is not None:
            self._hosts.close()

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
            masks = self.masks()
            why = without(why, masks)
            self._worker.unexpected(self, masked_request(request, masks), masked_reply(reply, masks), why)

    def _log(self, step: str, status: int, error: str | None, size: int, times: Times, traceparent: str) -> None:
        arrival = self.arrival
        facts = (arrival.number, arrival.journey, step, *times, status, error, size, traceparent)
        self._worker.log.add(tuple.__new__(StepRecord, facts))  # a quarter of the time of StepRecord(...)


def _sent_within(client: Client, request: Request, traceparent: str, within_s: float) -> Reply:
    with gevent.Timeout(within_s, DeadlineError(f"over {within_s:g} s")):
        return client.send(request, traceparent)


def _checked(
    request: Request,
    reply: Reply,
    check: Callable[[Reply], object] | None,
    accepts: Callable[[Reply], bool] | None,
    hops_left: int,
) -> tuple[Reply, str]:
    """Return a reply with the error that its content makes, or without the one that its content takes back, and why."""
    if reply.error is not None:
        if accepts is not None and reply.error in _ANSWERED and accepts(reply):
            return reply._replace(error=None), ""
        return reply, f"leads to {reply.host}, which hosts doesn't declare" if reply.error == "redirected_away" else ""
    if reply.location is not None and request.follow is not None:
        last = f"the last from {request.host or SHOP} to {reply.host or SHOP}"
        why = "" if hops_left else f"over {_MAX_HOPS} redirects, {last}"
        return (reply._replace(error="wrong_reply") if why else reply), why
    try:
        if check is not None:
            check(reply)
    except CheckFailedError as failed:
        return reply._replace(error="wrong_reply"), str(failed)
    except UNREADABLE as failed:
        return reply._replace(error="wrong_reply"), repr(failed)
    return reply, ""


def in_flight(under_way: Mapping[int, Session]) -> list[tuple[str, int]]:
    """Return the step and the scheduled moment (ns) of all that is waited for: requests that were sent, and events.

    A request whose connection a proxy hasn't opened is left out: the shop didn't get it.
    """
    found: list[tuple[str, int]] = []
    for visit in under_way.values():
        if visit.waits_for is not None and not visit.at_proxy:
            found.append((visit.waits_for, visit.due_at))
        if visit.assets is not None:
            found.extend(visit.assets.under_way)
        if visit.listening is not None:
            found.extend(visit.listening.under_way)
    return found


def _corrected(times: Times, reply: Reply) -> Times:
    """Return when a request was sent that had to wait, and when the end of a reply was here that was read late."""
    due_at, sent_at, finished_at = times
    sent_at += reply.waited_ns
    if reply.read_delay_ns:
        finished_at = max(sent_at, finished_at - reply.read_delay_ns)
    return due_at, sent_at, finished_at
