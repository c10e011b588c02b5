"""What is kept of each request and each session, and the parts they are written in."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from loadtests.run_directory import REQUESTS, SESSIONS, RunDirectory, write_table

PART_ROWS = 50_000
PART_NS = 10_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """One request, from the wire to the verdict. Times in ns since the epoch."""

    session: int
    journey: str
    step: str
    scheduled_at: int
    sent_at: int
    finished_at: int
    status: int
    error: str | None
    bytes: int
    trace_id: str
    span_id: str
    sampled: bool

    @property
    def response_s(self) -> float:
        """What the shopper waited: from the scheduled moment."""
        return (self.finished_at - self.scheduled_at) / 1e9

    @property
    def service_s(self) -> float:
        """What the shop took: from the actual send."""
        return (self.finished_at - self.sent_at) / 1e9

    @property
    def lag_s(self) -> float:
        """How late it was sent."""
        return (self.sent_at - self.scheduled_at) / 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One arrival of the plan and what became of it. Times in ns since the epoch; 0 for never."""

    session: int
    journey: str
    scheduled_at: int
    started_at: int
    ended_at: int
    outcome: str
    reason: str | None
    late_s: float


class Parts:
    """Rows of one kind, written as closed parts: every 10 s or 50,000 rows, and when closed.

    A row is in memory only until its part closes; what a killed worker loses is its open part.
    """

    def __init__(self, directory: RunDirectory, kind: str, worker: str, schema: pa.Schema) -> None:
        self._directory, self._kind, self._worker, self._schema = directory, kind, worker, schema
        self._columns: dict[str, list[Any]] = {name: [] for name in schema.names}
        self._opened_at = 0
        self.closed = 0
        self.rows = 0

    def add(self, record: object, now: int) -> None:
        """Keep one record, closing the part when it is full or old. `now` in ns."""
        if not self._columns[self._schema.names[0]]:
            self._opened_at = now
        for name, column in self._columns.items():
            column.append(getattr(record, name))
        self.rows += 1
        self.close_if_due(now)

    def close_if_due(self, now: int) -> None:
        """Close the open part when it is full or old."""
        size = len(self._columns[self._schema.names[0]])
        if size >= PART_ROWS or (size and now - self._opened_at >= PART_NS):
            self.close()

    def close(self) -> None:
        """Write the open part, if it holds a row."""
        columns, self._columns = self._columns, {name: [] for name in self._schema.names}
        if not columns[self._schema.names[0]]:
            return
        path = self._directory.part(self._kind, self._worker, f"{self.closed:05d}")
        write_table(path, pa.table(columns, schema=self._schema))
        self.closed += 1


def request_parts(directory: RunDirectory, worker: str) -> Parts:
    """Return the writer of a worker's requests."""
    return Parts(directory, "requests", worker, REQUESTS)


def session_parts(directory: RunDirectory, worker: str) -> Parts:
    """Return the writer of a worker's sessions."""
    return Parts(directory, "sessions", worker, SESSIONS)
