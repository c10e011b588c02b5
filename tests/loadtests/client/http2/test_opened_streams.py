"""An opened stream between two frames: who is woken, whose place it was, and what is a flood; without a network."""

from time import monotonic

import gevent
import pytest
from gevent import get_hub

from loadtests.client.errors import BrokenOffError, ProtocolError
from loadtests.client.http2.connection import Http2Connection
from loadtests.client.http2.response_headers import ResponseHeaders
from loadtests.client.http2.stream import OpenStream
from loadtests.client.http2.transport import Transport
from loadtests.client.response_head import ResponseHeads
from loadtests.environment.firewalls import Firewall
from loadtests.environment.targets import Blocked
from tests.loadtests.client.http2.test_broken_replies import HEADERS, PING, RST_STREAM, SETTINGS, number
from tests.loadtests.client.http2.test_streams import Quiet
from tests.loadtests.client.shoppers import TWO
from tests.loadtests.client.sse.serving import CANCEL
from tests.loadtests.hostile_http2 import block, said


class Cut(Quiet):
    """A connection over which nothing can be said any more, though not all that came was heard yet."""

    cut = False

    def write(self, words: bytes) -> None:
        if self.cut:
            raise ConnectionResetError
        super().write(words)


def data_received(connection: Http2Connection, data: bytes) -> None:
    """Have the hub hand on what came, and let everybody come as far as they can."""
    get_hub().loop.run_callback(connection.data_received, data)
    gevent.idle()


def connection_over(transport: Transport) -> Http2Connection:
    connection = Http2Connection(transport, ResponseHeaders(ResponseHeads(Firewall(Blocked()))))
    data_received(connection, said(SETTINGS, 0, 0))
    return connection


def opening(connection: Http2Connection) -> "gevent.Greenlet[..., OpenStream]":
    """Ask for a stream, and let it come as far as it can."""
    greenlet: gevent.Greenlet[..., OpenStream] = gevent.spawn(
        connection.open, block((":method", "GET")), "GET", monotonic() + 20
    )
    gevent.idle()
    return greenlet


def opened_over(connection: Http2Connection, *fields: tuple[str, str]) -> OpenStream:
    asked = opening(connection)
    data_received(connection, said(HEADERS, 4, 1, block((":status", "200"), *fields)))
    stream: OpenStream = asked.get(timeout=20)
    return stream


def reading_of(connection: Http2Connection, stream: OpenStream) -> "gevent.Greenlet[..., bytes]":
    greenlet = gevent.spawn(connection.read_more, stream)
    gevent.idle()
    return greenlet


def test_what_breaks_a_stream_wakes_its_reader_though_the_other_side_is_gone() -> None:
    transport = Cut()
    connection = connection_over(transport)
    stream = opened_over(connection, ("content-length", "3"))
    reader = reading_of(connection, stream)
    transport.cut = True
    data_received(connection, said(0, 1, 1, b"too much"))
    assert reader.get(timeout=20) == b"too much"
    with pytest.raises(ProtocolError, match="content-length"):
        connection.read_more(stream)


@pytest.mark.parametrize("asked", [said(PING, 0, 0, b"12345678"), said(SETTINGS, 0, 0)], ids=["ping", "settings"])
def test_what_came_is_heard_though_the_other_side_left_before_we_could_answer(asked: bytes) -> None:
    transport = Cut()
    connection = connection_over(transport)
    stream = opened_over(connection)
    transport.cut = True
    data_received(connection, asked + said(0, 0, 1, TWO))
    assert reading_of(connection, stream).get(timeout=20) == TWO


def test_an_opening_that_the_visit_breaks_off_leaves_the_others_alone() -> None:
    transport = Quiet()
    connection = connection_over(transport)
    asked = opening(connection)
    asked.kill()
    assert transport.said[-1] == said(RST_STREAM, 0, 1, number(CANCEL))
    assert (connection.retiring, connection._streams) == (False, {})


def test_a_place_that_was_left_to_one_who_is_broken_off_then_is_the_next_one_s() -> None:
    connection = connection_over(Quiet())
    data_received(connection, said(SETTINGS, 0, 0, b"\0\3" + number(1)))
    stream = opened_over(connection)
    first, second = opening(connection), opening(connection)
    first.kill(block=False)
    connection.cancel(stream)
    gevent.idle()
    assert (first.dead, len(connection._streams), len(connection._queue)) == (True, 1, 0)
    connection.close()
    with pytest.raises(BrokenOffError):
        second.get(timeout=20)


def test_frames_that_bring_nothing_of_a_stream_are_a_flood() -> None:
    transport = Quiet()
    connection = connection_over(transport)
    stream = opened_over(connection)
    data_received(connection, said(0, 0, 1) * 2_000)
    assert transport.closed
    with pytest.raises(ProtocolError, match="without response data"):
        connection.read_more(stream)


def test_a_reader_is_woken_once_for_all_that_one_read_brought() -> None:
    connection = connection_over(Quiet())
    stream = opened_over(connection)
    reader = reading_of(connection, stream)
    data_received(connection, said(0, 0, 1, b":\n") * 500)
    assert len(connection._to_wake) == 1
    assert reader.get(timeout=20) == b":\n" * 500


def test_a_stream_of_a_told_length_is_bounded_only_by_what_is_not_taken() -> None:
    connection = connection_over(Quiet())
    stream = opened_over(connection, ("content-length", str(1 << 40)))
    data_received(connection, said(0, 0, 1, TWO))
    assert connection.read_more(stream) == TWO
