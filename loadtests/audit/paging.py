"""How the next page of a list is asked for, by what the reply of the last one says. Pure.

A list that is paged by counting moves under its reader when rows come or go: `Moving` sees that it did.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

from loadtests.audit.record_shape import at_path
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.environment.pinned_http import origin_of
from loadtests.environment.record_targets import NextPage

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=\s*(?:[;,]|$)))', re.IGNORECASE)
_LONGEST = 4096
_HEADER = "header:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page is: an address, and the parameters that go with it; `passed` rows of it were read before."""

    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    number: int = 1
    rows_before: int = 0
    passed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRead:
    """One page as it came: its rows, the whole reply, and the headers by their names in lower case."""

    rows: Sequence[object]
    reply: object
    headers: Mapping[str, str]


class Turns:
    """Goes from page to page of one list, at `url`; raises SourceUnavailableError when that leads nowhere."""

    def __init__(self, url: str, way: NextPage | None) -> None:
        self._url, self._way = url, way
        self._seen: set[str] = set()
        self.total: int | None = None

    def first(self) -> Place:
        """Return where the first page is."""
        way = self._way
        query = {}
        if way is not None and way.page is not None:
            query = {way.page: str(way.first)}
        elif way is not None and way.offset is not None:
            query = {way.offset: "0"}
        return Place(url=self._url, query=query)

    def after(self, place: Place, page: PageRead) -> Place | None:
        """Return where the page after one is, None when it is the last."""
        way = self._way
        if way is None:
            if next_link(page.headers.get("link", "")) is not None:
                raise SourceUnavailableError("its header Link names a next page, and next isn't declared")
            return None
        rows = place.rows_before + len(page.rows) - place.passed
        self._count(way, page)
        if way.page is not None or way.offset is not None:
            return self._counted(way, place, page, rows)
        mark = self._mark(way, page)
        if mark is None:
            return None
        if mark in self._seen:
            raise SourceUnavailableError("its pages don't advance")
        self._seen.add(mark)
        if way.param is not None:
            return Place(url=self._url, query={way.param: mark}, number=place.number + 1, rows_before=rows)
        following = _joined(place.url, mark)
        if following is None or _origin(following) != origin_of(self._url):
            raise SourceUnavailableError(f"page {place.number} names another host as the next, which isn't asked")
        return Place(url=following, number=place.number + 1, rows_before=rows)

    def check_end(self, rows: int) -> None:
        """Raise SourceUnavailableError unless as many rows were read as the shop said."""
        if self.total is not None and rows != self.total:
            raise ChangedWhileReadError(f"{rows:,} rows were read, and its total says {self.total:,}")

    def _counted(self, way: NextPage, place: Place, page: PageRead, rows: int) -> Place | None:
        if len(page.rows) <= place.passed or (self.total is not None and rows >= self.total):
            return None
        number = place.number + 1
        if way.page is not None:
            return Place(url=self._url, query={way.page: str(way.first + number - 1)}, number=number, rows_before=rows)
        # The last row is asked for again: where it isn't the first of the next page, rows came or went.
        again = 1 if len(page.rows) > 1 else 0
        query = {str(way.offset): str(rows - again)}
        return Place(url=self._url, query=query, number=number, rows_before=rows, passed=again)

    def _count(self, way: NextPage, page: PageRead) -> None:
        if way.total is None:
            return
        if way.total.startswith(_HEADER):
            found: object = page.headers.get(way.total.removeprefix(_HEADER).lower())
        else:
            found = at_path(way.total, page.reply)
        try:
            total = int(str(found))
        except ValueError:
            raise SourceUnavailableError(f"total: expected a number at {way.total}, found {found!r}"[:200]) from None
        if self.total is not None and total != self.total:
            raise ChangedWhileReadError(f"its total was {self.total:,} and is {total:,}")
        self.total = total

    def _mark(self, way: NextPage, page: PageRead) -> str | None:
        if way.link_header:
            return next_link(page.headers.get("link", ""))
        if way.last is not None:
            if not page.rows or (way.more is not None and not _says_more(way.more, page)):
                return None
            found = at_path(way.last, page.rows[-1])
            if found is None:
                raise SourceUnavailableError(f"its last row has no {way.last}")
        else:
            path = way.cursor or way.link or ""
            found = at_path(path, page.reply)
        if found is None or found is False or found == "":
            return None
        if isinstance(found, bool) or not isinstance(found, str | int) or len(str(found)) > _LONGEST:
            raise SourceUnavailableError(f"what leads to the next page is {type(found).__name__}")
        return str(found)


class ChangedWhileReadError(SourceUnavailableError):
    """Rows came or went while the pages were read: some may be missing, or there twice."""

    def __init__(self, how: str) -> None:
        super().__init__(f"it changed while it was read: {how}")


def next_link(header: str) -> str | None:
    """Return the address that a Link header names as the next (RFC 8288), None when it names none."""
    for address, parameters in _LINK.findall(header[: 8 * _LONGEST]):
        if _NEXT.search(parameters):
            return str(address)
    return None


def _says_more(path: str, page: PageRead) -> bool:
    """Return whether there is more; raises SourceUnavailableError where the reply doesn't say: it may be cut."""
    found = at_path(path, page.reply)
    if not isinstance(found, bool):
        raise SourceUnavailableError(f"more: expected true or false at {path}, found {found!r}"[:200])
    return found


def _joined(url: str, link: str) -> str | None:
    """Return where a link leads, None where it is no address."""
    try:
        return urljoin(url, link)
    except ValueError:
        return None


def _origin(url: str) -> object:
    try:
        return origin_of(url)
    except ValueError:
        return None
