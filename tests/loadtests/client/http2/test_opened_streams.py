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
from loadtests.client.response_head import Heads
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

    def put(self, words: bytes) -> None:
        if self.cut:
            raise ConnectionResetError
        super().put(words)


def hear(conversation: Http2Connection, data: bytes) -> None:
    """Have the hub hand on what came, and let everybody come as far as they can."""
    get_hub().loop.run_callback(conversation.hear, data)
    gevent.idle()


def conversation_over(channel: Transport) -> Http2Connection:
    conversation = Http2Connection(channel, ResponseHeaders(Heads(Firewall(Blocked()))))
    hear(conversation, said(SETTINGS, 0, 0))
    return conversation


def opening(conversation: Http2Connection) -> "gevent.Greenlet[..., OpenStream]":
    """Ask for a stream, and let it come as far as it can."""
    greenlet: gevent.Greenlet[..., OpenStream] = gevent.spawn(
        conversation.open, block((":method", "GET")), "GET", monotonic() + 20
    )
    gevent.idle()
    return greenlet


def opened_over(conversation: Http2Connection, *fields: tuple[str, str]) -> OpenStream:
    asked = opening(conversation)
    hear(conversation, said(HEADERS, 4, 1, block((":status", "200"), *fields)))
    stream: OpenStream = asked.get(timeout=20)
    return stream


def reading_of(conversation: Http2Connection, stream: OpenStream) -> "gevent.Greenlet[..., bytes]":
    greenlet = gevent.spawn(conversation.more, stream)
    gevent.idle()
    return greenlet


def test_what_breaks_a_stream_wakes_its_reader_though_the_other_side_is_gone() -> None:
    channel = Cut()
    conversation = conversation_over(channel)
    stream = opened_over(conversation, ("content-length", "3"))
    reader = reading_of(conversation, stream)
    channel.cut = True
    hear(conversation, said(0, 1, 1, b"too much"))
    assert reader.get(timeout=20) == b"too much"
    with pytest.raises(ProtocolError, match="told as"):
        conversation.more(stream)


@pytest.mark.parametrize("asked", [said(PING, 0, 0, b"12345678"), said(SETTINGS, 0, 0)], ids=["ping", "settings"])
def test_what_came_is_heard_though_the_other_side_left_before_we_could_answer(asked: bytes) -> None:
    channel = Cut()
    conversation = conversation_over(channel)
    stream = opened_over(conversation)
    channel.cut = True
    hear(conversation, asked + said(0, 0, 1, TWO))
    assert reading_of(conversation, stream).get(timeout=20) == TWO


def test_an_opening_that_the_visit_breaks_off_leaves_the_others_alone() -> None:
    channel = Quiet()
    conversation = conversation_over(channel)
    asked = opening(conversation)
    asked.kill()
    assert channel.said[-1] == said(RST_STREAM, 0, 1, number(CANCEL))
    assert (conversation.retiring, conversation._streams) == (False, {})


def test_a_place_that_was_left_to_one_who_is_broken_off_then_is_the_next_one_s() -> None:
    conversation = conversation_over(Quiet())
    hear(conversation, said(SETTINGS, 0, 0, b"\0\3" + number(1)))
    stream = opened_over(conversation)
    first, second = opening(conversation), opening(conversation)
    first.kill(block=False)
    conversation.leave(stream)
    gevent.idle()
    assert (first.dead, len(conversation._streams), len(conversation._queue)) == (True, 1, 0)
    conversation.close()
    with pytest.raises(BrokenOffError):
        second.get(timeout=20)


def test_frames_that_bring_nothing_of_a_stream_are_a_flood() -> None:
    channel = Quiet()
    conversation = conversation_over(channel)
    stream = opened_over(conversation)
    hear(conversation, said(0, 0, 1) * 2_000)
    assert channel.closed
    with pytest.raises(ProtocolError, match="nothing of a reply"):
        conversation.more(stream)


def test_a_reader_is_woken_once_for_all_that_one_read_brought() -> None:
    conversation = conversation_over(Quiet())
    stream = opened_over(conversation)
    reader = reading_of(conversation, stream)
    hear(conversation, said(0, 0, 1, b":\n") * 500)
    assert len(conversation._done) == 1
    assert reader.get(timeout=20) == b":\n" * 500


def test_a_stream_of_a_told_length_is_bounded_only_by_what_is_not_taken() -> None:
    conversation = conversation_over(Quiet())
    stream = opened_over(conversation, ("content-length", str(1 << 40)))
    hear(conversation, said(0, 0, 1, TWO))
    assert conversation.more(stream) == TWO
