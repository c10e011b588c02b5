"""A connection that is read at all times: the hub hands on what comes, and what can't be sent yet is buffered."""

import ssl
from typing import Protocol

from loadtests.client.errors import ProtocolError, SilentError
from loadtests.client.sockets.connect import Route, opened_by
from loadtests.client.sockets.connection import READ_BLOCK, Connection
from loadtests.client.sockets.kernel_timestamps import ANCILLARY_SIZE, read_delay_of
from loadtests.client.sockets.tls_connection import TlsConnection

_READ, _WRITE = 1, 2
_ALPN = "h2"  # RFC 9113, 3.2


class TransportProtocol(Protocol):
    """What a Transport calls, in the hub; as asyncio's Protocol."""

    def data_received(self, data: bytes) -> None:
        """Handle received bytes."""

    def resume_writing(self) -> None:
        """Write more: the write buffer is empty."""

    def connection_lost(self, failure: Exception) -> None:
        """Handle the end: nothing more will be received."""


class Transport(Connection):
    """One connection over plain TCP; what the socket doesn't take at once is buffered."""

    _protocol: TransportProtocol | None = None
    _write_buffer: bytearray

    def start_reading(self, protocol: TransportProtocol) -> None:
        """Hand everything that comes to `protocol` from now on."""
        self._write_buffer, self._protocol = bytearray(), protocol

    @property
    def write_buffer_size(self) -> int:
        """How many bytes wait to be sent."""
        return len(self._write_buffer)

    def write(self, data: bytes) -> None:
        """Send `data` after everything before it; raises OSError when the connection is gone."""
        if self._write_buffer:
            self._write_buffer += data
            return
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent != len(data):
            self._write_buffer += data[sent:]
            self._watch(_READ | _WRITE)

    def _on_readable(self) -> None:
        if (protocol := self._protocol) is None:
            self.close()
            return
        try:
            if self._write_buffer:
                self._push(protocol)
            data, over = self._read_available()
        except OSError as error:
            protocol.connection_lost(SilentError(str(error)))
            return
        self._tell(protocol, data, over=over)

    @staticmethod
    def _tell(protocol: TransportProtocol, data: bytes, *, over: bool) -> None:
        if data:
            protocol.data_received(data)
        if over:
            protocol.connection_lost(SilentError("hung up"))

    def _push(self, protocol: TransportProtocol) -> None:
        try:
            del self._write_buffer[: self._socket.send(bytes(self._write_buffer))]
        except BlockingIOError:
            return
        if not self._write_buffer:
            self._watch(_READ)
            protocol.resume_writing()

    def _read_available(self) -> tuple[bytes, bool]:
        """Return what can be read now, and whether that was the end; raises OSError."""
        if self.closed:
            return b"", False
        sampler = self._sampler
        sampler.left -= 1
        if sampler.left <= 0:
            sampler.look()
        self.read_delay_ns = 0
        try:
            if sampler.is_on:
                data, notes, _, _ = self._socket.recvmsg(READ_BLOCK, ANCILLARY_SIZE)
                self.read_delay_ns = read_delay_of(notes)
            else:
                data = self._socket.recv(READ_BLOCK)
        except BlockingIOError:
            return b"", False
        return data, not data


class TlsTransport(Transport, TlsConnection):
    """One connection over TLS."""

    def shake_hands(self, context: ssl.SSLContext, name: str) -> None:
        """Handshake, with HTTP/2 agreed by ALPN; raises OSError, and ProtocolError when the server doesn't agree."""
        super().shake_hands(context, name)
        if self._tls.selected_alpn_protocol() != _ALPN:
            raise ProtocolError("the server doesn't speak HTTP/2")

    def start_reading(self, protocol: TransportProtocol) -> None:
        """Hand on what came with the handshake as well."""
        super().start_reading(protocol)
        try:
            data, over = self._unsealed()
        except OSError as error:
            protocol.connection_lost(SilentError(str(error)))
            return
        self._tell(protocol, data, over=over)

    def write(self, data: bytes) -> None:
        """Encrypt and send `data`; raises OSError."""
        self._tls.write(data)  # into memory, which takes it all
        super().write(self._outgoing.read())

    def _read_available(self) -> tuple[bytes, bool]:
        data, over = super()._read_available()
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
            return b"".join(pieces), True  # what came before is handed on first
        return b"".join(pieces), False

    def _flush(self) -> None:
        if self._protocol is None:
            super()._flush()
        elif self._outgoing.pending:
            super().write(self._outgoing.read())


def open_transport(route: Route, ends_at: float, tls: ssl.SSLContext | None, name: str) -> Transport:
    """Return a connection opened by `ends_at`, over TLS with the server called `name` when there is a context.

    Raises OSError and ProtocolError.
    """
    (family, _), _ = route
    return opened_by(Transport(family, ends_at) if tls is None else TlsTransport(family, ends_at), route, tls, name)
