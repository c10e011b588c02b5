"""The pages of a running Prometheus' dashboards: one board a page, a choice of time, links that carry it along."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode, urlsplit

from dashboards.charts.lines import TimeRange
from dashboards.grafana.upgrade import Json
from dashboards.snapshot.answers import Answer, Source
from dashboards.snapshot.boards import board_view
from dashboards.snapshot.page import CSP, FIGURES, PREVIEW, Head, Tab, render_page
from exporters.serving.http_server import StartResponse
from exporters.serving.pages import query_of
from scripts.arguments import is_loopback
from scripts.live_boards.running import ask
from scripts.local_stack.prometheus import Prometheus
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

REFRESH_S = 10
TIMES: Mapping[str, int] = MappingProxyType({"15m": 900, "1h": 3600, "6h": 21_600})
_NAMES: Mapping[str, str] = MappingProxyType({"15m": "last 15 min", "1h": "last hour", "6h": "last 6 hours"})
_SINCE, _CHOSEN = "since", "var-"
_LONGEST = 200
_TEXT = (("Content-Type", "text/plain; charset=utf-8"),)
_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", f"{CSP}; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
_LOG = logging.getLogger(__name__)
_Reply = tuple[str, Iterable[tuple[str, str]], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a page was asked for: a board, how long back, and values of its variables."""

    board: str
    since: str
    chosen: Mapping[str, str]

    def address(self, board: str, variables: Mapping[str, str], since: str | None = None) -> str:
        """Return the address of a board, with these variables and the same time."""
        fields = {_SINCE: since or self.since, **{f"{_CHOSEN}{name}": value for name, value in variables.items()}}
        return f"/{board}?{urlencode(fields)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Silent:
    """A Prometheus that doesn't answer: every query has that as its problem."""

    span: TimeRange

    def answer(self, _target: Json) -> Answer:
        """Return that there is no answer."""
        return Answer(problem="Prometheus doesn't answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePages:
    """The WSGI application. `now` is the time in ns since 1970."""

    prometheus: Prometheus
    dashboards: Mapping[str, Json]
    executor: Executor
    now: Callable[[], int]

    def answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        status, headers, body = self._reply(environ)
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _reply(self, environ: Mapping[str, Any]) -> _Reply:
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return "405 Method Not Allowed", (*_TEXT, ("Allow", "GET, HEAD"), ("Connection", "close")), b"only GET\n"
        # A page elsewhere whose name is made to lead here could read the answers.
        if not _names_loopback(environ.get("HTTP_HOST", "")):
            return "403 Forbidden", _TEXT, b"this server answers to 127.0.0.1 and localhost\n"
        path = environ["PATH_INFO"]
        if path == "/healthz":
            return "200 OK", _TEXT, b"ok\n"
        board = path.removeprefix("/") or next(iter(self.dashboards))
        if board not in self.dashboards:
            return "404 Not Found", _TEXT, b"no such board; see /\n"
        try:
            asked = self._asked(board, environ.get("QUERY_STRING", ""))
        except BadInput as error:
            return "400 Bad Request", _TEXT, f"{error}\n".encode()
        return "200 OK", _HEADERS, self._page(asked).encode("utf-8", "replace")

    def _asked(self, board: str, query: str) -> Asked:
        fields = query_of(query)
        since = fields.get(_SINCE, "15m")
        if since not in TIMES:
            raise BadInput(f"since: expected one of {', '.join(TIMES)}")
        given = {name.removeprefix(_CHOSEN): value for name, value in fields.items() if name.startswith(_CHOSEN)}
        if any(len(value) > _LONGEST for value in given.values()):
            raise BadInput(f"a value of a variable has more than {_LONGEST} characters")
        known = _variables(self.dashboards[board])
        return Asked(board=board, since=since, chosen={name: given[name] for name in known if given.get(name)})

    def _page(self, asked: Asked) -> str:
        now = self.now() // 1_000_000_000 * 1_000_000_000
        span = TimeRange(start_ns=now - TIMES[asked.since] * 1_000_000_000, end_ns=now)
        source, problems = self._source(asked, span)
        view = board_view(self.dashboards[asked.board], source, lambda board, labels: self._link(asked, board, labels))
        return render_page(self._head(asked, view.title, span, problems), [view])

    def _source(self, asked: Asked, span: TimeRange) -> tuple[Source, Sequence[str]]:
        try:
            return ask(self.prometheus, self.dashboards[asked.board], span, asked.chosen, self.executor), ()
        except EnvironmentLacks as error:
            _LOG.warning("%s", error)
            return _Silent(span=span), [f"{error}: nothing below is known."]

    def _head(self, asked: Asked, title: str, span: TimeRange, problems: Sequence[str]) -> Head:
        return Head(
            title=f"{title} · live",
            source=f"Prometheus at {self.prometheus.url}",
            span=span,
            tabs=[
                Tab(title=one["title"], href=self._link(asked, name, {}) or "", is_open=name == asked.board)
                for name, one in self.dashboards.items()
            ],
            about=[PREVIEW.format(what="what Prometheus answers now"), FIGURES],
            problems=problems,
            choices=[
                Tab(title=_NAMES[since], href=asked.address(asked.board, asked.chosen, since),
                    is_open=since == asked.since)
                for since in TIMES
            ],
            chosen=[
                Tab(title=f"{name} = {value}", href=asked.address(asked.board, _without(asked.chosen, name)))
                for name, value in asked.chosen.items()
            ],
            refresh_s=REFRESH_S,
        )  # fmt: skip

    def _link(self, asked: Asked, board: str, labels: Mapping[str, str]) -> str | None:
        if board not in self.dashboards:
            return None
        known = _variables(self.dashboards[board])
        carried = {name: value for name, value in {**asked.chosen, **labels}.items() if name in known}
        return asked.address(board, carried)


def _variables(dashboard: Json) -> Sequence[str]:
    return [one["name"] for one in dashboard["templating"]["list"] if one["type"] == "query"]


def _without(chosen: Mapping[str, str], name: str) -> Mapping[str, str]:
    return {other: value for other, value in chosen.items() if other != name}


def _names_loopback(host: str) -> bool:
    try:
        return is_loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
