"""Where in a reply a value stands, and how a storefront takes it from there."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal
from urllib.parse import unquote, urlsplit

from loadtests.har.entries import Entry
from loadtests.har.operations import json_of, operation_of
from loadtests.har.selectors import selector_of
from loadtests.har.slots import Place, leaves
from loadtests.har.visit import Request
from loadtests.har.words import words
from loadtests.storefronts.html import Element, HtmlError, document

How = Literal["json", "element", "header", "cookie", "address", "text"]
LAST_WORD = "last word"
_MOST_PLACES, _MOST_ELEMENTS = 20, 3
_MOST_VALUES = 200_000
_LEAST_OF_TEXT = 8
_BEFORE = re.compile(r"[A-Za-z_][\w-]*[\"']?\s*[:=]\s*[\"']?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place in a reply. `path` is of JSON; `name` a selector, a header or a cookie; `attribute` "" is the text."""

    request: int
    how: How
    words: tuple[str, ...]
    path: Place = ()
    name: str = ""
    attribute: str = ""
    start: str = ""
    end: str = ""

    @property
    def place(self) -> tuple[object, ...]:
        """What tells it from other places, whatever it is called."""
        return self.request, self.how, self.path, self.name, self.attribute, self.start


@lru_cache(maxsize=3)
def page_of(entry: Entry) -> Element | None:
    """Return a reply's HTML, None for none."""
    if entry.body is None or not entry.is_html:
        return None
    try:
        return document(entry.body)
    except HtmlError:
        return None


@lru_cache(maxsize=4)
def data_of(entry: Entry) -> object:
    """Return a reply's JSON as a storefront's page has it, of a GraphQL operation its data; None for none."""
    if entry.body is None or entry.body.lstrip()[:1] not in (b"{", b"["):
        return None
    value = json_of(entry.body)
    return value.get("data") if operation_of(entry) and isinstance(value, dict) else value


def sources_in(request: Request, wanted: frozenset[str]) -> dict[str, list[Source]]:
    """Return where the `wanted` values stand in a request's reply, at most 20 places each."""
    found: dict[str, list[Source]] = {}
    for value, source in _all(request, wanted):
        places = found.setdefault(value, [])
        if len(places) < _MOST_PLACES:
            places.append(source)
    return found


def _all(request: Request, wanted: frozenset[str]) -> Iterator[tuple[str, Source]]:
    entry, number = request.last, request.number
    for count, (path, value) in enumerate(leaves(data_of(entry))):
        if count >= _MOST_VALUES:
            break
        if value in wanted and all(isinstance(part, int) or _is_plain(part) for part in path):
            named = tuple(word for part in path if isinstance(part, str) for word in words(part))
            yield value, Source(request=number, how="json", path=path, words=named)
    yield from _in_headers(request, wanted)
    yield from _in_address(request, wanted)
    yield from _in_html(request, wanted)


def _is_plain(key: str) -> bool:
    """Whether a key may stand within a formatted text, whose expressions can hold no escape."""
    return key.isprintable() and not set(key) & set("\"'\\{}")


def _in_headers(request: Request, wanted: frozenset[str]) -> Iterator[tuple[str, Source]]:
    for entry in dict.fromkeys((request.first, request.last)):
        for name, value in entry.reply_headers:
            if name == "set-cookie":
                for line in value.split("\n"):  # Firefox and Chromium join several by a line feed
                    key, equals, held = line.partition(";")[0].strip().partition("=")
                    for one in dict.fromkeys((held, unquote(held))):
                        if equals and one in wanted:
                            decoded = "unquoted" if one != held else ""
                            yield (
                                one,
                                Source(
                                    request=request.number, how="cookie", name=key, attribute=decoded, words=words(key)
                                ),
                            )
            elif value in wanted and entry is request.last:
                yield value, Source(request=request.number, how="header", name=name, words=words(name))


def _in_address(request: Request, wanted: frozenset[str]) -> Iterator[tuple[str, Source]]:
    """Return what stands in the address that redirects led to: an order's number, say."""
    if not request.hops:
        return
    parts = [part for part in urlsplit(request.last.url).path.split("/") if part]
    for place, part in enumerate(parts):
        if part in wanted:
            before = parts[place - 1] if place else ""
            path: Place = (place - len(parts),)
            yield part, Source(request=request.number, how="address", path=path, words=(*words(before), "id"))
    for name, value in request.last.query:
        if value in wanted:
            yield value, Source(request=request.number, how="address", name=name, words=words(name))


def _in_html(request: Request, wanted: frozenset[str]) -> Iterator[tuple[str, Source]]:
    root = page_of(request.last)
    if root is None:
        return
    seen: Counter[str] = Counter()
    for node in root.node.iter():
        if not isinstance(node.tag, str):
            continue
        for attribute, held in node.attrib.items():
            if held in wanted and attribute not in ("class", "id", "href", "action", "type", "for", "style"):
                seen[held] += 1
                if seen[held] > _MOST_ELEMENTS:
                    continue
                yield from _element(request, root, Element(node), attribute, held)
        if not len(node) and (text := Element(node).text) in wanted and node.tag not in ("script", "style"):
            seen[text] += 1
            if seen[text] > _MOST_ELEMENTS:
                continue
            yield from _element(request, root, Element(node), "", text)
    yield from _in_scripts(request, wanted - set(seen))


def _element(
    request: Request, root: Element, element: Element, attribute: str, value: str
) -> Iterator[tuple[str, Source]]:
    css = selector_of(root, element)
    if css is not None:
        hints = [element.get("name"), element.get("property"), element.get("id"), element.get("itemprop"), attribute]
        named = tuple(word for hint in hints if hint not in ("value", "content") for word in words(hint))
        source = Source(request=request.number, how="element", name=css, attribute=attribute, words=named)
        yield value, source


def _in_scripts(request: Request, wanted: frozenset[str]) -> Iterator[tuple[str, Source]]:
    """Return what only a page's scripts hold: `"csrfToken": "…"`, taken by what stands before and after it."""
    text = (request.last.body or b"").decode("utf-8", errors="replace")
    for value in sorted(one for one in wanted if len(one) >= _LEAST_OF_TEXT):
        place = text.find(value)
        if place < 0:
            continue
        before = _BEFORE.search(text[max(0, place - 60) : place])
        end = text[place + len(value) : place + len(value) + 1]
        if before and end and not end.isalnum() and text.find(before[0]) + len(before[0]) == place:
            source = Source(request=request.number, how="text", start=before[0], end=end, words=words(before[0]))
            yield value, source
