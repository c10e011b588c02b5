"""Reads a list of JSON objects over HTTP, page by page, from one origin.

Redirects aren't followed and the environment's proxies aren't used: the headers go to `url` and nowhere else.
"""

from codecs import BOM_UTF8
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urljoin, urlsplit

import orjson
import requests
from pydantic import Field

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.sources.secret import revealed
from exporters.sources.table import MAX_ROWS, Table, too_many
from loadtests.environment.credentials import masks_of
from loadtests.environment.direct_http import DirectSession
from loadtests.environment.pinned_http import bounded_get, origin_of
from loadtests.environment.target_fields import File, HeaderName, HeaderValue, WebAddress
from slo.documents import Document

_OK = 200
_MAX_MESSAGE = 300
_PATH = r"^[^.]+(\.[^.]+)*$"
JsonPath = Annotated[str, Field(pattern=_PATH, max_length=200)]
_ASKED = {"Accept": "application/json", "Accept-Encoding": "identity"}


class HttpJsonConfig(Document):
    """Where the list is: `items` is the path to it in the answer (`data.items`), absent where the answer is the list.

    A column is a path in an item. `next` is the path to the address of the next page; no value there is the last one.
    """

    url: WebAddress
    headers: Mapping[HeaderName, HeaderValue] = Field(default_factory=dict)
    items: JsonPath | None = None
    next: JsonPath | None = None
    max_pages: int = Field(default=100, ge=1, le=10_000)
    max_bytes: int = Field(default=128 << 20, ge=1, le=1 << 30)
    max_rows: int = Field(default=MAX_ROWS, ge=1, le=10_000_000)
    ca: File | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpJson:
    """The list that a configuration names; `place` names it in messages."""

    config: HttpJsonConfig
    place: str
    headers: Mapping[str, str] = field(repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)
    ca: str | None = None

    @property
    def shown(self) -> str:
        """Where it is configured, and the address without its query."""
        parts = urlsplit(self.config.url)
        return f"{self.place}: {parts.scheme}://{parts.netloc}{parts.path}"

    def read(self, wanted: Sequence[str], deadline: Deadline) -> Table:
        """Return the columns `wanted`, each a path in an item; None where an item has no such value."""
        paths = [name.split(".") for name in wanted]
        columns: list[list[object]] = [[] for _ in wanted]
        rows = 0
        for item in self._items(deadline):
            rows += 1
            if rows > self.config.max_rows:
                raise too_many(self.config.max_rows, self.shown)
            for column, path in zip(columns, paths, strict=True):
                column.append(_at(item, path))
        for name, column in zip(wanted, columns, strict=True):
            if rows and all(value is None for value in column):
                raise Unreadable(f"{self.shown}: no item has {name!r}")
        return Table(columns=dict(zip(wanted, columns, strict=True)), rows=rows)

    def _items(self, deadline: Deadline) -> Iterator[object]:
        with closing(self._pages(deadline)) as pages:
            for page in pages:
                items = page if self.config.items is None else _at(page, self.config.items.split("."))
                if not isinstance(items, list):
                    place = self.config.items or "the answer"
                    raise Unreadable(f"{self.shown}: {place}: expected a list, found {type(items).__name__}")
                yield from items

    def _pages(self, deadline: Deadline) -> Generator[object, None, None]:
        url: str | None = self.config.url
        seen: set[str] = set()
        left_bytes = self.config.max_bytes
        with DirectSession() as session:
            session.verify = self.ca or True
            while url is not None:
                if url in seen:
                    raise Unreadable(f"{self.shown}: a page names one before it as the next")
                if len(seen) >= self.config.max_pages:
                    raise Unreadable(f"{self.shown}: more than the {self.config.max_pages} pages allowed")
                seen.add(url)
                body = self._body(session, url, left_bytes, deadline)
                left_bytes -= len(body)
                page = self._parsed(body)
                yield page
                url = self._next(page, url)

    def _body(self, session: requests.Session, url: str, left_bytes: int, deadline: Deadline) -> bytes:
        try:
            reply = bounded_get(
                session, url, max(0.001, deadline.left_s()), left_bytes, {**_ASKED, **self.headers},
                masks_of(self.hidden),
            )  # fmt: skip
        except requests.Timeout:
            raise Unreadable(f"{self.shown}: no whole answer within the deadline") from None
        except (requests.RequestException, OSError) as error:
            raise Unreadable(f"{self.shown}: no whole answer: {type(error).__name__}") from None
        if reply.status != _OK:
            raise Unreadable(f"{self.shown}: answered {reply.status}, expected 200")
        if reply.headers.get("content-encoding", "identity") != "identity":
            raise Unreadable(f"{self.shown}: answered with an encoding that was not asked for")
        if not reply.whole:
            raise Unreadable(f"{self.shown}: answer larger than the {self.config.max_bytes} bytes allowed")
        return reply.body

    def _parsed(self, body: bytes) -> object:
        try:
            return orjson.loads(body.removeprefix(BOM_UTF8))
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"{self.shown}: not JSON: {error}"[:_MAX_MESSAGE]) from None

    def _next(self, page: object, url: str) -> str | None:
        found = None if self.config.next is None else _at(page, self.config.next.split("."))
        if found in (None, ""):
            return None
        if not isinstance(found, str):
            raise Unreadable(f"{self.shown}: {self.config.next}: expected an address, found {type(found).__name__}")
        following = urljoin(url, found)
        try:
            same = origin_of(following) == origin_of(self.config.url)
        except ValueError:
            same = False
        if not same:
            raise Unreadable(f"{self.shown}: {self.config.next}: names another host, which isn't asked")
        return following


def http_json(config: HttpJsonConfig, context: ExporterContext, place: str) -> HttpJson:
    """Return the source that a configuration names, its headers read; raises BadInput."""
    place_of = f"{place}.http_json.headers"
    headers = {name: revealed(held, context, f"{place_of}.{name}") for name, held in config.headers.items()}
    hidden = tuple(headers[name] for name, held in config.headers.items() if held.value is None)
    ca = None if config.ca is None else str(context.path(config.ca))
    return HttpJson(config=config, place=place, headers=headers, hidden=hidden, ca=ca)


def _at(value: object, path: Sequence[str]) -> object:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
