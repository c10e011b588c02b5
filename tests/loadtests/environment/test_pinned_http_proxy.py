"""What isn't load goes through the environment's proxy as the load does, and through no other."""

import gc
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from loadtests.environment.credentials import credentials_of
from loadtests.environment.pinned_http import PinnedHttp, why_no_answer
from loadtests.environment.proxy import open_tunnel
from loadtests.environment.targets import Environment
from tests.loadtests.certificates import Authority
from tests.loadtests.forward_proxy import forward_proxy
from tests.loadtests.hostile_server import HostileServer, reply

VARIABLES = {"PROXY_USER": "gate", "PROXY_PASSWORD": "open-sesame"}
BASIC = "Basic Z2F0ZTpvcGVuLXNlc2FtZQ=="


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    gc.collect()


def environment(base_url: str, proxy: HostileServer, /, **changes: Any) -> Environment:
    basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    facts: dict[str, Any] = {
        "base_url": base_url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "proxy": {"url": proxy.url, "basic_auth": basic},
    }
    return Environment.model_validate({**facts, **changes})


def asked(target: Environment, path: str = "/x?y=z") -> str:
    with PinnedHttp(target, credentials_of(target, VARIABLES)) as http:
        try:
            return f"{http.get(target.base_url + path, timeout=10).status_code}"
        except requests.RequestException as error:
            return why_no_answer(error)


def test_over_tls_a_tunnel_is_asked_for_and_the_shop_verified(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours")
    tls, ca = authority.serve(authority.sign("shop.test")), str(authority.certificate)
    with HostileServer(reply(b"{}"), tls=tls) as shop:
        target = f"192.0.2.7:{shop.port}"
        with forward_proxy({target: shop.port}, "gate:open-sesame") as proxy:
            url, resolve = f"https://shop.test:{shop.port}", {"shop.test": "192.0.2.7"}
            assert asked(environment(url, proxy, resolve=resolve, ca=ca)) == "200"
            assert asked(environment(url, proxy, resolve=resolve)) == "SSLError"
            other = environment(f"https://other.test:{shop.port}", proxy, resolve={"other.test": "192.0.2.7"}, ca=ca)
            assert asked(other) == "SSLError"
            assert {seen.line for seen in proxy.seen} == {f"CONNECT {target} HTTP/1.1"}
        assert [(seen.line, seen.headers["host"]) for seen in shop.seen] == [
            ("GET /x?y=z HTTP/1.1", f"shop.test:{shop.port}")
        ]
        assert "proxy-authorization" not in shop.seen[0].headers


def test_over_plain_http_each_request_names_the_host() -> None:
    with (
        HostileServer(reply(b"{}")) as shop,
        forward_proxy({f"192.0.2.7:{shop.port}": shop.port}, "gate:open-sesame") as proxy,
    ):
        url = f"http://192.0.2.7:{shop.port}"
        assert asked(environment(url, proxy)) == "200"
        (seen,) = proxy.seen
        assert (seen.line, seen.headers["host"]) == (f"GET {url}/x?y=z HTTP/1.1", f"192.0.2.7:{shop.port}")
        assert seen.headers["proxy-authorization"] == BASIC
        assert "proxy-authorization" not in shop.seen[0].headers


def test_a_name_that_only_the_proxy_knows_is_what_it_is_asked_for() -> None:
    with HostileServer(reply(b"{}")) as shop, forward_proxy({f"shop.invalid:{shop.port}": shop.port}) as proxy:
        named = {"url": proxy.url, "resolves_names": True}
        assert asked(environment(f"http://shop.invalid:{shop.port}", proxy, proxy=named)) == "200"


def test_what_is_reached_straight_is_not_asked_of_the_proxy() -> None:
    with HostileServer(reply(b"{}")) as shop, forward_proxy({}) as proxy:
        straight = {"url": proxy.url, "straight": ["127.0.0.1"]}
        assert asked(environment(shop.url, proxy, proxy=straight)) == "200"
        assert proxy.seen == []


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_proxys_refusal_is_told(scheme: str) -> None:
    with forward_proxy({}, "somebody:else-knows-it") as proxy:
        told = asked(environment(f"{scheme}://192.0.2.7:81", proxy))
    assert told == {"http": "407", "https": "the proxy: it answers HTTP 407"}[scheme]


def test_a_proxy_that_is_not_there_is_told() -> None:
    with forward_proxy({}) as proxy:
        target = environment("https://192.0.2.7", proxy)
    assert asked(target) == "the proxy: no connection"


def test_a_proxys_answer_may_come_in_pieces() -> None:
    asked = b"CONNECT shop.test:443 HTTP/1.1\r\n\r\n"
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # which keeps pieces apart
    with here, there:
        for piece in (b"HTTP/1.1 2", b"00 OK\r\n\r", b"\n"):
            there.send(piece)
        open_tunnel(here, asked)
        assert there.recv(len(asked)) == asked
        here.settimeout(0)
        with pytest.raises(BlockingIOError):  # all of it was read
            here.recv(1)


def test_the_proxies_of_the_process_stay_out_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with HostileServer(reply(b"{}")) as shop, forward_proxy({}) as theirs:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, theirs.url)
        target = f"192.0.2.7:{shop.port}"
        assert asked(environment(shop.url, theirs, proxy=None)) == "200"
        with forward_proxy({target: shop.port}) as ours:
            assert asked(environment(f"http://{target}", ours)) == "200"
            assert len(ours.seen) == 1
        assert theirs.seen == []
