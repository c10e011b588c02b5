"""Where a reply ends is never in doubt: however its bytes fall, it is whole, or an outcome, and the next is its own."""

import gzip
from collections.abc import Iterator
from itertools import chain, pairwise, repeat

import brotli
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.client import response as reading
from loadtests.client.interface import Reply, Request
from loadtests.client.response_head import MAX_HEAD
from tests.loadtests.client.shoppers import GET, POST, TRACEPARENT, scripted

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HEAD = Request(step="home", method="HEAD", path="/")
JSON = b'{"name": "Zo\xc3\xab"}'

# Replies that are as they should be, with the body they hold and whether their connection may be used again.
SOUND: list[tuple[str, bytes, bytes, bool]] = [
    ("with a length", OK + b"Content-Length: 16\r\n\r\n" + JSON, JSON, True),
    ("of nothing", OK + b"Content-Length: 0\r\n\r\n", b"", True),
    ("in chunks", CHUNKED + b"6\r\n{'ab':\r\n2\r\n1}\r\n0\r\n\r\n", b"{'ab':1}", True),
    ("in chunks with extensions", CHUNKED + b'3;a=b;c="d"\r\nabc\r\n0;e\r\n\r\n', b"abc", True),
    ("in chunks with trailers", CHUNKED + b"3\r\nabc\r\n0\r\nX-Sum: 7\r\nY: z\r\n\r\n", b"abc", True),
    ("in chunks that hold line ends", CHUNKED + b"8\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n" * 4, True),
    ("until it is closed", OK + b"\r\nabc", b"abc", False),
    ("after an interim one", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\na", b"a", True),
    ("after early hints", b"HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n" * 3 + CHUNKED + b"0\r\n\r\n", b"", True),
    ("that ends the connection", OK + b"Connection: close\r\nContent-Length: 1\r\n\r\na", b"a", False),
    ("of HTTP/1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", b"a", False),
    ("with its length twice", OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na", b"a", True),  # RFC 9112, 6.3 (5)
    ("with a list of lengths", OK + b"X: y\r\ncontent-length: 1, 1,,1\r\n\r\na", b"a", True),
    ("with folded fields", OK + b"X: a\r\n b\r\n\t c\r\nContent-Length:\r\n 1\r\n\r\na", b"a", True),  # RFC 9112, 5.2
    ("in chunks with spaces", CHUNKED + b'3 ; a = "b;c"\r\nabc\r\n0\t\r\n\r\n', b"abc", True),  # RFC 9112, 7.1.1
    ("in chunks, a trailer folded", CHUNKED + b"1\r\na\r\n0\r\nX: y\r\n z\r\n\r\n", b"a", True),
    ("in no coding", OK + b"Content-Encoding: utf-8\r\nContent-Length: 1\r\n\r\na", b"a", True),  # Fetch: as it is
    ("in none", OK + b"Content-Encoding: none, gzip\r\nContent-Length: 1\r\n\r\na", b"a", True),
    (
        "in gzip with bytes behind it",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 40\r\n\r\n" + gzip.compress(JSON, mtime=0) + b"\n\0\x1f\x8b",
        JSON,
        True,
    ),
    (
        "in br with bytes behind it",
        OK + b"Content-Encoding: br\r\nContent-Length: 24\r\n\r\n" + brotli.compress(JSON) + b"\n\0\x1f\x8b",
        JSON,
        True,
    ),
    (
        "in one coding upon the other",
        OK
        + b"Content-Encoding: br\r\nContent-Encoding: identity, x-GZIP\r\nContent-Length: 40\r\n\r\n"
        + gzip.compress(brotli.compress(JSON), mtime=0),
        JSON,
        True,
    ),
    ("of HTTP/1.0, kept", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na", b"a", True),
    (
        "in gzip",
        OK + b"Content-Encoding: gzip\r\nContent-Length: 36\r\n\r\n" + gzip.compress(JSON, mtime=0),
        JSON,
        True,
    ),
    (
        "in br and chunks",
        CHUNKED[:-2] + b"Content-Encoding: br\r\n\r\n14\r\n" + brotli.compress(JSON) + b"\r\n0\r\n\r\n",
        JSON,
        True,
    ),
]
CASES = pytest.mark.parametrize(("data", "body", "kept"), [case[1:] for case in SOUND], ids=[case[0] for case in SOUND])


@CASES
def test_a_sound_reply_is_whole_and_its_connection_is_kept_when_it_may_be(
    data: bytes, body: bytes, *, kept: bool
) -> None:
    client, connection = scripted([data])
    assert (client.send(GET, TRACEPARENT), connection.closed) == (Reply(200, body), not kept)


@CASES
def test_it_is_the_same_wherever_it_is_cut_in_two(data: bytes, body: bytes, *, kept: bool) -> None:
    for cut in range(1, len(data)):
        client, connection = scripted([data[:cut], data[cut:]])
        assert (cut, client.send(GET, TRACEPARENT), connection.closed) == (cut, Reply(200, body), not kept)


@CASES
def test_it_is_the_same_byte_by_byte(data: bytes, body: bytes, *, kept: bool) -> None:
    client, connection = scripted(bytes([byte]) for byte in data)
    assert (client.send(GET, TRACEPARENT), connection.closed) == (Reply(200, body), not kept)


@CASES
def test_one_that_is_broken_off_anywhere_is_no_reply(data: bytes, body: bytes, *, kept: bool) -> None:
    for cut in range(len(data)):
        if not kept and data[:cut].endswith(b"\r\n\r\n" + body[: cut - data.find(b"\r\n\r\n") - 4]):
            continue  # what is read until it is closed can't be told from a whole one
        client, connection = scripted([data[:cut]])
        assert (cut, client.send(POST, TRACEPARENT), connection.closed) == (cut, Reply(error="connection"), True)


@CASES
def test_what_follows_it_is_never_taken_for_the_next_reply(data: bytes, body: bytes, *, kept: bool) -> None:
    if not kept and body in data and b"Content-Length" not in data:
        return  # all is body until it is closed
    for more in (b"x", b"\r\n", b"\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n", b"\x00"):
        for cut in (0, *range(len(data) - 6, len(data))):  # also when the end comes apart
            client, connection = scripted([data[:cut], data[cut:] + more])
            reply = client.send(GET, TRACEPARENT)
            assert (more, cut, reply, connection.closed) == (more, cut, Reply(200, body), True)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n",
    ],
)
def test_what_has_no_body_ends_with_its_head(head: bytes) -> None:
    request = GET._replace(accept=frozenset({204, 304}))
    client, connection = scripted([head, OK + b"Content-Length: 1\r\n\r\na"])
    assert client.send(request, TRACEPARENT) == Reply(int(head[9:12]))
    assert not connection.closed
    assert client.send(GET, TRACEPARENT) == Reply(200, b"a")


def test_a_reply_to_head_has_no_body_whatever_it_says() -> None:
    for head in (
        OK + b"Content-Length: 1000\r\n\r\n",
        CHUNKED,
        OK + b"Content-Encoding: br\r\nContent-Length: 9\r\n\r\n",
    ):
        client, connection = scripted([head])
        assert (client.send(HEAD, TRACEPARENT), connection.closed) == (Reply(200), False)
        client, connection = scripted([head + b"x"])
        assert (client.send(HEAD, TRACEPARENT), connection.closed) == (Reply(200), True)


def test_a_head_that_was_seen_is_read_for_get_and_for_head_alike() -> None:
    data = OK + b"Content-Length: 2\r\n\r\n"
    client, _ = scripted([data + b"ab", data, data + b"cd"])
    bodies = [client.send(request, TRACEPARENT).body for request in (GET, HEAD, GET)]
    assert bodies == [b"ab", b"", b"cd"]


def test_what_a_reply_to_head_says_of_a_body_is_none_even_when_it_was_seen_before() -> None:
    data = OK + b"Content-Length: 2\r\n\r\nab"
    client, connection = scripted([data, data])
    assert client.send(GET, TRACEPARENT) == Reply(200, b"ab")
    assert (client.send(HEAD, TRACEPARENT), connection.closed) == (Reply(200), True)


def test_an_interim_reply_that_was_seen_before_is_still_none() -> None:
    interim, final = b"HTTP/1.1 100 Continue\r\n\r\n", OK + b"Content-Length: 1\r\n\r\na"
    client, _ = scripted([interim, final, interim, final])
    assert [client.send(POST, TRACEPARENT) for _ in range(2)] == [Reply(200, b"a")] * 2


def test_heads_that_differ_each_time_are_not_all_kept() -> None:
    pieces = [OK + b"X-Id: %d\r\nContent-Length: 0\r\n\r\n" % number for number in range(2000)]
    client, _ = scripted(pieces)
    assert {client.send(GET, TRACEPARENT) for _ in range(2000)} == {Reply(200)}
    assert 0 < len(client._access.heads.known) <= 512


def test_a_long_head_is_read_and_not_kept() -> None:
    client, _ = scripted([OK + b"X: " + b"y" * 5000 + b"\r\nContent-Length: 0\r\n\r\n"])
    assert (client.send(GET, TRACEPARENT), client._access.heads.known) == (Reply(200), {})


# -- what is no reply ---------------------------------------------------------------------------------------------

BAD: list[tuple[str, bytes]] = [
    ("two lengths that don't", OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    ("a list of lengths that differ", OK + b"Content-Length: 1, 2\r\n\r\nab"),
    ("a length twice, one of them none", OK + b"Content-Length: 1\r\nContent-Length: 0x1\r\n\r\na"),
    ("no length in a list", OK + b"Content-Length: ,\r\n\r\n"),
    ("a negative length", OK + b"Content-Length: -1\r\n\r\n"),
    ("a length with a sign", OK + b"Content-Length: +1\r\n\r\na"),
    ("a length in hexadecimal", OK + b"Content-Length: 0x1\r\n\r\na"),
    ("an empty length", OK + b"Content-Length: \r\n\r\n"),
    ("a length past counting", OK + b"Content-Length: 99999999999999999999\r\n\r\n"),
    ("a length and chunks", OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ("chunks and a length", OK + b"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n1\r\na\r\n0\r\n\r\n"),
    ("chunks twice", OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("another transfer coding", OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    ("a coding nobody knows", OK + b"Transfer-Encoding: identity\r\n\r\n"),
    ("a chunk size that is none", CHUNKED + b"zz\r\n"),
    ("a negative chunk", CHUNKED + b"-1\r\n"),
    ("a chunk past counting", CHUNKED + b"ffffffffffffffffff\r\n"),
    ("a chunk that is longer than it says", CHUNKED + b"1\r\nab\r\n0\r\n\r\n"),
    ("a chunk without its line end", CHUNKED + b"1\na\n0\n\n"),
    ("a trailer that is none", CHUNKED + b"0\r\nno trailer\r\n\r\n"),
    ("a length folded into another", OK + b"Content-Length: 1\r\n 1\r\n\r\na"),
    ("a chunk size with a space in it", CHUNKED + b"1 0\r\n"),
    ("a space before the colon", OK + b"Content-Length : 0\r\n\r\n"),
    ("a field without a name", OK + b": x\r\n\r\n"),
    ("a zero byte in a field", OK + b"X: \x00\r\nContent-Length: 0\r\n\r\n"),
    ("line ends of one byte", b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    ("a status of two digits", b"HTTP/1.1 20 OK\r\n\r\n"),
    ("a status below all", b"HTTP/1.1 000 X\r\n\r\n"),
    ("HTTP/2", b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("HTTP/0.9", b"<html>hello</html>"),
    ("a request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    ("another protocol", b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ("line ends before it", b"\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n"),
    ("a switch of protocols", b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
    ("a bare switch of protocols", b"HTTP/1.1 101 X\r\n\r\n"),
    ("TLS", b"\x15\x03\x03\x00\x02\x02\x28"),
    ("bad gzip", OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
    ("half a gzip", OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + gzip.compress(JSON)[:20]),
    ("bad br", OK + b"Content-Encoding: br\r\nContent-Length: 4\r\n\r\n\xff\xff\xff\xff"),
    ("half a br", OK + b"Content-Encoding: br\r\nContent-Length: 9\r\n\r\n" + brotli.compress(JSON)[:9]),
    ("an encoding not asked for", OK + b"Content-Encoding: zstd\r\nContent-Length: 1\r\n\r\na"),
    ("encodings upon one another", OK + b"Content-Encoding: gzip, br\r\nContent-Length: 1\r\n\r\na"),
    ("too many encodings", OK + b"Content-Encoding: br, br, br, br, br\r\nContent-Length: 1\r\n\r\na"),
    (
        "half a member behind another",
        OK
        + b"Content-Encoding: gzip\r\nContent-Length: 46\r\n\r\n"
        + gzip.compress(JSON, mtime=0)
        + gzip.compress(JSON)[:10],
    ),
]


@pytest.mark.parametrize("data", [case[1] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_no_reply_or_could_be_read_in_two_ways_is_refused(data: bytes) -> None:
    for pieces in ([data], [bytes([byte]) for byte in data]):
        client, connection = scripted(pieces)
        assert (client.send(POST, TRACEPARENT), connection.closed) == (Reply(error="protocol"), True)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (OK, b"X: y\r\n" * 100),
        (OK + b"X: ", b"y" * 1000),
        (b"HTTP/1.1 ", b" " * 1000),
        (CHUNKED, b"1000\r\n" + b"x" * 0x1000 + b"\r\n"),
        (CHUNKED, b"1\r\nx\r\n" * 100),
        (CHUNKED + b"1;", b"x" * 1000),
        (CHUNKED + b"0\r\n", b"X: y\r\n" * 100),
        (OK + b"\r\n", b"x" * 1000),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 102 X\r\n\r\n", b"HTTP/1.1 102 X\r\nX: " + b"y" * 1000 + b"\r\n\r\n"),
    ],
)
def test_what_has_no_end_is_not_read_for_ever(first: bytes, again: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BODY", 1 << 20)
    client, connection = scripted(chain([first], repeat(again)))
    assert (client.send(GET, TRACEPARENT), connection.closed) == (Reply(error="protocol"), True)
    assert connection.taken < 3 << 20


def test_a_length_over_the_bound_is_refused_before_it_is_read() -> None:
    client, connection = scripted([OK + b"Content-Length: %d\r\n\r\n" % (reading.MAX_BODY + 1), b"x"])
    assert client.send(GET, TRACEPARENT) == Reply(error="protocol")
    assert list(connection.left) == [b"x"]


@pytest.mark.parametrize("size", [MAX_HEAD - 1, MAX_HEAD, MAX_HEAD + 1])
def test_a_head_fits_up_to_its_bound(size: int) -> None:
    start = OK + b"Content-Length: 0\r\nX: "
    data = start + b"y" * (size - len(start) - 4) + b"\r\n\r\n"
    client, _ = scripted([data])
    assert client.send(GET, TRACEPARENT) == (Reply(200) if size <= MAX_HEAD else Reply(error="protocol"))


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_body_that_unfolds_past_the_bound_is_refused(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BODY", 100_000)
    pack = gzip.compress if encoding == "gzip" else brotli.compress
    outcomes = []
    for size in (100_000, 100_001, 50_000_000):
        body = pack(b"x" * size)
        client, _ = scripted(
            [OK + f"Content-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body]
        )
        told = client.send(GET, TRACEPARENT)
        outcomes.append((told.error, len(told.body)))
    assert outcomes == [(None, 100_000), ("protocol", 0), ("protocol", 0)]


def test_ten_interim_replies_are_borne_and_no_more() -> None:
    interim, final = b"HTTP/1.1 102 X\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n"
    outcomes = [scripted([interim * many + final])[0].send(GET, TRACEPARENT) for many in (10, 11)]
    assert outcomes == [Reply(200), Reply(error="protocol")]


# -- anything at all ----------------------------------------------------------------------------------------------

WORDS = {None, "timeout", "connection", "protocol", "http_4xx", "http_5xx", "wrong_reply", "redirected_away", "blocked"}


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a sound reply with some bytes changed, left out, put in or said twice."""
    data = bytearray(draw(st.sampled_from(SOUND))[1])
    for _ in range(draw(st.integers(0, 4))):
        place, length = draw(st.integers(0, len(data))), draw(st.integers(0, 8))
        new = draw(st.binary(max_size=4) | st.sampled_from([b"\r\n", b"\r\n\r\n", b"0", b"Set-Cookie: a=b\r\n", OK]))
        data[place : place + length] = draw(st.sampled_from([new, bytes(data[place : place + length]) * 2]))
    return bytes(data)


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    """Cut `data` at the given places."""
    marks = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return (data[start:end] for start, end in pairwise(marks))


@given(data=st.binary(max_size=300) | mutated(), places=st.lists(st.integers(0, 1000), max_size=4))
@example(data=b"HTTP/1.1 204 No Content\r\n\r\nbytes that it may not have", places=[27])  # RFC 9112, 6.3
@example(data=CHUNKED + b"zz", places=[49])
def test_whatever_comes_and_however_it_is_cut_the_outcome_is_the_same(data: bytes, places: list[int]) -> None:
    request = GET._replace(accept=frozenset({200, 204, 304}))
    outcomes = []
    for pieces in ([data], cut(data, places), (bytes([byte]) for byte in data)):
        client, connection = scripted(pieces)
        outcomes.append(client.send(request, TRACEPARENT))
        assert connection.closed or not list(connection.left) or outcomes[-1].error is None
    assert outcomes[0].error in WORDS
    assert outcomes == [outcomes[0]] * 3


@given(
    body=st.binary(max_size=200), sizes=st.lists(st.integers(1, 50), max_size=8), places=st.lists(st.integers(0, 1000))
)
def test_a_body_in_chunks_of_any_size_is_that_body(body: bytes, sizes: list[int], places: list[int]) -> None:
    data, left = CHUNKED, body
    for size in [*sizes, len(body) or 1]:
        if piece := left[:size]:
            data += b"%x\r\n%b\r\n" % (len(piece), piece)
        left = left[size:]
    client, _ = scripted(cut(data + b"0\r\n\r\n", places))
    assert client.send(GET, TRACEPARENT) == Reply(200, body)
