"""What the tests of locustfiles share: a file that is loaded, and sessions of it against a small shop."""

from pathlib import Path
from typing import Any

import gevent

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.demand.think_time import Empirical
from loadtests.environment.bundle import bundle_of
from loadtests.environment.targets import Environment
from loadtests.locustfiles.loading import check, write_bundle
from loadtests.shopper.hosts import DeclaredHosts
from loadtests.shopper.session import Session
from loadtests.storefronts import Given
from loadtests.storefronts.locustfile import LocustStorefront, load_locust_storefront
from tests.loadtests.fakes import NO_CEILING, Memory, arrival, ledger_rows, small_plan, worker

NO_THOUGHT = Empirical(quantiles_s=(0.0, 0.0))


def environment(url: str, file: Path, **how: Any) -> Environment:
    """Return an environment whose storefront is a locustfile."""
    declared = {"locustfile": str(file), **how.pop("storefront", {})}
    return Environment.model_validate({"base_url": url, "storefront": declared, "ceiling": NO_CEILING, **how})


class Player:
    """A locustfile against a shop: its sessions' records, and what the ledger holds."""

    def __init__(self, folder: Path, url: str, text: str | Path, *, each_in_turn: bool = False, **how: Any) -> None:
        self.file = text if isinstance(text, Path) else folder / "locustfile.py"
        if not isinstance(text, Path):
            self.file.write_text(text)
        self.folder, self.memory = folder, Memory()
        self.environment = environment(url, self.file, **how)
        declared: Any = self.environment.storefront
        bundle = bundle_of(self.file, declared.files)
        check(bundle)
        write_bundle(bundle, folder / "storefront")
        copy = folder / "storefront" / self.file.name
        self.storefront: LocustStorefront = load_locust_storefront(self.environment, declared, copy)
        self.given = Given(run="r1", settings=dict(declared.settings), each_in_turn=each_in_turn)
        self.access = Access(base_url=url, addresses=("127.0.0.1",), headers={})
        self.context = worker(folder, memory=self.memory, plan=small_plan())
        object.__setattr__(self.context, "new_client", lambda: ShopperClient(self.access, 5.0))
        object.__setattr__(self.context, "hosts", DeclaredHosts(locations=self.access.places))
        self.unexpected: list[tuple[str, int, str]] = []
        object.__setattr__(self.context, "unexpected", self._keep)
        self.storefront.begin(self.given)

    def play(self, journey: str | None = None, seed: int = 1, number: int = 0) -> Session:
        """Play one session, in a greenlet of its own; raises what it ends with."""
        name = journey or next(iter(self.storefront.journeys))
        session = Session(self.context, arrival(number, journey=name, seed=seed), self.context.clock.now())
        greenlet = gevent.spawn(self._play, session)
        greenlet.get()
        return session

    def _play(self, session: Session) -> None:
        try:
            self.storefront.play(session, self.given)
            session.settle()
        finally:
            session.close()

    @property
    def steps(self) -> list[str]:
        return [record.step for record in self.memory.steps]

    @property
    def errors(self) -> list[tuple[str, str | None]]:
        return [(record.step, record.error) for record in self.memory.steps]

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return ledger_rows(self.folder)

    def _keep(self, _session: object, request: Any, reply: Any, why: str) -> None:
        self.unexpected.append((request.step, reply.status, why))
