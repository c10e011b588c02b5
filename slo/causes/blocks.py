"""Blocks of 10 s, the units that the causes' test exchanges: traces of one moment share its load.

Only whole blocks count: a shorter one would hold fewer traces than those it is exchanged with.
"""

from collections.abc import Sequence

from slo.objectives.indicators import Window

BLOCK_S = 10
BLOCK_NS = BLOCK_S * 1_000_000_000
MIN_BLOCKS = 4
"""The least on either side: 4 of 8 blocks can be chosen in 70 ways, and 1 / 70 is below 5 %; 3 of 6 in 20."""


def whole_blocks(duration_s: float) -> int:
    """Return how many whole blocks fit into a time."""
    return int((duration_s + 1e-6) // BLOCK_S)


def blocks_in(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Return the whole blocks of each window, from its start on."""
    return tuple(
        Window(starts_at=start, ends_at=start + BLOCK_NS)
        for window in windows
        for number in range(whole_blocks(window.duration_s))
        for start in (window.starts_at + number * BLOCK_NS,)
    )
