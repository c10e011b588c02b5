"""Serving subjects to Prometheus: `/metrics` for all, `/metrics/<subject>` for one, a page for people, `/healthz`."""

import html
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client.registry import CollectorRegistry

from exporters.serving.exposition import rendered
from exporters.serving.http_server import Listener, StartResponse, guarded
from exporters.serving.scrape import ScrapeCollector, Scraper, Subject
from exporters.serving.source import Deadline

DEFAULT_TIMEOUT_S = 10.0
_MAX_TIMEOUT_S = 60.0
_MARGIN_RATIO = 0.1  # of the scraper's timeout, kept for rendering and the way back …
_MAX_MARGIN_S = 0.5  # … as blackbox_exporter's --timeout-offset
_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)


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
) -> Server:
    """Serve `subjects` in threads until `stop`, to requests with the bearer `token` when there is one.

    Raises CantListen, and ValueError on a name twice.
    """
    app = guarded(Pages(subjects).answer, token)
    listener = Listener(app, host, port, threads=threads, max_body=1 << 16)
    listener.start()
    return Server(listener=listener)


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


class Pages:
    """The WSGI application of a set of subjects."""

    def __init__(self, subjects: Sequence[Subject[Any]], clock: Callable[[], float] = time.monotonic) -> None:
        self._scrapers = {subject.name: Scraper(subject, clock) for subject in subjects}
        self._clock = clock
        if len(self._scrapers) != len(subjects):
            raise ValueError("two subjects have the same name")

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, headers, body = self._page(environ)
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _page(self, environ: dict[str, Any]) -> tuple[str, Iterable[tuple[str, str]], bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return "405 Method Not Allowed", (*_TEXT, ("Allow", "GET, HEAD")), b"only GET and HEAD\n"
        if path == "/":
            return "200 OK", (("Content-Type", "text/html; charset=utf-8"),), self._landing()
        if path == "/healthz":
            return "200 OK", _TEXT, b"ok\n"
        if path == "/metrics":
            return self._metrics(list(self._scrapers.values()), environ)
        scraper = self._scrapers.get(path.removeprefix("/metrics/")) if path.startswith("/metrics/") else None
        if scraper is not None:
            return self._metrics([scraper], environ)
        return "404 Not Found", _TEXT, b"no such page; see /\n"

    def _metrics(
        self, scrapers: Sequence[Scraper[Any]], environ: dict[str, Any]
    ) -> tuple[str, Iterable[tuple[str, str]], bytes]:
        budget = budget_s(environ.get("HTTP_X_PROMETHEUS_SCRAPE_TIMEOUT_SECONDS", ""))
        deadline = Deadline(at=self._clock() + budget, clock=self._clock)
        registry = CollectorRegistry()
        begun = [(scraper.health, scraper.begin(deadline)) for scraper in scrapers]
        for health, landed in begun:
            ScrapeCollector(health, landed, registry)
        page = rendered(registry, environ.get("HTTP_ACCEPT", ""), environ.get("HTTP_ACCEPT_ENCODING", ""))
        return "200 OK", page.headers, page.body

    def _landing(self) -> bytes:
        rows = "".join(
            f'<li><a href="/metrics/{html.escape(name)}">{html.escape(name)}</a>: {html.escape(s.subject.about)}</li>'
            for name, s in self._scrapers.items()
        )
        return (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Peakproof exporter</title>'
            f'<h1>Peakproof exporter</h1><p><a href="/metrics">all metrics</a></p><ul>{rows}</ul></html>\n'
        ).encode()
