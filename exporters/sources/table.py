"""What one read of a source gave: columns of values as they came, not yet trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from exporters.serving.source import Deadline, Unreadable

MAX_ROWS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns by the source's own names, each `rows` long; a value is whatever the source holds there.

    `changed_at_ns` is when the source says its data was written, None where it doesn't say.
    """

    columns: Mapping[str, Sequence[object]]
    rows: int
    changed_at_ns: int | None = None


class TableSource(Protocol):
    """Where a table is read from; `shown` names it in messages and holds no secret."""

    @property
    def shown(self) -> str:
        """What it is called."""

    def read(self, wanted: Sequence[str], deadline: Deadline) -> Table:
        """Return the columns named by `wanted`; raises Unreadable when one is missing or the read fails."""


def positions(names: Sequence[str], wanted: Sequence[str], shown: str) -> list[int]:
    """Return where each wanted column stands among `names`; raises Unreadable for one that is missing or there twice.

    Names are compared exactly, as databases that differ in case alone are told apart by it.
    """
    for name in wanted:
        if (found := names.count(name)) != 1:
            there = ", ".join(names[:20])
            problem = "no column" if found == 0 else f"{found} columns"
            raise Unreadable(f"{shown}: {problem} {name!r}; there are: {there}"[:300])
    return [names.index(name) for name in wanted]


def too_many(max_rows: int, shown: str) -> Unreadable:
    """Return the failure of a source that has more rows than allowed."""
    return Unreadable(f"{shown}: more than the {max_rows} rows allowed")
