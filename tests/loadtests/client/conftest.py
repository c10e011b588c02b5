"""Servers and shoppers that end with the test that uses them."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from tests.loadtests.client.shoppers import DEADLINE_S, Connect, Serve
from tests.loadtests.hostile_server import Answer, HostileServer


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[HostileServer] = []

    def start(answer: Answer | bytes) -> HostileServer:
        server = HostileServer(answer)
        servers.append(server)
        return server.__enter__()

    yield start
    for server in servers:
        server.__exit__(None, None, None)


@pytest.fixture
def connect() -> Iterator[Connect]:
    clients: list[ShopperClient] = []

    def make(url: str, deadline_s: float = DEADLINE_S, **changes: Any) -> ShopperClient:
        headers = {"User-Agent": "peakproof/test", "X-Peakproof-Run": "r1"}
        facts: dict[str, Any] = {"base_url": url, "addresses": ("127.0.0.1",), "headers": headers, **changes}
        clients.append(ShopperClient(Access(**facts), deadline_s))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    clients.clear()
    gc.collect()  # a socket that is still open would be told of in another test
