"""A proxy of somebody else's, tinyproxy: what the tests' own proxy takes for granted holds there, too."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from loadtests.client.interface import Reply, Request
from loadtests.environment.credentials import credentials_of
from loadtests.environment.pinned_http import PinnedHttp, why_no_answer
from loadtests.environment.proxy import Proxy
from loadtests.environment.targets import Environment
from tests.loadtests.certificates import Authority
from tests.loadtests.client.shoppers import Connect
from tests.loadtests.client.sockets.test_connect import BASIC, proxy_at, trusting
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.ports import free_port
from tests.waiting import wait_for

pytestmark = pytest.mark.heavy

GET = Request(step="home", method="GET", path="/")
POST = Request(step="cart", method="POST", path="/cart", body={"sku": "x"})
SETTINGS = 'Port {port}\nListen 127.0.0.1\nLogFile "{log}"\nLogLevel Connect\nBasicAuth gate open-sesame\nTimeout 30\n'


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiny:
    """A tinyproxy, and what it logs."""

    port: int
    log: Path

    def shown(self, authorization: str | None = BASIC) -> Proxy:
        return proxy_at(self.port, authorization)

    def asked(self) -> list[str]:
        """Return the request lines that it logged."""
        lines = self.log.read_text().splitlines()
        return [line.rpartition("): ")[2] for line in lines if "Request (file descriptor" in line]


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Tiny]:
    program = shutil.which("tinyproxy", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/bin", "/usr/sbin"]))
    if program is None:
        pytest.skip("needs tinyproxy: on Debian, apt-get install tinyproxy-bin")
    one = Tiny(port=free_port(), log=tmp_path / "log")
    settings = tmp_path / "tinyproxy.conf"
    settings.write_text(SETTINGS.format(port=one.port, log=one.log))
    process = subprocess.Popen([program, "-d", "-c", str(settings)], stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(one.port), "tinyproxy")
        yield one
    finally:
        process.terminate()
        process.wait(timeout=10)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def target(url: str, tiny: Tiny, ca: Path | None = None) -> Environment:
    basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    return Environment.model_validate(
        {
            "base_url": url,
            "storefront": "twisted-threads",
            "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
            "resolve": {"shop.test": "127.0.0.1"},
            "proxy": {"url": f"http://127.0.0.1:{tiny.port}", "basic_auth": basic},
            **({"ca": str(ca)} if ca else {}),
        }
    )


def asked(one: Environment, password: str = "open-sesame") -> str:  # noqa: S107 - a test's
    with PinnedHttp(one, credentials_of(one, {"PROXY_USER": "gate", "PROXY_PASSWORD": password})) as http:
        try:
            return f"{http.get(one.base_url, timeout=10).status_code}"
        except requests.RequestException as error:
            return why_no_answer(error)


def test_a_tunnel_is_opened_and_the_shop_verified_through_it(tiny: Tiny, connect: Connect, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    with HostileServer(reply(b"{}"), tls=authority.serve(authority.sign("shop.test"))) as shop:
        told = {"tls": trusting(authority.certificate), "proxy": tiny.shown()}
        client = connect(f"https://shop.test:{shop.port}", **told)
        assert [client.send(one, "").status for one in (GET, POST)] == [200, 200]
        other = connect(f"https://other.test:{shop.port}", **told)
        assert other.send(GET, "") == Reply(error="connection")
        client.close()
        url = f"https://shop.test:{shop.port}"
        assert asked(target(url, tiny, authority.certificate)) == "200"
        assert asked(target(url, tiny)) == "SSLError"
        assert len(shop.seen) == 3
        assert not any("proxy-authorization" in seen.headers for seen in shop.seen)
    wait_for(lambda: tiny.asked() == [f"CONNECT 127.0.0.1:{shop.port} HTTP/1.1"] * 4, "four tunnels in its log")


def test_each_request_in_absolute_form_is_led_on(tiny: Tiny, connect: Connect) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:  # tinyproxy asks for one reply a connection
        connection.sendall(reply(b"{}", headers=("Set-Cookie: sid=1; Path=/", "Connection: close")))
        return False

    with HostileServer(answer) as shop:
        client = connect(shop.url, proxy=tiny.shown())
        assert [client.send(GET, "").status for _ in range(2)] == [200, 200]
        beside = client.beside()
        assert beside.send(POST, "").status == 200
        assert asked(target(shop.url, tiny)) == "200"
        lines = ["GET / HTTP/1.1", "GET / HTTP/1.1", "POST /cart HTTP/1.1", "GET / HTTP/1.1"]
        assert [seen.line for seen in shop.seen] == lines
        assert [seen.headers.get("cookie") for seen in shop.seen] == [None, "sid=1", "sid=1", None]
        assert {seen.headers["host"] for seen in shop.seen} == {f"127.0.0.1:{shop.port}"}
        assert not any("proxy-authorization" in seen.headers for seen in shop.seen)


@pytest.mark.parametrize(
    ("authorization", "status", "error"),
    [(None, 407, "proxy"), ("Basic Z2F0ZTp3cm9uZw==", 401, "http_4xx")],
    ids=["none", "a wrong one"],
)
def test_without_the_password_it_refuses_and_that_is_its_own_where_it_can_be_told(
    authorization: str | None, status: int, error: str, tiny: Tiny, connect: Connect, tmp_path: Path
) -> None:
    """To a wrong one tinyproxy 1.11 says 401, as a shop would: in absolute form nobody can tell."""
    authority = Authority(tmp_path / "tls")
    with HostileServer(reply(b"{}")) as shop:
        plain = connect(shop.url, proxy=tiny.shown(authorization)).send(GET, "")
        tls = trusting(authority.certificate)
        secure = connect(f"https://shop.test:{shop.port}", tls=tls, proxy=tiny.shown(authorization)).send(GET, "")
        assert [(told.status, told.error) for told in (plain, secure)] == [(status, error), (status, "proxy")]
        assert asked(target(f"https://127.0.0.1:{shop.port}", tiny), "wrong-one") == "the proxy: it answers HTTP 401"
        assert shop.seen == []


def test_a_shop_that_takes_no_connection_is_told_as_the_proxys(tiny: Tiny, connect: Connect, tmp_path: Path) -> None:
    authority, port = Authority(tmp_path / "tls"), free_port()
    client = connect(f"https://shop.test:{port}", tls=trusting(authority.certificate), proxy=tiny.shown())
    told = client.send(GET, "")
    assert told.error == "proxy"
    assert told.status >= 500
