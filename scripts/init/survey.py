"""What `peakproof init` finds out about a shop: at most nine requests, one a second, to its own host and no other."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import SystemRandom
from urllib.parse import urljoin

import requests

from loadtests.environment.addresses import Kind
from loadtests.environment.firewalls import Firewall
from loadtests.environment.pinned_http import BoundedReply, PinnedHttp, bounded_get, origin_of, why_no_answer
from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.target_fields import HeaderValue
from loadtests.environment.targets import ProxyTarget
from loadtests.guardrails.preflight import REQUESTS, served
from loadtests.results.trace_context import traceparents
from scripts.doctor.certificate import certificate
from scripts.doctor.lines import Line, missing, ok, wrong
from scripts.init.robots import keeps_crawlers_out
from scripts.init.storefront_draft import FILE, TUTORIAL, FirstPage, first_page
from slo.outcomes import EnvironmentLacks
from slo.web_addresses import without_secrets

EVERY_S = 1.0
AT_MOST_S = 30.0
TIMEOUT_S = 5.0
HEALTH_PATHS = ("/healthz", "/health", "/version", "/status")
RELEASE_FIELDS = ("version", "release", "build", "commit", "revision")
_OK, _CLIENT_ERROR, _NOT_FOUND, _SERVER_ERROR, _DENIED, _HTTP_1_0 = 200, 400, 404, 500, (401, 403), 10
_PROXY_DENIED = 407
_MAX_PAGE = 4 << 20
_OTLP = "send the shop's spans over OTLP/HTTP to port 18086 of this machine, then set traces: true"
_CONVENTIONS = "opentelemetry.io/docs/specs/semconv/http/http-metrics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The findings: a line each, and what can be written into targets.yaml."""

    base_url: str
    kind: Kind
    lines: tuple[Line, ...]
    release_probe: tuple[str, str] | None = None
    has_metrics: bool = False
    page: FirstPage = field(default_factory=lambda: FirstPage(kind="none"))
    headers: Mapping[str, HeaderValue] = field(default_factory=dict)
    proxy: ProxyTarget | None = None


@dataclass(slots=True, kw_only=True)
class Visitor:
    """Requests one page a second, for `AT_MOST_S` in all; `asked` lists the paths.

    `refusal` is the last error of the environment's proxy, None without one.
    """

    base_url: str
    http: PinnedHttp
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    asked: list[str] = field(default_factory=list)
    refusal: str | None = None
    _began: float | None = None

    def ask(self, path: str) -> BoundedReply | None:
        """Return the reply to a request for `path`, None when none came or the time is over."""
        if self._began is None:
            self._began = self.clock()
        else:
            self.sleep(EVERY_S)
        left_s = AT_MOST_S - (self.clock() - self._began)
        if left_s <= 0:
            return None
        self.asked.append(path)
        try:
            headers = {"traceparent": next(traceparents(SystemRandom(), 1.0))}
            return bounded_get(self.http, self.base_url + path, min(TIMEOUT_S, left_s), _MAX_PAGE, headers)
        except requests.exceptions.ProxyError as error:
            self.refusal = why_no_answer(error)
            return None
        except requests.RequestException:
            return None


def survey(resolved: ResolvedEnvironment, visitor: Visitor) -> Survey:
    """Request the pages and return the findings; raises EnvironmentLacks when the shop doesn't answer at all."""
    home = visitor.ask("/")
    if home is None and visitor.refusal is not None:
        raise EnvironmentLacks(f"{visitor.base_url}/ isn't reached: {visitor.refusal}; see the proxy's log")
    if home is None:
        raise EnvironmentLacks(f"{visitor.base_url}/ doesn't answer; is it started, and can this machine reach it?")
    page = first_page(home.body, home.status)
    lines = [
        _storefront(page),
        *_first(resolved, home),
        *_connection(resolved, home),
        *_robots(visitor.ask("/robots.txt")),
    ]
    metrics = _metrics(visitor.ask("/metrics"))
    release, probe = _release(visitor, home)
    traces = _traces(home)
    return Survey(
        base_url=visitor.base_url,
        kind=resolved.destinations.kind,
        lines=(*lines, release, metrics, traces, *_not_asked()),
        release_probe=probe,
        has_metrics=metrics.state == "ok",
        page=page,
        headers=resolved.environment.headers,
        proxy=resolved.environment.proxy,
    )


def _storefront(page: FirstPage) -> Line:
    """Say first what everything else rests on."""
    if page.is_twisted_threads:
        return ok("storefront", "it is the stand-in's shop: the built-in storefront twisted-threads plays it")
    step = f"write {FILE}: how your shoppers browse and buy; {TUTORIAL} takes half an hour, and a draft is written"
    return missing("storefront", f"only you know how your shop is used; seen: {page.described}", step)


def _first(resolved: ResolvedEnvironment, home: BoundedReply) -> Iterator[Line]:
    base = resolved.environment.base_url
    fields = home.headers.items()
    if Firewall(resolved.environment.blocked).has_answered(home.status, fields, home.body, accepted=home.status == _OK):
        step = "have the firewall allow this machine's address: what it blocks is no load on the shop"
        yield wrong("shop", f"a firewall or challenge page answers: HTTP {home.status}", step)
    elif "location" in home.headers:
        yield _redirect(base, home.headers["location"])
    elif home.status == _PROXY_DENIED and resolved.environment.proxy is not None:
        step = "give --proxy-user-env and --proxy-password-env"
        yield wrong("shop", f"the proxy refuses this machine: HTTP {home.status}", step)
    elif home.status in _DENIED:
        yield wrong("shop", f"it refuses access: HTTP {home.status}", "declare basic_auth or headers")
    elif home.status == _NOT_FOUND:
        yield ok("shop", "it answers HTTP 404 to /: no page there, as with a headless API")
    elif home.status >= _CLIENT_ERROR:
        yield wrong("shop", f"it answers HTTP {home.status}", "fix it, or give the address of a page that works")
    else:
        yield ok("shop", f"it answers HTTP {home.status}")


def _redirect(base: str, location: str) -> Line:
    try:
        target = urljoin(f"{base}/", location)
        away = origin_of(target) != origin_of(base)
    except ValueError:
        return wrong("shop", "it redirects to something that isn't an address", "fix it")
    shown = without_secrets(target)
    if away:
        message = f"it redirects to another site, {shown}, which was not requested"
        return wrong("shop", message, "if that is your staging site too, run init with that address")
    return ok("shop", f"it redirects to {shown}, on the same host")


def _connection(resolved: ResolvedEnvironment, home: BoundedReply) -> Iterator[Line]:
    if (line := certificate(resolved)) is not None:
        yield line
    elif resolved.destinations.kind != "loopback":
        yield missing(
            "TLS", "it is reached without it", "use https:// if shoppers do: its handshake is part of their wait"
        )
    closes = home.http_version == _HTTP_1_0 or home.headers.get("connection", "").lower() == "close"
    if closes:
        yield wrong(
            "keep-alive",
            "each reply ends its connection",
            "switch it on where TLS ends: now each click opens a connection",
        )
    else:
        yield ok("keep-alive", "connections stay open between clicks")
    cookie = home.headers.get("set-cookie", "").partition("=")[0]
    if cookie:
        yield ok("cookies", f"the first page sets {cookie}; every session keeps its own cookies")
    else:
        yield missing(
            "cookies",
            "the first page sets none",
            "check that a cart works: a shop usually knows its shopper by a cookie",
        )


def _robots(reply: BoundedReply | None) -> Iterator[Line]:
    if reply is None or reply.status != _OK:
        return
    keeps_out = keeps_crawlers_out(reply.body)
    yield ok("robots.txt", "it keeps crawlers out, as on a staging site" if keeps_out else "it allows crawlers")


def _metrics(reply: BoundedReply | None) -> Line:
    step = f"serve OpenTelemetry's http.server.request.duration in Prometheus' form: {_CONVENTIONS}"
    if reply is None or reply.status != _OK:
        message = "no answer" if reply is None else f"HTTP {reply.status}"
        where = "; served elsewhere? then add metrics: [{job: shop, url: …}]"
        return missing("metrics", f"/metrics: {message}; server-side objectives are left out", step + where)
    try:
        counts = served(reply.body.decode())
    except ValueError:
        return wrong("metrics", "/metrics isn't in Prometheus' text format", step)
    if not counts:
        return wrong("metrics", f"/metrics has no {REQUESTS}", step)
    return ok("metrics", f"/metrics has {REQUESTS}: server-side objectives can be judged")


def _release(visitor: Visitor, home: BoundedReply) -> tuple[Line, tuple[str, str] | None]:
    for path in HEALTH_PATHS:
        reply = visitor.ask(path)
        found = None if reply is None or reply.status != _OK else _release_field(reply.body)
        if found is not None:
            return ok("release", f"{path} says {found[0]}: {found[1]}"), (path, found[0])
    header = home.headers.get("x-release")
    seen = f"X-Release says {header}, but no page does" if header else "no page says it"
    message = f"{seen} ({', '.join(HEALTH_PATHS)}): a deploy during a run would not be noticed"
    return missing(
        "release", message, 'answer {"version": "…"} somewhere, then add release_probe: {path: …, field: version}'
    ), None


def _release_field(body: bytes) -> tuple[str, str] | None:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    return next(
        (
            (name, str(fields[name]))
            for name in RELEASE_FIELDS
            if isinstance(fields.get(name), str | int) and fields[name] != ""
        ),
        None,
    )


def _traces(home: BoundedReply) -> Line:
    carried = [name for name in ("traceparent", "traceresponse") if name in home.headers]
    carried += ["server-timing"] if "traceparent" in home.headers.get("server-timing", "") else []
    if carried:
        message = f"replies carry {', '.join(carried)}: the shop traces, but doesn't send its spans here yet"
        return missing("traces", message, _OTLP)
    return missing("traces", "no reply carries a trace: the cause of a slow step can't be named", _OTLP)


def _not_asked() -> Iterator[Line]:
    for name, lost in (
        ("stock", "overselling would not be detected"),
        ("orders", "a lost order would not be detected"),
        ("payments", "a double charge would not be detected"),
    ):
        step = f"allow this machine to read them, then add {name}_url and token_env; docs/contracts.md has the shape"
        yield missing(name, f"not declared: {lost}", step)
