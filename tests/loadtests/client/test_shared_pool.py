"""Shoppers may share connections, never more than there should be, and never cookies; who finds none free waits."""

import gc
import socket
import threading
from collections.abc import Iterator
from time import monotonic

import gevent
import pytest

from loadtests.client.access import Access
from loadtests.client.errors import CutOffError, DeadlineError
from loadtests.client.interface import Reply
from loadtests.client.shared_pool import Pool, SharingClient
from loadtests.client.sockets.connection import Connection
from tests.loadtests.client.shoppers import GET, POST, SHORT_S, TRACEPARENT, Serve, closing, in_turn, wait_for
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.loadtests.replies import Untimed


class Noting(Pool):
    """A pool that notes whose turn it was, one after the other."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.turns: list[object] = []

    def take(self, ends_at: float) -> Connection | None:
        try:
            return super().take(ends_at)
        finally:
            self.turns.append(gevent.getcurrent())


class Party:
    """Shoppers who share the connections of one pool."""

    def __init__(self, size: int, server: HostileServer) -> None:
        self.pool = Noting(size)
        self.shoppers: list[SharingClient] = []
        self._access = Access(base_url=server.url, addresses=("127.0.0.1",), headers={})

    def shopper(self, deadline_s: float = 10.0) -> SharingClient:
        self.shoppers.append(SharingClient(self._access, deadline_s, self.pool))
        return self.shoppers[-1]

    def ask(self, trace: str, deadline_s: float = 10.0) -> "gevent.Greenlet[..., Reply]":
        """Send a request in a greenlet of its own, and let it come as far as it can at once."""
        asking = gevent.spawn(self.shopper(deadline_s).send, GET, trace)
        gevent.sleep(0)
        return asking


class Gate:
    """Answers well, but only when it is open."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, connection: socket.socket, _: Seen) -> bool:
        self.open.wait(20)
        connection.sendall(reply())
        return True


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    yield
    gc.collect()


def hang_up(_: socket.socket, __: Seen) -> bool:
    return False


def test_they_share_connections_and_never_cookies(serve: Serve) -> None:
    server = serve(reply(headers=("Set-Cookie: sid=one",)))
    party = Party(2, server)
    for _ in range(3):
        client = party.shopper()
        assert [client.send(GET, TRACEPARENT).error for _ in range(2)] == [None, None]
        assert client.beside().send(GET, TRACEPARENT).error is None
        client.close()
    party.pool.close()
    assert server.connections == 1
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, "sid=one", "sid=one"] * 3


def test_who_finds_none_free_waits_for_their_turn(serve: Serve) -> None:
    gate = Gate()
    server = serve(gate)
    party = Party(2, server)
    asking = [party.ask(f"trace-{number}") for number in range(6)]
    wait_for(lambda: len(server.seen) == 2)
    gevent.sleep(SHORT_S)
    gate.open.set()
    assert [one.get(timeout=20).error for one in asking] == [None] * 6
    party.pool.close()
    assert server.connections == 2
    waited_s = [one.value.waited_ns / 1e9 for one in asking]
    assert max(waited_s[:2]) < SHORT_S <= min(waited_s[2:])
    assert party.pool.turns == asking  # first come, first served


def test_who_waits_too_long_is_told_so_and_takes_nobodys_turn(serve: Serve) -> None:
    gate = Gate()
    server = serve(gate)
    party = Party(1, server)
    first, second = party.ask("first"), party.ask("second", SHORT_S)
    third = party.ask("third")
    assert second.get(timeout=20) == Untimed(error="timeout")
    assert second.value.waited_ns >= SHORT_S * 1e9
    gate.open.set()
    assert [one.get(timeout=20).error for one in (first, third)] == [None, None]
    party.pool.close()
    assert (server.connections, len(server.seen)) == (1, 2)


@pytest.mark.parametrize("broken_off", ["the one that is sent", "the first that waits"])
def test_a_visit_that_is_broken_off_leaves_its_place_to_the_next(serve: Serve, broken_off: str) -> None:
    gate = Gate()
    server = serve(gate)
    party = Party(1, server)
    asking = [party.ask(f"trace-{number}") for number in range(3)]
    wait_for(lambda: len(server.seen) == 1)
    place = 0 if broken_off == "the one that is sent" else 1
    gevent.sleep(SHORT_S / 10)
    asking[place].kill()
    exit_ = asking[place].value
    assert isinstance(exit_, CutOffError)
    assert (exit_.waited_ns >= SHORT_S / 10 * 1e9) is (place == 1)
    gate.open.set()
    left = [one for one in asking if one is not asking[place]]
    assert [one.get(timeout=20).error for one in left] == [None, None]
    party.pool.close()


def test_a_turn_that_was_given_and_not_taken_is_passed_on() -> None:
    """The place is given back in the same turn of the hub in which who is next is broken off."""
    pool, taken = Pool(1), list[str]()

    def take(name: str) -> None:
        pool.take(monotonic() + 10)
        taken.append(name)

    assert pool.take(monotonic() + 10) is None
    waiting = [gevent.spawn(take, name) for name in ("first", "second")]
    gevent.sleep(0)
    waiting[0].kill(block=False)
    pool.give(None)
    gevent.joinall(waiting, timeout=20)
    assert taken == ["second"]


def test_a_wait_ends_in_time_when_nobody_gives_anything() -> None:
    pool = Pool(1)
    assert pool.take(monotonic() + 10) is None
    with gevent.Timeout(20), pytest.raises(DeadlineError):
        pool.take(monotonic() + SHORT_S)
    pool.give(None)
    assert pool.take(monotonic() + 10) is None  # the place is free again


def test_none_that_failed_is_kept(serve: Serve) -> None:
    server = serve(in_turn(hang_up, reply(), reply()))
    party = Party(2, server)
    assert [party.shopper().send(POST, TRACEPARENT).error for _ in range(3)] == ["connection", None, None]
    party.pool.close()
    assert [seen.connection for seen in server.seen] == [1, 2, 2]


def test_a_connection_that_its_server_closes_leaves_the_pool(serve: Serve) -> None:
    party = Party(1, serve(closing(reply())))
    assert party.shopper().send(GET, TRACEPARENT).error is None
    resting: list[Connection] = party.pool._resting
    wait_for(lambda: all(connection.closed for connection in resting))
    assert party.pool.take(monotonic() + 10) is None


def test_an_order_is_not_sent_twice_over_a_shared_connection_that_ended(serve: Serve) -> None:
    server = serve(in_turn(reply(), hang_up, reply()))
    party = Party(1, server)
    assert party.shopper().send(GET, TRACEPARENT).error is None
    assert party.shopper().send(POST, TRACEPARENT) == Untimed(error="connection")
    assert len(server.seen) == 2
