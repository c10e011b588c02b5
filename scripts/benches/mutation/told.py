"""What a room's changes came to, in lines: the survivors, the modules that lack, the share with its interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scripts.benches.mutation.changes import Change
from scripts.benches.mutation.trial import Outcome

MUST_REACH = 0.95
_NORMAL = 1.959964  # of 95 %, both sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One change, and what the tests made of it; `because` is why no test can fail on it."""

    room: str
    change: Change
    outcome: Outcome
    because: str | None

    @property
    def is_left(self) -> bool:
        """Whether a test is missing."""
        return self.outcome == "survived" and self.because is None

    @property
    def is_same(self) -> bool:
        """Whether it changes nothing that a test could see."""
        return self.outcome == "survived" and self.because is not None

    @property
    def line(self) -> str:
        """It for a person."""
        return f"{self.change.file}:{self.change.line}  {self.change.before}  →  {self.change.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """How many of the changes that can be noticed were."""

    killed: int
    counted: int

    @classmethod
    def of(cls, tried: Sequence[Tried]) -> "Share":
        """Count; a change that nothing can notice isn't counted."""
        left = sum(one.is_left for one in tried)
        killed = sum(one.outcome != "survived" for one in tried)
        return cls(killed=killed, counted=killed + left)

    @property
    def ratio(self) -> float:
        """The share, 0 of none."""
        return self.killed / self.counted if self.counted else 0.0

    @property
    def holds(self) -> bool:
        """Whether it is enough; of none it isn't."""
        return self.counted > 0 and self.ratio >= MUST_REACH

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 % (1927) of the share among all changes, where these were drawn from them."""
        if not self.counted:
            return 0.0, 1.0
        square = _NORMAL**2 / self.counted
        middle = (self.ratio + square / 2) / (1 + square)
        half = math.sqrt(square * (self.ratio * (1 - self.ratio) + square / 4)) / (1 + square)
        return middle - half, middle + half

    @property
    def text(self) -> str:
        """It for a person."""
        return f"{self.killed} of {self.counted} killed, {self.ratio:.1%}"


def lines_of(room: str, every: int, tried: Sequence[Tried]) -> list[str]:
    """Return the lines about a room with so many changes in all, of which these were tried."""
    share = Share.of(tried)
    by_file: dict[str, list[Tried]] = {}
    for one in tried:
        by_file.setdefault(one.change.file, []).append(one)
    shares = {file: Share.of(own) for file, own in by_file.items()}
    lines = [f"survived: {one.line}" for one in tried if one.is_left]
    lines += [f"lacks: {file}: {own.text}" for file, own in shares.items() if own.counted and not own.holds]
    low, high = share.interval
    sampled = f" ({low:.1%} to {high:.1%} of all {every}, of which {len(tried)} were drawn)" * (len(tried) < every)
    same = sum(one.is_same for one in tried)
    lines.append(
        f"{room}: {share.text}{sampled}; {same} more change nothing;"
        f" ≥ {MUST_REACH:.0%} {'holds' if share.holds else 'is MISSED'}"
    )
    return lines
