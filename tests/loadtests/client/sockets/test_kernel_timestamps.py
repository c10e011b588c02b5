"""A reply that waited for its turn in the hub came when the kernel saw it, not when it was read."""

import os
import socket
import time
from struct import pack
from typing import Any

import gevent
import pytest

from loadtests.client.sockets import kernel_timestamps as arrival
from loadtests.client.sockets.connection import Connection
from loadtests.client.sockets.kernel_timestamps import Rush, ask_for_notes, read_delay_of
from tests.loadtests.client.shoppers import GET, TRACEPARENT, Connect, Serve, in_turn
from tests.loadtests.hostile_server import reply
from tests.waiting import wait_for

needs_notes = pytest.mark.skipif(not arrival._IS_NOTED, reason="only Linux notes when TCP's bytes arrived")
HELD_S = 0.05


def note(age_ns: int, kind: int = 35) -> tuple[int, int, bytes]:
    seconds, rest = divmod(time.time_ns() - age_ns, 10**9)
    return (socket.SOL_SOCKET, kind, pack("qq", seconds, rest))


def in_a_rush() -> Rush:
    rush = Rush()
    rush.look()
    assert rush.is_on
    return rush


def held_up(connection: Connection) -> int:
    """Read what is there already for `HELD_S`, in a hub that was busy with something else; return how long it lay."""
    reader = gevent.spawn(connection.receive)
    gevent.sleep(0)
    time.sleep(HELD_S)  # not gevent's: nobody else runs
    assert reader.get(timeout=30)
    return connection.read_delay_ns


@pytest.fixture
def pair() -> tuple[socket.socket, Connection]:
    """Return a server's end, with bytes on the way, and the connection that will read them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connection = Connection(socket.AF_INET, time.monotonic() + 60)
        connection.connect(listener.getsockname())
        server = listener.accept()[0]
    return server, connection


def test_a_note_tells_how_long_ago_the_bytes_came() -> None:
    assert 5_000_000 <= read_delay_of([note(5_000_000)]) < 5_000_000_000


@pytest.mark.parametrize("notes", [[], [note(10**9, kind=2)], [(1, 35, b"short")], [note(-(10**12))]])
def test_no_note_another_s_a_torn_one_and_one_from_the_future_tell_nothing(notes: list[tuple[int, int, bytes]]) -> None:
    assert read_delay_of(notes) == 0


def read_delay_of_over_tcp(held_s: float) -> int:
    """Return how long bytes that were held lay by the kernel's notes, over a connection of their own."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as reader:
        ask_for_notes(reader)
        with listener.accept()[0] as server:
            server.sendall(b"x")
            time.sleep(held_s)
            _, notes, _, _ = reader.recvmsg(10, arrival.NOTE_ROOM)
    return read_delay_of(notes)


@pytest.fixture(scope="module")
def kernel_notes() -> None:
    """Wait until the kernel has begun, which takes it a moment once the first socket has asked."""
    wait_for(lambda: read_delay_of_over_tcp(0.001), "the kernel's first note")


@needs_notes
@pytest.mark.usefixtures("kernel_notes")
def test_the_kernel_notes_what_comes_over_tcp() -> None:
    assert HELD_S * 1e9 <= read_delay_of_over_tcp(HELD_S) < 30e9


@needs_notes
def test_a_socket_that_asks_stays_open_so_that_the_kernel_goes_on_between_connections() -> None:
    read_delay_of_over_tcp(0)
    descriptor = arrival._keep_noting(socket.AF_INET)
    with socket.socket(fileno=os.dup(descriptor)) as keeper:
        assert keeper.getsockopt(socket.SOL_SOCKET, arrival._TIMESTAMPNS) == 1
    assert descriptor == arrival._keep_noting(socket.AF_INET)


@needs_notes
@pytest.mark.usefixtures("kernel_notes")
def test_in_a_rush_what_waited_for_the_hub_is_told_by_how_long(pair: tuple[socket.socket, Connection]) -> None:
    server, connection = pair
    connection._rush = in_a_rush()
    server.sendall(b"x")
    assert HELD_S * 1e9 <= held_up(connection) < 30e9
    connection.close()
    server.close()


def test_at_ease_no_note_is_read(pair: tuple[socket.socket, Connection]) -> None:
    server, connection = pair
    connection._rush = Rush()
    server.sendall(b"x")
    assert held_up(connection) == 0
    connection.close()
    server.close()


def test_a_reply_says_how_late_it_was_read_and_one_that_failed_does_not(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(self: Connection, wait: Any = Connection.receive) -> bytes:
        data: bytes = wait(self)
        self.read_delay_ns = 5
        return data

    monkeypatch.setattr(Connection, "receive", receive)
    client = connect(serve(in_turn(reply(), reply(status="500 No"), lambda *_: False)).url)
    told = [client.send(GET, TRACEPARENT) for _ in range(3)]
    assert [(one.error, one.read_delay_ns) for one in told] == [(None, 5), ("http_5xx", 5), ("connection", 0)]


# -- what a rush is -----------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(arrival, "monotonic", lambda: now[0])
    return now


def test_a_few_replies_that_come_slowly_are_no_rush_and_those_that_come_at_once_are(clock: list[float]) -> None:
    rush = Rush()
    clock[0] += 8 * 201e-6
    rush.look()
    assert not rush.is_on
    clock[0] += 8 * 199e-6
    rush.look()
    assert rush.is_on
    clock[0] += 1.0
    rush.look()
    assert not rush.is_on


def test_who_is_in_a_rush_for_good_reads_a_thousand_notes_a_second_after_the_first_ten_thousand(
    clock: list[float],
) -> None:
    rush, noted = Rush(), []
    for _ in range(20 * 5000):  # 20 s at 40,000 replies a second
        clock[0] += 8 * 25e-6
        rush.look()
        noted.append(8 * rush.is_on)
    assert sum(noted) == pytest.approx(10_000 + 20 * 1000, rel=0.01)
    assert sum(noted[50_000:]) == pytest.approx(10 * 1000, rel=0.01)
