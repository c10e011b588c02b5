"""A session: one shopper's visit, its steps on two clocks and its think times."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

from loadtests.client.interface import Event, Reply, Request, redirected
from loadtests.client.locations import UndeclaredHostError
from loadtests.demand.arrivals import Arrival
from loadtests.demand.splitmix import SplitMix64
from loadtests.results.ledger import Attempt, Line, OrderReply, OutcomeWord
from loadtests.shopper.assets import Assets
from loadtests.shopper.canaries import OthersDataError
from loadtests.shopper.hosts import OnlyHost
from loadtests.shopper.masking import without
from loadtests.shopper.own_data import OwnData
from loadtests.shopper.push_events import WITHIN_S, PushContext, PushEvents, WaitResult
from loadtests.shopper.reply_check import MAX_HOPS, checked
from loadtests.shopper.requester import Requester
from loadtests.shopper.session_context import SessionContext
from loadtests.shopper.session_errors import UNREADABLE, SessionFailedError, UnreadableReplyError
from slo.verdict.own_data import OTHERS_DATA


class Session(Requester):
    """One shopper's visit.

    A first step is scheduled at the arrival, each later one at the previous reply's end plus its drawn think
    time; a step is sent when it is due, or later if the generator lags, and both moments are recorded. What the
    environment's ceiling forbids isn't sent: CeilingReachedError ends the visit. `lacked` says what kept a shopper
    from doing what they came for, None when nothing did.
    """

    __slots__ = ("assets", "lacked", "listening", "plan", "random")

    def __init__(self, worker: SessionContext, arrival: Arrival, scheduled_at: int) -> None:
        self.random = SplitMix64(arrival.seed)
        super().__init__(worker, arrival, scheduled_at, OwnData(worker, arrival.number, self.random))
        self.plan = worker.plan
        self.assets: Assets | None = None
        self.listening: PushEvents | None = None
        self.lacked: str | None = None
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
        reply, hops_left = self._exchange(request, check, accepts, MAX_HOPS), MAX_HOPS
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
        if (shown := self.own.others_data(request, data)) is not None:
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

    def _exchange(
        self,
        request: Request,
        check: Callable[[Reply], object] | None,
        accepts: Callable[[Reply], bool] | None,
        hops_left: int,
    ) -> Reply:
        reply, why = self.own.alone(request, self.ask(request))
        if why:
            self._last = None if self._last is None else (request, reply, *self._last[2:])
        elif (reply.error is not None or reply.location is not None or check is not None) and self._last is not None:
            reply, why = checked(request, reply, check, accepts, hops_left)
            self._last = request, reply, *self._last[2:]
        if reply.error is not None:
            self.write_last()
            self._tell(request, reply, why)
            raise SessionFailedError(f"{request.step}: {reply.error}")
        return reply

    def pause(self, seconds: float) -> None:
        """Wait: the next step is due so much later, and what follows here happens then."""
        self.write_last()
        self.due_at += round(seconds * 1e9)
        self._worker.alarms.sleep_until(self.due_at)

    @property
    def failures(self) -> Counter[tuple[str, str]]:
        """The failures of hooks, which mark the run."""
        return self._worker.hooks.failures

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
            self.own.check_name(key)
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
            reply = replace(reply, order_id=without(order_id, self.own.masks()))
        self._worker.ledger.outcome(key, outcome, self._worker.clock.now(), reply)

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
