"""What a test's server does with a stream of events, piece by piece, and with the requests beside it.

`to` is a Talk over HTTP/2, over HTTP/1.1 a socket: there the stream is a chunked body.
"""

import socket
from typing import Any

from loadtests.client.sse.event_stream import EventStream
from tests.loadtests.client.shoppers import STREAM, TRACEPARENT
from tests.loadtests.hostile_http2 import Talk
from tests.loadtests.hostile_server import Seen, reply
from tests.loadtests.replies import Untimed

EVENTS = ("content-type", "text/event-stream; charset=utf-8")
CANCEL, GOOD = 8, Untimed(200, b"{}")


def begin(to: Talk | socket.socket, *headers: tuple[str, str], status: str = "200") -> None:
    """Send a response's head; that of a stream of events if nothing else is given."""
    given = headers or (EVENTS,)
    if isinstance(to, Talk):
        to.conn.send_headers(to.stream, [(":status", status), *given])
        to.flush()
        return
    framing = () if status == "204" else (("transfer-encoding", "chunked"),)
    lines = "".join(f"{name}: {value}\r\n" for name, value in (*given, *framing))
    to.sendall(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())


def push(to: Talk | socket.socket, data: bytes, *, last: bool = False) -> None:
    """Send a piece of the body."""
    if isinstance(to, Talk):
        _push(to, data, last=last)
        return
    to.sendall((b"%x\r\n%b\r\n" % (len(data), data) if data else b"") + (b"0\r\n\r\n" if last else b""))


def _push(talk: Talk, data: bytes, *, last: bool) -> None:
    """Send as much as the client's windows let through, and read on until they let more."""
    at = 0
    while at < len(data):
        room = min(talk.conn.local_flow_control_window(talk.stream), 16384, len(data) - at)
        if room == 0:
            talk.flush()
            talk.conn.receive_data(talk.connection.recv(1 << 16))
            continue
        talk.conn.send_data(talk.stream, data[at : at + room])
        at += room
        talk.flush()
    if last:
        talk.conn.end_stream(talk.stream)
        talk.flush()


def listened_to(then: Any) -> Any:
    """Return a reaction that begins a stream for who asks for one, and then does `then`; others are answered."""

    def react(to: Any, seen: Seen) -> Any:
        if seen.path != STREAM.path:
            to.sendall(reply())
            return True
        begin(to)
        return then(to, seen)

    return react


def only_begun() -> Any:
    return listened_to(lambda _, __: True)


def pushing(*pieces: bytes) -> Any:
    """Return a reaction that begins a stream, and brings a piece of it before each other answer, to its end."""
    left, streams = list(pieces), list[Any]()

    def react(to: Any, seen: Seen) -> bool:
        if seen.path == STREAM.path:
            streams.append(to)  # before the client can know of it
            begin(to)
            return True
        if left:
            piece = left.pop(0)
            push(streams[0], piece, last=not left)
        to.sendall(reply())
        return True

    return react


def opened(stream: EventStream) -> EventStream:
    assert stream.send(STREAM, TRACEPARENT).error is None
    return stream
