"""The account of a run: every arrival of the plan ends as exactly one thing, and the sum is the plan.

It is made from the parts on disk and the schedule, never from what a process reported of itself; so it adds up after
any ending, a killed worker's and a killed master's included.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from loadtests.demand.arrivals import Schedule
from loadtests.results.run_directory import UNREADABLE, RunDirectory, read_tables
from loadtests.results.schemas import SESSIONS
from loadtests.results.worker_status import WorkerStatus
from slo.documents import BadInput

_OUTCOMES = ("completed", "failed", "cut_off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How many arrivals ended as what."""

    planned: int
    completed: int
    failed: int
    cut_off: int
    dropped: dict[str, int]
    lost: dict[str, int]
    not_due: int

    def to_json(self) -> dict[str, Any]:
        """Return it as it stands in `run.json`."""
        return {name: getattr(self, name) for name in Account.__slots__}


def make_account(
    arrivals: Schedule, sessions: pa.Table, workers: Sequence[WorkerStatus], *, workers_expected: int, ran_s: float
) -> Account:
    """Account for every arrival of a plan with its revisions.

    A session that was started though a revision struck it (the revision reached its worker too late) was part of the
    plan that was played.

    An arrival without a record is *not due* when its worker ended before it came to it; of a worker
    that was killed, when it was planned for later than the `ran_s` that the run went on. Else it is *lost* with
    its worker. Raises ValueError when a session was recorded twice, was never planned, or ended as nothing that
    is known.
    """
    if sessions["session"].null_count:
        raise ValueError("a session was recorded without its number")
    numbers = sessions["session"].to_pylist()
    if len(set(numbers)) != len(numbers):
        raise ValueError("a session was recorded twice")
    if numbers and not 0 <= min(numbers) <= max(numbers) < arrivals.given_out:
        raise ValueError("a session was recorded that the plan doesn't hold")
    outcomes: Counter[str] = Counter()
    dropped: Counter[str] = Counter()
    for outcome, reason in zip(sessions["outcome"].to_pylist(), sessions["reason"].to_pylist(), strict=True):
        if outcome == "dropped":
            dropped[reason or "unknown"] += 1
        elif outcome in _OUTCOMES:
            outcomes[outcome] += 1
        else:
            raise ValueError(f"a session ended as {outcome!r}; it may be {', '.join(_OUTCOMES)} or dropped")
    by_index = {worker.index: worker for worker in workers}
    lost: Counter[str] = Counter()
    not_due = 0
    recorded = np.array(numbers, np.int64)
    for place in np.flatnonzero(~np.isin(arrivals.numbers, recorded)).tolist():
        number = int(arrivals.numbers[place])
        index = number % max(1, workers_expected)
        worker = by_index.get(index)
        if _was_reached(number, float(arrivals.at_s[place]), worker, ran_s):
            lost[worker.name if worker else f"w{index}"] += 1
        else:
            not_due += 1
    return Account(
        planned=len(arrivals) + int(np.count_nonzero(~np.isin(recorded, arrivals.numbers))),
        **{name: outcomes[name] for name in _OUTCOMES},
        dropped=dict(dropped),
        lost=dict(lost),
        not_due=not_due,
    )


def _was_reached(number: int, at_s: float, worker: WorkerStatus | None, ran_s: float) -> bool:
    if worker is None or worker.lost or (worker.given_out is not None and number >= worker.given_out):
        return at_s < ran_s  # it never knew of what a revision drew after it had ended
    return worker.next_arrival is None or number < worker.next_arrival


def read_sessions(directory: RunDirectory) -> pa.Table:
    """Read every closed part of sessions; raises BadInput on one that can't be read."""
    try:
        return read_tables(directory.parts("sessions"), SESSIONS)
    except UNREADABLE as error:
        raise BadInput(f"{directory.path}: sessions can't be read: {error}") from error
