"""The records of a run as tables in memory: every question of `RequestRecords`, answered the plain way."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from slo.design_effect import StepCounts
from slo.objectives.indicators import HANGS_S, LATE_S, NEVER_JUDGED, Asked, Ending, Evidence, Window
from slo.objectives.sources import Clock

_NS = 1_000_000_000
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTable:
    """`RequestRecords` of tables with the columns of request and session records."""

    table: pa.Table
    sessions: pa.Table = field(default_factory=lambda: pa.table({}))

    def evidence(self, asked: Sequence[Asked], window: Window) -> tuple[Evidence, ...]:
        """Return the evidence of all that is asked."""
        return tuple(self._evidence(one, window) for one in asked)

    def evidence_of_part(self, asked: Asked, part: Window) -> Evidence:
        """Return the evidence of a part of the window."""
        return self._evidence(asked, part)

    def counts(self, window: Window | None = None) -> Mapping[tuple[str, str | None], int]:
        """Return the number of requests by step and error."""
        table = self.table if window is None else self.table.filter(_inside(self.table, window))
        return Counter(zip(table["step"].to_pylist(), table["error"].to_pylist(), strict=True))

    def hung(self, window: Window) -> Mapping[str, int]:
        """Return by step those scheduled in `window` that the run's end cut off after they had waited for 10 s."""
        return Counter(self._hung().filter(_inside(self._hung(), window))["step"].to_pylist())

    def session_rows(self) -> int:
        """Return the number of session records."""
        return int(self.sessions.num_rows)

    def endings(self, window: Window) -> Mapping[tuple[Ending, int], int]:
        """Return the number of sessions by how they ended and by block."""
        due = self._due(window)
        return Counter((ending, _block(window, at)) for _, ending, at in due)

    def made_by(self, window: Window) -> Mapping[tuple[Ending, str], int]:
        """Return the number of requests of those sessions by how these ended and by step."""
        ended = {session: ending for session, ending, _ in self._due(window)}
        made = zip(self.table["session"].to_pylist(), self.table["step"].to_pylist(), strict=True)
        return Counter((ended[session], step) for session, step in made if session in ended)

    def _hung(self) -> pa.Table:
        cut_off = self.table.filter(pc.fill_null(pc.equal(self.table["error"], "cut_off"), fill_value=False))
        waited = pc.subtract(cut_off["finished_at"], cut_off["sent_at"])
        return cut_off.filter(pc.greater_equal(waited, round(HANGS_S * _NS)))

    def _due(self, window: Window) -> list[tuple[int, Ending, int]]:
        hanging = set(self._hung()["session"].to_pylist())
        return [
            (
                row["session"],
                Ending(
                    journey=row["journey"],
                    outcome=row["outcome"],
                    reason=row["reason"],
                    started=row["started_at"] > 0,
                    on_time=row["started_at"] > 0 and row["started_at"] - row["scheduled_at"] <= round(LATE_S * _NS),
                    hangs=row["outcome"] == "cut_off" and row["session"] in hanging,
                ),
                row["scheduled_at"],
            )
            for row in self.sessions.filter(_inside(self.sessions, window)).to_pylist()
        ]

    def traced(self, steps: Iterable[str], window: Window) -> pa.Table:
        """Return `trace_id` and `scheduled_at` of the requests of `steps` in `window`."""
        mask = pc.and_(_inside(self.table, window), pc.is_in(self.table["step"], pa.array(sorted(steps), pa.string())))
        return self.table.filter(mask).select(["trace_id", "scheduled_at"])

    def _evidence(self, asked: Asked, window: Window) -> Evidence:
        columns = _Columns.of(self.table, asked.steps, window)
        if asked.threshold_ns is None:
            return columns.evidence(window, bad=columns.failed, left_out=columns.cut_off & ~columns.hung)
        slow = columns.waited(asked.clock) > asked.threshold_ns
        left_out = columns.cut_off & ~slow
        return columns.evidence(window, bad=slow | columns.failed, left_out=left_out, quantile=asked.quantile)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """The judged requests of some steps as arrays, those that never count already gone."""

    steps: tuple[str, ...]
    step: npt.NDArray[np.int64]
    session: npt.NDArray[np.int64]
    scheduled_at: npt.NDArray[np.int64]
    sent_at: npt.NDArray[np.int64]
    finished_at: npt.NDArray[np.int64]
    failed: Bools
    cut_off: Bools
    blocked: int

    @classmethod
    def of(cls, requests: pa.Table, steps: tuple[str, ...], window: Window) -> "_Columns":
        table = requests.filter(
            pc.and_(_inside(requests, window), pc.is_in(requests["step"], pa.array(steps, pa.string())))
        )
        error = pc.fill_null(table["error"], "")
        never = pc.is_in(error, pa.array(NEVER_JUDGED, pa.string()))
        blocked = int(pc.sum(never).as_py() or 0)
        table, error = table.filter(pc.invert(never)), error.filter(pc.invert(never))
        cut_off = _array(pc.equal(error, "cut_off"), np.bool_)
        return cls(
            steps=steps,
            step=_array(pc.index_in(table["step"], pa.array(steps, pa.string())), np.int64),
            session=_array(table["session"], np.int64),
            scheduled_at=_array(table["scheduled_at"], np.int64),
            sent_at=_array(table["sent_at"], np.int64),
            finished_at=_array(table["finished_at"], np.int64),
            failed=_array(pc.not_equal(error, ""), np.bool_),
            cut_off=cut_off,
            blocked=blocked,
        )

    @property
    def hung(self) -> Bools:
        """Which had waited for `HANGS_S` since they were sent."""
        hung: Bools = self.finished_at - self.sent_at >= round(HANGS_S * _NS)
        return hung

    def waited(self, clock: Clock) -> npt.NDArray[np.int64]:
        """Nanoseconds from the clock's start to the end."""
        return self.finished_at - (self.scheduled_at if clock == "scheduled" else self.sent_at)

    def evidence(self, window: Window, *, bad: Bools, left_out: Bools, quantile: float | None = None) -> Evidence:
        """Count by step and block what is not left out."""
        kept = ~left_out
        gone = int(left_out.sum()) + self.blocked
        if not kept.any():
            why = f"no judged request of {', '.join(self.steps)} in the window"
            return Evidence(left_out=gone, unreached=self.blocked, no_data=f"{why} ({gone} left out)" if gone else why)
        edges = window.edges()
        block = np.searchsorted(np.array(edges), self.scheduled_at[kept], side="right") - 1
        cell = self.step[kept] * (len(edges) - 1) + block
        shape = (len(self.steps), len(edges) - 1)
        size = shape[0] * shape[1]
        events = np.bincount(cell, minlength=size).reshape(shape)
        bads = np.bincount(cell, weights=bad[kept], minlength=size).astype(np.int64).reshape(shape)
        counts = (
            StepCounts(step=name, events=tuple(events[row].tolist()), bad=tuple(bads[row].tolist()))
            for row, name in enumerate(self.steps)
        )
        return Evidence(
            counts=tuple(step for step in counts if sum(step.events)),
            left_out=gone,
            unreached=self.blocked,
            failed=int((self.failed & kept & ~self.cut_off).sum()),
            quantile_s=self._quantile(kept, self.failed, "scheduled", quantile),
            quantile_at_least_s=self._quantile(kept, self.failed & ~self.cut_off, "scheduled", quantile),
            service_quantile_s=self._quantile(kept, self.failed, "sent", quantile),
            session_scatter=self._session_scatter(kept, bad),
        )

    def _session_scatter(self, kept: Bools, bad: Bools) -> float | None:
        """Return how much more the sessions' bad counts vary than if each request were bad by itself."""
        step, bads = self.step[kept], bad[kept].astype(np.float64)
        _, session = np.unique(self.session[kept], return_inverse=True)
        events = np.bincount(step, minlength=len(self.steps))
        mean = np.bincount(step, weights=bads, minlength=len(self.steps)) / np.maximum(events, 1)
        binomial = float((events * mean * (1 - mean)).sum())
        if binomial <= 0:
            return None
        residuals = np.bincount(session, weights=bads - mean[step])
        return float((residuals**2).sum()) / binomial

    def _quantile(self, kept: Bools, without_end: Bools, clock: Clock, quantile: float | None) -> float | None:
        """Return the latency at `quantile`, where a request `without_end` counts as infinite; None for infinite."""
        if quantile is None:
            return None
        waited = np.where(without_end, np.inf, self.waited(clock).astype(np.float64))[kept]
        rank = max(0, int(np.ceil(round(quantile * waited.size, 9))) - 1)
        value = float(np.partition(waited, rank)[rank])
        return value / _NS if np.isfinite(value) else None


def _array(column: Any, kind: Any) -> Any:
    return column.combine_chunks().to_numpy(zero_copy_only=False).astype(kind)


def _inside(table: pa.Table, window: Window) -> Any:
    at = table["scheduled_at"]
    return pc.and_(pc.greater_equal(at, window.starts_at), pc.less(at, window.ends_at))


def _block(window: Window, at: int) -> int:
    return int(np.searchsorted(np.array(window.edges()), at, side="right")) - 1
