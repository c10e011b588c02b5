"""A connection over TLS: records go through memory, so that the socket below stays the raw one that is watched."""

import contextlib
from ssl import MemoryBIO, SSLContext, SSLEOFError, SSLError, SSLObject, SSLWantReadError, SSLZeroReturnError

from loadtests.client.errors import BrokenOffError, UnsentError
from loadtests.client.sockets.connection import READ_BLOCK, Connection


class TlsConnection(Connection):
    """One connection with a TLS session of its own, shared with no other.

    Between requests TLS messages (session tickets, key updates) are processed; application data closes it.
    """

    __slots__ = ("_early_data", "_incoming", "_outgoing", "_tls")

    _tls: SSLObject

    def shake_hands(self, context: SSLContext, name: str) -> None:
        """Handshake with the server called `name`, verified as `context` says; raises OSError."""
        self._early_data: bytes | None = None
        self._incoming, self._outgoing = MemoryBIO(), MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        while True:
            try:
                self._tls.do_handshake()
            except SSLWantReadError:
                self._flush()
                self._fill(super().receive())
            except SSLError:
                with contextlib.suppress(OSError):
                    self._flush()  # so that the server gets the alert
                raise
            else:
                self._flush()
                return

    def send(self, data: bytes) -> None:
        """Send a request, as over plain TCP."""
        try:
            self._tls.write(data)  # into memory, which takes it all
        except SSLError as error:
            raise UnsentError(str(error)) from error
        super().send(self._outgoing.read())

    def receive(self) -> bytes:
        """Wait for bytes and return them; b"" after close_notify; raises OSError when it ended without one."""
        data, self._early_data = self._early_data, None
        if data is None and self._incoming.pending:
            data = self._decrypted()
        while data is None:
            self._fill(super().receive())
            data = self._decrypted()
        return data

    def release(self) -> None:
        """Be ready for another request, or close if it is spent or unrequested data came."""
        if self._early_data is not None or (self._incoming.pending and self._decrypted() is not None):
            self.is_spent = True
        super().release()

    def close(self) -> None:
        """Send close_notify and close."""
        if not self.closed:
            with contextlib.suppress(OSError, ValueError, AttributeError):  # it may never have come to a handshake
                self._send_close_notify()
        super().close()

    def _send_close_notify(self) -> None:
        with contextlib.suppress(SSLWantReadError):
            self._tls.unwrap()
        self._flush()

    def _fill(self, data: bytes) -> None:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            data = self._outgoing.read()
            if self._socket.send(data) != len(data):
                raise BrokenOffError("the other side doesn't read")

    def _decrypted(self) -> bytes | None:
        """Return decrypted data, b"" at the end, None when there is none yet."""
        try:
            return self._tls.read(READ_BLOCK)
        except SSLWantReadError:
            self._flush()
            return None
        except SSLZeroReturnError:
            return b""
        except SSLEOFError as error:
            raise BrokenOffError("closed without close_notify") from error

    def _is_answering(self) -> bool:
        self._fill(self._socket.recv(READ_BLOCK))
        self._early_data = self._decrypted()
        return self._early_data is not None

    def _on_readable(self) -> None:
        try:
            if self._is_answering():
                self.close()
        except OSError:
            self.close()
