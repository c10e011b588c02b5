"""A shopper's cookies over all hosts (RFC 6265; 6265bis for prefixes, Secure and SameSite), ports being no border."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from loadtests.client.sites import is_public_suffix
from loadtests.environment.proxy_rules import is_address

MAX_COOKIES = 50
MAX_COOKIE_BYTES = 4096
_MAX_ATTRIBUTE_BYTES = 1024
_SPACE = " \t"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # 6265bis, 5.6: a tab is none of them
_PREFIXES = ("__secure-", "__host-", "__http-", "__host-http-")
_FOR_THE_VISIT = float("inf")
_LAX_ALLOWING_UNSAFE_S = 120.0
Crossing = Literal["navigation", "post", "subresource"]
"""How a request leaves the site of its page: a link or redirect that is followed, a form's post, or anything else."""
_SameSite = Literal["none", "lax", "strict", "default"]
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
    secure: bool
    same_site: _SameSite
    made_at: float


class _Key(NamedTuple):
    """What tells cookies apart; one that is `alone` goes to no name below its domain."""

    domain: str
    alone: bool
    path: str
    name: str


class Jar:
    """The cookies of one shopper; `now` is the wall clock in seconds."""

    __slots__ = ("_hosts", "cookies", "now")

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.cookies: dict[_Key, Cookie] = {}
        self._hosts: dict[tuple[str, bool], HostCookies] = {}

    def at(self, host: str, *, secure: bool) -> "HostCookies":
        """Return the cookies as they go to `host`, reached over TLS when `secure`, and come from there."""
        found = self._hosts.get((host, secure))
        if found is None:
            found = self._hosts[host, secure] = HostCookies(self, host, secure=secure)
        return found

    def changed(self, by: "HostCookies") -> None:
        """Let every other host's view look again."""
        if len(self._hosts) > 1:
            for host in self._hosts.values():
                if host is not by:
                    host.forget()


class HostCookies:
    """One host's view of a shopper's cookies; names and values are bytes of any meaning, one a character (Latin-1).

    A request within its page's site has no `crossing`. One that leaves it takes only what SameSite allows: Lax cookies
    go with a navigation, and those without the attribute also with a post while they are younger than two minutes
    (6265bis, "Lax-Allowing-Unsafe"), as browsers have it.
    """

    __slots__ = ("_everywhere", "_host", "_is_address", "_jar", "_lines", "_now", "_secure")

    def __init__(self, jar: Jar, host: str, *, secure: bool) -> None:
        self._jar, self._host, self._secure, self._now = jar, host, secure, jar.now
        self._is_address = is_address(host)
        self._lines: dict[str, str] = {}
        self._everywhere: str | None = None  # what goes with every target, when that is the same for the whole visit

    @property
    def jar(self) -> Jar:
        """The shopper's cookies over all hosts."""
        return self._jar

    def keep(self, set_cookies: Iterable[str], target: str, crossing: Crossing | None = None) -> None:
        """Keep, renew or forget what a reply to `target` set_cookies; what is malformed is passed over."""
        for one in set_cookies:
            self._keep(one, target, crossing)
        self._lines.clear()
        mine = [cookie for key, cookie in self._jar.cookies.items() if self._goes_here(key, cookie)]
        lasting = all(cookie.path == "/" and cookie.ends_at == _FOR_THE_VISIT for cookie in mine)
        self._everywhere = self._put_together("/") if lasting else None
        self._jar.changed(self)

    def values(self) -> dict[str, str]:
        """Return the cookies that go to the host, whatever the path: by name ("" for none), the longest path's."""
        mine = [
            (key.name, cookie.pair.removeprefix(f"{key.name}="), key.path)
            for key, cookie in self._jar.cookies.items()
            if self._goes_here(key, cookie)
        ]
        return {name: value for name, value, _ in sorted(mine, key=lambda one: len(one[2]))}

    def drop(self, name: str | None = None) -> None:
        """Forget the cookies of that name that go to the host, or all of them."""
        cookies = self._jar.cookies
        for key in [key for key, cookie in cookies.items() if self._goes_here(key, cookie)]:
            if name is None or key.name == name:
                del cookies[key]
        self.forget()
        self._jar.changed(self)

    def forget(self) -> None:
        """Look again at the next request: another host has changed the shopper's cookies."""
        self._lines.clear()
        self._everywhere = None

    def pairs(self, target: str, crossing: Crossing | None = None) -> str:
        """Return what the Cookie header for `target` holds: the longest paths first, then the oldest; "" is none."""
        if crossing is not None:
            return self._put_together(target.partition("?")[0], crossing)
        if self._everywhere is not None:
            return self._everywhere
        path = target.partition("?")[0]
        known = self._lines.get(path)
        return known if known is not None else self._put_together(path)

    def _put_together(self, path: str, crossing: Crossing | None = None) -> str:
        cookies, now = self._jar.cookies, self._now()
        for key in [key for key, cookie in cookies.items() if cookie.ends_at <= now]:
            del cookies[key]
        mine = [cookie for key, cookie in cookies.items() if self._goes_here(key, cookie)]
        fitting = [
            one for one in mine if _matches(path, one.path) and (crossing is None or _crosses(one, crossing, now))
        ]
        fitting.sort(key=lambda cookie: -len(cookie.path))
        pairs = "; ".join(cookie.pair for cookie in fitting)
        if crossing is None and all(cookie.ends_at == _FOR_THE_VISIT for cookie in mine):
            if len(self._lines) >= MAX_COOKIES:
                self._lines.clear()
            self._lines[path] = pairs
        return pairs

    def _goes_here(self, key: _Key, cookie: Cookie) -> bool:
        if cookie.secure and not self._secure:
            return False
        return key.domain == self._host or (not key.alone and self._is_below(key.domain))

    def _is_below(self, domain: str) -> bool:
        return not self._is_address and self._host.endswith(f".{domain}")

    def _keep(self, set_cookies: str, target: str, crossing: Crossing | None) -> None:
        pair, _, rest = set_cookies.partition(";")
        name, equals, value = pair.partition("=")
        name, value = (name.strip(_SPACE), value.strip(_SPACE)) if equals else ("", pair.strip(_SPACE))
        if not (name or value) or _CONTROL.search(set_cookies) or len(name) + len(value) > MAX_COOKIE_BYTES:
            return
        attributes = _attributes(rest)
        same_site, domain = _same_site(attributes), self._domain(attributes.get("domain", ""))
        path = attributes.get("path", "")
        path = path if path.startswith("/") else default_path(target)
        if domain is None or not self._may_be_set(name or value, path, attributes, is_named=bool(name)):
            return
        if crossing == "subresource" and same_site != "none":
            return
        cookies, now = self._jar.cookies, self._now()
        key, ends_at = _Key(*domain, path, name), self._end(attributes)
        if ends_at <= now:
            cookies.pop(key, None)
            return
        known = cookies.get(key)
        self._make_room(key, known)
        made_at = now if known is None else known.made_at
        own = f"{name}={value}" if name else value
        cookies[key] = Cookie(own, path, ends_at, "secure" in attributes, same_site, made_at)

    def _make_room(self, key: _Key, known: Cookie | None) -> None:
        """Drop the oldest cookie of a domain that has as many as it may have."""
        if known is None and len(self._jar.cookies) >= MAX_COOKIES:
            of_domain = [other for other in self._jar.cookies if other.domain == key.domain]
            if len(of_domain) >= MAX_COOKIES:
                del self._jar.cookies[of_domain[0]]

    def _domain(self, named: str) -> tuple[str, bool] | None:
        """Return whose cookie it is, and whether of that host alone; None when it isn't this host's to set."""
        named = named.removeprefix(".").lower()
        if not named or (named == self._host and (self._is_address or is_public_suffix(named))):
            return self._host, True
        if (named != self._host and not self._is_below(named)) or is_public_suffix(named):
            return None
        return named, False

    def _may_be_set(self, name: str, path: str, attributes: dict[str, str], *, is_named: bool) -> bool:
        """Whether a cookie may be set; one without a name, here the value, may not look like one with a prefix."""
        secure, prefix = "secure" in attributes, name.lower()
        if not is_named and prefix.startswith(_PREFIXES):
            return False
        if secure and not self._secure:
            return False
        own = name if is_named else ""
        if not secure and (_same_site(attributes) == "none" or (not self._secure and self._hides(own, path))):
            return False
        if prefix.startswith("__host-"):
            return secure and attributes.get("path") == "/" and not attributes.get("domain")
        return secure or not prefix.startswith("__secure-")

    def _hides(self, name: str, path: str) -> bool:
        """Whether a cookie without TLS would stand in the place of a Secure one (6265bis, 5.7)."""
        return any(
            cookie.secure and key.name == name and _matches(path, key.path)
            and (key.domain == self._host or self._is_below(key.domain) or key.domain.endswith(f".{self._host}"))
            for key, cookie in self._jar.cookies.items()
        )  # fmt: skip

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


def _crosses(cookie: Cookie, crossing: Crossing, now: float) -> bool:
    """Whether a cookie goes with a request that leaves its page's site."""
    if cookie.same_site == "none":
        return True
    if crossing == "post":
        return cookie.same_site == "default" and now - cookie.made_at < _LAX_ALLOWING_UNSAFE_S
    return crossing == "navigation" and cookie.same_site != "strict"


def _same_site(attributes: dict[str, str]) -> _SameSite:
    named = attributes.get("samesite", "").lower()
    return named if named in ("none", "lax", "strict") else "default"  # type: ignore[return-value]


def _attributes(text: str) -> dict[str, str]:
    """Return a cookie's attributes, the last of each name."""
    found = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        value = value.strip(_SPACE)
        if len(value) <= _MAX_ATTRIBUTE_BYTES:
            found[name.strip(_SPACE).lower()] = value
    return found
