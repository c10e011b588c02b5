"""One deadline for a whole answer: a socket's own timeout begins anew with each piece that comes."""

import contextlib
import socket
import time


class AnswerDeadline:
    """The connection's timeout, from now on, as one deadline for all that is still received over it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._timeout_s = connection, connection.gettimeout()
        self._at = None if self._timeout_s is None else time.monotonic() + self._timeout_s

    def arm(self) -> None:
        """Let the connection's next receive wait for what is left; raises TimeoutError when nothing is."""
        if self._at is None:
            return
        left_s = self._at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("not read in time")
        self._connection.settimeout(left_s)

    def receive(self, at_most: int) -> bytes:
        """Return the next bytes, at most so many, empty at the end; raises OSError, TimeoutError among them."""
        self.arm()
        return self._connection.recv(at_most)

    def restore(self) -> None:
        """Give the connection its timeout back."""
        with contextlib.suppress(OSError):  # closed before
            self._connection.settimeout(self._timeout_s)
