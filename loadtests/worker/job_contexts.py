"""What the sessions of one process share, made from a job: the same for a worker of a run and for a trial."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random

from loadtests.client.factory import Clients, NewClient
from loadtests.client.http1_client import with_cookies
from loadtests.client.interface import Client, Reply, Request
from loadtests.comparison.job import VARIANTS
from loadtests.demand.arrivals import Arrival
from loadtests.demand.plan import Plan
from loadtests.environment.ceilings import Ceilings
from loadtests.masking.text import texts_of
from loadtests.results.hooks import Hooks
from loadtests.results.ledger import Ledger
from loadtests.results.records import StepLog
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.assets import source_of
from loadtests.shopper.canaries import Canaries
from loadtests.shopper.hosts import DeclaredHosts
from loadtests.shopper.requester import Requester
from loadtests.shopper.session import Session
from loadtests.shopper.session_context import SessionContext
from loadtests.worker.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a process has of its own: where it writes, by which clock, and how many connections it may have.

    `wrap` is put around each client, if given; `unexpected` is what `SessionContext` says.
    """

    clock: Clock
    alarms: Alarms
    hooks: Hooks
    log: StepLog
    ledger: Ledger
    clients: Clients
    unexpected: Callable[[Requester, Request, Reply, str], object]
    wrap: Callable[[Client], Client] | None = None
    under_way: dict[int, Session] = field(default_factory=dict)


def contexts_by_turn(
    job: Job, own: Own, context: SessionContext, index: int
) -> Callable[[Arrival], SessionContext] | None:
    """Return what gives each arrival the context of the release that it belongs to; None without two releases.

    Both share all but how the shop is reached: records, ledger, accounts and the ceilings are the process's own.
    Raises BadInput on what the job lacks.
    """
    turns = job.turns
    if turns is None:
        return None
    reached = {variant: _reached(job, own, context, turns.label(variant), index) for variant in VARIANTS}
    return lambda arrival: reached[turns.variant_of(arrival.at_s, arrival.number)]


def _reached(job: Job, own: Own, context: SessionContext, label: str, index: int) -> SessionContext:
    """Return the context of the sessions of one release."""
    accesses, plan = job.accesses(label), context.plan
    cookie = job.environment.variants[label].cookie
    clients = {host: own.clients.of(access, index) for host, access in accesses.items()}
    if cookie is not None:
        shop = clients[None]
        pairs = [f"{name}={value}; Path=/" for name, value in cookie.items()]
        clients[None] = lambda jar=None: with_cookies(shop(jar), pairs)
    new_client = {host: _wrapped(own, client) for host, client in clients.items()}
    return replace(
        context,
        new_client=new_client[None],
        hosts=DeclaredHosts(locations=accesses[None].places, new_client=new_client if len(accesses) > 1 else {}),
        assets=None if plan.assets == "off" else source_of(accesses, plan.assets, own.hooks.failures),
    )


def session_context(job: Job, plan: Plan, own: Own, seat: tuple[int, int], started_at: int) -> SessionContext:
    """Return the context of worker `seat[0]` of `seat[1]`; raises BadInput on what the job lacks."""
    accesses, (index, workers) = job.accesses(), seat
    new_client = {label: _wrapped(own, own.clients.of(access, index)) for label, access in accesses.items()}
    several = len(accesses) > 1
    return SessionContext(
        plan=plan,
        clock=own.clock,
        alarms=own.alarms,
        hooks=own.hooks,
        log=own.log,
        ledger=own.ledger,
        ceilings=Ceilings(job.ceiling, index, workers, job.host_ceilings),
        ids=Random(secrets.randbits(128)),  # noqa: S311 - ids must differ between runs, not be secret
        new_client=new_client[None],
        hosts=DeclaredHosts(locations=accesses[None].places, new_client=new_client if several else {}),
        assets=None if plan.assets == "off" else source_of(accesses, plan.assets, own.hooks.failures),
        under_way=own.under_way,
        started_at=started_at,
        unexpected=own.unexpected,
        pools=job.pools(index, workers, own.clock.now),
        canaries=Canaries(job.directory.name),
    )


def secrets_of(job: Job) -> tuple[str, ...]:
    """Return the environment's secrets as a reply may hold them; raises BadInput on one that is missing."""
    return texts_of(job.accesses()[None].masks)


def _wrapped(own: Own, new_client: NewClient) -> Callable[..., Client]:
    if own.wrap is None:
        return new_client
    wrap = own.wrap
    return lambda jar=None: wrap(new_client(jar))
