"""What an event stream holds, and how it ends, never depends on how TCP cut it (RFC 9112, 6.3 and 7.1)."""

import gzip
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.content_encoding import content_decoder
from loadtests.client.response_head import ResponseHeads
from loadtests.client.sse.body_stream import Http1BodyStream
from loadtests.client.sse.parser import EventParser
from loadtests.environment.firewalls import Firewall
from loadtests.environment.targets import Blocked
from tests.loadtests.client.shoppers import PAID, SHIPPED, TWO, ScriptedConnection

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
PACKED = gzip.compress(TWO, mtime=0)
BOTH = [PAID, SHIPPED]
STREAMS = {
    "in chunks": (CHUNKED + b"\r\n" + b"%x ;a=b\r\n" % len(TWO) + TWO + b"\r\n0\r\n\r\n", BOTH, "ended"),
    "in chunks with bytes behind": (CHUNKED + b"\r\n%x\r\n" % len(TWO) + TWO + b"\r\n0\r\n\r\nx", BOTH, "ended"),
    "with a length": (HEAD + b"Content-Length: %d\r\n\r\n" % len(TWO) + TWO, BOTH, "ended"),
    "with a length and bytes behind": (HEAD + b"Content-Length: %d\r\n\r\n" % len(TWO) + TWO + b"\n\nx", BOTH, "ended"),
    "until it is closed": (HEAD + b"\r\n" + TWO, BOTH, "ended"),
    "in gzip": (HEAD + b"Content-Encoding: gzip\r\n\r\n" + PACKED + b"\n\x1f", BOTH, "ended"),
    "broken off": (CHUNKED + b"\r\n%x\r\n" % (len(TWO) + 1) + TWO, BOTH, "ConnectionError"),
    "no chunk": (CHUNKED + b"\r\n%x\r\n" % len(TWO) + TWO + b"\r\nzz\r\n", BOTH, "ValueError"),
}


class Scripted(ScriptedConnection):
    """A scripted connection that nothing watches."""

    def pause_reading(self) -> None:
        """Do nothing."""

    def resume_reading(self) -> None:
        """Do nothing."""


def read(pieces: Iterable[bytes]) -> tuple[list[object], str]:
    """Return the events of a stream, and how it ended."""
    found: list[object] = []
    body = Http1BodyStream(Scripted(pieces), b"GET / HTTP/1.1\r\n\r\n", ResponseHeads(Firewall(Blocked())))
    decoder, parser = content_decoder(body.head.encoding), EventParser()
    try:
        found += parser.feed(decoder.feed(body.first()))
        while not body.has_ended():
            found += parser.feed(decoder.feed(body.more()))
    except (ConnectionError, ValueError) as error:
        return found, "ValueError" if isinstance(error, ValueError) else "ConnectionError"
    return found, "ended"


@pytest.mark.parametrize(("data", "events", "end"), STREAMS.values(), ids=STREAMS)
@given(places=st.lists(st.integers(0, 400), max_size=6))
def test_its_events_and_its_end_are_the_same_however_it_is_cut(
    data: bytes, events: list[object], end: str, places: list[int]
) -> None:
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    assert read(data[start:stop] for start, stop in pairwise(marks)) == (events, end)
    assert read(bytes([byte]) for byte in data) == (events, end)
