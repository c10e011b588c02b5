"""What the client's tests share: requests, two events, ways to answer, and a connection that needs no network."""

import socket
from collections.abc import Callable, Iterable
from typing import Any

import gevent
import pytest

from loadtests.client.access import Access
from loadtests.client.http1_client import ShopperClient
from loadtests.client.interface import Event, Request
from loadtests.client.sockets.connection import Connection
from loadtests.client.sse.event_stream import EventStream
from tests.loadtests.hostile_server import Answer, HostileServer, Seen

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
GET = Request(step="home", method="GET", path="/")
POST = Request(step="cart", method="POST", path="/cart", body={"lines": []})
STREAM = Request(step="order-stream", method="GET", path="/orders/o1/events")
PAID, SHIPPED = Event("paid", "1", ""), Event("shipped", "2", "")
TWO = b"event: paid\ndata: 1\n\nevent: shipped\ndata: 2\n\n"
DEADLINE_S = 10.0
SHORT_S = 0.3

Serve = Callable[[Answer | bytes], HostileServer]
Connect = Callable[..., ShopperClient]
every_transport = pytest.mark.parametrize("transport", ["h1", "h2c", "h2"], indirect=True)


def closing(data: bytes) -> Answer:
    """Return an answer after which the server hangs up."""

    def answer(connection: socket.socket, _: Seen) -> bool:
        connection.sendall(data)
        return False

    return answer


def in_turn(*answers: Answer | bytes) -> Answer:
    """Return an answer that is another one each time; False once there is none left."""
    left = list(answers)

    def answer(connection: socket.socket, seen: Seen) -> bool:
        if not left:
            return False
        one = left.pop(0)
        if callable(one):
            return one(connection, seen)
        connection.sendall(one)
        return True

    return answer


def all_of(stream: EventStream) -> list[Event]:
    """Return every event of an opened stream until its server ends it."""
    found = list(stream.first)
    while (received := stream.receive()) is not None:
        found.extend(received.events)
    return found


def more_of(stream: EventStream) -> list[Event] | None:
    """Return the events that come next; None at the stream's end."""
    received = stream.receive()
    return None if received is None else received.events


def wait_for(condition: Callable[[], bool]) -> None:
    """Let the hub run until `condition` holds."""
    with gevent.Timeout(20):
        while not condition():
            gevent.sleep(0.005)


class ScriptedConnection(Connection):
    """A connection that brings the given pieces, then the other side's goodbye."""

    __slots__ = ("left", "sent", "taken")

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.left = (piece for piece in pieces if piece)
        self.taken = 0
        self.sent: list[bytes] = []
        self.closed = self.spoiled = False
        self.read_delay_ns = 0
        self.waiter: Any = None

    def send(self, words: bytes) -> None:
        self.sent.append(words)

    def receive(self) -> bytes:
        piece = next(self.left, b"")
        self.taken += len(piece)
        return piece

    def close(self) -> None:
        self.closed = True


def scripted(pieces: Iterable[bytes], **changes: Any) -> tuple[ShopperClient, ScriptedConnection]:
    """Return a client whose first connection is scripted; it can open no other."""
    facts: dict[str, Any] = {"base_url": "http://shop.test", "addresses": (), "headers": {}, **changes}
    client, connection = ShopperClient(Access(**facts), DEADLINE_S), ScriptedConnection(pieces)
    client._connection = connection
    return client, connection
