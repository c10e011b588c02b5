"""Servers and shoppers that end with the test that uses them, over one transport or over each in turn.

`transport` is what they speak: `h1` (HTTP/1.1), `h2c` (HTTP/2 over plain TCP) or `h2` (over TLS). A test marked with
`every_transport` runs over each of them, one in http2/ over the last two, any other over HTTP/1.1.
"""

import gc
import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent.ssl
import pytest
from h2.connection import H2Connection

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.client import Http2Client
from tests.loadtests.certificates import Authority
from tests.loadtests.client.shoppers import DEADLINE_S, Connect, Serve
from tests.loadtests.hostile_http2 import HostileHttp2
from tests.loadtests.hostile_server import HostileServer

NAME = "localhost"


class Named(HostileHttp2):
    """A server whose address begins with what it speaks below HTTP."""

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}" if self._tls else f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("http2") / "ours")


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", "h1"))


@pytest.fixture
def secure(request: pytest.FixtureRequest, transport: str) -> Authority | None:
    return request.getfixturevalue("authority") if transport == "h2" else None


@pytest.fixture
def serve(transport: str, secure: Authority | None) -> Iterator[Serve]:
    servers: list[HostileServer] = []

    def start(answer: Any, begin: Callable[[socket.socket, H2Connection], None] | None = None) -> HostileServer:
        context = None if secure is None else secure.serve(secure.sign(NAME))
        if context is not None:
            context.set_alpn_protocols(["h2", "http/1.1"])
        servers.append(HostileServer(answer) if transport == "h1" else Named(answer, context, begin))
        return servers[-1].__enter__()

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def connect(transport: str, secure: Authority | None) -> Iterator[Connect]:
    clients: list[ShopperClient] = []

    def make(url: str, deadline_s: float = DEADLINE_S, **changes: Any) -> ShopperClient:
        headers = {"User-Agent": "peakproof/test", "X-Peakproof-Run": "r1"}
        facts: dict[str, Any] = {"base_url": url, "addresses": ("127.0.0.1",), "headers": headers, **changes}
        if transport == "h1":
            clients.append(ShopperClient(Access(**facts), deadline_s))
        else:
            tls = None if secure is None else gevent.ssl.create_default_context(cafile=str(secure.certificate))
            clients.append(Http2Client(Http2Access(**{"tls": tls, "http2": True, **facts}), deadline_s))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    clients.clear()
    gc.collect()  # a socket that is still open would be told of in another test
