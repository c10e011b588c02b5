"""Heads of responses: parsed by llhttp once, then found by their bytes."""

import re
from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from loadtests.client.content_encoding import named
from loadtests.client.errors import ProtocolError
from loadtests.environment.firewalls import Firewall

CHUNKED, UNTIL_CLOSED = -1, -2
MAX_HEAD = 64 << 10
_KNOWN_HEADS = 512
_KNOWN_BYTES = 4 << 10
_INTERIM, _OK = 100, 200
_SWITCHING = 101
_BODILESS = frozenset({204, 304})
_VERSIONS = frozenset({"1.0", "1.1"})
_BEGINS = b"HTTP/1."
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_FOLD = re.compile(rb"\r\n[ \t]+")
_LENGTH = re.compile(rb"\r\ncontent-length:([^\r\n]*)", re.IGNORECASE)
_SPACE = " \t"  # all that is trimmed of a value: str.strip() takes bytes of UTF-8 for white space, too
_PAGES = frozenset({"text/html", "application/xhtml+xml"})
# The fields that the client interprets.
_TELLING = frozenset(
    {"content-length", "transfer-encoding", "content-encoding", "set-cookie", "location", "content-type"}
)


class Head(NamedTuple):
    """A response's head. `size` is the body's length, CHUNKED or UNTIL_CLOSED.

    `plain` is whether a body of that size is all there is to it: no cookie, no redirect, nothing encoded, and
    nothing of a firewall's, which is what `marked` says. `html` is whether the body is a page by its type.
    """

    status: int
    fields: tuple[tuple[str, str], ...]
    size: int
    keep_alive: bool
    encoding: str
    cookies: tuple[str, ...]
    location: str | None
    marked: bool
    plain: bool
    html: bool


class ResponseHeads:
    """Parses heads for one environment; one that was seen before isn't parsed again."""

    __slots__ = ("_firewall", "known")

    def __init__(self, firewall: Firewall) -> None:
        self._firewall = firewall
        self.known: dict[bytes, Head] = {}

    def of(self, data: bytes) -> Head:
        """Return the head that `data` is, its empty line included; raises ProtocolError."""
        known = self.known.get(data)
        if known is not None:
            return known
        head = self._read(data)
        if len(data) <= _KNOWN_BYTES:
            if len(self.known) >= _KNOWN_HEADS:
                self.known.clear()
            self.known[data] = head
        return head

    def _read(self, data: bytes) -> Head:
        fields = _fields_of(data)
        parser, found = fields.parser, fields.found
        if not fields.complete or not data.startswith(_BEGINS) or parser.get_http_version() not in _VERSIONS:
            raise ProtocolError("not a reply's head")
        status = parser.get_status_code()
        if status < _INTERIM or status == _SWITCHING:
            raise ProtocolError(f"unexpected status {status}")
        values: dict[str, list[str]] = {}
        for name, value in found:
            if name in _TELLING:
                values.setdefault(name, []).append(value)
        size = _size(status, values.get("content-length", []), values.get("transfer-encoding", []))
        encoding = named(values.get("content-encoding", ()))
        cookies = tuple(values.get("set-cookie", ()))
        location = values["location"][0] if "location" in values else None
        marked = self._firewall.marks(status, found)
        return Head(
            status=status,
            fields=tuple(found),
            size=size,
            keep_alive=fields.keep_alive and size != UNTIL_CLOSED,
            encoding=encoding,
            cookies=cookies,
            location=location,
            marked=marked,
            plain=not (encoding or cookies or location or marked),
            html=values.get("content-type", [""])[0].partition(";")[0].strip(_SPACE).lower() in _PAGES,
        )


def check_begun(begun: bytes | bytearray, start: int) -> None:
    """Raise ProtocolError when bytes whose end of the head hasn't come can't begin one; `start` is what was checked.

    It refuses nothing that `ResponseHeads.of` would take, however the bytes go on.
    """
    if not begun.startswith(_BEGINS[: len(begun)]) or _BARE_LINE_FEED.search(begun, start):
        raise ProtocolError("not a reply's head")


class _Fields:
    """Collects a head's fields from llhttp, names in lower case; an invalid head fails before it is complete."""

    def __init__(self, data: bytes) -> None:
        """Read a head; raises ProtocolError."""
        self.parser = HttpResponseParser(self)
        self.found: list[tuple[str, str]] = []
        self.keep_alive = False
        self.complete = False
        try:
            self.parser.feed_data(data)
        except HttpParserError as error:
            raise ProtocolError(str(error)) from error
        except HttpParserUpgrade as error:
            raise ProtocolError("an unrequested protocol upgrade") from error

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        self.found.append((name.decode("latin-1").lower(), value.decode("latin-1").strip(_SPACE)))

    def on_headers_complete(self) -> None:
        """Take whether the connection is kept alive."""
        self.complete = True
        self.keep_alive = self.parser.should_keep_alive()


def _fields_of(data: bytes) -> _Fields:
    """Return a head's fields; raises ProtocolError.

    llhttp takes neither folded lines nor a length that stands several times, which a user agent has to read: a fold is
    a space (RFC 9112, 5.2), lengths that agree are that length (RFC 9112, 6.3, rule 5).
    """
    try:
        return _Fields(data)
    except ProtocolError:
        plain = _with_one_length(_FOLD.sub(b" ", data))
        if plain == data:
            raise
        return _Fields(plain)


def _with_one_length(data: bytes) -> bytes:
    """Return a head with one Content-Length in the place of several that agree, or else as it is."""
    listed = b",".join(_LENGTH.findall(data)).split(b",")
    agreed = {one for one in (value.strip(b" \t") for value in listed) if one}  # empty elements: RFC 9110, 5.6.1.2
    if len(agreed) != 1 or len(listed) == 1:
        return data
    line = b"\r\nContent-Length: %b" % agreed.pop()
    return _LENGTH.sub(lambda _: b"", data).replace(b"\r\n", line + b"\r\n", 1)


def _size(status: int, lengths: list[str], codings: list[str]) -> int:
    """Return how the body ends (RFC 9112, 6.3), but for HEAD; raises ProtocolError on what can be read in two ways."""
    if codings and (lengths or len(codings) > 1 or codings[0].lower() != "chunked"):
        raise ProtocolError("a body that ends in more ways than one")
    if len(lengths) > 1 or not all(length.isascii() and length.isdigit() for length in lengths):
        raise ProtocolError("no length")
    if status < _OK or status in _BODILESS:
        return 0
    if codings:
        return CHUNKED
    return int(lengths[0]) if lengths else UNTIL_CLOSED
