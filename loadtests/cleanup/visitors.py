"""Who removes things: sessions over the run's client, as its shoppers were, at a pace of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count

from loadtests.cleanup.messages import CleanupJob
from loadtests.cleanup.pace import EvenPace
from loadtests.client.factory import Clients
from loadtests.client.interface import Reply, Request
from loadtests.demand.arrivals import Arrival
from loadtests.demand.think_time import Empirical
from loadtests.environment.credentials import masks_of, settings_of
from loadtests.environment.own_code import OwnCode, OwnFile
from loadtests.masking.text import masked_head, masked_start, masked_text, texts_of
from loadtests.results.created import ACCOUNT, Created
from loadtests.results.hooks import Hooks
from loadtests.results.ledger import Ledger
from loadtests.results.recorded_run import read_environment
from loadtests.results.records import StepLog
from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from loadtests.shopper.canaries import Canaries
from loadtests.shopper.data_pools import DataPools
from loadtests.shopper.requester import Requester
from loadtests.shopper.session import Session
from loadtests.shopper.session_context import SessionContext
from loadtests.storefronts import Given, Shop, cleanup_of
from loadtests.worker.job import Job, read_job
from loadtests.worker.job_contexts import Own, secrets_of, session_context

_MARGIN = 1.01
_NO_THOUGHT = Empirical(quantiles_s=(0.0, 0.0))
_SHOWN_BODY, _SHOWN_WHY = 160, 400
_FIRST_NUMBER = 1 << 40  # above every session of a run: a visitor that isn't one of them


@dataclass(slots=True, kw_only=True)
class Visitor:
    """A session that removes things, and whether its `begin` was called."""

    session: Session
    shop: Shop
    begun: bool = False


class Visitors:
    """Makes the sessions of a `CleanupJob`; raises BadInput for a file or a secret that can't be used."""

    def __init__(self, asked: CleanupJob, variables: Mapping[str, str]) -> None:
        environment = read_environment(RunDirectory(path=asked.directory))
        self.storefront = cleanup_of(environment)
        job = read_job(asked.directory, variables, self.storefront)
        self._given, secret = _given(job, variables)
        self._known = (*secrets_of(job), *secret)
        self._clock, self._log = Clock.start(), StepLog()
        self._pools = DataPools(environment, {}, job.directory.name, (0, 1), self._clock.now)
        # An administrator is shown what shoppers left: no canary of the run's is another's here.
        self._context = replace(self._shared(asked, job), pools=self._pools, canaries=Canaries(""))
        self._numbers = count(_FIRST_NUMBER)
        self._answers: dict[int, str] = {}

    def _shared(self, asked: CleanupJob, job: Job) -> SessionContext:
        own = Own(
            clock=self._clock,
            alarms=EvenPace(self._clock, _MARGIN / asked.requests_per_s),
            hooks=Hooks([]),
            log=self._log,
            ledger=Ledger(asked.directory / "ledger-cleanup.jsonl"),
            clients=Clients(None),
            unexpected=self._unexpected,
        )
        quiet = {"assets": "off", "streams": "off", "think_time": _NO_THOUGHT}
        return session_context(job, job.plan.model_copy(update=quiet), own, (0, 1), self._clock.now())

    def forget_records(self) -> None:
        """Drop the records of the requests until now: nothing judges them."""
        self._log.take()

    def visitor_for(self, item: Created) -> Visitor:
        """Return a new visitor: for an account the customer that its session was, else somebody of no run."""
        number = next(self._numbers)
        if item.kind == ACCOUNT and item.session is not None:
            number = item.session
            self._pools.admit_new(number)
        arrival = Arrival(number=number, at_s=0.0, journey="cleanup", seed=number)
        session = Session(self._context, arrival, self._clock.now())
        return Visitor(session=session, shop=self.storefront.shop(session, self._given))

    def end(self, visitor: Visitor) -> None:
        """End a visitor's session."""
        number = visitor.session.arrival.number
        visitor.session.close()
        self._pools.release(number)
        self._answers.pop(number, None)

    def answer_to(self, visitor: Visitor) -> str:
        """Return what the shop last answered that wasn't what a step needs, masked and cut; "" for nothing."""
        return self._answers.get(visitor.session.arrival.number, "")

    def without_secrets(self, text: str, visitor: Visitor) -> str:
        """Return `text` without the environment's secrets and without what the visitor was given, on one line."""
        known = (*self._known, *texts_of(visitor.session.own.masks()))
        return " ".join(masked_text(text, known).split())[:_SHOWN_WHY]

    def _unexpected(self, session: Requester, _: Request, reply: Reply, why: str) -> None:
        known = (*self._known, *texts_of(session.own.masks()))
        body = " ".join(masked_head(reply.body, _SHOWN_BODY, known).split())
        parts = (f"HTTP {reply.status}" if reply.status else "", masked_start(why, _SHOWN_WHY, known), body)
        self._answers[session.arrival.number] = ": ".join(filter(None, parts))


def _given(job: Job, variables: Mapping[str, str]) -> tuple[Given, tuple[str, ...]]:
    """Return what every visitor is given, the cleanup's settings over the storefront's, and what of it is secret."""
    named: list[tuple[str, OwnCode]] = []
    if isinstance(job.environment.storefront, OwnFile):
        named.append(("storefront", job.environment.storefront))
    if job.environment.cleanup is not None:
        named.append(("cleanup", job.environment.cleanup))
    read = [settings_of(own, variables, place) for place, own in named]
    values = {name: value for one in read for name, value in one.values.items()}
    secret = masks_of(one.reveal() for settings in read for one in settings.secrets)
    return Given(run=job.directory.name, settings=values), texts_of(secret)
