"""Visits over real sockets to a shop whose pages ask for assets."""

import gc
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import gevent
import pytest

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Request
from loadtests.environment.ceilings import Ceilings
from loadtests.environment.targets import Ceiling
from loadtests.results.hooks import Hooks
from loadtests.results.ledger import Ledger
from loadtests.results.records import StepLog
from loadtests.runtime.alarms import Alarms
from loadtests.runtime.clock import Clock
from loadtests.shopper.assets import Fetched, source_of
from loadtests.shopper.session import Session, SessionContext
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
        access = access_to(shop)
        cdn_access = access_to(cdn) if cdn else None
        self.source = source_of(
            access,
            cdn_access,
            lambda: ShopperClient((cdn_access or access).at_root, 10.0),
            self.hooks.failures,
        )
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
            new_client=lambda: ShopperClient(access, 10.0),
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


def access_to(url: str) -> Access:
    return Access(base_url=url, addresses=("127.0.0.1",), headers={"X-Peakproof-Run": "r1", "Accept": "text/html"})


def paths(server: HostileServer) -> list[str]:
    return sorted(seen.path for seen in server.seen)
