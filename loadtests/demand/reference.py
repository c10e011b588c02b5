"""What of a plan its reference phase may be compared with: load makes self times grow, so only the same level says why.

Times are seconds from the load's start, levels relative to the peak. docs/decisions/0026 says why.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from loadtests.demand.concurrency import session_s
from loadtests.demand.plan import Phase, Plan
from slo.causes.blocks import BLOCK_S, MIN_BLOCKS, whole_blocks

_SAME = 0.01
Span = tuple[float, float]
Levels = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The reference and the judged stretches at its level; `…_levels` are the lowest and the highest of either.

    Left out are the reference's first `filling_s`, in which the shop, empty until then, fills with sessions.
    """

    reference: Span
    filling_s: int
    judged: tuple[Span, ...]
    reference_levels: Levels
    judged_levels: Levels

    @property
    def unlike(self) -> str | None:
        """The levels of either side where nothing was judged at the reference's; None where something was."""
        if self.judged:
            return None
        reference, judged = _told(self.reference_levels), _told(self.judged_levels)
        return f"the reference is at level {reference}, the judged time at {judged}"

    @property
    def too_short(self) -> str | None:
        """How many whole blocks either side has where that are too few; None where they are enough."""
        reference, judged = _blocks([self.reference]), _blocks(self.judged)
        if min(reference, judged) >= MIN_BLOCKS:
            return None
        filling = f" after the {self.filling_s} s in which sessions begin" if self.filling_s else ""
        needed = f"{MIN_BLOCKS} of {BLOCK_S} s needed on either side"
        return f"{reference} in the reference{filling} and {judged} in the judged time at its level, {needed}"


def comparison(plan: Plan, until_s: float | None = None) -> Comparison | None:
    """Return what may be compared of a run that ended at `until_s`, or of a whole one; None without both sides."""
    reference = [(span, levels) for phase, span, levels in _played(plan, until_s) if phase.kind == "reference"]
    judged = [(span, levels) for phase, span, levels in _played(plan, until_s) if phase.kind in ("ramp", "plateau")]
    if not reference or not judged:
        return None
    ((start_s, end_s), levels), seen = reference[0], [level for _, both in judged for level in both]
    filling_s = min(_filling_s(plan, end_s - start_s), int(end_s - start_s))
    return Comparison(
        reference=(start_s + filling_s, end_s),
        filling_s=filling_s,
        judged=_joined([at for at, both in judged if _is_same((*levels, *both))]),
        reference_levels=(min(levels), max(levels)),
        judged_levels=(min(seen), max(seen)),
    )


def why_no_causes(plan: Plan) -> str | None:
    """Return why a FAIL of a run of the plan will name no cause, and what mends it; None when it may, or isn't to."""
    found = comparison(plan)
    if found is None or plan.trace_sampling == 0:
        return None
    if found.unlike:
        return f"{found.unlike}: give the reference the plateau's level"
    return found.too_short and f"too few blocks: {found.too_short}; lengthen it"


def causes_known_s(plan: Plan) -> float:
    """Return when a run of the plan has played what its causes need, and may stop early; 0 when it never will."""
    found = comparison(plan)
    if found is None or plan.trace_sampling == 0 or found.too_short:
        return 0.0
    missing = MIN_BLOCKS
    for start_s, end_s in found.judged:
        if (blocks := _blocks([(start_s, end_s)])) >= missing:
            return start_s + missing * BLOCK_S
        missing -= blocks
    return 0.0


def _played(plan: Plan, until_s: float | None) -> Iterator[tuple[Phase, Span, Levels]]:
    """Yield each phase with arrivals as far as it was played, and its levels at either end of that."""
    for phase, (start_s, end_s) in zip(plan.phases, pairwise(plan.starts_s()), strict=True):
        stop_s = end_s if until_s is None else min(end_s, until_s)
        if phase.level is None or stop_s <= start_s:
            continue
        first, last = phase.level
        yield phase, (start_s, stop_s), (first, first + (last - first) * (stop_s - start_s) / (end_s - start_s))


def _filling_s(plan: Plan, reference_s: float) -> int:
    """Return for how long the shop fills: whole blocks that a session's think times last.

    Where that is within the first block and no more than four are played, it is borne.
    """
    try:
        lasts_s = session_s(plan, reply_s=0.0)
    except ValueError:  # the visits aren't counted yet
        lasts_s = BLOCK_S
    if lasts_s <= BLOCK_S and whole_blocks(reference_s) <= MIN_BLOCKS:
        return 0
    return math.ceil(lasts_s / BLOCK_S) * BLOCK_S


def _is_same(levels: Sequence[float]) -> bool:
    return min(levels) > 0 and max(levels) <= min(levels) * (1 + _SAME)


def _joined(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the spans in order, those that touch as one."""
    joined: list[Span] = []
    for start_s, end_s in spans:
        if joined and start_s <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end_s)
        else:
            joined.append((start_s, end_s))
    return tuple(joined)


def _blocks(spans: Sequence[Span]) -> int:
    return sum(whole_blocks(end_s - start_s) for start_s, end_s in spans)


def _told(levels: Levels) -> str:
    low, high = (f"{level:.3g}" for level in levels)
    return low if low == high else f"{low} to {high}"
