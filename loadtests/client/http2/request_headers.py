"""Requests as header blocks (RFC 7541): what is the same in each is serialised once, for every connection alike.

Neither the dynamic table nor Huffman coding is used, so the same block means the same on each connection.
"""

from collections.abc import Mapping

from hpack.table import HeaderTable

from loadtests.client.errors import ProtocolError
from loadtests.client.interface import Request
from loadtests.client.origin import Origin
from loadtests.client.request_bytes import (
    MAX_TEMPLATES,
    WITH_LENGTH,
    RequestBytes,
    as_bytes,
    common_headers,
    content_of,
    cookie_bytes,
    is_field_value,
    with_own_cookies,
)

_METHODS = {"GET": b"\x82", "POST": b"\x83"}
_SCHEMES = {"http": b"\x86", "https": b"\x87"}
_STATIC = {name.decode(): index for index, (name, _) in reversed(list(enumerate(HeaderTable.STATIC_TABLE, 1)))}
_FULL_NAME, _FULL_SIZE, _SEVEN_BITS = 0x0F, 0x7F, 0x7F
_SIZES = [bytes([size]) for size in range(_FULL_SIZE)]
_Known = tuple[bytes, bytes, tuple[bytes, ...]]


class HeaderBlockWithContent(bytes):
    """A header block, and the `content` that DATA frames carry after it."""

    content: bytes


class HeaderBlocks(RequestBytes):
    """Serialises requests as header blocks, refusing what HTTP/1.1 can't carry."""

    __slots__ = ("_authority", "_known", "_prefix")

    def __init__(self, origin: Origin, headers: Mapping[str, str]) -> None:
        super().__init__(origin, headers)
        (host,) = (name for name in self._headers if name.lower() == "host")
        self._authority = as_bytes(self._headers.pop(host))
        self._prefix = origin.prefix
        self._known: dict[str | tuple[str, ...], _Known] = {}

    def of(self, request: Request, traceparent: str, cookies: str) -> bytes:
        """Return the header block of `request` with the `cookies` of a jar; raises ProtocolError.

        A GET without headers of its own costs one joining of bytes.
        """
        _, method, path, body, form, headers, _, _, _, _, _ = request
        if not (path[:1] == "/" and path.isprintable() and " " not in path):
            raise ProtocolError(f"not a request's target: {path!r}")
        if headers is not None and "Cookie" in headers:
            cookies, headers = with_own_cookies(cookies, headers)
        key = method if headers is None else (method, *headers)
        before, after, own = self._known.get(key) or self._begin(key, method, headers or {})
        parts = [before, _text(self._prefix + path)]
        if headers is not None:
            parts += _own(own, headers)
        parts += (after, _text(traceparent))
        if self._cookie:
            cookies = f"{self._cookie}; {cookies}" if cookies else self._cookie
        if cookies:
            parts += (_COOKIE, _bytes(cookie_bytes(cookies)))
        if body is None and form is None:
            if method in WITH_LENGTH:
                parts += (_LENGTH, _text("0"))
            return b"".join(parts)
        kind, content = content_of(body, form)
        if kind:
            parts += (_TYPE, _text(kind))
        parts += (_LENGTH, _text(f"{len(content)}"))
        post = HeaderBlockWithContent(b"".join(parts))
        post.content = content
        return post

    def _begin(self, key: str | tuple[str, ...], method: str, headers: Mapping[str, str]) -> _Known:
        """Return what goes before the path and after it, and the names of the request's own headers."""
        given = [_name(name) + _text(value) for name, value in common_headers(self._headers, method, headers)]
        method_field = _METHODS.get(method) or _name(":method") + _text(method)
        before = (
            method_field
            + _SCHEMES[self._origin.scheme]
            + _name(":authority")
            + _bytes(self._authority)
            + _name(":path")
        )
        known = before, b"".join(given) + _name("traceparent"), tuple(_name(name) for name in headers)
        if len(self._known) >= MAX_TEMPLATES:
            self._known.clear()
        self._known[key] = known
        return known


def _own(names: tuple[bytes, ...], headers: Mapping[str, str]) -> list[bytes]:
    parts: list[bytes] = []
    for name, value in zip(names, headers.values(), strict=True):
        if not is_field_value(value):
            raise ProtocolError("a header holds what HTTP can't say")
        parts += (name, _text(value))
    return parts


def _name(name: str) -> bytes:
    """Return the start of a literal field without indexing (RFC 7541, 6.2.2)."""
    index = _STATIC.get(name.lower())
    return b"\x00" + _text(name.lower()) if index is None else _number(index, _FULL_NAME)


def _text(text: str) -> bytes:
    """Return a string literal without Huffman coding (RFC 7541, 5.2); raises ProtocolError when it isn't ASCII."""
    return _bytes(as_bytes(text))


def _bytes(data: bytes) -> bytes:
    size = len(data)
    return (_SIZES[size] if size < _FULL_SIZE else _number(size, _FULL_SIZE)) + data


def _number(value: int, full: int) -> bytes:
    """Return an integer with a prefix whose maximum is `full` (RFC 7541, 5.1)."""
    if value < full:
        return bytes([value])
    value, octets = value - full, bytearray([full])
    while value > _SEVEN_BITS:
        octets.append(value & _SEVEN_BITS | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


_COOKIE, _TYPE, _LENGTH = _name("cookie"), _name("content-type"), _name("content-length")
