"""Sessions as events: whether shoppers did what they came for, which no request by itself says.

A session of the named journeys that was scheduled in the judged window is an event. It is good when it came to its
end. It is bad when a step failed and the shopper gave up, and when the run's end cut it off while a request had waited
for 10 s: that is a shop that hangs. It is left out, and counted, when

- it never reached the shop: dropped, or the generator had nothing to send with;
- nothing was left to buy, or a flash drop was sold out (the check `data` bounds how many of the others);
- the run ended before it could, a firewall or a proxy kept one of its requests from the shop, or the shop refused it
  for another reason, such as a locked account. These are `unreached`: what they would have come to isn't known, so they
  may be no more than half of the budget.

A declined card is an answer: a session that goes on from it to its end is good.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from slo.design_effect import StepCounts
from slo.objectives.indicators import Ending, Evidence, RequestRecords, Window
from slo.objectives.sources import Sessions

NOTHING_TO_BUY = frozenset({"data_exhausted", "out_of_stock"})
"""What a session that meant to buy lacked: nothing was left to buy, or its order was refused for want of it."""
_OUT_OF_STOCK = NOTHING_TO_BUY | {"sold_out"}
REFUSED_AS_PLANNED = _OUT_OF_STOCK | {"account_locked"}
_KEPT_AWAY = (": blocked", ": proxy")
_UNSENT = (": no_descriptor", ": no_port")
Kind = Literal["good", "bad", "left out", "unreached"]


def read_sessions(source: Sessions, records: RequestRecords, window: Window) -> Evidence:
    """Count sessions by journey and block of their scheduled start."""
    endings = records.endings(window).items()
    rows = [_Row(ending=ending, block=block, sessions=number) for (ending, block), number in endings]
    rows = [row for row in rows if row.ending.journey in source.journeys]
    left_out = _total(rows, "left out") + _total(rows, "unreached")
    counts = tuple(_counts(journey, rows, len(window.edges()) - 1) for journey in source.journeys)
    if not any(sum(one.events) for one in counts):
        why = f"no session of {', '.join(source.journeys)} in the window came to an end"
        no_data = f"{why} ({left_out} left out)" if left_out else why
        return Evidence(left_out=left_out, unreached=_total(rows, "unreached"), no_data=no_data)
    return Evidence(
        counts=tuple(one for one in counts if sum(one.events)),
        left_out=left_out,
        unreached=_total(rows, "unreached"),
    )


def kind_of(outcome: str, reason: str | None, *, started: bool, hangs: bool) -> Kind:
    """Return what one session is as an event."""
    if not started or outcome == "dropped":
        return "left out"
    if outcome == "cut_off":
        return "bad" if hangs else "unreached"
    if outcome == "completed":
        if reason is None:
            return "good"
        return "left out" if reason in _OUT_OF_STOCK else "unreached"
    if reason is not None and reason.endswith(_KEPT_AWAY):
        return "unreached"
    return "left out" if reason is not None and reason.endswith(_UNSENT) else "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    ending: Ending
    block: int
    sessions: int

    @property
    def kind(self) -> Kind:
        ending = self.ending
        return kind_of(ending.outcome, ending.reason, started=ending.started, hangs=ending.hangs)


def _total(rows: Iterable[_Row], kind: Kind) -> int:
    return sum(row.sessions for row in rows if row.kind == kind)


def _counts(journey: str, rows: Iterable[_Row], blocks: int) -> StepCounts:
    events, bad = [0] * blocks, [0] * blocks
    for row in rows:
        if row.ending.journey == journey and row.kind in ("good", "bad"):
            events[row.block] += row.sessions
            bad[row.block] += row.sessions if row.kind == "bad" else 0
    return StepCounts(step=journey, events=tuple(events), bad=tuple(bad))
