"""Sessions over several hosts on loopback: real servers, a worker's own way to them, and what was sent and recorded."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import gevent
import pytest

from loadtests.client.interface import Request
from loadtests.runtime.clock import Clock
from loadtests.shopper.session import Session
from loadtests.shopper.session_context import SessionContext
from loadtests.worker.job import read_job
from loadtests.worker.worker import Worker
from tests.loadtests.certificates import Authority
from tests.loadtests.fakes import Memory, arrival
from tests.loadtests.hostile_http2 import HostileHttp2, Talk
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.loadtests.prepared import prepared_run

Pages = dict[str, bytes | Callable[[Seen], bytes]]
VARIABLES = {"THE_KEY": "of-the-shop-alone", "LOGIN_KEY": "of-the-login-alone"}
GET = Request(step="home", method="GET", path="/")


class _Wire(Protocol):
    def sendall(self, data: bytes, /) -> None:
        """Send a reply."""


def html(body: str, *headers: str) -> bytes:
    return reply(body.encode(), headers=("Content-Type: text/html", *headers))


def to(location: str, *headers: str, status: str = "302 Found") -> bytes:
    return reply(b"", status=status, headers=(f"Location: {location}", *headers))


@dataclass(frozen=True)
class Site:
    """One host: its server, and the address that it is declared with."""

    server: HostileServer
    url: str

    @property
    def seen(self) -> list[tuple[str, str | None]]:
        """Return the requests it got, each with its cookies."""
        return [(f"{one.line.split(' ')[0]} {one.path}", one.headers.get("cookie")) for one in self.server.seen]

    def headers(self, name: str) -> list[str | None]:
        """Return what a header held in each request."""
        return [one.headers.get(name) for one in self.server.seen]


class Sites:
    """Starts hosts by name, over plain HTTP/1.1, over TLS, or over HTTP/2 in TLS; all end with the test."""

    def __init__(self, folder: Path, transport: str) -> None:
        self._folder, self._transport, self._all = folder, transport, ExitStack()
        self._authority = None if transport == "h1" else Authority(folder / "authority")
        self.declared: dict[str, Any] = {"resolve": {}}
        if self._authority is not None:
            self.declared["ca"] = str(self._authority.certificate)
        if transport == "h2":
            self.declared["http_version"] = 2

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._all.close()

    def site(self, name: str, pages: Pages, certificate: str | None = None) -> Site:
        """Return a host that answers with these pages, 404 for others; it may have the `certificate` of another."""

        def answer(wire: _Wire, seen: Seen) -> bool:
            page = pages.get(seen.path.partition("?")[0], reply(b"", status="404 Gone"))
            wire.sendall(page if isinstance(page, bytes) else page(seen))
            return True

        tls = None
        if self._authority is not None:
            tls = self._authority.serve(self._authority.sign(certificate or name))
            tls.set_alpn_protocols(["h2" if self._transport == "h2" else "http/1.1"])

        def react(talk: Talk, seen: Seen) -> bool:
            return answer(talk, seen)

        server = HostileHttp2(react, tls) if self._transport == "h2" else HostileServer(answer, tls)
        self._all.enter_context(server)
        self.declared["resolve"][name] = "127.0.0.1"
        return Site(server, f"http{'s' if tls else ''}://{name}:{server.port}")


@pytest.fixture(params=["h1", "tls", "h2"])
def sites(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sites]:
    with Sites(tmp_path, request.param) as found:
        yield found


@pytest.fixture
def plain_sites(tmp_path: Path) -> Iterator[Sites]:
    with Sites(tmp_path, "h1") as found:
        yield found


class Visit:
    """A session of a worker before these hosts."""

    def __init__(self, folder: Path, shop: str, declared: dict[str, Any], **plan: Any) -> None:
        directory = prepared_run(folder / "run", shop, declared=declared, **plan)
        self.worker = Worker(read_job(directory.path, VARIABLES), 0, 1, Clock.start().now())
        self.context: SessionContext = self.worker._context
        self.memory = Memory()
        self.context.log.add = self.memory.steps.append
        self.told: list[str] = []
        object.__setattr__(self.context, "unexpected", lambda _session, _request, _reply, why: self.told.append(why))
        self.session = Session(self.context, arrival(number=3), self.context.clock.now())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with gevent.Timeout(30):
            self.session.settle()
            self.session.close()
            self.worker.close()

    @property
    def undeclared(self) -> dict[str, int]:
        assert self.context.hosts is not None
        return dict(self.context.hosts.locations.undeclared)

    def records(self) -> list[tuple[str, int, str | None]]:
        """Return what was recorded, the last one's too."""
        self.session.write_last()
        return [(record.step, record.status, record.error) for record in self.memory.steps]
