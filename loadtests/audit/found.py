"""What was found broken: all of it is counted, and the first are told."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from loadtests.audit.carts import Ints

EXAMPLES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """One order, payment or stock level that shows a broken promise."""

    key: str | None
    order_id: str | None
    detail: str


class Found:
    """The broken promises of one check: all are counted, the first are kept."""

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[Broken] = []

    def add(self, detail: str, key: str | None = None, order_id: str | None = None) -> None:
        """Count one; keep it if it is among the first."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Broken(key=key, order_id=order_id, detail=detail))

    def add_all(self, rows: Ints, told: Callable[[int], tuple[str, str | None, str | None]]) -> None:
        """Count all of `rows`, and keep the first of them as `told` has them: detail, key, order's id."""
        shown = rows[: max(0, EXAMPLES - len(self.examples))].tolist()
        for row in shown:
            self.add(*told(row))
        self.count += len(rows) - len(shown)
