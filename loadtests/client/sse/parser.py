"""Server-sent events (WHATWG HTML, 9.2.5 and 9.2.6): the bytes of a text/event-stream, piece by piece, as events.

Pure: it is given bytes and knows no connection. However they are split, the events are the same, and each is returned
with the piece that holds the last byte of its empty line.
"""

import re

from loadtests.client.errors import ProtocolError
from loadtests.client.interface import Event

MAX_LINE = 256 << 10
MAX_DATA = 1 << 20
_MARK = b"\xef\xbb\xbf"
_ENDS = re.compile(rb"\r\n|\n|\r")
_LONGEST_RETRY = 12  # digits: more milliseconds than a life has


class EventParser:
    """Reads one stream from its beginning; a line is at most `MAX_LINE` bytes, an event's data `MAX_DATA` characters.

    `last_id` is that of the last event, "" for none; `retry_ms` the stream's last `retry` field, None for
    nothing. What is left at the stream's end is no event: it is dropped with the parser.
    """

    __slots__ = ("_after_cr", "_data", "_first", "_id", "_rest", "_size", "_type", "last_id", "retry_ms")

    def __init__(self, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry_ms: int | None = None
        self._id = ""
        self._type = ""
        self._data: list[str] = []
        self._size = 0
        self._rest = bytearray()
        self._first = True
        self._after_cr = False

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that `piece` completes; raises ProtocolError on what is over a bound."""
        if self._after_cr and piece:
            self._after_cr = False
            piece = piece[1:] if piece[:1] == b"\n" else piece
        if not piece:
            return []
        self._after_cr = piece[-1:] == b"\r"
        *lines, rest = _ENDS.split(piece)
        events = []
        for line in lines:
            self._add(line)
            whole = bytes(self._rest)
            self._rest.clear()
            if (event := self._take(whole)) is not None:
                events.append(event)
        self._add(rest)
        return events

    def _add(self, part: bytes) -> None:
        if len(self._rest) + len(part) > MAX_LINE:
            raise ProtocolError(f"a line of over {MAX_LINE} bytes")
        self._rest += part

    def _take(self, line: bytes) -> Event | None:
        """Take a whole line; return the event that it ends."""
        if self._first:
            self._first = False
            line = line.removeprefix(_MARK)
        if not line:
            return self._dispatch()
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._size += len(value) + 1
            if self._size > MAX_DATA:
                raise ProtocolError(f"an event of over {MAX_DATA} characters")
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry_ms = int(value[:_LONGEST_RETRY])
        return None

    def _dispatch(self) -> Event | None:
        self.last_id = self._id
        kind, lines = self._type or "message", self._data
        self._type, self._data, self._size = "", [], 0
        if not lines:
            return None
        return Event(kind, "\n".join(lines), self.last_id)
