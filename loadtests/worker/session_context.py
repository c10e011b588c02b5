"""What the sessions of one process share, made from a job: the same for a worker of a run and for a trial."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from loadtests.client.access import Access
from loadtests.client.factory import Clients
from loadtests.client.interface import Client, Reply, Request
from loadtests.demand.plan import Plan
from loadtests.environment.ceilings import Ceilings
from loadtests.results.hooks import Hooks
from loadtests.results.ledger import Ledger
from loadtests.results.masking import texts_of
from loadtests.results.records import StepLog
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.assets import AssetSource, source_of
from loadtests.shopper.session import Session, SessionContext
from loadtests.worker.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a process has of its own: where it writes, by which clock, and how many connections it may have.

    `wrap` is put around each client; `unexpected` is what `SessionContext` says.
    """

    clock: Clock
    alarms: Alarms
    hooks: Hooks
    log: StepLog
    ledger: Ledger
    clients: Clients
    unexpected: Callable[[Session, Request, Reply, str], object]
    wrap: Callable[[Client], Client] = lambda client: client
    under_way: dict[int, Session] = field(default_factory=dict)


def session_context(job: Job, plan: Plan, own: Own, seat: tuple[int, int], started_at: int) -> SessionContext:
    """Return the context of worker `seat[0]` of `seat[1]`; raises BadInput on what the job lacks."""
    access, (index, workers) = job.access(), seat
    new_client = own.clients.of(access, index)
    return SessionContext(
        plan=plan,
        clock=own.clock,
        alarms=own.alarms,
        hooks=own.hooks,
        log=own.log,
        ledger=own.ledger,
        ceilings=Ceilings(job.ceiling, index, workers),
        ids=Random(secrets.randbits(128)),  # noqa: S311 - ids must differ between runs, not be secret
        new_client=lambda: own.wrap(new_client()),
        assets=None if plan.assets == "off" else _assets(job, access, own, index),
        under_way=own.under_way,
        started_at=started_at,
        origin=access.origin,
        unexpected=own.unexpected,
        pools=job.pools(index, workers, own.clock.now),
    )


def secrets_of(job: Job) -> tuple[str, ...]:
    """Return the environment's secrets as a reply may hold them; raises BadInput on one that is missing."""
    return texts_of(job.access().masks)


def _assets(job: Job, shop: Access, own: Own, index: int) -> AssetSource:
    cdn = job.cdn_access()
    new_cdn_client = None if cdn is None else own.clients.of(cdn.at_root, index)
    return source_of(shop, cdn, new_cdn_client, own.hooks.failures)
