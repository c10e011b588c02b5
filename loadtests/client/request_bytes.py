"""Serialises HTTP/1.1 requests: common parts once, and nothing from a shop can inject a header line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from loadtests.client.content_encoding import OFFERED
from loadtests.client.errors import ProtocolError
from loadtests.client.interface import Content, Request
from loadtests.client.origin import Origin

MAX_TEMPLATES = 256
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Headers that the client writes itself, or that would change a message's framing or routing.
_RESERVED = frozenset(
    {
        "connection", "content-length", "content-type", "cookie", "expect", "host", "keep-alive", "proxy-authorization",
        "te", "traceparent", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})


class HeadTemplate(NamedTuple):
    """The parts of a head around the path, and what comes before the values of a request's own headers."""

    before: str
    after: str
    own: tuple[str, ...]


class RequestBytes:
    """Serialises the requests to one environment: `headers` go with each, unless the request has its own.

    `before` comes before each path: the origin's address, where a proxy reads the request (RFC 9112, 3.2.2).
    """

    __slots__ = ("_before", "_cookie", "_headers", "_origin", "_templates")

    def __init__(self, origin: Origin, headers: Mapping[str, str], before: str = "") -> None:
        given = {name.lower() for name in headers}
        own = {} if "accept-encoding" in given else {"Accept-Encoding": OFFERED}
        self._headers = {**({} if "host" in given else {"Host": origin.authority}), **headers, **own}
        self._cookie = "; ".join(value for name, value in headers.items() if name.lower() == "cookie")
        self._origin, self._before = origin, f"{before}{origin.prefix}"
        self._templates: dict[str | tuple[str, ...], HeadTemplate] = {}

    def of(self, request: Request, traceparent: str, cookies: str) -> bytes:
        """Return the bytes of `request` with the `cookies` of a jar; raises ProtocolError on what HTTP can't say."""
        _, method, path, body, form, headers, _, _, _, _, _ = request
        if not (path[:1] == "/" and path.isprintable() and " " not in path):  # ASCII it is, or isn't encoded below
            raise ProtocolError(f"not a request's target: {path!r}")
        if headers is not None and "Cookie" in headers:
            cookies, headers = with_own_cookies(cookies, headers)
        before, after, own = self._templates.get(method if headers is None else (method, *headers)) or self._open(
            method, headers or {}
        )
        if headers is not None:
            after = f"{self._own(own, headers)}{after}"
        if self._cookie:
            cookies = f"{self._cookie}; {cookies}" if cookies else self._cookie
        if cookies:
            cookies = f"Cookie: {cookies}\r\n"
        if body is None and form is None:
            length = "Content-Length: 0\r\n" if method in WITH_LENGTH else ""
            return _head(f"{before}{path} HTTP/1.1\r\n{after}{traceparent}\r\n{cookies}{length}\r\n", cookies)
        kind, content = content_of(body, form)
        kind = f"Content-Type: {kind}\r\n" if kind else ""
        head = _head(
            f"{before}{path} HTTP/1.1\r\n{after}{traceparent}\r\n{cookies}{kind}Content-Length: {len(content)}\r\n\r\n",
            cookies,
        )
        return head + content

    def _open(self, method: str, headers: Mapping[str, str]) -> HeadTemplate:
        lines = [f"{name}: {value}\r\n" for name, value in common_headers(self._headers, method, headers)]
        opening = HeadTemplate(
            f"{method} {self._before}", f"{''.join(lines)}traceparent: ", tuple(f"{name}: " for name in headers)
        )
        if len(self._templates) >= MAX_TEMPLATES:
            self._templates.clear()
        self._templates[(method, *headers) if headers else method] = opening
        return opening

    @staticmethod
    def _own(names: tuple[str, ...], headers: Mapping[str, str]) -> str:
        values = headers.values()
        for value in values:
            if not is_field_value(value):
                raise ProtocolError("a header holds what HTTP can't say")
        return "".join([f"{name}{value}\r\n" for name, value in zip(names, values, strict=True)])


def common_headers(given: Mapping[str, str], method: str, own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Return which of the `given` headers go with a request that has `own` ones; raises ProtocolError.

    Cookies are not among them: they are put together with the shopper's.
    """
    if not (method.isascii() and method.isalpha() and method.isupper()):
        raise ProtocolError(f"not a method: {method!r}")
    for name in own:
        if not _TOKEN.fullmatch(name) or name.lower() in _RESERVED:
            raise ProtocolError(f"not a header of a request's own: {name!r}")
    left_out = {"cookie", *(name.lower() for name in own)}
    for name, value in given.items():
        if not _TOKEN.fullmatch(name) or not is_field_value(value):
            raise ProtocolError(f"not a header: {name!r}")
        if name.lower() not in left_out:
            yield name, value


def with_own_cookies(cookies: str, headers: Mapping[str, str]) -> tuple[str, Mapping[str, str] | None]:
    """Return the cookies of a jar with those of a request's own header `Cookie`, and its other headers.

    Raises ProtocolError. Of a name that both have the request's own is sent: a message has one Cookie header
    (RFC 6265, 5.4).
    """
    own = headers["Cookie"]
    if not is_field_value(own):
        raise ProtocolError("a header holds what HTTP can't say")
    names = {pair.partition("=")[0].strip() for pair in own.split(";")}
    kept = [pair for pair in cookies.split("; ") if pair and pair.partition("=")[0] not in names]
    return "; ".join([*kept, own]), {name: value for name, value in headers.items() if name != "Cookie"} or None


def content_of(body: Any, form: Mapping[str, str] | Sequence[tuple[str, str]] | None) -> tuple[str, bytes]:  # noqa: ANN401 - JSON
    """Return what is posted and its type."""
    if form is None:
        if type(body) is Content:
            if not is_field_value(body.kind):
                raise ProtocolError("a media type holds what HTTP can't say")
            return body
        try:
            return "application/json", orjson.dumps(body)
        except TypeError as error:  # a text with half a surrogate pair, say
            raise ProtocolError(f"not JSON: {error}") from error
    if body is not None:
        raise ProtocolError("a form and JSON at once")
    return "application/x-www-form-urlencoded", urlencode(form).encode()


def is_field_value(value: str) -> bool:
    """Whether it is a valid field value."""
    return value.isascii() and value.isprintable()


def cookie_bytes(cookies: str) -> bytes:
    """Return cookies as they came from the shop, a byte a character; raises ProtocolError."""
    try:
        return cookies.encode("latin-1")
    except UnicodeEncodeError as error:
        raise ProtocolError(f"a cookie that no shop can have set: {error}") from error


def _head(text: str, cookies: str) -> bytes:
    """Return a head, which holds `cookies`; all of it but them is ASCII. Raises ProtocolError."""
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        before, _, after = text.rpartition(cookies) if cookies else (text, "", "")
        return as_bytes(before) + cookie_bytes(cookies) + as_bytes(after)


def as_bytes(text: str) -> bytes:
    """Return ASCII; raises ProtocolError."""
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as error:
        raise ProtocolError(f"not ASCII: {error}") from error
