"""When a press is free: a number of presses that each print one order at a time, for as long as an order takes."""

import heapq
from collections.abc import Iterable

MOST = 10_000


class Presses:
    """`number` presses, an order taking one of them `print_ns`; `begun` are when the last orders began (ns)."""

    def __init__(self, number: int, print_ns: int, begun: Iterable[int] = ()) -> None:
        if not 1 <= number <= MOST or print_ns < 0:
            raise ValueError(f"1 to {MOST} presses, and a time that isn't negative")
        last = sorted(begun)[-number:]
        self._print_ns = print_ns
        self._free_at = [0] * (number - len(last)) + [moment + print_ns for moment in last]
        heapq.heapify(self._free_at)

    def begin(self, ready_at: int, until: int) -> int | None:
        """Return when the next order begins, which is ready at `ready_at`; None, and nothing done, after `until`."""
        at = max(ready_at, self._free_at[0])
        if at > until:
            return None
        heapq.heapreplace(self._free_at, at + self._print_ns)
        return at
