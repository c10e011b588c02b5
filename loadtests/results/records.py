"""Records of requests and sessions, and the Parquet parts that they are written to.

Requests are many: a session appends rows, and what consumes them (parts, live figures, spans) takes them as columns,
some hundreds at a time.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import gevent
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loadtests.demand.visits import ASSET_STEPS
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import REQUESTS, SESSIONS
from loadtests.results.trace_context import TRACE_ID, is_sampled, sampled_places, span_id_of, trace_id_of

PART_ROWS = 50_000
PART_NS = 10_000_000_000
Ints = NDArray[np.int64]


class StepRecord(NamedTuple):
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
    traceparent: str

    @property
    def response_s(self) -> float:
        """Response time, from the scheduled moment: what the shopper waited."""
        return (self.finished_at - self.scheduled_at) / 1e9

    @property
    def service_s(self) -> float:
        """Service time, from the actual send: what the shop took."""
        return (self.finished_at - self.sent_at) / 1e9

    @property
    def lag_s(self) -> float:
        """Scheduling lag: how late it was sent."""
        return (self.sent_at - self.scheduled_at) / 1e9

    @property
    def trace_id(self) -> str:
        """The trace it began, 32 hex digits."""
        return trace_id_of(self.traceparent)

    @property
    def span_id(self) -> str:
        """Its own span, 16 hex digits."""
        return span_id_of(self.traceparent)

    @property
    def sampled(self) -> bool:
        """Whether its trace is kept."""
        return is_sampled(self.traceparent)


class SessionRecord(NamedTuple):
    """One arrival of the plan and its outcome. Times in ns since the epoch; 0 for never."""

    session: int
    journey: str
    scheduled_at: int
    started_at: int
    ended_at: int
    outcome: str
    reason: str | None
    late_s: float


class StepBatch:
    """Finished requests, at least one, as rows and as columns."""

    def __init__(self, rows: Sequence[StepRecord]) -> None:
        self.rows = rows
        columns: Any = zip(*rows, strict=True)
        session, journey, step, scheduled_at, sent_at, finished_at, status, error, size, traceparent = columns
        self.step: tuple[str, ...] = step
        self.error: tuple[str | None, ...] = error
        self.scheduled_at: Ints = np.array(scheduled_at, np.int64)
        self.sent_at: Ints = np.array(sent_at, np.int64)
        self.finished_at: Ints = np.array(finished_at, np.int64)
        self.bytes: Ints = np.array(size, np.int64)
        self._rest = session, journey, status, traceparent

    def steps(self) -> tuple[list[str], Ints]:
        """Return the steps' names, and for each request the index of its step among them."""
        names = sorted(set(self.step))
        codes = {name: code for code, name in enumerate(names)}
        return names, np.fromiter(map(codes.__getitem__, self.step), np.int64, len(self.step))

    def lag(self) -> Ints:
        """Return the scheduling lag (ns) of each but assets: those wait for one of a browser's few connections."""
        lag = self.sent_at - self.scheduled_at
        return lag if ASSET_STEPS.isdisjoint(self.step) else lag[~np.isin(self.step, list(ASSET_STEPS))]

    def accepted(self, status: int) -> int:
        """Return how many have this status or a higher one and are no error."""
        statuses = self._rest[2]
        if max(statuses) < status:
            return 0
        return sum(one >= status and error is None for one, error in zip(statuses, self.error, strict=True))

    def traced(self) -> Ints:
        """Return the places of those whose trace is kept."""
        return sampled_places(self._rest[3])

    def table(self) -> pa.Table:
        """Return the rows as a table of the schema `REQUESTS`."""
        session, journey, status, traceparent = self._rest
        columns = {
            "session": np.array(session, np.int64),
            "journey": journey,
            "step": self.step,
            "scheduled_at": self.scheduled_at,
            "sent_at": self.sent_at,
            "finished_at": self.finished_at,
            "status": np.array(status, np.int16),
            "error": self.error,
            "bytes": self.bytes,
            "trace_id": pc.utf8_slice_codeunits(pa.array(traceparent, pa.string()), *TRACE_ID),
        }
        return pa.table(columns, schema=REQUESTS)


class StepLog:
    """A buffer of finished requests: `add` appends one, `take` empties it."""

    __slots__ = ("_rows", "add")

    def __init__(self) -> None:
        self._rows: list[StepRecord] = []
        self.add: Callable[[StepRecord], None] = self._rows.append

    def __len__(self) -> int:
        return len(self._rows)

    def take(self) -> StepBatch | None:
        """Return the buffered requests, None for none, and empty the buffer."""
        if not self._rows:
            return None
        rows = self._rows[:]
        self._rows.clear()
        return StepBatch(rows)


class Parts:
    """A writer of rows of one kind, in parts that close about every 10 s or 50,000 rows, and at the end.

    A row is in memory until its part closes, so a killed worker loses its open part.
    """

    def __init__(self, directory: RunDirectory, kind: str, worker: str) -> None:
        self._directory, self._kind, self._worker = directory, kind, worker
        self._tables: list[pa.Table] = []
        self._size = 0
        self._opened_at = 0
        self.closed = 0
        self.rows = 0

    def add(self, table: pa.Table, now: int) -> None:
        """Append rows. `now` in ns."""
        if not self._tables:
            self._opened_at = now
        self._tables.append(table)
        self._size += table.num_rows
        self.rows += table.num_rows

    def is_due(self, now: int) -> bool:
        """Whether the open part is full or old."""
        return self._size >= PART_ROWS or (self._size > 0 and now - self._opened_at >= PART_NS)

    def close(self) -> None:
        """Write the open part, if it holds a row. Not reentrant."""
        tables, self._tables, self._size = self._tables, [], 0
        if not tables:
            return
        path = self._directory.part(self._kind, self._worker, f"{self.closed:05d}")
        write_table(path, pa.concat_tables(tables).combine_chunks())
        self.closed += 1

    def close_if_due(self, now: int) -> None:
        """Close the open part when it is full or old, in a thread, so that the disk doesn't block the hub."""
        if self.is_due(now):
            gevent.get_hub().threadpool.apply(self.close)


class Records:
    """The request and session records of one worker; a listener of its hooks."""

    def __init__(self, directory: RunDirectory, worker: str) -> None:
        self.requests = Parts(directory, "requests", worker)
        self.sessions = Parts(directory, "sessions", worker)
        self._ended: list[SessionRecord] = []

    def steps_ended(self, batch: StepBatch) -> None:
        """Append requests."""
        self.requests.add(batch.table(), int(batch.finished_at[0]))

    def session_ended(self, record: SessionRecord) -> None:
        """Append a session."""
        self._ended.append(record)

    def close_if_due(self, now: int) -> None:
        """Close the parts that are full or old. `now` in ns."""
        self._flush_sessions()
        self.requests.close_if_due(now)
        self.sessions.close_if_due(now)

    def close(self) -> None:
        """Write what is open."""
        self._flush_sessions()
        self.requests.close()
        self.sessions.close()

    def _flush_sessions(self) -> None:
        if not self._ended:
            return
        ended, self._ended = self._ended, []
        columns = dict(zip(SessionRecord._fields, zip(*ended, strict=True), strict=True))
        self.sessions.add(pa.table(columns, schema=SESSIONS), ended[0].ended_at)
