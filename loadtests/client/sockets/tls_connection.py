"""A connection over TLS: records go through memory, so that the socket below stays the raw one that is watched."""

import contextlib
from ssl import MemoryBIO, SSLContext, SSLEOFError, SSLError, SSLObject, SSLWantReadError, SSLZeroReturnError

from loadtests.client.errors import BrokenOffError, UnsentError
from loadtests.client.sockets.connection import READ_BLOCK, Connection


class TlsConnection(Connection):
    """One connection with a TLS session of its own, shared with no other.

    What comes while nobody waits may be TLS's own (tickets, new keys): that is taken in, the rest closes it.
    """

    __slots__ = ("_ahead", "_incoming", "_outgoing", "_tls")

    _tls: SSLObject

    def shake_hands(self, context: SSLContext, name: str) -> None:
        """Agree on keys with the server called `name`, and verify it as `context` says; raises OSError."""
        self._ahead: bytes | None = None
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
                    self._flush()  # the other side should know why
                raise
            else:
                self._flush()
                return

    def send(self, words: bytes) -> None:
        """Send a request, as over plain TCP."""
        try:
            self._tls.write(words)  # into memory, which takes it all
        except SSLError as error:
            raise UnsentError(str(error)) from error
        super().send(self._outgoing.read())

    def receive(self) -> bytes:
        """Wait for bytes and return them; b"" when the other side has said goodbye; raises OSError when it has not."""
        data, self._ahead = self._ahead, None
        if data is None and self._incoming.pending:
            data = self._decrypted()
        while data is None:
            self._fill(super().receive())
            data = self._decrypted()
        return data

    def rest(self) -> None:
        """Be ready for another request, or closed when that can't be or something was said out of turn."""
        if self._ahead is not None or (self._incoming.pending and self._decrypted() is not None):
            self.spoiled = True
        super().rest()

    def close(self) -> None:
        """Say goodbye and close."""
        if not self.closed:
            with contextlib.suppress(OSError, ValueError, AttributeError):  # it may never have come to a handshake
                self._say_goodbye()
        super().close()

    def _say_goodbye(self) -> None:
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
            words = self._outgoing.read()
            if self._socket.send(words) != len(words):
                raise BrokenOffError("the other side doesn't read")

    def _decrypted(self) -> bytes | None:
        """Return what has come, b"" at the end; None when that is nothing yet."""
        try:
            return self._tls.read(READ_BLOCK)
        except SSLWantReadError:
            self._flush()
            return None
        except SSLZeroReturnError:
            return b""
        except SSLEOFError as error:
            raise BrokenOffError("hung up without a goodbye") from error

    def _is_answering(self) -> bool:
        self._fill(self._socket.recv(READ_BLOCK))
        self._ahead = self._decrypted()
        return self._ahead is not None

    def _unasked(self) -> None:
        try:
            if self._is_answering():
                self.close()
        except OSError:
            self.close()
