"""Serving subjects to Prometheus: `/metrics` for all, `/metrics/<subject>` for one, a page for people, `/healthz`.

Beside them stand pages that answer a question of their own, as `/probe?target=…&module=…` does.
"""

import html
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from exporters.serving.exposition import Exposition
from exporters.serving.http_server import App, CantListen, Listener, StartResponse
from exporters.serving.protection import protected
from exporters.serving.scrape import ScrapeCollector, Scraped, Scraper, Subject
from exporters.serving.source import Deadline
from exporters.serving.web_protection import WebProtection
from slo.documents import BadInput

DEFAULT_TIMEOUT_S = 10.0
_MAX_TIMEOUT_S = 60.0
_MARGIN_RATIO = 0.1  # of the scraper's timeout, kept for rendering and the way back …
_MAX_MARGIN_S = 0.5  # … as blackbox_exporter's --timeout-offset
_MOST_MAKING = 0.5  # of the budget: sources have at least the other half
_FADES = 0.9  # of what the answer before took: one with fewer sources is made faster than the next
MOST_QUERY_FIELDS = 16
MOST_ASKED = 4  # of the server's threads, so that scrapes of subjects always find one: a probe may take long
_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)


_LOG = logging.getLogger(__name__)
Query = Mapping[str, str]
OwnFamilies = Callable[[], Iterable[Metric]]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPage:
    """A page that collects for what its query asks: a fresh registry for each request, as blackbox_exporter's probe.

    `collect` raises BadInput for a query that it can't answer, which is shown to the client with status 400; a target
    that fails is a metric. `example` is a query for the landing page.
    """

    about: str
    collect: Callable[[Query, Deadline], CollectorRegistry]
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server under way."""

    listener: Listener

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return self.listener.url

    def stop(self) -> None:
        """End the requests under way and give the port back."""
        self.listener.stop()


def serve(
    subjects: Sequence[Subject[Any]],
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    threads: int = 8,
    token: str | None = None,
    pages: Mapping[str, QueryPage] = MappingProxyType({}),
) -> Server:
    """Serve `subjects`, and `pages` at their paths, until `stop`; with a `token`, to requests that bring it.

    Raises CantListen, and ValueError on a name twice.
    """
    answer = Pages(subjects, pages=pages).answer
    return listen(protected(answer, None, token), [(host, port)], threads=threads)[0]


def listen(
    app: App, addresses: Sequence[tuple[str, int]], *, threads: int = 8, web: WebProtection | None = None
) -> list[Server]:
    """Serve `app` on each of the addresses, with the TLS of `web` if it has any; raises CantListen, then on none."""
    servers: list[Server] = []
    tls = web if web is not None and web.has_tls else None
    try:
        for host, port in addresses:
            listener = Listener(app, host, port, threads=threads, max_body=1 << 16, tls=tls)
            listener.start()
            servers.append(Server(listener=listener))
    except CantListen:
        for server in servers:
            server.stop()
        raise
    return servers


def budget_s(header: str) -> float:
    """Return the seconds a source may take for a scrape whose timeout `header` names, else of the default."""
    try:
        timeout_s = float(header)
    except ValueError:
        timeout_s = DEFAULT_TIMEOUT_S
    if not math.isfinite(timeout_s) or timeout_s <= 0:
        timeout_s = DEFAULT_TIMEOUT_S
    timeout_s = min(timeout_s, _MAX_TIMEOUT_S)
    return timeout_s - min(_MAX_MARGIN_S, timeout_s * _MARGIN_RATIO)


def query_of(text: str) -> Query:
    """Return the fields of a query; raises BadInput when one stands there twice, or there are too many."""
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_QUERY_FIELDS)
    except ValueError as error:
        raise BadInput(f"query: more than the {MOST_QUERY_FIELDS} fields allowed") from error
    if len({name for name, _ in fields}) != len(fields):
        raise BadInput("query: a field stands there twice")
    return dict(fields)


class Pages:
    """The WSGI application of a set of subjects.

    `own` are the families of the exporter itself, beside those of each subject; `exposition` keeps lines from scrape to
    scrape, also for pages that come after these.
    """

    def __init__(
        self,
        subjects: Sequence[Subject[Any]],
        clock: Callable[[], float] = time.monotonic,
        pages: Mapping[str, QueryPage] = MappingProxyType({}),
        own: OwnFamilies = tuple,
        exposition: Exposition | None = None,
    ) -> None:
        self._scrapers = {subject.name: Scraper(subject, clock) for subject in subjects}
        self._own, self._free = own, threading.Semaphore(MOST_ASKED)
        self._clock, self._pages, self._exposition = clock, pages, exposition or Exposition()
        self._making_s: dict[tuple[str, ...], float] = {}
        if len(self._scrapers) != len(subjects):
            raise ValueError("two subjects have the same name")

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, headers, body = self._page(environ)
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def close(self) -> None:
        """Give back what the subjects' sources hold; a subject that can't is logged."""
        for name, scraper in self._scrapers.items():
            try:
                scraper.subject.close()
            except Exception:  # noqa: BLE001 - the others have something to give back too
                _LOG.exception("%s: can't be closed", name)

    def _page(self, environ: dict[str, Any]) -> tuple[str, Iterable[tuple[str, str]], bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            # closed, so that a body that nobody asked for isn't read
            fields = (*_TEXT, ("Allow", "GET, HEAD"), ("Connection", "close"))
            return "405 Method Not Allowed", fields, b"only GET and HEAD\n"
        if path in ("/", "/healthz"):
            return ("200 OK", _HTML, self._landing()) if path == "/" else ("200 OK", _TEXT, b"ok\n")
        if path in self._pages:
            return self._asked(self._pages[path], environ)
        scrapers = self._scraped_at(path)
        if scrapers is None:
            return "404 Not Found", _TEXT, b"no such page; see /\n"
        return self._metrics(scrapers, environ)

    def _scraped_at(self, path: str) -> list[Scraper[Any]] | None:
        if path == "/metrics":
            return list(self._scrapers.values())
        scraper = self._scrapers.get(path.removeprefix("/metrics/")) if path.startswith("/metrics/") else None
        return None if scraper is None else [scraper]

    def _metrics(
        self, scrapers: Sequence[Scraper[Any]], environ: dict[str, Any]
    ) -> tuple[str, Iterable[tuple[str, str]], bytes]:
        began, waited_s = self._clock(), list[float]()
        asked = tuple(scraper.subject.name for scraper in scrapers)
        making_s = self._making_s.get(asked, 0.0)
        deadline = self._deadline(environ, making_s)
        registry = CollectorRegistry()
        begun = [(scraper.health, _noting(scraper.begin(deadline), waited_s)) for scraper in scrapers]
        for health, landed in begun:
            ScrapeCollector(health, landed, registry)
        _Own(self._own, registry)
        answer = self._rendered(registry, environ)
        took_s = self._clock() - began - sum(waited_s)
        self._making_s[asked] = max(took_s, _FADES * making_s)
        return answer

    def _asked(self, page: QueryPage, environ: dict[str, Any]) -> tuple[str, Iterable[tuple[str, str]], bytes]:
        if not self._free.acquire(blocking=False):
            return "503 Service Unavailable", (*_TEXT, ("Retry-After", "1")), b"others are asked at this moment\n"
        try:
            registry = page.collect(query_of(environ.get("QUERY_STRING", "")), self._deadline(environ))
        except BadInput as error:
            return "400 Bad Request", _TEXT, f"{error}\n".encode()
        finally:
            self._free.release()
        return self._rendered(registry, environ)

    def _deadline(self, environ: dict[str, Any], making_s: float = 0.0) -> Deadline:
        """Return by when sources must be read; `making_s` is what an answer takes to make of what they gave."""
        budget = budget_s(environ.get("HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS", ""))
        budget -= min(making_s, _MOST_MAKING * budget)
        return Deadline(at=self._clock() + budget, clock=self._clock)

    def _rendered(
        self, registry: CollectorRegistry, environ: dict[str, Any]
    ) -> tuple[str, Iterable[tuple[str, str]], bytes]:
        page = self._exposition.page(registry, environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_ENCODING", ""))
        return "200 OK", page.headers, page.body

    def _landing(self) -> bytes:
        subjects = "".join(_subject_row(name, scraper) for name, scraper in self._scrapers.items())
        pages = "".join(_page_row(path, page) for path, page in self._pages.items())
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Peakproof exporter</title>'
            '<h1>Peakproof exporter</h1><p><a href="/metrics">all metrics</a>, <a href="/healthz">health</a></p>'
            f"<ul>{subjects}{pages}</ul></html>\n"
        ).encode()


def _noting(landed: Callable[[], Scraped], waited_s: list[float]) -> Callable[[], Scraped]:
    def scraped() -> Scraped:
        found = landed()
        waited_s.append(found.waited_s)
        return found

    return scraped


class _Own(Collector):
    """The exporter's own families as a collector."""

    def __init__(self, families: OwnFamilies, registry: CollectorRegistry) -> None:
        self._families = families
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """Name none, so that registering asks for none."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._families()


_SHOWN = {None: "not read yet", True: "up", False: "down"}


def _subject_row(name: str, scraper: Scraper[Any]) -> str:
    sources = "".join(f"<li>{html.escape(source)}: {_SHOWN[up]}</li>" for source, up in scraper.up.items())
    about = f'<a href="/metrics/{html.escape(name)}">{html.escape(name)}</a>: {html.escape(scraper.subject.about)}'
    return f"<li>{about}<ul>{sources}</ul></li>"


def _page_row(path: str, page: QueryPage) -> str:
    address = html.escape(f"{path}?{page.example}" if page.example else path)
    return f'<li><a href="{address}">{address}</a>: {html.escape(page.about)}</li>'
