"""Visits over real sockets to a shop whose pages ask for assets."""

import gc
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import gevent
import pytest

from loadtests.client.access import Access
from loadtests.client.factory import Clients
from loadtests.client.interface import Request
from loadtests.client.locations import Locations
from loadtests.client.origin import Origin
from loadtests.environment.ceilings import Ceilings
from loadtests.environment.destinations import host_of
from loadtests.environment.targets import Ceiling
from loadtests.results.hooks import Hooks
from loadtests.results.ledger import Ledger
from loadtests.results.records import StepLog
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.assets import Fetched, source_of
from loadtests.shopper.hosts import DeclaredHosts
from loadtests.shopper.session import Session
from loadtests.shopper.session_context import SessionContext
from tests.loadtests.fakes import NO_CEILING, Memory, arrival, small_plan
from tests.loadtests.hostile_server import Answer, HostileServer, Seen, reply

FETCHED: tuple[Fetched, ...] = ("off", "shop", "all")
HOME = Request(step="home", method="GET", path="/")
PNG = reply(b"png", headers=("Content-Type: image/png",))


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def page(body: str, *headers: str) -> bytes:
    return reply(body.encode(), headers=("Content-Type: text/html; charset=utf-8", *headers))


def shop_of(pages: dict[str, bytes], hold: threading.Event | None = None) -> Answer:
    """Answer each path as `pages` says, else with an image, once `hold` is set."""

    def answer(connection: socket.socket, seen: Seen) -> bool:
        if seen.path not in pages and hold is not None:
            hold.wait(30)
        connection.sendall(pages.get(seen.path, PNG))
        return True

    return answer


class Visit:
    """A session with assets over real sockets, and what it recorded."""

    def __init__(self, folder: Path, shop: str, cdn: str | None = None, ceiling: Ceiling = NO_CEILING) -> None:
        self.memory, log = Memory(), StepLog()
        log.add = self.memory.steps.append
        self.hooks = Hooks([self.memory])
        accesses = accesses_to({None: shop, **({"cdn": cdn} if cdn else {})})
        self.source = source_of(accesses, "all", self.hooks.failures)
        new_client = {label: Clients(None).of(access, 0) for label, access in accesses.items()}
        clock = Clock.start()
        self.worker = SessionContext(
            plan=small_plan(),
            clock=clock,
            alarms=Alarms(clock),
            hooks=self.hooks,
            log=log,
            ledger=Ledger(folder / "ledger-w0.jsonl"),
            ceilings=Ceilings(ceiling, 0, 1),
            ids=Random(5),  # noqa: S311 - a test's luck is the same each time
            new_client=new_client[None],
            hosts=DeclaredHosts(locations=accesses[None].places, new_client=new_client if cdn else {}),
            assets=self.source,
        )
        self.session = Session(self.worker, arrival(number=3), self.worker.clock.now())

    def go(self, *paths: str) -> "Visit":
        """Ask for pages, wait for what they ask for, and leave."""
        with gevent.Timeout(30):
            for path in paths or ("/",):
                self.session.step(HOME._replace(path=path))
                self.session.settle()
            self.session.close()
        assert self.hooks.failures == Counter()
        return self

    def errors(self) -> list[tuple[str, int, str | None]]:
        return [(record.step, record.status, record.error) for record in self.memory.steps]


def accesses_to(urls: dict[str | None, str]) -> dict[str | None, Access]:
    """Return how hosts on loopback are reached, each by its label."""
    locations = Locations({label: Origin.of(url) for label, url in urls.items()})
    headers = {"X-Peakproof-Run": "r1", "Accept": "text/html"}
    facts: dict[str, Any] = {"headers": headers, "locations": locations}
    return {label: Access(base_url=url, addresses=(host_of(url),), label=label, **facts) for label, url in urls.items()}


def paths(server: HostileServer) -> list[str]:
    return sorted(seen.path for seen in server.seen)
