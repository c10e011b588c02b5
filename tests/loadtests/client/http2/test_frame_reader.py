"""Whatever bytes come, in whatever pieces, they are frames, or a failure with a code; never anything else."""

import contextlib
from itertools import pairwise

import pytest
from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.http2.frame_reader import FrameReader
from loadtests.client.http2.frames import HEAD_SIZE, MOST_STREAM_ID, FaultError
from loadtests.client.http2.response_headers import ResponseHeaders, initial_decoder
from loadtests.client.response_head import ResponseHeads
from loadtests.environment.firewalls import Firewall
from loadtests.environment.targets import Blocked
from tests.loadtests.hostile_http2 import block, said

SETTINGS = said(4, 0, 0)
STREAM = SETTINGS + said(1, 0, 1, b"ab") + said(9, 4, 1, b"cd") + said(0, 1, 1, b"body") + said(0x77, 0, 0, b"?")


@given(st.lists(st.integers(0, len(STREAM)), max_size=6))
def test_frames_are_the_same_in_whatever_pieces_they_come(cuts: list[int]) -> None:
    incoming, edges = FrameReader(), [0, *sorted(cuts), len(STREAM)]
    found = [one for a, b in pairwise(edges) for one in incoming.feed(STREAM[a:b])]
    assert found == [(4, 0, 0, b""), (1, 0, 1, b"abcd"), (0, 1, 1, b"body"), (0x77, 0, 0, b"?")]


@given(st.binary(max_size=200))
def test_any_bytes_are_frames_or_a_failure(data: bytes) -> None:
    with contextlib.suppress(FaultError):
        for number, (_, _, stream, payload) in enumerate(FrameReader().feed(SETTINGS + data)):
            assert stream <= MOST_STREAM_ID
            assert len(payload) <= len(data)
            assert number <= len(data) // HEAD_SIZE


def blocks() -> ResponseHeaders:
    return ResponseHeaders(ResponseHeads(Firewall(Blocked())))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_head_or_a_failure(data: bytes) -> None:
    for prefix in (b"", b"\x88"):  # a status of 200 first
        for decoder in (None, initial_decoder()):
            with contextlib.suppress(ProtocolError):
                assert blocks().of(prefix + data, decoder).status >= 100


def test_a_head_is_read_once() -> None:
    known, data = blocks(), block((":status", "200"), ("content-length", "3"), ("set-cookie", "a=b"))
    head = known.of(data)
    assert (head.status, head.size, head.cookies) == (200, 3, ("a=b",))
    assert known.of(data) is head


def test_what_is_kept_of_heads_is_bounded_in_number_and_in_size() -> None:
    known = blocks()
    for number in range(1_200):
        assert known.of(block((":status", "200"), ("x-id", str(number)))).fields == (("x-id", str(number)),)
    assert 0 < len(known.known) <= 512
    kept, long = len(known.known), block((":status", "200"), ("x-long", "x" * 10_000))
    assert [known.of(long).fields for _ in range(2)] == [(("x-long", "x" * 10_000),)] * 2
    assert len(known.known) == kept


def test_what_rests_on_a_table_is_read_each_time_and_kept_for_nobody() -> None:
    known, decoder, encoder = blocks(), initial_decoder(), Encoder()
    said_first = encoder.encode([(":status", "200"), ("x-a", "b"), ("content-length", "1")])
    said_again = encoder.encode([(":status", "200"), ("x-a", "b"), ("content-length", "1")])
    assert said_first != said_again
    assert [known.of(one, decoder).fields for one in (said_first, said_again)] == [
        (("x-a", "b"), ("content-length", "1"))
    ] * 2
    assert known.known == {}
    with pytest.raises(FaultError):
        known.of(said_again)  # nobody may rest on another's table
