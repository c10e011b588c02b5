"""Latency against the truth: a target frozen 1 s in 10 logs when it wrote each reply; the records must agree."""

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from loadtests.results.run_directory import RunDirectory
from loadtests.runtime.clock import Clock
from scripts.local_stack.processes import Child
from slo.outcomes import EnvironmentLacks

CYCLE_S, FROZEN_S = 10.0, 1.0
QUANTILES = {"p95": 0.95, "p99": 0.99, "p99.9": 0.999}
_LEAST = 1000
_STOPPING_NS = 5_000_000  # a signal takes effect when the process is next scheduled
Ns = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """When the target was stopped and continued, in ns since the epoch."""

    frozen_at: int
    thawed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One request on both sides, in ns since the epoch."""

    scheduled_at: int
    finished_at: int
    written_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How one cycle's records agree with the target's log: `behind_s` is the p99 of recorded minus logged.

    `apart` holds, by quantile, how far the recorded one is from the log's, as a share of the log's.
    """

    behind_s: float
    apart: Mapping[str, float]
    replies: int


def freeze_in_turn(target: Child, cycles: int) -> list[Freeze]:
    """Freeze the target in the middle of each cycle of 10 s, for 1 s; always leaves it thawed."""
    clock = Clock.start()
    began = time.monotonic()
    freezes = []
    for cycle in range(cycles):
        time.sleep(max(0.0, began + cycle * CYCLE_S + (CYCLE_S - FROZEN_S) / 2 - time.monotonic()))
        target.process.send_signal(signal.SIGSTOP)
        try:
            frozen_at = clock.now()
            time.sleep(FROZEN_S)
        finally:
            thawed_at = clock.now()
            target.process.send_signal(signal.SIGCONT)
        freezes.append(Freeze(frozen_at=frozen_at, thawed_at=thawed_at))
    time.sleep(max(0.0, began + cycles * CYCLE_S - time.monotonic()))
    return freezes


def read_log(text: str) -> dict[str, int]:
    """Return when each reply was written, by trace id; raises ValueError for a line that isn't the log's."""
    written: dict[str, int] = {}
    for line in text.splitlines():
        trace, _, at = line.partition(" ")
        written[trace] = int(at)
    return written


def read_replies(directory: RunDirectory, written: Mapping[str, int]) -> list[Reply]:
    """Join the records with the log; raises EnvironmentLacks when a good record has no line in it."""
    replies = []
    for path in directory.parts("requests"):
        table = pq.read_table(path, columns=["trace_id", "scheduled_at", "finished_at", "error"])
        for row in table.to_pylist():
            if row["error"] is not None:
                continue  # counted as what it is elsewhere
            trace = row["trace_id"] if isinstance(row["trace_id"], str) else row["trace_id"].hex()
            if trace not in written:
                raise EnvironmentLacks(f"the target's log doesn't hold the reply to {trace}")
            replies.append(
                Reply(scheduled_at=row["scheduled_at"], finished_at=row["finished_at"], written_at=written[trace])
            )
    return replies


def agreements(replies: Sequence[Reply], freezes: Sequence[Freeze]) -> list[Agreement]:
    """Compare each cycle by itself; raises EnvironmentLacks when the target wrote while it was frozen.

    A cycle reaches from 4.5 s before its freeze to 4.5 s after its thaw, by when a request was scheduled.
    """
    scheduled, finished, written = (
        np.array([getattr(reply, name) for reply in replies], dtype=np.int64)
        for name in ("scheduled_at", "finished_at", "written_at")
    )
    around = round((CYCLE_S - FROZEN_S) / 2 * 1e9)
    found = []
    for freeze in freezes:
        if np.any((written > freeze.frozen_at + _STOPPING_NS) & (written < freeze.thawed_at)):
            raise EnvironmentLacks("the target wrote a reply while it was frozen")
        inside = (scheduled >= freeze.frozen_at - around) & (scheduled < freeze.thawed_at + around)
        found.append(agreement(scheduled[inside], finished[inside], written[inside]))
    return found


def agreement(scheduled: Ns, finished: Ns, written: Ns) -> Agreement:
    """Compare recorded latencies with the log's; raises EnvironmentLacks for too few to have a p99.9."""
    if len(scheduled) < _LEAST:
        raise EnvironmentLacks(f"{len(scheduled)} replies in a cycle: a p99.9 needs {_LEAST}")
    recorded, logged = finished - scheduled, written - scheduled
    return Agreement(
        behind_s=quantile(recorded - logged, 0.99) / 1e9,
        apart={
            name: abs(quantile(recorded, q) - quantile(logged, q)) / quantile(logged, q)
            for name, q in QUANTILES.items()
        },
        replies=len(scheduled),
    )


def quantile(values: Ns, q: float) -> int:
    """Return the smallest value that at least the share `q` doesn't exceed: one that was seen, not interpolated."""
    return int(np.quantile(values, q, method="inverted_cdf"))
