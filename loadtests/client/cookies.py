"""A shopper's cookies (RFC 6265, and 6265bis for prefixes and Secure): one host's, by domain, path and name."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

MAX_COOKIES = 50
MAX_COOKIE_BYTES = 4096
_MAX_ATTRIBUTE_BYTES = 1024
_LABELS = 2
_SPACE = " \t"
_FOR_THE_VISIT = float("inf")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?:\D|$)")
_DAY = re.compile(r"(\d{1,2})(?:\D|$)")
_YEAR = re.compile(r"(\d{2,4})(?:\D|$)")
_DELIMITERS = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")


class Cookie(NamedTuple):
    """What is kept of one; `ends_at` is in seconds since the epoch, infinite for the visit's length."""

    pair: str
    path: str
    ends_at: float


class Jar:
    """The cookies of one shopper at `host`, reached over TLS when `secure`; `now` is the wall clock in seconds."""

    __slots__ = ("_cookies", "_everywhere", "_host", "_lines", "_now", "_secure")

    def __init__(self, host: str, now: Callable[[], float], *, secure: bool) -> None:
        self._host = host
        self._secure = secure
        self._now = now
        self._cookies: dict[tuple[str, str, str], Cookie] = {}
        self._lines: dict[str, str] = {}
        self._everywhere: str | None = None  # what goes with every target, when that is the same for the whole visit

    def keep(self, set_cookies: Iterable[str], target: str) -> None:
        """Keep, renew or forget what a reply to `target` set_cookies; what is malformed is passed over."""
        for one in set_cookies:
            self._keep(one, target)
        self._lines.clear()
        lasting = all(cookie.path == "/" and cookie.ends_at == _FOR_THE_VISIT for cookie in self._cookies.values())
        self._everywhere = self._put_together("/") if lasting else None

    def pairs(self, target: str) -> str:
        """Return what the Cookie header for `target` holds: the longest paths first, then the oldest; "" is none."""
        if self._everywhere is not None:
            return self._everywhere
        path = target.partition("?")[0]
        known = self._lines.get(path)
        return known if known is not None else self._put_together(path)

    def _put_together(self, path: str) -> str:
        cookies, now = self._cookies, self._now()
        for key in [key for key, cookie in cookies.items() if cookie.ends_at <= now]:
            del cookies[key]
        fitting = [cookie for cookie in cookies.values() if _matches(path, cookie.path)]
        fitting.sort(key=lambda cookie: -len(cookie.path))
        pairs = "; ".join(cookie.pair for cookie in fitting)
        if all(cookie.ends_at == _FOR_THE_VISIT for cookie in cookies.values()):
            if len(self._lines) >= MAX_COOKIES:
                self._lines.clear()
            self._lines[path] = pairs
        return pairs

    def _keep(self, set_cookies: str, target: str) -> None:
        pair, _, rest = set_cookies.partition(";")
        name, equals, value = pair.partition("=")
        name, value = name.strip(_SPACE), value.strip(_SPACE)
        if (
            not (equals and name and _is_field_value(name) and _is_field_value(value))
            or len(name) + len(value) > MAX_COOKIE_BYTES
        ):
            return
        attributes = _attributes(rest)
        domain = self._domain(attributes.get("domain", ""))
        if domain is None or not self._may_be_set(name, attributes):
            return
        path = attributes.get("path", "")
        path = path if path.startswith("/") else default_path(target)
        key, ends_at = (domain, path, name), self._end(attributes)
        if ends_at <= self._now():
            self._cookies.pop(key, None)
            return
        if key not in self._cookies and len(self._cookies) >= MAX_COOKIES:
            del self._cookies[next(iter(self._cookies))]
        self._cookies[key] = Cookie(f"{name}={value}", path, ends_at)

    def _domain(self, named: str) -> str | None:
        """Return whose cookie it is, None when it isn't this host's to set."""
        named = named.removeprefix(".").lower()
        if not named or named == self._host:
            return self._host
        is_address = ":" in self._host or self._host.rpartition(".")[2].isdigit()
        above = self._host.endswith(f".{named}") and len(named.strip(".").split(".")) >= _LABELS
        return named if above and not is_address else None

    def _may_be_set(self, name: str, attributes: dict[str, str]) -> bool:
        secure, prefix = "secure" in attributes, name.lower()
        if secure and not self._secure:
            return False
        if prefix.startswith("__host-"):
            return secure and attributes.get("path") == "/" and not attributes.get("domain")
        return secure or not prefix.startswith("__secure-")

    def _end(self, attributes: dict[str, str]) -> float:
        age = attributes.get("max-age", "")
        if age.removeprefix("-").isdecimal() and age.isascii():
            seconds = int(age[:12])
            return self._now() + seconds if seconds > 0 else 0.0
        ends_at = date(attributes.get("expires", ""))
        return _FOR_THE_VISIT if ends_at is None else ends_at


def default_path(target: str) -> str:
    """Return the path of a cookie that names none (RFC 6265, 5.1.4)."""
    folder, slash, _ = target.partition("?")[0].rpartition("/")
    return folder if slash and folder.startswith("/") else "/"


def date(text: str) -> float | None:
    """Read a cookie's date in any of the forms that are about, as seconds since the epoch (RFC 6265, 5.1.1)."""
    time: re.Match[str] | None = None
    day = month = year = None
    for token in _DELIMITERS.split(text):
        if time is None and (found := _TIME.match(token)):
            time = found
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.match(token)):
            year = int(found[1])
    if time is None or day is None or month is None or year is None:
        return None
    if year < 100:  # noqa: PLR2004 - two digits: 70 to 99 are the last century's
        year += 1900 if year >= 70 else 2000  # noqa: PLR2004
    try:
        hours, minutes, seconds = (int(part) for part in time.groups())
        return datetime(year, month, day, hours, minutes, seconds, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _matches(path: str, of_cookie: str) -> bool:
    """Whether a cookie's path covers `path` (RFC 6265, 5.1.4)."""
    if not path.startswith(of_cookie):
        return False
    return path == of_cookie or of_cookie.endswith("/") or path[len(of_cookie)] == "/"


def _attributes(text: str) -> dict[str, str]:
    """Return a cookie's attributes, the last of each name."""
    found = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        value = value.strip(_SPACE)
        if len(value) <= _MAX_ATTRIBUTE_BYTES:
            found[name.strip(_SPACE).lower()] = value
    return found


def _is_field_value(text: str) -> bool:
    return text.isascii() and text.isprintable()
