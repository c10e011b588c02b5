"""Kept connections that shoppers share, for a plan that wants them; what a browser never does."""

from loadtests.client.connection import Connection


class Pool:
    """Holds at most `size` connections that rest, of one Access; the last given is the first taken.

    One that its server closes leaves by itself. Only the connections are shared: cookies stay the shopper's.
    """

    __slots__ = ("_resting", "_size")

    def __init__(self, size: int) -> None:
        self._size = size
        self._resting: list[Connection] = []

    def take(self) -> Connection | None:
        """Return an open connection, None when there is none."""
        while self._resting:
            connection = self._resting.pop()
            if not connection.closed:
                return connection
        return None

    def give(self, connection: Connection) -> None:
        """Take a connection that rests, or close it when there are enough."""
        self._resting = [resting for resting in self._resting if not resting.closed]
        if len(self._resting) < self._size and not connection.closed:
            self._resting.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close them all."""
        while self._resting:
            self._resting.pop().close()
