"""Those who watch an environment: a real Alertmanager that notifies a webhook, and a Grafana that takes annotations."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.ports import free_port
from tests.waiting import wait_for

CONFIG = """\
route: {{receiver: people, group_by: [alertname, environment], group_wait: 0s, group_interval: 1s, repeat_interval: 1s}}
receivers: [{{name: people, webhook_configs: [{{url: "{url}", send_resolved: false}}]}}]
"""


class People:
    """A webhook: the environments whose alerts it was notified of, in order."""

    def __init__(self) -> None:
        self.notified: list[str] = []
        self.url = ""

    def take(self, document: Mapping[str, Any]) -> None:
        self.notified += [alert["labels"]["environment"] for alert in document["alerts"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RealAlertmanager:
    """Debian's Alertmanager under way; `people` is whom it notifies."""

    url: str
    people: People
    http: requests.Session = field(repr=False)

    def alert(self, *environments: str) -> None:
        """Let an alert fire for each of the environments."""
        alerts = [{"labels": {"alertname": "Late", "environment": one}} for one in environments]
        self.http.post(f"{self.url}/api/v2/alerts", json=alerts, timeout=5).raise_for_status()

    def states(self) -> dict[str, str]:
        """Return the state of each environment's alert: active or suppressed."""
        read = self.http.get(f"{self.url}/api/v2/alerts", timeout=5).json()
        return {one["labels"]["environment"]: one["status"]["state"] for one in read}

    def silences(self) -> list[dict[str, Any]]:
        """Return every silence that it keeps."""
        read: list[dict[str, Any]] = self.http.get(f"{self.url}/api/v2/silences", timeout=5).json()
        return read


@contextmanager
def alertmanager(folder: Path) -> Iterator[RealAlertmanager]:
    program = shutil.which("prometheus-alertmanager")
    if program is None:
        pytest.skip("no prometheus-alertmanager on this machine")
    people, url = People(), f"http://127.0.0.1:{free_port()}"
    with _serving(_webhook(people)) as people.url:
        (folder / "alertmanager.yml").write_text(CONFIG.format(url=people.url))
        command = [
            program, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={url.removeprefix('http://')}", "--cluster.listen-address=",
        ]  # fmt: skip
        with (folder / "alertmanager.log").open("wb") as log, requests.Session() as http:
            http.trust_env = False
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            try:
                wait_for(lambda: _is_ready(http, url), "Alertmanager")
                yield RealAlertmanager(url=url, people=people, http=http)
            finally:
                process.kill()
                process.wait()


def _is_ready(http: requests.Session, url: str) -> bool:
    try:
        return http.get(f"{url}/-/ready", timeout=1).ok
    except requests.RequestException:
        return False


class FakeGrafana:
    """Answers as Grafana's annotations API is documented; `token` is the one it wants, `status` what it answers else.

    https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
    """

    def __init__(self, token: str = "") -> None:
        self.annotations: dict[int, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.status: int | None = None
        self.url = ""
        self._token = token

    def answer(self, method: str, path: str, bearer: str, document: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.asked.append((method, path))
        if self.status is not None:
            return self.status, {"message": f"no, {bearer}"}
        if self._token and bearer != f"Bearer {self._token}":
            return 401, {"message": "Unauthorized"}
        if (method, path) == ("POST", "/api/annotations"):
            self.annotations[len(self.annotations) + 1] = document
            return 200, {"message": "Annotation added", "id": len(self.annotations)}
        number = path.removeprefix("/api/annotations/")
        if method == "PATCH" and number.isdigit() and int(number) in self.annotations:
            self.annotations[int(number)].update(document)
            return 200, {"message": "Annotation patched"}
        return 404, {"message": "Not found"}


@contextmanager
def grafana(token: str = "") -> Iterator[FakeGrafana]:
    fake = FakeGrafana(token)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer()

        def do_PATCH(self) -> None:
            self._answer()

        def _answer(self) -> None:
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = fake.answer(self.command, self.path, self.headers.get("Authorization", ""), document)
            _reply(self, status, json.dumps(answer).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with _serving(Handler) as fake.url:
        yield fake


def _webhook(people: People) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            people.take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            _reply(self, 200, b"")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def _reply(handler: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
