"""Writes spans into the run directory: a bounded queue, a thread, and parts that close by age or size."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from exporters.spans.span_row import Span
from loadtests.results.run_directory import RunDirectory, write_table
from loadtests.results.schemas import SPANS

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a part closes, and how much may wait for it."""

    part_s: float = 10.0
    part_rows: int = 50_000
    waiting_rows: int = 200_000
    waiting_bytes: int = 128 << 20  # of attributes, which are the only long column


class SpanStore:
    """Writes spans to `spans-<part>.parquet`; what finds the queue full or can't be written counts as dropped."""

    def __init__(
        self,
        run: RunDirectory,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        write: Callable[[Path, pa.Table], None] = write_table,
    ) -> None:
        self._run = run
        self._limits = limits or Limits()
        self._clock = clock
        self._write = write
        self._changed = threading.Condition()
        self._pending: list[Span] = []
        self._pending_bytes = 0
        self._since = 0.0
        self._stopping = False
        self._part = 0
        self._thread = threading.Thread(target=self._loop, name="span-store", daemon=True)
        self.written = 0
        self.waiting = 0
        self.dropped_full = 0
        self.dropped_unwritten = 0
        self.writable = True

    def start(self) -> None:
        """Start writing, numbered after the parts that exist."""
        taken = [path.stem.rpartition("-")[2] for path in self._run.parts("spans")]
        self._part = 1 + max((int(number) for number in taken if number.isdecimal()), default=-1)
        self._thread.start()

    def put(self, spans: Sequence[Span]) -> bool:
        """Queue all of `spans`, or none when the queue is full; never blocks on the disk."""
        size = sum(len(span.attributes) for span in spans)
        with self._changed:
            full = self.waiting + len(spans) > self._limits.waiting_rows
            if full or self._stopping or self._pending_bytes + size > self._limits.waiting_bytes:
                self.dropped_full += len(spans)
                return False
            if not self._pending:
                self._since = self._clock()
            self._pending.extend(spans)
            self._pending_bytes += size
            self.waiting += len(spans)
            self._changed.notify_all()
            return True

    def stop(self) -> None:
        """Write what is queued and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()

    def _loop(self) -> None:
        while rows := self._next_part():
            failure = self._close_part(rows)
            with self._changed:
                self.waiting -= len(rows)
                if failure is None:
                    self.written += len(rows)
                else:
                    self.dropped_unwritten += len(rows)
                if failure is not None and self.writable:
                    _LOG.error("spans can't be written and are lost until they can: %s", failure)
                self.writable = failure is None
                self._changed.notify_all()

    def _next_part(self) -> list[Span]:
        """Wait until a part is full, old enough, or the last one; an empty part is the end."""
        with self._changed:
            while not (self._stopping or self._due()):
                left = self._since + self._limits.part_s - self._clock() if self._pending else None
                self._changed.wait(None if left is None else max(0.0, left))
            rows = self._pending[: self._limits.part_rows]
            self._pending = self._pending[self._limits.part_rows :]
            self._pending_bytes = sum(len(span.attributes) for span in self._pending)
            return rows

    def _due(self) -> bool:
        return bool(self._pending) and (
            len(self._pending) >= self._limits.part_rows or self._clock() >= self._since + self._limits.part_s
        )

    def _close_part(self, rows: list[Span]) -> str | None:
        """Write one part; return why it could not be."""
        try:
            columns = [
                pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), SPANS.types, strict=True)
            ]
            self._write(self._run.part("spans", self._part), pa.Table.from_arrays(columns, schema=SPANS))
        except (OSError, pa.ArrowException) as error:
            return str(error)
        self._part += 1
        return None
