"""The shoppers' side of the traces: one client span a step, sent to the recorder over OTLP/HTTP.

Sent in slices with a yield between, so that the hub is never held for long; the buffer is bounded and what doesn't
fit is counted.
"""

from collections import deque
from time import monotonic

import gevent
from gevent.socket import SOCK_STREAM, getaddrinfo

from loadtests.client.connection import Connection, first_that_opens
from loadtests.client.heads import Heads
from loadtests.client.origin import Origin
from loadtests.client.passing import opened_by
from loadtests.client.reading import exchange
from loadtests.firewalls import Firewall
from loadtests.records import SessionRecord, StepBatch, StepRecord
from loadtests.span_message import message
from loadtests.targets import Blocked
from loadtests.trace_context import is_sampled

SERVICE = "shopper"
_BUFFER = 20_000
_SLICE = 256
_OK = 200
_DEADLINE_S = 5.0


class ClientSpans:
    """Buffers the spans of steps and sends them to the recorder at `url`, plain http; a listener of the hooks."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._origin = Origin.of(url)
        proof = f"Authorization: Bearer {token}\r\n" if token else ""
        self._head = (
            f"POST {self._origin.prefix}/v1/traces HTTP/1.1\r\nHost: {self._origin.authority}\r\n{proof}"
            "Content-Type: application/x-protobuf\r\nContent-Length: "
        )
        self._heads = Heads(Firewall(Blocked()))
        self._connection: Connection | None = None
        self._buffer: deque[StepRecord] = deque()
        self.sent = 0
        self.dropped = 0

    def steps_ended(self, batch: StepBatch) -> None:
        """Keep the steps of sampled traces until the next flush."""
        sampled = [record for record in batch.rows if is_sampled(record.traceparent)]
        room = max(0, _BUFFER - len(self._buffer))
        self._buffer.extend(sampled[:room])
        self.dropped += len(sampled[room:])

    def session_ended(self, record: SessionRecord) -> None:
        """Sessions have no span of their own."""

    def flush(self) -> None:
        """Send what is buffered, a slice at a time; what can't be delivered is dropped and counted."""
        while self._buffer:
            batch = [self._buffer.popleft() for _ in range(min(_SLICE, len(self._buffer)))]
            delivered = False
            try:
                delivered = self._send(message(SERVICE, batch))
            finally:  # a flush that is killed has dropped its slice
                self.sent += len(batch) if delivered else 0
                self.dropped += 0 if delivered else len(batch)
            gevent.sleep(0)

    def close(self) -> None:
        """Close the connection; the next flush opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, body: bytes) -> bool:
        """Return whether the recorder took it."""
        try:
            if self._connection is None or self._connection.closed:
                self._connection = self._connect()
            self._connection.ends_at = monotonic() + _DEADLINE_S
            words = f"{self._head}{len(body)}\r\n\r\n".encode() + body
            head, _ = exchange(self._connection, words, "POST", self._heads)
        except (OSError, ValueError):
            self.close()
            return False
        except BaseException:
            self.close()
            raise
        return head.status == _OK

    def _connect(self) -> Connection:
        """Return a connection to the first address of the recorder's host that takes one; raises OSError."""
        ends_at = monotonic() + _DEADLINE_S
        with gevent.Timeout(_DEADLINE_S, TimeoutError("no address in time")):
            found = getaddrinfo(self._origin.host, self._origin.port, type=SOCK_STREAM)
        places = [(family, address) for family, _, _, _, address in found]
        return first_that_opens(places, lambda place: opened_by(Connection(place[0], ends_at), (place, None)), ends_at)
