"""A run over HTTP/2 through nginx: its log, made apart from us, holds every request, and HTTP/2.0 in each line."""

import contextlib
import json
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from loadtests.results.run_directory import read_tables
from loadtests.results.schemas import REQUESTS
from loadtests.runtime.clock import Clock
from loadtests.worker.job import read_job
from loadtests.worker.worker import Worker
from scripts.local_stack.shop import Shop
from tests.bad_input.conftest import shop
from tests.loadtests import fake_shop
from tests.loadtests.certificates import Authority
from tests.loadtests.prepared import prepared_run
from tests.waiting import wait_for

__all__ = ["shop"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(120)]

NAME = "localhost"
CONFIG = """\
worker_processes 1; daemon off; master_process off; pid FOLDER/nginx.pid; error_log FOLDER/error.log;
events { worker_connections 1000; }
http {
  client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy; fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi; scgi_temp_path FOLDER/scgi;
  log_format told escape=json
    '{"protocol":"$server_protocol","target":"$request_uri","status":$status,"over":"$connection"}';
  access_log FOLDER/access.log told;
  keepalive_requests KEPT;
  server {
    listen 127.0.0.1:PORT LISTEN;
    ssl_certificate CERTIFICATE; ssl_certificate_key KEY;
    location = / {
      proxy_pass SHOP; add_header Content-Type text/html; sub_filter_types *;
      sub_filter '{' '{"page": "<img src=/a.png><img src=/b.png><script src=/c.js></script>", ';
    }
    location ~ [.](png|js)$ { return 200 'x'; }
    location / { proxy_pass SHOP; proxy_http_version 1.1; proxy_buffering off; }
  }
}
"""


@contextlib.contextmanager
def nginx(folder: Path, authority: Authority, shop: str, *, tls: bool, kept: int) -> Iterator[int]:
    """Serve the shop over HTTP/2 and log each request; give the port."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("needs nginx: on Debian, apt-get install nginx")
    folder.mkdir()
    leaf = authority.sign(NAME)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = {
        "FOLDER": str(folder), "PORT": str(port), "LISTEN": "ssl http2" if tls else "http2", "KEPT": str(kept),
        "CERTIFICATE": str(leaf.certificate), "KEY": str(leaf.key), "SHOP": shop,
    }  # fmt: skip
    config = CONFIG
    for word, value in words.items():
        config = config.replace(word, value)
    (folder / "nginx.conf").write_text(config)
    child = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "e.log")]
    )

    def answers() -> bool:
        assert child.poll() is None, (folder / "e.log").read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    try:
        wait_for(answers, "nginx answers")
        yield port
    finally:
        child.terminate()
        child.wait(timeout=20)


@pytest.mark.parametrize(("tls", "kept"), [(False, 1000), (True, 1000), (True, 7)])
def test_every_request_of_a_run_is_in_nginx_s_log_as_http_2(tmp_path: Path, *, tls: bool, kept: int) -> None:
    """With `kept`, nginx says goodbye after that many requests of a connection: no request is lost by it."""
    authority = Authority(tmp_path / "tls")
    with fake_shop.running() as small, nginx(tmp_path / "nginx", authority, small.url, tls=tls, kept=kept) as port:
        declared = {"http_version": 2, "ca": str(authority.certificate)}
        directory = prepared_run(
            tmp_path, f"{'https' if tls else 'http'}://{NAME}:{port}", declared=declared, assets="shop"
        )
        player = Worker(read_job(directory.path), 0, 1, Clock.start().now())
        with gevent.Timeout(60):
            player.play()
    requests = read_tables(directory.parts("requests"), REQUESTS)
    logged = [json.loads(line) for line in (tmp_path / "nginx" / "access.log").read_text().splitlines()]
    assert set(requests["error"].to_pylist()) == {None}
    assert {line["protocol"] for line in logged} == {"HTTP/2.0"}
    assert {line["status"] for line in logged} <= {200, 201, 402, 409}
    assert len(logged) == requests.num_rows > 20
    steps = Counter(requests["step"].to_pylist())
    assert steps["asset"] == sum(line["target"] in {"/a.png", "/b.png", "/c.js"} for line in logged) > 0
    if kept == 1000:  # each session has one connection, assets and all
        assert len({line["over"] for line in logged}) == len(set(requests["session"].to_pylist()))


def test_who_listens_does_so_on_the_visit_s_own_connection(tmp_path: Path, shop: Shop) -> None:
    """Each accepted order is heard of to its end; its stream is in nginx's log once, beside the visit's requests."""
    authority, front = Authority(tmp_path / "tls"), shop.environment().base_url
    with nginx(tmp_path / "nginx", authority, front, tls=True, kept=1000) as port:
        declared = {"http_version": 2, "ca": str(authority.certificate)}
        directory = prepared_run(tmp_path, f"https://{NAME}:{port}", declared=declared, streams="orders")
        player = Worker(read_job(directory.path), 0, 1, Clock.start().now())
        with gevent.Timeout(60):
            player.play()
    rows = read_tables(directory.parts("requests"), REQUESTS).to_pylist()
    assert {row["error"] for row in rows} == {None}
    steps = Counter(row["step"] for row in rows)
    assert steps["order-stream"] == steps["order-paid"] == steps["order-printing"] == steps["order-shipped"] > 0
    logged = [json.loads(line) for line in (tmp_path / "nginx" / "access.log").read_text().splitlines()]
    streams = [line for line in logged if line["target"].endswith("/events")]
    assert ({line["protocol"] for line in logged}, len(streams)) == ({"HTTP/2.0"}, steps["order-stream"])
    assert len({line["over"] for line in logged}) == len({row["session"] for row in rows})
