"""What the drill serves: a page with every scene's series for Prometheus to scrape, and a webhook for Alertmanager."""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import time
from typing import Any

from exporters.serving.http_server import Listener, StartResponse
from scripts.drilling.scenes import Scene
from scripts.drilling.series import line, number, value
from scripts.local_stack.ports import HOST
from slo.objectives.selectors import quoted

METRICS, WEBHOOK = "/metrics", "/alerts/"
_THREADS, _MAX_BODY = 8, 4 << 20
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One alert as it came to the webhook: through which receiver, and when it came, in seconds since 1970."""

    receiver: str
    status: str
    labels: Mapping[str, str]
    starts_s: float
    ends_s: float
    came_s: float


class Page:
    """The text of the scenes' series now; `restored` are the alerts whose `for` began before the start."""

    def __init__(self, scenes: Sequence[Scene], start_s: float) -> None:
        self._lines = [
            (signal, scene.fault(start_s), line(signal, scene.environment, of_target=True))
            for scene in scenes
            for signal in scene.case.signals
        ]
        self.restored: Mapping[str, float] = {}

    def text(self, at_s: float) -> str:
        """Return the page as it is at a moment."""
        rows = [
            f"{name} {number(sample)}\n"
            for signal, fault, name in self._lines
            if (sample := value(signal, fault, at_s)) is not None
        ]
        return "".join([*rows, *(f"{name} {number(since)}\n" for name, since in self.restored.items())])


def for_state(labels: Mapping[str, str]) -> str:
    """Return the series in which Prometheus keeps since when an alert is pending, as a scraped page names it."""
    own = {"instance": "", "job": "", **labels}
    return f"ALERTS_FOR_STATE{{{','.join(f'{name}={quoted(text)}' for name, text in own.items())}}}"


class DrillServer:
    """Serves a `Page` and takes notifications, on a free port of loopback."""

    def __init__(self, page: Page) -> None:
        self._page, self._lock = page, threading.Lock()
        self._came: list[Notification] = []
        self._listener = Listener(self._answer, HOST, 0, threads=_THREADS, max_body=_MAX_BODY)

    def start(self) -> None:
        """Listen."""
        self._listener.start()

    def stop(self) -> None:
        """Give the port back."""
        self._listener.stop()

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._listener.url

    def notifications(self) -> list[Notification]:
        """Return what came so far, in order."""
        with self._lock:
            return list(self._came)

    def _answer(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == METRICS:
            body = self._page.text(time()).encode()
        elif path.startswith(WEBHOOK):
            self._take(path.removeprefix(WEBHOOK), json.loads(environ["wsgi.input"].read()))
            body = b"taken\n"
        else:
            start_response("404 Not Found", [("Content-Length", "0")])
            return []
        start_response("200 OK", [("Content-Type", _TEXT), ("Content-Length", str(len(body)))])
        return [body]

    def _take(self, receiver: str, payload: Mapping[str, Any]) -> None:
        came = [
            Notification(
                receiver=receiver,
                status=alert["status"],
                labels=alert["labels"],
                starts_s=datetime.fromisoformat(alert["startsAt"]).timestamp(),
                ends_s=datetime.fromisoformat(alert["endsAt"]).timestamp(),
                came_s=time(),
            )
            for alert in payload["alerts"]
        ]
        with self._lock:
            self._came += came
