"""The shoppers' side of the traces: one client span a step, sent to the recorder over OTLP/HTTP.

Sent in slices with a yield between, so that the hub is never held for long; the buffer is bounded and what doesn't
fit is counted.
"""

from collections import deque
from typing import Any

import gevent
from geventhttpclient import HTTPClient
from geventhttpclient.response import HTTPParseError

from loadtests.records import SessionRecord, StepBatch, StepRecord
from loadtests.span_bytes import message

SERVICE = "shopper"
_BUFFER = 20_000
_SLICE = 256
_OK = 200
_DEADLINE_S = 5.0


class ClientSpans:
    """Buffers the spans of steps and sends them; a listener of the hooks."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/x-protobuf"}
        self._headers |= {"Authorization": f"Bearer {token}"} if token else {}
        self._http: Any = None
        self._buffer: deque[StepRecord] = deque()
        self.sent = 0
        self.dropped = 0

    def steps_ended(self, batch: StepBatch) -> None:
        """Keep the steps of sampled traces until the next flush."""
        sampled = [record for record in batch.rows if record.sampled]
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
        if self._http is not None:
            self._http.close()
            self._http = None

    def _send(self, body: bytes) -> bool:
        deadline = gevent.Timeout(_DEADLINE_S)
        try:
            with deadline:
                if self._http is None:
                    limits = {"connection_timeout": _DEADLINE_S, "network_timeout": _DEADLINE_S}
                    self._http = HTTPClient.from_url(self._url, **limits)
                response = self._http.request("POST", "/v1/traces", body=body, headers=self._headers)
                response.read()
        except (OSError, HTTPParseError, gevent.Timeout) as error:
            self.close()
            if isinstance(error, gevent.Timeout) and error is not deadline:
                raise
            return False
        return bool(response.status_code == _OK)
