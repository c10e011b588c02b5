"""A connection that is listened to at all times: the hub hands on what comes, and what can't go out yet waits."""

import ssl
from typing import Protocol

from loadtests.client.errors import ProtocolError, SilentError
from loadtests.client.sockets.connect import Way, opened_by
from loadtests.client.sockets.connection import READ_BLOCK, Connection
from loadtests.client.sockets.kernel_timestamps import NOTE_ROOM, read_delay_of
from loadtests.client.sockets.tls_connection import TlsConnection

_READ, _WRITE = 1, 2
_ALPN = "h2"  # RFC 9113, 3.2


class Listener(Protocol):
    """Who is told, in the hub, what becomes of a connection."""

    def hear(self, data: bytes) -> None:
        """Take what came."""

    def go_on(self) -> None:
        """Say more: what waited has gone out."""

    def end(self, failure: Exception) -> None:
        """Take note that nothing more will come."""


class Transport(Connection):
    """One connection over plain TCP. Whatever is said goes through `put`, at once as far as the socket takes it."""

    _listener: Listener | None = None
    _outbox: bytearray

    def listen(self, listener: Listener) -> None:
        """Begin to hand on what comes."""
        self._outbox, self._listener = bytearray(), listener

    @property
    def waiting(self) -> int:
        """How many bytes wait to go out."""
        return len(self._outbox)

    def put(self, words: bytes) -> None:
        """Say `words` after all that was said before; raises OSError when nobody is there any more."""
        if self._outbox:
            self._outbox += words
            return
        try:
            sent = self._socket.send(words)
        except BlockingIOError:
            sent = 0
        if sent != len(words):
            self._outbox += words[sent:]
            self._watch(_READ | _WRITE)

    def _unasked(self) -> None:
        if (listener := self._listener) is None:
            self.close()
            return
        try:
            if self._outbox:
                self._push(listener)
            data, over = self._heard()
        except OSError as error:
            listener.end(SilentError(str(error)))
            return
        self._tell(listener, data, over=over)

    @staticmethod
    def _tell(listener: Listener, data: bytes, *, over: bool) -> None:
        if data:
            listener.hear(data)
        if over:
            listener.end(SilentError("hung up"))

    def _push(self, listener: Listener) -> None:
        try:
            del self._outbox[: self._socket.send(bytes(self._outbox))]
        except BlockingIOError:
            return
        if not self._outbox:
            self._watch(_READ)
            listener.go_on()

    def _heard(self) -> tuple[bytes, bool]:
        """Return what came, and whether it was the last; raises OSError."""
        if self.closed:
            return b"", False
        rush = self._rush
        rush.left -= 1
        if rush.left <= 0:
            rush.look()
        self.read_delay_ns = 0
        try:
            if rush.is_on:
                data, notes, _, _ = self._socket.recvmsg(READ_BLOCK, NOTE_ROOM)
                self.read_delay_ns = read_delay_of(notes)
            else:
                data = self._socket.recv(READ_BLOCK)
        except BlockingIOError:
            return b"", False
        return data, not data


class TlsTransport(Transport, TlsConnection):
    """One connection over TLS."""

    def shake_hands(self, context: ssl.SSLContext, name: str) -> None:
        """Agree on keys as over any TLS, and on HTTP/2; raises OSError, and ProtocolError when the server doesn't."""
        super().shake_hands(context, name)
        if self._tls.selected_alpn_protocol() != _ALPN:
            raise ProtocolError("the server doesn't speak HTTP/2")

    def listen(self, listener: Listener) -> None:
        """Hand on what came with the handshake, too."""
        super().listen(listener)
        try:
            data, over = self._unsealed()
        except OSError as error:
            listener.end(SilentError(str(error)))
            return
        self._tell(listener, data, over=over)

    def put(self, words: bytes) -> None:
        """Say `words`; raises OSError."""
        self._tls.write(words)  # into memory, which takes it all
        super().put(self._outgoing.read())

    def _heard(self) -> tuple[bytes, bool]:
        data, over = super()._heard()
        if data or over:
            self._fill(data)
        return self._unsealed()

    def _unsealed(self) -> tuple[bytes, bool]:
        pieces: list[bytes] = []
        try:
            while (piece := self._decrypted()) is not None:
                if not piece:
                    return b"".join(pieces), True
                pieces.append(piece)
        except OSError:
            if not pieces:
                raise
            return b"".join(pieces), True  # what came before is heard first
        return b"".join(pieces), False

    def _flush(self) -> None:
        if self._listener is None:
            super()._flush()
        elif self._outgoing.pending:
            super().put(self._outgoing.read())


def open_channel(way: Way, ends_at: float, tls: ssl.SSLContext | None, name: str) -> Transport:
    """Return a connection that went `way` by `ends_at`, over TLS with the server called `name` when there is a context.

    Raises OSError and ProtocolError.
    """
    (family, _), _ = way
    return opened_by(Transport(family, ends_at) if tls is None else TlsTransport(family, ends_at), way, tls, name)
