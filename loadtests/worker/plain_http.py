"""Requests over plain HTTP/1.1 to a server of the run's own: the given host and port, no proxy, no redirect."""

from time import monotonic

import gevent
from gevent.socket import SOCK_STREAM, getaddrinfo

from loadtests.client.origin import Origin
from loadtests.client.response import exchange
from loadtests.client.response_head import Head, ResponseHeads
from loadtests.client.sockets.connect import opened_by
from loadtests.client.sockets.connection import Connection, first_that_opens
from loadtests.environment.firewalls import Firewall
from loadtests.environment.targets import Blocked


class PlainHttp:
    """One connection, kept alive between requests and opened when it is needed; only a greenlet at a time uses it."""

    def __init__(self, url: str) -> None:
        self.origin = Origin.of(url)
        self._heads = ResponseHeads(Firewall(Blocked()))
        self._connection: Connection | None = None

    def send(self, method: str, path: str, fields: str, body: bytes, *, within_s: float) -> Head:
        """Send a request, `fields` being lines that end in CRLF, and return the reply's head.

        Raises OSError and ValueError when there is no whole reply; the next request opens another connection.
        """
        head = (
            f"{method} {self.origin.prefix}{path} HTTP/1.1\r\nHost: {self.origin.authority}\r\n{fields}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect(within_s)
            self._connection.ends_at = monotonic() + within_s
            return exchange(self._connection, head.encode() + body, method, self._heads)[0]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self, within_s: float) -> Connection:
        """Return a connection to the first address of the host that takes one; raises OSError."""
        ends_at = monotonic() + within_s
        with gevent.Timeout(within_s, TimeoutError("no address in time")):
            found = getaddrinfo(self.origin.host, self.origin.port, type=SOCK_STREAM)
        places = [(family, address) for family, _, _, _, address in found]
        return first_that_opens(places, lambda place: opened_by(Connection(place[0], ends_at), (place, None)), ends_at)
