"""Reads orders and payments from where they are declared: what is new, and what may still have changed.

Pages are numbered: those that are full and hold nothing that may change are never read again. A user's file is asked
for what was created since the oldest that may still change, with an overlap for rows that appear late.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from exporters.serving.source import Deadline, Unreadable
from loadtests.audit.unavailable import SourceUnavailableError

OVERLAP_NS = 600 * 10**9
MOST_PAGES_AGAIN = 200
_MAX_MESSAGE = 300
Row = TypeVar("Row")
View = TypeVar("View")
Row_contra = TypeVar("Row_contra", contravariant=True)
View_co = TypeVar("View_co", covariant=True)
Page = Callable[[int], tuple[Sequence[tuple[str, Row]], int | None]]
"""The rows with their ids from a place on, and where the next page begins; None while there is none."""


class Book(Protocol[Row_contra, View_co]):
    """What rows are counted in."""

    def begin(self, now: int) -> None:
        """Begin a read at `now` (ns)."""

    def take(self, row: Row_contra, now: int, /) -> bool:
        """Count a row; return whether it may still change."""

    def begins_again(self, now: int, /) -> bool:
        """Return whether all rows must be taken again, from the first on; nothing is counted then."""

    def forget(self, ids: Iterable[str], /) -> None:
        """Forget rows that won't be read again."""

    def resume_from(self, overlap_ns: int) -> int:
        """Return the created_at (ns) from which rows must be read again."""

    def view(self, now: int) -> View_co:
        """Return what was counted."""


class PagedRecords(Generic[Row, View]):
    """Records in numbered pages. A read that isn't done by its deadline goes on where it was with the next one."""

    def __init__(self, name: str, page: Page[Row], book: Book[Row, View], now: Callable[[], int]) -> None:
        self._name, self._page, self._book, self._now = name, page, book, now
        self._open: dict[int, None] = {}
        self._last = 0

    def __call__(self, deadline: Deadline) -> View:
        """Return the view; raises Unreadable."""
        now = self._now()
        self._book.begin(now)
        try:
            self._read_on(now, deadline)
            if self._book.begins_again(now):
                self._open, self._last = {}, 0
                self._read_on(now, deadline)
        except SourceUnavailableError as error:
            raise Unreadable(f"{self._name}: {error}"[:_MAX_MESSAGE]) from error
        return self._book.view(now)

    def _read_on(self, now: int, deadline: Deadline) -> None:
        for place in list(self._open):
            self._read(place, now)
        while (following := self._read(self._last, now)) is not None:
            self._last = following
            if deadline.left_s() <= 0:
                raise Unreadable(f"{self._name}: still reading what there was before, now from place {following}")

    def _read(self, place: int, now: int) -> int | None:
        rows, following = self._page(place)
        open_rows = [self._book.take(row, now) for _, row in rows]
        if following is not None and any(open_rows):
            self._open[place] = None
            if len(self._open) > MOST_PAGES_AGAIN:
                raise Unreadable(f"{self._name}: over {MOST_PAGES_AGAIN} pages hold something that may still change")
        elif following is not None:
            self._open.pop(place, None)
            self._book.forget(row_id for row_id, _ in rows)
        return following


class OwnRecords(Generic[Row, View]):
    """Records of a user's file: `rows` yields those created since a moment (ns)."""

    def __init__(
        self, name: str, rows: Callable[[int], Iterator[Row]], book: Book[Row, View], now: Callable[[], int]
    ) -> None:
        self._name, self._rows, self._book, self._now = name, rows, book, now

    def __call__(self, _: Deadline) -> View:
        """Return the view; raises Unreadable."""
        now = self._now()
        self._book.begin(now)
        try:
            self._take(now)
            if self._book.begins_again(now):
                self._take(now)
        except SourceUnavailableError as error:
            raise Unreadable(str(error)[:_MAX_MESSAGE]) from error
        return self._book.view(now)

    def _take(self, now: int) -> None:
        for row in self._rows(self._book.resume_from(OVERLAP_NS)):
            self._book.take(row, now)
