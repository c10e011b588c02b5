"""The load that was delivered, by the records: what was due, what started on time, and what is left out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from slo.objectives.indicators import Window
from slo.validity.run_document import RunDocument

_NS = 1_000_000_000
# What a session that meant to buy lacked in the end: nothing was left to buy, or its order was refused for want of it.
_UNSERVED = pa.array(["data_exhausted", "out_of_stock"], pa.string())


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The load by the records: in the judged window, and as a whole.

    `at_proxy` failed at the environment's proxy, before the shop. Of the `buyers` that started in the window,
    `unserved` found nothing to buy; what the generator had no descriptor or no port for is counted in the whole run.
    `cut_off` were under way when the run ended. `failed_journeys` are those of which sessions of the window failed and
    none was completed, with how many failed.
    """

    due: int | None
    on_time: int | None
    requests: int | None
    blocked: int | None
    session_rows: int | None
    request_rows: int | None
    no_descriptor: int | None = None
    no_port: int | None = None
    buyers: int | None = None
    unserved: int | None = None
    at_proxy: int | None = None
    failed_journeys: Mapping[str, int] | None = None
    cut_off: int | None = None


def delivered(
    sessions: pa.Table, requests: pa.Table, window: Window, buyers: frozenset[str], late_s: float = 1.0
) -> Delivered:
    """Count what was due in the window and started within `late_s`, what a firewall took, and who couldn't buy.

    `buyers` are the journeys of those who mean to buy.
    """
    due = sessions.filter(_inside(sessions, window))
    delay = pc.subtract(due["started_at"], due["scheduled_at"])
    on_time = pc.and_(pc.greater(due["started_at"], 0), pc.less_equal(delay, round(late_s * _NS)))
    judged = requests.filter(_inside(requests, window))
    means_to_buy = pc.and_(
        pc.is_in(due["journey"], pa.array(sorted(buyers), pa.string())), pc.greater(due["started_at"], 0)
    )
    return Delivered(
        due=due.num_rows,
        on_time=_true(on_time),
        requests=judged.num_rows,
        blocked=_true(pc.equal(judged["error"], "blocked")),
        at_proxy=_true(pc.equal(judged["error"], "proxy")),
        cut_off=_true(pc.equal(judged["error"], "cut_off")),
        buyers=_true(means_to_buy),
        unserved=_true(pc.and_(means_to_buy, pc.is_in(due["reason"], _UNSERVED))),
        failed_journeys=_failed_journeys(due),
        no_descriptor=_true(pc.equal(requests["error"], "no_descriptor")),
        no_port=_true(pc.equal(requests["error"], "no_port")),
        session_rows=sessions.num_rows,
        request_rows=requests.num_rows,
    )


def _failed_journeys(due: pa.Table) -> dict[str, int]:
    grouped = due.group_by(["journey", "outcome"]).aggregate([([], "count_all")]).to_pylist()
    outcomes = Counter({(row["journey"], row["outcome"]): row["count_all"] for row in grouped})
    failed = {journey: count for (journey, outcome), count in outcomes.items() if outcome == "failed"}
    return {journey: count for journey, count in sorted(failed.items()) if not outcomes[journey, "completed"]}


def left_out(requests: pa.Table, run: RunDocument, window: Window) -> dict[str, int]:
    """Count the requests outside of the judged window by the phase they were scheduled in."""
    outside = requests.filter(pc.invert(_inside(requests, window)))
    found: dict[str, int] = {}
    counted = 0
    for phase in run.phases or ():
        if phase.name is None or phase.window is None:
            continue
        rows = _true(_inside(outside, phase.window))
        counted += rows
        if rows:
            found[phase.name] = found.get(phase.name, 0) + rows
    if outside.num_rows > counted:
        found["outside of every phase"] = outside.num_rows - counted
    return found


def _inside(table: pa.Table, window: Window) -> Any:  # noqa: ANN401 - pyarrow ships no types
    at = table["scheduled_at"]
    return pc.and_(pc.greater_equal(at, window.starts_at), pc.less(at, window.ends_at))


def _true(mask: Any) -> int:  # noqa: ANN401 - pyarrow ships no types
    return int(pc.sum(mask).as_py() or 0)
