"""A response, as the sessions of requests and of Locust give it; with `catch_response` the block's word counts."""

import json as json_text
from collections.abc import Iterator, Sequence
from datetime import timedelta
from email.message import Message
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import requests
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

from loadtests.client.interface import Reply, Request, json_of
from loadtests.locustfiles.exceptions import CatchResponseError, LocustError, ResponseError
from loadtests.shopper.requester import Answered

if TYPE_CHECKING:  # which makes responses
    from loadtests.locustfiles.http_session import HttpSession

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 1024


class SentRequest:
    """The request that a response answers."""

    __slots__ = ("body", "headers", "method", "path_url", "url")

    def __init__(self, request: Request, url: str) -> None:
        self.method, self.path_url, self.url = request.method, request.path, url
        self.headers = CaseInsensitiveDict(request.headers or {})
        self.body = request.body if request.form is None else request.form


class Response:
    """What came back of a request; `status_code` 0 is no answer, and `error` then says why.

    Times are those of the record. `held` is the record while the block that caught the response may still change it,
    `shown` what it shows of another shopper, "" for nothing.
    """

    error: Exception | None
    js: Any
    encoding: str | None

    def __init__(
        self,
        session: "HttpSession",
        request: Request,
        reply: Reply,
        fields: Sequence[tuple[str, str]],
        times: tuple[int, int, int],
        history: "list[Response] | None" = None,
    ) -> None:
        self._session, self._request, self._reply, self._fields, self._times = session, request, reply, fields, times
        self.history: list[Response] = history or []
        self.shown = ""
        self.status_code = reply.status
        self.held: Answered | None = None
        self.caught = False
        self._entered = False
        self._verdict: bool | Exception | None = None
        self._meta: dict[str, Any] | None = None
        self._headers: CaseInsensitiveDict[str] | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what few tasks ask for
        """Return what is made when it is first asked for."""
        if name == "encoding":
            return self._charset()
        if name == "error":
            return None if self.status_code else self._unanswered()
        if name == "js":
            return None
        raise AttributeError(f"a response has no {name!r} here", name=name, obj=self)

    def __bool__(self) -> bool:
        """Whether it is no error; one of the fast client is always true."""
        return self._session.is_fast or self.ok

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    @property
    def content(self) -> bytes | None:
        """The body; None without an answer."""
        return self._reply.body if self.status_code else None

    @property
    def text(self) -> str | None:
        """The body as text."""
        if not self.status_code:
            return None if self._session.is_fast else ""
        try:
            return self._reply.body.decode(self.encoding or "utf-8", errors="replace")
        except LookupError:
            return self._reply.body.decode("utf-8", errors="replace")

    def json(self, **how: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the body as JSON; raises requests' JSONDecodeError, which is json's too."""
        if not how:
            try:
                return json_of(self._reply.body)
            except ValueError:
                pass  # json reads what orjson doesn't, such as NaN
        try:
            return json_text.loads(self.text or "", **how)
        except json_text.JSONDecodeError as error:
            raise requests.exceptions.JSONDecodeError(error.msg, error.doc, error.pos) from error

    @property
    def ok(self) -> bool:
        """Whether there is an answer, and its status no error's."""
        return 0 < self.status_code < _CLIENT_ERROR

    @property
    def headers(self) -> "CaseInsensitiveDict[str]":
        """The header fields; of several with one name, all of them."""
        if self._headers is None:
            self._headers = CaseInsensitiveDict()
            for name, value in self._fields:
                known = self._headers.get(name)
                self._headers[name] = value if known is None else f"{known}, {value}"
        return self._headers

    @property
    def cookies(self) -> RequestsCookieJar:
        """The cookies that this response sets."""
        jar = RequestsCookieJar()
        for name, value in self._fields:
            if name == "set-cookie":
                try:
                    found = SimpleCookie(value)
                except CookieError:
                    continue
                for key, morsel in found.items():
                    jar.set(key, morsel.value, path=morsel["path"] or "/", domain=morsel["domain"] or "")
        return jar

    @property
    def url(self) -> str:
        """Where it came from, after redirects."""
        return self._session.url_of(self._request)

    @property
    def request(self) -> SentRequest:
        """The request that it answers."""
        return SentRequest(self._request, self.url)

    @property
    def reason(self) -> str:
        """The phrase of its status."""
        try:
            return HTTPStatus(self.status_code).phrase
        except ValueError:
            return ""

    @property
    def apparent_encoding(self) -> str:
        """The encoding that a body is taken for that names none."""
        return "utf-8"

    @property
    def elapsed(self) -> timedelta:
        """The time from the request to the end of its reply."""
        _, sent_at, finished_at = self._times
        return timedelta(microseconds=(finished_at - sent_at) / 1000)

    @property
    def is_redirect(self) -> bool:
        """Whether it leads elsewhere."""
        return self.status_code in _REDIRECTS and "location" in self.headers

    def raise_for_status(self) -> None:
        """Raise requests' HTTPError for an error of the status, ConnectionError or Timeout without an answer."""
        if self._verdict is True:
            return
        if isinstance(self._verdict, Exception):
            raise self._verdict
        if not self.status_code:
            raise self._unanswered()
        if self.status_code >= _CLIENT_ERROR:
            side = "Server" if self.status_code >= _SERVER_ERROR else "Client"
            message = f"{self.status_code} {side} Error: {self.reason} for url: {self._session.name_of(self)}"
            raise requests.exceptions.HTTPError(message, response=self)  # type: ignore[arg-type]

    def iter_content(self, chunk_size: int = _CHUNK, decode_unicode: bool = False) -> Iterator[Any]:  # noqa: FBT001, FBT002
        """Return the body, which was read whole, in pieces."""
        whole: Any = self.text if decode_unicode else self.content
        size = chunk_size or _CHUNK
        for start in range(0, len(whole or ""), size):
            yield whole[start : start + size]

    def iter_lines(self, **how: Any) -> Iterator[Any]:  # noqa: ANN401 - requests' signature
        """Return the body's lines."""
        whole: Any = self.text if how.get("decode_unicode") else self.content
        yield from (whole or type(whole)()).splitlines()

    def close(self) -> None:
        """Do nothing: it was read whole."""

    # -- with catch_response ------------------------------------------------------------------------------------------

    @property
    def request_meta(self) -> dict[str, Any]:
        """What listeners of events.request are told; its `name` may be changed within the block."""
        if self._meta is None:
            self._meta = self._session.facts_of(self)
        return self._meta

    @property
    def name(self) -> str:
        """The step that it is recorded as."""
        meta = self._meta
        return self._request.step if meta is None or meta["name"] == self.first_step else str(meta["name"])

    @property
    def first_step(self) -> str:
        """The step of the request that its redirects began with."""
        return self.history[0]._request.step if self.history else self._request.step  # noqa: SLF001 - the same class

    def success(self) -> None:
        """Say that it is what the task needs, whatever its status."""
        self._check_entered()
        self._verdict = True

    def failure(self, exc: object) -> None:
        """Say that it isn't what the task needs, and why."""
        self._check_entered()
        self._verdict = exc if isinstance(exc, Exception) else CatchResponseError(exc)

    def _check_entered(self) -> None:
        if not self.caught:
            raise LocustError("success() and failure() need catch_response=True")
        if not self._entered:
            raise LocustError("success() and failure() need a with block: with self.client.get(…) as response:")

    def __enter__(self) -> Self:
        if not self.caught:
            raise LocustError("a with block needs catch_response=True")
        self._entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Write the record; what the block raised goes on unless it is a ResponseError."""
        settled, verdict = False, self._verdict
        if verdict is None and isinstance(error, ResponseError):
            verdict, settled = error, True
        self._session.settle(self, verdict, error if verdict is None else None)
        return settled

    def _charset(self) -> str | None:
        held = Message()
        held["content-type"] = self.headers.get("content-type", "")
        charset = held.get_param("charset")
        return charset if isinstance(charset, str) else None

    def _unanswered(self) -> Exception:
        error = self._reply.error or "connection"
        if error == "timeout":
            return requests.exceptions.ReadTimeout("timeout")
        return requests.exceptions.ConnectionError(error)
