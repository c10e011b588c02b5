"""What the tests of HTTP/2 share: they run over plain TCP and over TLS."""

import socket
from collections.abc import Callable
from typing import Protocol

import pytest
from h2.connection import H2Connection

from loadtests.client.http2.client import Http2Client
from loadtests.client.http2.connection import Http2Connection
from tests.loadtests.hostile_http2 import HostileHttp2, Reaction


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


@pytest.fixture(params=["h2c", "h2"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)
