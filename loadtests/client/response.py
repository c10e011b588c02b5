"""Reads one response on an HTTP/1.1 connection: its head, its body, and where it ends (RFC 9112, 6)."""

from loadtests.client.chunked_body import read_chunks
from loadtests.client.errors import BrokenOffError, DeadlineError, ProtocolError, SilentError
from loadtests.client.response_head import CHUNKED, MAX_HEAD, UNTIL_CLOSED, Head, ResponseHeads, check_begun
from loadtests.client.sockets.connection import Connection

MAX_BODY = 16 << 20
_END = b"\r\n\r\n"
_MAX_INTERIM = 10
_OK = 200


def exchange(connection: Connection, data: bytes, method: str, heads: ResponseHeads) -> tuple[Head, bytes]:
    """Send a request's `data` and return the reply's head and its body, as it came.

    The connection is ready for another request afterwards, or closed: what comes behind the reply is no part of it and
    never of the next (RFC 9112, 6.3), whichever segment it comes in. Raises UnsentError, SilentError, OSError and
    ProtocolError; it mustn't be used again then.
    """
    connection.send(data)
    try:
        data = connection.receive()
    except DeadlineError:
        raise
    except ConnectionError as error:
        raise SilentError(str(error)) from error
    if not data:
        raise SilentError("hung up")
    end = data.find(_END) + len(_END)
    head = heads.known.get(data[:end])
    if head is not None and head.size == len(data) - end and head.status >= _OK and method != "HEAD":
        body = data[end:]
    else:
        head, body = _read(connection, data, method, heads)
    if head.keep_alive:
        connection.release()
    else:
        connection.close()
    return head, body


def open_response(connection: Connection, data: bytes, heads: ResponseHeads) -> tuple[Head, bytes]:
    """Send a request's `data` and return the reply's head and what came of its body with it; raises as `exchange`."""
    connection.send(data)
    data = connection.receive()
    if not data:
        raise SilentError("hung up")
    return _read_last_head(connection, data, heads)


def rest_of(connection: Connection, head: Head, data: bytes, method: str = "GET") -> bytes:
    """Return the whole body of `head`, which `data` begins; raises OSError and ProtocolError."""
    size = 0 if method == "HEAD" else head.size
    if size == CHUNKED:
        return _read_chunks(connection, data)
    if size == UNTIL_CLOSED:
        return _read_until_closed(connection, data)
    return _read_length(connection, data, size)


def _read(connection: Connection, data: bytes, method: str, heads: ResponseHeads) -> tuple[Head, bytes]:
    head, data = _read_last_head(connection, data, heads)
    return head, rest_of(connection, head, data, method)


def _read_last_head(connection: Connection, data: bytes, heads: ResponseHeads) -> tuple[Head, bytes]:
    """Return the head of the reply itself, after those of the interim ones, and what came after it."""
    head, data = _read_head(connection, data, heads)
    interim = 0
    while head.status < _OK:
        interim += 1
        if interim > _MAX_INTERIM:
            raise ProtocolError(f"over {_MAX_INTERIM} interim replies")
        head, data = _read_head(connection, data, heads)
    return head, data


def _read_head(connection: Connection, data: bytes, heads: ResponseHeads) -> tuple[Head, bytes]:
    """Return the next head and what came after it."""
    end = data.find(_END)
    if end < 0:
        data, end = _read_to_end_of_head(connection, data)
    end += len(_END)
    if end > MAX_HEAD:
        raise ProtocolError(f"a head of over {MAX_HEAD} bytes")
    return heads.of(data[:end]), data[end:]


def _read_to_end_of_head(connection: Connection, data: bytes) -> tuple[bytes, int]:
    buffer, end, searched = bytearray(data), -1, 0
    while end < 0:
        check_begun(buffer, searched)  # so that what can't be a head is refused early
        if len(buffer) > MAX_HEAD:
            raise ProtocolError(f"a head of over {MAX_HEAD} bytes")
        searched = max(0, len(buffer) - len(_END))
        buffer += _more(connection)
        end = buffer.find(_END, searched)
    return bytes(buffer), end


def _read_length(connection: Connection, data: bytes, size: int) -> bytes:
    if size > MAX_BODY:
        raise ProtocolError(f"a body of over {MAX_BODY} bytes")
    pieces, missing = [data], size - len(data)
    while missing > 0:
        data = _more(connection)
        pieces.append(data)
        missing -= len(data)
    if missing < 0:
        connection.is_spent = True
        return b"".join(pieces)[:size]
    return b"".join(pieces)


def _read_chunks(connection: Connection, data: bytes) -> bytes:
    body, goes_on = read_chunks(data, lambda: _more(connection), MAX_BODY)
    if goes_on:
        connection.is_spent = True
    return body


def _read_until_closed(connection: Connection, data: bytes) -> bytes:
    body = bytearray(data)
    while data := connection.receive():
        body += data
        if len(body) > MAX_BODY:
            raise ProtocolError(f"a body of over {MAX_BODY} bytes")
    return bytes(body)


def _more(connection: Connection) -> bytes:
    data = connection.receive()
    if not data:
        raise BrokenOffError("hung up within a reply")
    return data
