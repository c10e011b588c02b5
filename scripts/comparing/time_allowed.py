"""The time that a comparison was told to take at most: whether another pair fits into it, and where it went."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from loadtests.comparison.job import Variant
from scripts.comparing.order import switches
from scripts.comparing.switch_design import LOOK_MOST_S, Costs
from slo.regression.design import Design

Part = Literal["blocks", "switches", "looks"]


@dataclass(kw_only=True)
class TimeAllowed:
    """What is left until `until_s` of the clock, which is the end that was told; nothing is begun that it can't hold.

    What is to come is taken to last as long as it may by `costs`, and no less than the longest that was seen. Of a part
    that wasn't seen yet, the machine is taken to be as slow as it was with the others.
    """

    design: Design
    costs: Costs
    until_s: float
    clock: Callable[[], float] = time.monotonic
    took_s: dict[Part, list[float]] = field(default_factory=dict)

    @contextmanager
    def measure(self, part: Part) -> Iterator[None]:
        """Note how long a part takes, however it ends."""
        began_s = self.clock()
        try:
            yield
        finally:
            self.took_s.setdefault(part, []).append(self.clock() - began_s)

    def why_not(self, blocks: Sequence[Variant], before: Variant, pair: int) -> str | None:
        """Return why the next blocks, of `pair`, aren't begun with the release `before` up; None when they may be."""
        longest_s = self._longest_s()
        switches_s = switches(blocks, before) * longest_s["switches"]
        needs_s = len(blocks) * longest_s["blocks"] + switches_s + longest_s["looks"]
        left_s = self.until_s - self.clock()
        if needs_s <= left_s:
            return None
        return (
            f"pair {pair} may take {needs_s:.0f} s with putting A back, and {max(0.0, left_s):.0f} s are left of the"
            f" time that was told; it took: {self.said}; play it on a machine that is less busy, or with a larger"
            " --switch-s"
        )

    @property
    def said(self) -> str:
        """Where the time went, in words."""
        load_s = len(self.took_s.get("blocks", ())) * self.design.block_s
        beside_s = max(0.0, sum(self.took_s.get("blocks", ())) - load_s)
        rest = ", ".join(f"{part} {sum(self.took_s.get(part, ())):.0f} s" for part in ("switches", "looks"))
        return f"load {load_s:.0f} s, beside it {beside_s:.0f} s, {rest}"

    def _longest_s(self) -> dict[Part, float]:
        most_s: dict[Part, float] = {
            "blocks": self.design.block_s + self.costs.beside_most_s,
            "switches": self.costs.switch_most_s,
            "looks": LOOK_MOST_S,
        }
        seen_s = {part: max(most_s[part], *took_s) for part, took_s in self.took_s.items()}
        slower = max([1.0, *(seen_s[part] / most_s[part] for part in seen_s if most_s[part])])
        return {part: seen_s.get(part, slower * most_s[part]) for part in most_s}
