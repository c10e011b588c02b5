"""Plays a trial: sessions one after the other, each watched, and ended when it doesn't end."""

import secrets
from collections.abc import Callable
from dataclasses import replace

import gevent

from loadtests.client.factory import Clients
from loadtests.demand.arrivals import Arrival
from loadtests.demand.plan import CartLines
from loadtests.demand.think_time import Empirical
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.results.hooks import Hooks
from loadtests.results.records import Records
from loadtests.runtime.clock import Clock
from loadtests.runtime.hang_watch import HangWatch
from loadtests.shopper.data_pools import NO_ACCOUNT, kind_of, kinds_of
from loadtests.shopper.push_events import WITHIN_S
from loadtests.shopper.session import Session
from loadtests.shopper.session_context import SessionContext
from loadtests.shopper.session_errors import SessionFailedError
from loadtests.storefronts import SOLD_OUT
from loadtests.storefronts.failures import message_of, places_of
from loadtests.trial.messages import (
    CodePlace,
    Failure,
    JourneyEnded,
    Kind,
    SessionBegan,
    SessionEnded,
    TrialJob,
)
from loadtests.trial.watched import PacedAlarms, Seen, StuckError, Tell, WatchedClient, WatchedLedger, WatchedLog
from loadtests.worker.job import Job
from loadtests.worker.job_contexts import Own, secrets_of, session_context

_MARGIN = 1.01
_MOST_REFUSED = 3
_MOST_DRAWS = 10_000  # a kind of customer that is rarer than that isn't waited for
_LOOK_S = 0.2
_NO_THOUGHT = Empirical(quantiles_s=(0.0, 0.0))
_ENDS_S = 2.0


class Trial:
    """Plays the journeys of a `TrialJob` on a run directory's job.

    `why_stop` is asked often, and ends a session with what it says. Without `recorded` no requests are written down.
    """

    def __init__(
        self,
        asked: TrialJob,
        job: Job,
        tell: Tell,
        why_stop: Callable[[], str | None] = lambda: None,
        *,
        recorded: bool = True,
    ) -> None:
        self._asked, self._job, self._tell, self._why_stop = asked, job, tell, why_stop
        self._clock = Clock.start()
        pace_s = max(asked.every_s, 1 / job.environment.ceiling.requests_per_s) * _MARGIN
        alarms = PacedAlarms(self._clock, pace_s)
        self._seen = Seen(tell, self._clock, alarms, secrets_of(job), asked.requests)
        self._log = WatchedLog(self._seen)
        self._ledger = WatchedLedger(job.directory.ledger(asked.worker), self._seen)
        self._records = Records(job.directory, asked.worker) if recorded else None
        self._hooks = Hooks([] if self._records is None else [self._records])
        own = Own(
            clock=self._clock,
            alarms=alarms,
            hooks=self._hooks,
            log=self._log,
            ledger=self._ledger,
            clients=Clients(None),
            unexpected=self._seen.unexpected,
            wrap=lambda client: WatchedClient(client, self._seen),
        )
        plan = job.plan.model_copy(update={"assets": "off", "think_time": _NO_THOUGHT})
        self._context = session_context(job, plan, own, (0, 1), self._clock.now())
        self._given = replace(job.given(), each_in_turn=True)
        self._number = asked.first
        self._hang = HangWatch(asked.hang, asked.code_s)

    def play(self) -> None:
        """Play every journey; a failure ends that journey, and the next begins."""
        self._job.storefront.begin(self._given)
        try:
            for journey in self._asked.journeys:
                self._journey(journey)
            self._job.storefront.end()
        finally:
            self._hang.close()
            if batch := self._log.take():
                self._hooks.steps_ended(batch)
            if self._records is not None:
                self._records.close()
            self._ledger.close()

    def _journey(self, journey: str) -> None:
        counted, refused, of = 0, 0, self._asked.sessions
        while counted < of and refused < _MOST_REFUSED:
            self._tell(SessionBegan(journey=journey, session=self._number, nth=counted + 1, of=of))
            ended = self._session(journey, counted + refused)
            self._tell(ended)
            if ended.failed:
                break
            if ended.lacked is None:
                counted += 1
            else:
                refused += 1
        self._tell(JourneyEnded(journey=journey))

    def _session(self, journey: str, nth: int) -> SessionEnded:
        """Play one session, watched from outside, and return how it went.

        Guests, new and returning customers come in turn, the most frequent first; a very rare kind may be left out.
        """
        seen, began_at = self._seen, self._clock.now()
        arrival = Arrival(number=self._number, at_s=0.0, journey=journey, seed=self._seed(journey, nth))
        self._number += 1
        self._hang.alive()
        pools = self._context.pools
        if pools is not None and not pools.admit(arrival):
            return SessionEnded(
                journey=journey, session=arrival.number, steps={}, orders=0, accepted=0, took_s=0.0, lacked=NO_ACCOUNT
            )
        session = Session(self._context_of(nth), arrival, began_at)
        seen.begin(session)
        played = gevent.spawn(self._play, session)
        while not played.ready():
            played.join(_LOOK_S)
            self._hang.alive()
            if not played.ready() and (why := self._stuck(session)) is not None:
                played.kill(StuckError(why), timeout=_ENDS_S)
                break
        if not played.ready():
            raise SystemExit("the session can't be ended")
        if pools is not None:
            pools.release(arrival.number)
        failed = bool(played.value)
        return SessionEnded(
            journey=journey,
            session=arrival.number,
            steps=dict(seen.steps - seen.reopened),
            orders=seen.orders["attempted"],
            accepted=seen.orders["accepted"],
            took_s=(self._clock.now() - began_at) / 1e9,
            lacked=self._lacked(session, journey),
            failed=failed,
        )

    def _context_of(self, nth: int) -> SessionContext:
        """Return the context of a session whose cart holds, in turn, the fewest lines, the most, and a number between.

        By chance three could be alike: that would read as what every session does. Their mean is the plan's.
        """
        lines = self._context.plan.cart_lines
        number = (lines.min, lines.max, (lines.min + lines.max) // 2)[nth % 3]
        plan = self._context.plan.model_copy(update={"cart_lines": CartLines(min=number, max=number)})
        return replace(self._context, plan=plan)

    def _seed(self, journey: str, nth: int) -> int:
        accounts, seed = self._job.environment.accounts, secrets.randbits(52)
        if accounts is None:
            return seed
        share = accounts.share.of_customers if journey in self._job.storefront.customers else accounts.share
        kinds = kinds_of(share)
        for _ in range(_MOST_DRAWS):
            if kind_of(seed, share) == kinds[nth % len(kinds)]:
                break
            seed = secrets.randbits(52)
        return seed

    def _lacked(self, session: Session, journey: str) -> str | None:
        """Return why a session doesn't show how its journey goes, None when it does."""
        rules, orders = self._job.storefront.journeys[journey], self._seen.orders
        if session.lacked == SOLD_OUT:
            return "it was sold out: a drop is counted while there is stock"
        if rules.buys and orders["refused"] and not orders["accepted"]:
            return "its order was refused"
        return session.lacked

    def _play(self, session: Session) -> bool:
        """Play a session; return whether it failed, which is told."""
        try:
            try:
                self._job.storefront.play(session, self._given)
                session.settle()
            finally:
                session.close()
        except SessionFailedError as error:
            self._failed("shop", _of_the_shop(error, error.why or self._seen.why), error)
        except CeilingReachedError as error:
            self._failed("ceiling", f"{error}: the environment's ceiling allows no more", error)
        except StuckError as error:
            self._failed("stuck", str(error), error)
        except Exception as error:  # noqa: BLE001 - whatever a storefront raises is shown
            self._failed("storefront", message_of(error), error)
        else:
            return False
        return True

    def _failed(self, what: Kind, message: str, error: BaseException) -> None:
        places = places_of(error, self._job.storefront.file)
        shown = tuple(CodePlace(file=p.file, line=p.line, function=p.function, source=p.source) for p in places)
        self._tell(
            Failure(
                what=what,
                message=self._seen.without_secrets(message),
                places=shown,
                exchange=self._seen.exchange(),
            )
        )

    def _stuck(self, session: Session) -> str | None:
        """Return why a session must be ended, None while it goes on."""
        if (why := self._why_stop()) is not None:
            return why
        waits, idle_s = session.waits_for, self._seen.idle_s
        most_s = self._asked.code_s if waits is None else max(self._asked.step_s, WITHIN_S + self._asked.code_s)
        if idle_s <= most_s:
            return None
        if waits is not None:
            return f"{waits}: nothing came for {idle_s:.0f} s"
        return f"the storefront's code has asked for nothing for {idle_s:.0f} s"


def _of_the_shop(error: SessionFailedError, why: str) -> str:
    return f"{error}: {why}" if why and why not in str(error) else str(error)
