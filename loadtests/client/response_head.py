"""Heads of responses: parsed by llhttp once, then found by their bytes."""

from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

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
        fields = Fields()
        fields.feed(data)
        parser, found = fields.parser, fields.found
        if not fields.complete or not data.startswith(b"HTTP/1.") or parser.get_http_version() not in _VERSIONS:
            raise ProtocolError("not a reply's head")
        status = parser.get_status_code()
        if status < _INTERIM or status == _SWITCHING:
            raise ProtocolError(f"unexpected status {status}")
        values: dict[str, list[str]] = {}
        for name, value in found:
            if name in _TELLING:
                values.setdefault(name, []).append(value)
        size = _size(status, values.get("content-length", []), values.get("transfer-encoding", []))
        encoding = ", ".join(values.get("content-encoding", [])).lower()
        encoding = "" if encoding == "identity" else encoding
        cookies = tuple(values.get("set-cookie", ()))
        location = values["location"][0] if "location" in values else None
        marked = self._firewall.marks(found)
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
            html=values.get("content-type", [""])[0].partition(";")[0].strip().lower() in _PAGES,
        )


class Fields:
    """Collects a head's fields from llhttp, names in lower case; an invalid head fails before it is complete."""

    def __init__(self) -> None:
        self.parser = HttpResponseParser(self)
        self.found: list[tuple[str, str]] = []
        self.keep_alive = False
        self.complete = False

    def feed(self, data: bytes) -> None:
        """Read on; raises ProtocolError."""
        try:
            self.parser.feed_data(data)
        except HttpParserError as error:
            raise ProtocolError(str(error)) from error
        except HttpParserUpgrade as error:
            raise ProtocolError("an unrequested protocol upgrade") from error

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        self.found.append((name.decode("latin-1").lower(), value.decode("latin-1").strip()))

    def on_headers_complete(self) -> None:
        """Take whether the connection is kept alive."""
        self.complete = True
        self.keep_alive = self.parser.should_keep_alive()


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
