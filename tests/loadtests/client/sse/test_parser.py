"""A stream of events is the same events however its bytes are split, and nothing in it can grow without end."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from loadtests.client.errors import ProtocolError
from loadtests.client.interface import Event
from loadtests.client.sse import parser as module
from loadtests.client.sse.parser import MAX_DATA, MAX_LINE, EventParser


def read(*pieces: bytes) -> list[Event]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [("message", "a", "")]),
        (b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"\n\xef\xbb\xbfdata: a\n\n", []),
        (b"data:YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10", "")]),
        (
            b": test stream\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
            [("message", "first", "1"), ("message", "second", ""), ("message", " third", "")],
        ),
        (b"data\n\ndata\ndata\n\ndata:", [("message", "", ""), ("message", "\n", "")]),
        (b"data:test\n\ndata: test\n\n", [("message", "test", ""), ("message", "test", "")]),
        (b"event: paid\rdata: a\r\rdata: b\r\n\r\n", [("paid", "a", ""), ("message", "b", "")]),
        (b"event: lost\n\ndata: a\n\n", [("message", "a", "")]),
        (b"id: 7\n\ndata: a\n\ndata: b\n\n", [("message", "a", "7"), ("message", "b", "7")]),
        (b"id: 7\nid: 8\x009\ndata: a\n\n", [("message", "a", "7")]),
        (b"Data: a\ndata : b\n data: c\nwhat: d\n\n", []),
        (b"data: \xff\xc3\n\n", [("message", "\ufffd\ufffd", "")]),
        (b"data: a\ndata: half", []),
        (b"data: a\n", []),
        (b"", []),
    ],
)
def test_a_stream_is_read_as_the_standard_says(stream: bytes, expected: list[tuple[str, str, str]]) -> None:
    assert read(stream) == [Event(*one) for one in expected]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"retry: 1500", 1500),
        (b"retry:0", 0),
        (b"retry: 1.5", None),
        (b"retry: -1", None),
        (b"retry", None),
        (b"retry:  5", None),
        ("retry: ٣".encode(), None),
        (b"retry: " + b"9" * 5000, 999_999_999_999),
    ],
)
def test_the_time_to_reconnect_is_digits_only(line: bytes, expected: int | None) -> None:
    parser = EventParser()
    parser.feed(line + b"\n")
    assert parser.retry_ms == expected


def test_the_last_id_is_that_of_an_event_that_ended_and_stays_until_another_stream_ends_one() -> None:
    parser = EventParser("7")
    parser.feed(b": hello\nid: 8\n")
    assert parser.last_id == "7"
    parser.feed(b"\n")
    assert parser.last_id == "8"


def test_an_event_comes_with_the_return_that_ends_it_and_does_not_wait_for_a_feed() -> None:
    parser = EventParser()
    assert parser.feed(b"data: a\r\n\r") == [Event("message", "a", "")]
    assert parser.feed(b"\n") == []
    assert parser.feed(b"data: b\r\r") == [Event("message", "b", "")]


def oracle(stream: bytes) -> list[Event]:
    """Return the events of a whole stream by the standard's grammar, all at once."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    found, last, kind, data = [], "", "", ""
    *lines, _ = re.split(r"\r\n|\n|\r", text)
    for line in lines:
        name, colon, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if line == "":
            if data:
                found.append(Event(kind or "message", data[:-1], last))
            kind = data = ""
        elif colon and not name:
            pass
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last = value
    return found


PARTS = st.sampled_from(
    [b"data", b"event", b"id", b"retry", b":", b" ", b"\r", b"\n", b"\r\n", b"\n\n", b"\xef\xbb\xbf", b"\0", b"7",
     "é€".encode(), b"\xff", b"\xe2\x82", b": keep-alive", b"data: x"]
)  # fmt: skip


@given(stream=st.lists(PARTS, max_size=40).map(b"".join), cuts=st.lists(st.integers(0, 200), max_size=12))
@example(stream=b"data: a\r\n\r\n", cuts=[8, 9, 10])
@example(stream=b"data: a\r\nid: 1\r\ndata: b\r\n\r\ndata: c\r\n", cuts=[8])
@example(stream=b"\xef\xbb\xbfdata: a\n\n", cuts=[1, 2])
def test_any_split_gives_the_events_of_the_whole(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:end] for start, end in pairwise(places)]
    assert read(*pieces) == read(stream) == read(*(bytes([byte]) for byte in stream)) == oracle(stream)


@pytest.mark.parametrize("line", [b"data: ", b": ", b""])
def test_an_endless_line_is_refused_once_it_is_over_the_bound(line: bytes) -> None:
    parser, piece = EventParser(), b"x" * 4096
    parser.feed(line)
    for _ in range(MAX_LINE // len(piece) - 1):
        parser.feed(piece)
    with pytest.raises(ProtocolError, match=f"a line of over {MAX_LINE} bytes"):
        parser.feed(piece * 2)


def test_a_line_within_one_piece_is_bounded_too() -> None:
    with pytest.raises(ProtocolError, match=f"a line of over {MAX_LINE} bytes"):
        read(b"x" * (MAX_LINE + 1) + b"\n")


@pytest.mark.parametrize("line", [b"data\n", b"data: " + b"x" * 1000 + b"\n"])
def test_an_event_of_endless_data_is_refused(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DATA", 10_000)
    with pytest.raises(ProtocolError, match="an event of over 10000 characters"):
        read(*([line] * 10_001))


def test_events_after_each_other_may_be_more_together_than_one_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_DATA > MAX_LINE
    monkeypatch.setattr(module, "MAX_DATA", 100)
    assert len(read(*([b"data: " + b"x" * 90 + b"\n\n"] * 50))) == 50
