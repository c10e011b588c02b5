"""A JSON API over HTTPS that is asked as its provider wishes: bounded, with conditional requests, within its limits.

An answer is kept with its ETag, and asked for again by If-None-Match (RFC 9110, 13.1.2): a 304 costs nothing of the
limit. When the API says that the limit is used up, it isn't asked again before the time that it names. Redirects are
not followed and the proxies of the process not used, so a token goes to the API and nowhere else.
"""

import time
from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson
import requests

from exporters.serving.source import Deadline, Model, Unreadable
from loadtests.environment.direct_http import DirectSession
from loadtests.environment.pinned_http import BoundedReply, bounded_get
from slo.documents import BadInput, validate

MAX_BYTES, MAX_KEPT = 16 << 20, 500
LONGEST_WAIT_S = 3600.0
_MAX_MESSAGE = 300
_OK, _NOT_MODIFIED, _FORBIDDEN, _TOO_MANY = 200, 304, 403, 429
_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "ratelimit-reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of an answer, and whether another follows."""

    data: object
    more: bool


@dataclass(slots=True, kw_only=True)
class RestApi:
    """An API at `base`; `headers` hold the token, which `masks` keep out of every message. `now_s` is the time."""

    base: str
    headers: Mapping[str, str] = field(repr=False)
    masks: tuple[bytes, ...] = field(default=(), repr=False)
    now_s: Callable[[], float] = time.time
    session: requests.Session = field(default_factory=DirectSession, repr=False)
    _kept: dict[str, tuple[str, Page]] = field(default_factory=dict, init=False, repr=False)
    _not_before_s: float = field(default=0.0, init=False)

    @property
    def shown(self) -> str:
        """The API's host, for messages."""
        return urlsplit(self.base).netloc

    def get(self, path: str, deadline: Deadline) -> Page:
        """Return the page at `path` below the base; raises Unreadable."""
        wait_s = self._not_before_s - self.now_s()
        if wait_s > 0:
            raise Unreadable(f"{self.shown}: its rate limit is used up for {round(wait_s)} s more")
        reply = self._reply(path, deadline)
        self._heed(reply)
        if reply.status == _NOT_MODIFIED and path in self._kept:
            return self._kept[path][1]
        if reply.status != _OK:
            raise Unreadable(f"{self.shown}{path.partition('?')[0]}: answered {reply.status}, expected 200")
        if not reply.whole:
            raise Unreadable(f"{self.shown}{path.partition('?')[0]}: larger than the {MAX_BYTES} bytes allowed")
        page = Page(data=self._parsed(reply, path), more=_has_next(reply.headers))
        self._keep(path, reply.headers.get("etag"), page)
        return page

    def _reply(self, path: str, deadline: Deadline) -> BoundedReply:
        kept = self._kept.get(path)
        conditional = {"If-None-Match": kept[0]} if kept else {}
        try:
            return bounded_get(
                self.session,
                self.base + path,
                max(0.001, deadline.left_s()),
                MAX_BYTES,
                {**self.headers, **conditional, "Accept-Encoding": "identity", "User-Agent": "peakproof-exporter"},
                self.masks,
            )
        except requests.Timeout as error:
            raise Unreadable(f"{self.shown}: no whole answer within the deadline") from error
        except (requests.RequestException, OSError) as error:
            raise Unreadable(f"{self.shown}: no whole answer: {type(error).__name__}") from error

    def _heed(self, reply: BoundedReply) -> None:
        """Note until when the API asks not to be asked; raises Unreadable when this answer was refused for it."""
        wait_s = _wait_s(reply, self.now_s())
        if wait_s is None:
            return
        self._not_before_s = self.now_s() + wait_s
        if reply.status in (_FORBIDDEN, _TOO_MANY):
            raise Unreadable(f"{self.shown}: its rate limit is used up for {round(wait_s)} s more")

    def _parsed(self, reply: BoundedReply, path: str) -> object:
        try:
            return orjson.loads(reply.body.removeprefix(BOM_UTF8))
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"{self.shown}{path.partition('?')[0]}: not JSON: {str(error)[:200]}") from error

    def _keep(self, path: str, etag: str | None, page: Page) -> None:
        self._kept.pop(path, None)
        if etag is not None:
            self._kept[path] = (etag, page)
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]


def checked(data: object, model: type[Model], place: str) -> Model:
    """Turn an answer into `model`, as strict as that says; raises Unreadable with the first error."""
    try:
        return validate(data, model, place)
    except BadInput as error:
        raise Unreadable(str(error).splitlines()[0][:_MAX_MESSAGE]) from error


def _wait_s(reply: BoundedReply, now_s: float) -> float | None:
    """Return how long the API wants to be left alone, None when it doesn't say so."""
    refused = reply.status in (_FORBIDDEN, _TOO_MANY)
    after = _number(reply.headers, ("retry-after",))
    if refused and after is not None:
        return min(LONGEST_WAIT_S, max(1.0, after))
    remaining, reset = _number(reply.headers, _REMAINING), _number(reply.headers, _RESET)
    if remaining == 0 and reset is not None:
        return min(LONGEST_WAIT_S, max(1.0, reset - now_s))
    return 60.0 if reply.status == _TOO_MANY else None


def _number(headers: Mapping[str, str], names: tuple[str, ...]) -> float | None:
    text = next((headers[name] for name in names if name in headers), "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004 - no time is longer


def _has_next(headers: Mapping[str, str]) -> bool:
    """Return whether a next page is named: by Link (RFC 8288), or as GitLab does it."""
    return 'rel="next"' in headers.get("link", "") or headers.get("x-next-page", "") != ""
