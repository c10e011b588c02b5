"""What a test's server does with a stream of events, piece by piece, and with the requests beside it."""

from loadtests.client.sse.event_stream import EventStream
from tests.loadtests.client.shoppers import STREAM, TRACEPARENT
from tests.loadtests.hostile_http2 import Reaction, Talk
from tests.loadtests.hostile_server import Seen
from tests.loadtests.replies import Untimed

EVENTS = ("content-type", "text/event-stream; charset=utf-8")
CANCEL, GOOD = 8, Untimed(200, b"{}")


def begin(talk: Talk, *headers: tuple[str, str], status: str = "200") -> None:
    talk.conn.send_headers(talk.stream, [(":status", status), *(headers or [EVENTS])])
    talk.flush()


def push(talk: Talk, data: bytes, *, last: bool = False) -> None:
    """Send a piece of the body, as far as the client's windows let it: else read on until they do."""
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


def listened_to(then: Reaction) -> Reaction:
    """Return a reaction that begins a stream for who asks for one, and then does `then`; others are answered."""

    def react(talk: Talk, seen: Seen) -> bool:
        if seen.path != STREAM.path:
            talk.answer()
            return True
        begin(talk)
        return then(talk, seen)

    return react


def only_begun() -> Reaction:
    return listened_to(lambda _, __: True)


def pushing(*pieces: bytes) -> Reaction:
    """Return a reaction that begins a stream, and brings a piece of it before each other answer, to its end."""
    left, streams = list(pieces), list[Talk]()

    def react(talk: Talk, seen: Seen) -> bool:
        if seen.path == STREAM.path:
            begin(talk)
            streams.append(talk)
            return True
        if left:
            piece = left.pop(0)
            push(streams[0], piece, last=not left)
        talk.answer()
        return True

    return react


def opened(stream: EventStream) -> EventStream:
    assert stream.send(STREAM, TRACEPARENT).error is None
    return stream
