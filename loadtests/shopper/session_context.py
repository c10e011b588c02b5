"""What all sessions of one process share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from loadtests.client.interface import Client, Reply, Request
from loadtests.demand.plan import Plan
from loadtests.environment.ceilings import Ceilings
from loadtests.results.hooks import Hooks
from loadtests.results.ledger import Ledger
from loadtests.results.records import StepLog
from loadtests.results.trace_context import traceparents
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.assets import AssetSource
from loadtests.shopper.canaries import Canaries
from loadtests.shopper.data_pools import DataPools
from loadtests.shopper.hosts import DeclaredHosts

if TYPE_CHECKING:  # which hold their context
    from loadtests.shopper.requester import Requester
    from loadtests.shopper.session import Session


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
    unexpected: Callable[["Requester", Request, Reply, str], object] | None = None
    pools: DataPools | None = None
    canaries: Canaries = field(default_factory=lambda: Canaries(""))
    under_way: dict[int, "Session"] = field(default_factory=dict)
    traceparents: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        """Begin to draw the traces that the plan samples."""
        object.__setattr__(self, "traceparents", traceparents(self.ids, self.plan.trace_sampling))
