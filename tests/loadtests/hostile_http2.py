"""The hostile server's likeness over HTTP/2: h2 says what is right, and a test what is wrong, down to the bytes.

h2 is another's reading of RFC 9113 than the client's own.
"""

import contextlib
import socket
import ssl
from collections.abc import Callable

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, Event, RequestReceived, StreamEnded, StreamReset
from hpack import Encoder

from tests.loadtests.hostile_server import HostileServer, Seen


class Talk:
    """A request as a test answers it: `conn` for what is right, `raw` for what isn't."""

    def __init__(self, connection: socket.socket, conn: H2Connection, stream: int) -> None:
        self.connection, self.conn, self.stream = connection, conn, stream

    def answer(self, status: str = "200", body: bytes = b"{}", *headers: tuple[str, str], length: bool = True) -> None:
        """Send a whole reply."""
        told = [(":status", status), *headers]
        self.conn.send_headers(self.stream, told + ([("content-length", str(len(body)))] if length else []))
        for at in range(0, len(body), 16384):
            self.conn.send_data(self.stream, body[at : at + 16384])
        self.conn.end_stream(self.stream)
        self.flush()

    def sendall(self, data: bytes) -> None:
        """Send a whole reply as `hostile_server.reply` words it."""
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.partition(":")[::2] for line in lines]
        told = [(name.lower(), value.strip()) for name, value in pairs if name.lower() != "content-length"]
        self.answer(first.split(" ")[1], body, *told)

    def flush(self) -> None:
        """Send what h2 has to say."""
        self.connection.sendall(self.conn.data_to_send())

    def raw(self, *words: bytes) -> None:
        """Send bytes that h2 would not."""
        self.flush()
        self.connection.sendall(b"".join(words))


Reaction = Callable[[Talk, Seen], bool]


class HostileHttp2(HostileServer):
    """Calls `react` for each request that is whole; when it returns False the connection is closed.

    `begin` may change what is said first, before a byte was read. `heard` holds what h2 made of the rest.
    """

    def __init__(
        self,
        react: Reaction | bytes,
        tls: ssl.SSLContext | None = None,
        begin: Callable[[socket.socket, H2Connection], None] | None = None,
    ) -> None:
        super().__init__(b"", tls)
        self._react = react if callable(react) else self._with(react)
        self._begin = begin or (lambda _, __: None)
        self.heard: list[Event] = []
        self.talks: list[Talk] = []

    @staticmethod
    def _with(data: bytes) -> Reaction:
        def react(talk: Talk, _: Seen) -> bool:
            talk.sendall(data)
            return True

        return react

    def _serve(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):  # the client went away
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._sockets.append(connection)
            with connection:
                self._converse(connection, number)
                connection.shutdown(socket.SHUT_RDWR)

    def _converse(self, connection: socket.socket, number: int) -> None:
        conn = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        conn.initiate_connection()
        self._begin(connection, conn)
        connection.sendall(conn.data_to_send())
        heads: dict[int, dict[str, str]] = {}
        bodies: dict[int, bytes] = {}
        while data := connection.recv(1 << 16):
            for event in conn.receive_data(data):
                self.heard.append(event)
                if isinstance(event, RequestReceived):
                    heads[event.stream_id] = {str(name): str(value) for name, value in event.headers}
                elif isinstance(event, DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                    conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, StreamEnded):
                    headers = heads.pop(event.stream_id)
                    line = f"{headers[':method']} {headers[':path']} HTTP/2"
                    seen = Seen(connection=number, line=line, headers=headers, body=bodies.pop(event.stream_id, b""))
                    self.seen.append(seen)
                    self.talks.append(Talk(connection, conn, event.stream_id))
                    if not self._react(self.talks[-1], seen):
                        return
                elif isinstance(event, ConnectionTerminated):
                    return
            connection.sendall(conn.data_to_send())

    @property
    def resets(self) -> list[tuple[int, int]]:
        """Return the streams that the client broke off, and why."""
        return [(event.stream_id, int(event.error_code or 0)) for event in self.heard if isinstance(event, StreamReset)]

    @property
    def goaway_codes(self) -> list[int]:
        """Return the codes with which the client went away."""
        return [int(event.error_code or 0) for event in self.heard if isinstance(event, ConnectionTerminated)]


def said(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame's bytes, whether it may be or not."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def block(*fields: tuple[str, str]) -> bytes:
    """Return fields as a header block that needs no table."""
    encoder = Encoder()
    encoder.header_table_size = 0
    return bytes(encoder.encode(fields))
