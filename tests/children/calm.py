"""Prints what a process's garbage collector does after `calm`: one that is quieted changes the whole process."""

import gc

from loadtests.runtime.process_tuning import calm


class Knot:
    """An object that only a collection frees."""

    def __init__(self) -> None:
        self.itself = self


def knots() -> int:
    """Return how many there are."""
    return sum(isinstance(one, Knot) for one in gc.get_objects())


def collections() -> list[int]:
    """Return how many collections of each generation there were."""
    return [generation["collections"] for generation in gc.get_stats()]


Knot()
calm()
print("knots", knots(), "frozen", gc.get_freeze_count() > 1000)
before = collections()
open_sessions = [{"session": number} for number in range(300_000)]
print("collected", [now > then for now, then in zip(collections(), before, strict=True)])
Knot()
for _ in range(20_000):
    Knot()
print("let go", knots() < 20_000)
