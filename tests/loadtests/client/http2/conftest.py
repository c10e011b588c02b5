"""Servers and shoppers that speak HTTP/2, over plain TCP and over TLS, and end with the test that uses them."""

import gc
import socket
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import gevent.ssl
import pytest
from h2.connection import H2Connection

from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.client import Http2Client
from loadtests.client.http2.connection import Http2Connection
from tests.loadtests.certificates import Authority
from tests.loadtests.client.shoppers import DEADLINE_S
from tests.loadtests.hostile_http2 import HostileHttp2, Reaction

NAME = "localhost"


class Serve(Protocol):
    """Starts a server."""

    def __call__(
        self, react: Reaction | bytes, begin: Callable[[socket.socket, H2Connection], None] | None = None
    ) -> HostileHttp2: ...


Connect2 = Callable[..., Http2Client]


def held(client: Http2Client) -> Http2Connection:
    """Return a client's connection."""
    assert client._link.conversation is not None
    return client._link.conversation


class Named(HostileHttp2):
    """A server whose address begins with what it speaks below HTTP."""

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("http2") / "ours")


@pytest.fixture(params=["h2c", "h2"])
def secure(request: pytest.FixtureRequest) -> Authority | None:
    return None if request.param == "h2c" else request.getfixturevalue("authority")


@pytest.fixture
def serve(secure: Authority | None) -> Iterator[Serve]:
    servers: list[HostileHttp2] = []

    def start(
        react: Reaction | bytes, begin: Callable[[socket.socket, H2Connection], None] | None = None
    ) -> HostileHttp2:
        context = None if secure is None else secure.serve(secure.sign(NAME))
        if context is not None:
            context.set_alpn_protocols(["h2", "http/1.1"])
        servers.append(Named(react, context, begin))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def connect(secure: Authority | None) -> Iterator[Connect2]:
    clients: list[Http2Client] = []

    def make(url: str, deadline_s: float = DEADLINE_S, **changes: Any) -> Http2Client:
        tls = None if secure is None else gevent.ssl.create_default_context(cafile=str(secure.certificate))
        headers = {"User-Agent": "peakproof/test", "X-Peakproof-Run": "r1"}
        facts = {"base_url": url, "addresses": ("127.0.0.1",), "headers": headers, "tls": tls, "http2": True, **changes}
        clients.append(Http2Client(Http2Access(**facts), deadline_s))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    clients.clear()
    gc.collect()  # a socket that is still open would be told of in another test
