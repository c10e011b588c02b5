"""Guards Locust's web app: a change of the run is accepted from Peakproof's page only.

Locust lets every site's scripts read its pages, and its buttons start and stop users; a run's users are its workers.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from loadtests.web_ui.page import PATH
from slo.web_addresses import parts_of

LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_READING = frozenset({"GET", "HEAD"})
_ELSEWHERE = "this page is for a browser on this machine, at http://127.0.0.1"
_NOT_OURS = "refused: the load is the plan that Peakproof plays; pause it or change its rate at /peakproof"
_STOPPING = "the run is being stopped; what was recorded stays in its run directory"
_FRAMES = ("X-Frame-Options", "DENY")


class Guard:
    """A WSGI middleware that passes on requests which only read; `stop` ends the run."""

    def __init__(self, app: WSGIApplication, stop: Callable[[], None]) -> None:
        self._app, self._stop = app, stop

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path, reads = str(environ.get("PATH_INFO", "")), environ["REQUEST_METHOD"] in _READING
        if not _is_at_home(environ, needs_origin=not reads):
            return _answer(start_response, "403 Forbidden", {"success": False, "message": _ELSEWHERE})
        if reads or path.startswith(f"{PATH}/"):
            return self._app(environ, _without_cors(start_response))
        if path == "/stop":
            self._stop()
            return _answer(start_response, "200 OK", {"success": True, "message": _STOPPING})
        # Locust's own page shows the message of a /swarm that was answered, and of nothing else.
        status = "200 OK" if path == "/swarm" else "403 Forbidden"
        return _answer(start_response, status, {"success": False, "message": _NOT_OURS})


def _is_at_home(environ: WSGIEnvironment, *, needs_origin: bool) -> bool:
    """Whether a request is for this machine by its own name and, by its Origin header, from one of our pages."""
    host, origin = str(environ.get("HTTP_HOST", "")), environ.get("HTTP_ORIGIN")
    if parts_of(f"//{host}").hostname not in LOOPBACK:
        return False
    return not needs_origin if origin is None else origin == f"http://{host}"


def _without_cors(start_response: StartResponse) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *rest: object) -> Callable[[bytes], object]:
        without = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
        return start_response(status, [*without, _FRAMES], *rest)  # type: ignore[arg-type]

    return start


def _answer(start_response: StartResponse, status: str, value: Mapping[str, object]) -> Iterable[bytes]:
    body = json.dumps(value).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), _FRAMES])
    return [body]
