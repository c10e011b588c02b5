"""A user's client: Locust's session, over the shopper's own client. Hosts, ceilings, cookies and records are a run's.

The interface is that of requests (https://requests.readthedocs.io/en/latest/api/#request-sessions) and of Locust's
FastHttpSession.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from requests.structures import CaseInsensitiveDict

from loadtests.client.interface import Reply, Request, redirected
from loadtests.environment.ceilings import CeilingReachedError
from loadtests.locustfiles.cookies import Cookies
from loadtests.locustfiles.exceptions import LEAVING, NotPlayedError, VisitEndedError
from loadtests.locustfiles.multipart import content_of, pairs_of
from loadtests.locustfiles.response import Response
from loadtests.locustfiles.visit import Visit
from loadtests.shopper.session_errors import SessionFailedError
from slo.verdict.own_data import OTHERS_DATA

REQUESTS, FAST = "requests", "fast"
_MOST_HOPS = 10
_ANSWERED = frozenset({*range(200, 301), 304, 305, 306})  # of one that follows redirects
_UNFOLLOWED = frozenset(range(200, 400))
_SERVER_ERROR = 500
# Headers that the client writes itself; what a task copied from a browser goes without them.
_OWN = frozenset(
    {
        "connection", "content-length", "expect", "keep-alive", "te", "traceparent", "trailer", "transfer-encoding",
        "upgrade",
    }
)  # fmt: skip
_SAFE = "!#$%&'()*+,/:;=?@[]~"
_IGNORED = frozenset({"verify", "cert", "proxies", "stream"})


class ListenerError(Exception):
    """A listener of the locustfile's failed: no reply is to blame."""


class HttpSession:
    """The client of one session's user."""

    def __init__(self, user: Any, kind: str) -> None:  # noqa: ANN401 - a user of the stand-in
        self.user, self.is_fast = user, kind == FAST
        self._visit: Visit = user.visit
        self._names = user.environment.step_names
        self._told = user.environment.events.request
        self.headers: CaseInsensitiveDict[Any] = CaseInsensitiveDict(getattr(user, "default_headers", None) or {})
        self.auth: Any = None
        self.params: dict[str, Any] = {}
        self.request_name: str | None = None
        self.verify, self.trust_env, self.max_redirects = True, False, _MOST_HOPS
        self.cert = self.proxies = self.stream = None

    @property
    def base_url(self) -> str:
        """The address that paths are below."""
        return self._visit.bases[self._visit.host]

    @base_url.setter
    def base_url(self, url: str) -> None:
        raise NotPlayedError(
            f"self.client.base_url = {url!r}: hosts are those of targets.yaml; ask {url!r} by its path"
        )

    @property
    def cookies(self) -> Cookies:
        """The session's cookies."""
        return Cookies(self._visit.session.cookies)

    @cookies.setter
    def cookies(self, others: Any) -> None:  # noqa: ANN401 - a mapping or a jar
        held = {} if others is None else dict(others)
        self.cookies.clear()
        self.cookies.update(held)

    @property
    def cookiejar(self) -> Cookies:
        """The session's cookies, by the fast client's name."""
        return self.cookies

    def get(self, url: str, **how: Any) -> Response:  # noqa: ANN401 - what requests takes
        """GET."""
        return self.request("GET", url, **how)

    def options(self, url: str, **how: Any) -> Response:  # noqa: ANN401 - what requests takes
        """OPTIONS."""
        return self.request("OPTIONS", url, **how)

    def head(self, url: str, **how: Any) -> Response:  # noqa: ANN401 - what requests takes
        """HEAD, which follows no redirect unless it is told to."""
        how.setdefault("allow_redirects", self.is_fast)
        return self.request("HEAD", url, **how)

    def post(self, url: str, data: Any = None, json: Any = None, **how: Any) -> Response:  # noqa: ANN401 - what requests takes
        """POST."""
        return self.request("POST", url, data=data, json=json, **how)

    def put(self, url: str, data: Any = None, **how: Any) -> Response:  # noqa: ANN401 - what requests takes
        """PUT."""
        return self.request("PUT", url, data=data, **how)

    def patch(self, url: str, data: Any = None, **how: Any) -> Response:  # noqa: ANN401 - what requests takes
        """PATCH."""
        return self.request("PATCH", url, data=data, **how)

    def delete(self, url: str, **how: Any) -> Response:  # noqa: ANN401 - what requests takes
        """DELETE."""
        return self.request("DELETE", url, **how)

    @contextmanager
    def rename_request(self, name: str) -> Iterator[None]:
        """Name what is asked for in the block."""
        self.request_name = name
        try:
            yield
        finally:
            self.request_name = None

    def request(  # noqa: PLR0913 - each is one thing that requests takes
        self,
        method: str,
        url: str,
        name: str | None = None,
        catch_response: bool = False,  # noqa: FBT001, FBT002 - Locust's signature
        context: Mapping[str, Any] | None = None,
        *,
        data: Any = None,  # noqa: ANN401
        json: Any = None,  # noqa: ANN401
        params: Any = None,  # noqa: ANN401
        headers: Mapping[str, Any] | None = None,
        cookies: Mapping[str, str] | None = None,
        files: Any = None,  # noqa: ANN401
        auth: Any = None,  # noqa: ANN401
        timeout: Any = None,  # noqa: ANN401
        allow_redirects: bool = True,
        **others: Any,  # noqa: ANN401
    ) -> Response:
        """Ask, when it is due, and return what comes; its error, if it is one, is recorded and not raised."""
        if others and not others.keys() <= _IGNORED:
            unknown = ", ".join(sorted(others.keys() - _IGNORED))
            raise NotPlayedError(f"self.client.{method.lower()}: {unknown} can't be played")
        host, path = self._place(url, params)
        step = name or self.request_name or self._names.of(method, path)
        redirect = self._names.named(step)
        sent, kind = None, None
        if headers or self.headers or cookies or auth or self.auth:
            sent, kind = self._headers_of(method, url, headers, cookies, auth)
        body, form = (
            (None, None) if data is None and json is None and not files else content_of(data, json, files, kind)
        )
        accept = _ANSWERED if allow_redirects else _UNFOLLOWED
        follow = redirect if allow_redirects else None
        facts = (step, method, path, body, form, sent, accept, follow, False, host, False)
        request = tuple.__new__(Request, facts)  # half the time of Request(...)
        response = self._asked(request, None if timeout is None else _seconds(timeout))
        response.caught = catch_response
        if self._told.handlers:
            response.request_meta["context"] = {**self.user.context(), **(context or {})}
        if catch_response:
            response.held = self._visit.session.take_last()
            self._visit.pending[id(response)] = response
        else:
            self.settle(response, None, None)
        return response

    def url_of(self, request: Request) -> str:
        """Return a request's address."""
        return f"{self._visit.bases[request.host]}{request.path}"

    @staticmethod
    def name_of(response: Response) -> str:
        """Return the step of a response."""
        return response.name

    # -- what becomes of a request ------------------------------------------------------------------------------------

    def settle(self, response: Response, verdict: bool | Exception | None, raised: BaseException | None) -> None:  # noqa: FBT001
        """Let the record of a response say what it turned out to be, by the task's own word or by its status."""
        visit, error, why = self._visit, response._reply.error, response.shown  # noqa: SLF001 - it is ours
        if error == OTHERS_DATA:
            pass  # whatever the task makes of it
        elif verdict is True:
            error = error if error == "blocked" or not response.status_code else None
        elif verdict is not None:
            error, why = error or "wrong_reply", f"{verdict}"[:500]
        elif isinstance(raised, Exception) and response.held is not None and not isinstance(raised, LEAVING):
            error, why = error or "wrong_reply", f"{type(raised).__name__}: {raised}"[:500]
        is_about_it = raised is not None and not isinstance(raised, LEAVING)
        visit.last_error, visit.unreadable = error, is_about_it and response._reply.error is None  # noqa: SLF001
        if response.held is not None:
            held, response.held = response.held, None
            visit.pending.pop(id(response), None)
            visit.session.judge(held, response.name, error, why)
        elif error is not None and (last := visit.session.take_last()) is not None:
            visit.session.judge(last, response.name, error, why)
        if self._told.handlers:
            self._tell(response, error, verdict if isinstance(verdict, Exception) else None)

    def facts_of(self, response: Response) -> dict[str, Any]:
        """Return what listeners of events.request are told of a response."""
        first = response.history[0] if response.history else response
        sent_at, finished_at = first._times[1], response._times[2]  # noqa: SLF001 - it is ours
        return {
            "request_type": first._request.method,  # noqa: SLF001
            "name": response.first_step,
            "response_time": (finished_at - sent_at) / 1e6,
            "response_length": len(response.content or b""),
            "response": response,
            "context": {},
            "exception": None,
            "start_time": sent_at / 1e9,
            "url": response.url,
        }

    def _tell(self, response: Response, error: str | None, own: Exception | None) -> None:
        facts = response.request_meta
        if error is not None:
            facts["exception"] = own or _raised(response) or RuntimeError(error)
        try:
            self._told.tell(facts)
        except Exception as failed:
            raise ListenerError(f"a listener of events.request: {type(failed).__name__}: {failed}") from failed

    def _asked(self, request: Request, within_s: float | None) -> Response:
        """Ask for what is asked for, and for what its redirects lead to."""
        session, history = self._visit.session, []
        try:
            reply, shown = session.own.alone(request, session.ask(request, within_s))
            while reply.location is not None and request.follow is not None:
                history.append(self._response(request, reply, []))
                if len(history) > _MOST_HOPS:
                    reply = self._too_many(reply)
                    break
                request = redirected(request, reply)
                reply, shown = session.own.alone(request, session.ask(request, within_s))
        except (CeilingReachedError, SessionFailedError) as error:
            raise VisitEndedError(error) from error
        if reply.html:
            session.show(request, reply)
        response = self._response(request, reply, history)
        response.shown = shown
        self._visit.last_reply, self._visit.last_error, self._visit.last_step = response, reply.error, request.step
        return response

    def _too_many(self, reply: Reply) -> Reply:
        return reply._replace(error="wrong_reply", location=None)

    def _response(self, request: Request, reply: Reply, history: list[Response]) -> Response:
        session = self._visit.session
        return Response(self, request, reply, session.fields, session.last_times, history)

    # -- what is asked for --------------------------------------------------------------------------------------------

    def _place(self, url: str, params: Any) -> tuple[str | None, str]:  # noqa: ANN401 - requests'
        """Return the host's label and the path that an address or a path leads to."""
        host, path = self._visit.host, url
        if url[:1] != "/" or "#" in url:
            host, path = self._located(url)
        if params or self.params:
            query = params if isinstance(params, str) else urlencode(_query(self.params) + _query(params))
            path = f"{path}{'&' if '?' in path else '?'}{query}" if query else path
        return host, path if path.isascii() and path.isprintable() and " " not in path else quote(path, safe=_SAFE)

    def _located(self, url: str) -> tuple[str | None, str]:
        url = url.partition("#")[0]
        if url[:4].lower() != "http" or "://" not in url[:8]:
            return self._visit.host, url if url[:1] == "/" else f"/{url}"
        try:
            return self._visit.session.locate(url, self._visit.host, "/")
        except SessionFailedError as error:
            raise VisitEndedError(error) from error

    def _headers_of(
        self,
        method: str,
        url: str,
        headers: Mapping[str, Any] | None,
        cookies: Mapping[str, str] | None,
        auth: Any,  # noqa: ANN401
    ) -> tuple[dict[str, str] | None, str | None]:
        """Return the headers that a request has of its own, and its media type, None where the task gives none."""
        given: CaseInsensitiveDict[Any] = CaseInsensitiveDict(self.headers)
        given.update(headers or {})
        _authorise(auth or self.auth, method, url, given)
        kind, own = None, {}
        for name, value in given.items():
            low = name.lower()
            if value is None or low in _OWN or (low == "accept-encoding" and not _decodes(_text(value))):
                continue
            if low == "host":
                self._check_host(_text(value))
            elif low == "content-type":
                kind = _text(value)
            elif low == "cookie":
                own["Cookie"] = _text(value)
            else:
                own[name] = _text(value)
        if cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in dict(cookies).items())
            own["Cookie"] = f"{own['Cookie']}; {pairs}" if "Cookie" in own else pairs
        return own or None, kind

    def _check_host(self, value: str) -> None:
        here = urlsplit(self.base_url).netloc
        if value.lower() != here.lower():
            why = f"the header Host is {value!r}: the host is that of base_url ({here}); `resolve` of targets.yaml"
            raise VisitEndedError(ValueError(f"{why} says at which address a name is reached"))


class _Prepared:
    """What an `auth=` that is called may set headers of."""

    def __init__(self, method: str, url: str, headers: Any) -> None:  # noqa: ANN401 - requests' dict
        self.method, self.url, self.headers = method, url, headers
        self.body: bytes | None = None


def _authorise(auth: Any, method: str, url: str, headers: Any) -> None:  # noqa: ANN401 - requests'
    if auth is None:
        return
    if isinstance(auth, tuple):
        user, password = map(_text, auth)
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
        return
    try:
        auth(_Prepared(method, url, headers))
    except AttributeError as error:
        raise NotPlayedError(f"auth={type(auth).__name__}: only what sets headers can be played") from error


def _query(params: Any) -> list[tuple[str, str]]:  # noqa: ANN401 - requests'
    if params is None:
        return []
    return pairs_of(params)


def _decodes(coding: str) -> bool:
    return all(one.partition(";")[0].strip().lower() in ("gzip", "br", "identity") for one in coding.split(","))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _seconds(timeout: Any) -> float | None:  # noqa: ANN401 - a number, or (connect, read)
    waited = timeout[-1] if isinstance(timeout, tuple | list) else timeout
    return None if waited is None else float(waited)


def _raised(response: Response) -> Exception | None:
    """Return the exception that Locust's listeners get for a response."""
    ask: Callable[[], None] = response.raise_for_status
    try:
        ask()
    except Exception as error:  # noqa: BLE001 - it is handed on
        return error
    return None
