"""The target: Debian's nginx on a core of its own, plain and over TLS, with a count of requests made apart from us."""

import json
import shutil
import socket
import string
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from scripts.benches.engine.shop import ASSETS, ITEMS
from scripts.local_stack.processes import Child, Children, wait_until
from slo.outcomes import EnvironmentLacks

HOST = "127.0.0.1"
GENERATOR_CORE, TARGET_CORE = 0, 1
_BODY_BYTES = 2277
_READY_S = 5.0
_DAY = "1"
_PORTS = range(20_000, 32_000)
_CONFIG = string.Template("""\
worker_processes 1; daemon off; master_process off; pid $folder/nginx.pid; error_log $folder/error.log;
worker_rlimit_nofile 20000;
events { worker_connections 16000; multi_accept on; }
http {
  access_log off; default_type application/json; tcp_nodelay on;
  keepalive_requests 1000000000; keepalive_timeout 300s;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  map $$cookie_sid $$new_cookie { "" "sid=$$request_id; Path=/"; default ""; }
  server { listen $host:$status; location / { stub_status; } }
  server {
    listen $host:$plain backlog=4096;
    listen $host:$tls ssl backlog=4096;
    ssl_certificate $folder/server.pem; ssl_certificate_key $folder/server.key;
    ssl_session_cache off; ssl_session_tickets off;
    location = /api/products { add_header Set-Cookie $$new_cookie; return 200 '$body'; }
    location = /api/search { return 200 '$body'; }
    location = /api/cart { if ($$cookie_sid = "") { return 403; } return 200 '$body'; }
    location = /api/checkout { if ($$cookie_sid = "") { return 403; } return 200 '$body'; }
    location = /static { return 200 '$body'; }
    location ~ ^/pages/[0-9]+/$$ { default_type text/html; return 200 '$page'; }
    location /pages/ { return 200 '$body'; }
  }
}
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What nginx counted: connections accepted and requests begun since it started, connections open now."""

    active: int
    accepts: int
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where nginx listens, on loopback."""

    plain: int
    tls: int
    status: int


def reply_body() -> str:
    """Return the one JSON body of every reply: 19 items, 2,277 bytes, no character that nginx would read."""
    items = [
        {"sku": f"SKU-{n:05d}", "name": f"T-shirt number {n:02d}", "price": 1999 + n, "stock": 7 * n}
        for n in range(ITEMS)
    ]
    bare = json.dumps({"ok": True, "items": items, "note": ""}, separators=(",", ":"))
    note = "x" * (_BODY_BYTES - len(bare))
    return json.dumps({"ok": True, "items": items, "note": note}, separators=(",", ":"))


def page_body() -> str:
    """Return the one HTML page: its assets lie beside it, and it is as long as the other replies."""
    links = "".join(f"<img src={name}>" for name in ASSETS)
    return f"<!doctype html><title>page</title>{links}<p>".ljust(_BODY_BYTES, "x")


def configuration(folder: Path, ports: Ports) -> str:
    """Return nginx's configuration; everything it writes lies in `folder`."""
    return _CONFIG.substitute(
        folder=folder,
        host=HOST,
        plain=ports.plain,
        tls=ports.tls,
        status=ports.status,
        body=reply_body(),
        page=page_body(),
    )


def read_status(text: str) -> Status:
    """Read stub_status' page; raises ValueError for another."""
    words = text.split()
    try:
        active = int(words[words.index("connections:") + 1])
        counted = words.index("requests")  # "server accepts handled requests", then the three numbers
        accepts, _handled, requests = (int(word) for word in words[counted + 1 : counted + 4])
    except (ValueError, IndexError):
        raise ValueError(f"not a page of stub_status: {text!r}") from None
    return Status(active=active, accepts=accepts, requests=requests)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on, below those that outgoing connections take; raises EnvironmentLacks."""
    found: list[int] = []
    for port in _PORTS:
        with socket.socket() as listener:
            try:
                listener.bind((HOST, port))
            except OSError:
                continue
            found.append(port)
        if len(found) == count:
            return found
    raise EnvironmentLacks(f"{count} free ports from {_PORTS.start} to {_PORTS.stop - 1}: there are {len(found)}")


def program(name: str, package: str) -> str:
    """Return the path of a program that Debian packages, also off PATH; raises EnvironmentLacks naming the package."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if path is None:
        raise EnvironmentLacks(f"{name} is missing: on Debian, apt-get install {package}")
    return path


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """Return the command line that runs `command` on one core and no other; raises EnvironmentLacks without taskset."""
    taskset = shutil.which("taskset")
    if taskset is None:
        raise EnvironmentLacks(
            "taskset is missing, and without it generator and target can't be kept apart:"
            " on Debian, apt-get install util-linux; this system may not have it"
        )
    return [taskset, "-c", str(core), *command]


class Nginx:
    """A running nginx; what we ask its count for is not in its count."""

    def __init__(self, child: Child, ports: Ports, ca: Path) -> None:
        self.child, self.ports, self.ca = child, ports, ca
        self._asked = 0

    @property
    def plain_url(self) -> str:
        """Where it listens without TLS."""
        return f"http://{HOST}:{self.ports.plain}"

    @property
    def tls_url(self) -> str:
        """Where it listens with TLS."""
        return f"https://{HOST}:{self.ports.tls}"

    def status(self) -> Status:
        """Return its counts, our own questions taken out."""
        with requests.Session() as session:  # a connection for each question: that is how they are taken out
            session.trust_env = False
            found = read_status(session.get(f"http://{HOST}:{self.ports.status}/", timeout=_READY_S).text)
        self._asked += 1
        return Status(
            active=found.active - 1, accepts=found.accepts - self._asked, requests=found.requests - self._asked
        )


def start_nginx(children: Children, folder: Path) -> Nginx:
    """Start nginx on its core with a CA and a certificate made for it; raises EnvironmentLacks on what is missing."""
    nginx, openssl = program("nginx", "nginx-light"), program("openssl", "openssl")
    folder.mkdir(parents=True, exist_ok=True)
    ca = make_certificate(openssl, folder)
    plain, tls, status = free_ports(3)
    ports = Ports(plain=plain, tls=tls, status=status)
    config = folder / "nginx.conf"
    config.write_text(configuration(folder, ports))
    child = children.start("nginx", pinned(TARGET_CORE, [nginx, "-c", str(config), "-p", str(folder)]))
    wait_until(lambda: _listens(status), [child], _READY_S, "nginx")
    return Nginx(child, ports, ca)


def make_certificate(openssl: str, folder: Path) -> Path:
    """Make a CA of our own and a server's certificate for loopback, both good for a day; returns the CA's file."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", _DAY)
    _run(
        openssl,
        "req",
        "-x509",
        *curve,
        "-subj",
        "/CN=bench CA",
        "-keyout",
        folder / "ca.key",
        "-out",
        folder / "ca.pem",
    )
    names = ("-addext", f"subjectAltName=IP:{HOST}", "-addext", "basicConstraints=CA:FALSE")
    issuer = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key")
    made = ("-keyout", folder / "server.key", "-out", folder / "server.pem")
    _run(openssl, "req", "-x509", *curve, "-subj", f"/CN={HOST}", *names, *issuer, *made)
    return folder / "ca.pem"


def _run(*command: str | Path) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentLacks(f"openssl {command[1]}: {done.stderr.strip().splitlines()[-1]}")


def _listens(port: int) -> bool:
    with socket.socket() as asker:
        return asker.connect_ex((HOST, port)) == 0
