"""Through a proxy: a tunnel that TLS is spoken through, or requests in absolute form; its refusals are its own."""

import socket
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import gevent
import gevent.ssl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.access import Access
from loadtests.client.interface import Request
from loadtests.environment.credentials import Secret
from loadtests.environment.proxy import MAX_HEAD, Answer, Proxy, ProxyError, absolute, user_info
from loadtests.environment.targets import Environment
from loadtests.environment.tls import context_of
from tests.loadtests.certificates import Authority
from tests.loadtests.client.shoppers import Connect, Serve, wait_for
from tests.loadtests.forward_proxy import Leads, forward_proxy
from tests.loadtests.hostile_server import HostileServer, Seen, reply
from tests.loadtests.replies import Untimed

GET = Request(step="home", method="GET", path="/")
BASIC = "Basic Z2F0ZTpvcGVuLXNlc2FtZQ=="  # gate:open-sesame
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def proxy_at(port: int, authorization: str | None = None, addresses: tuple[str, ...] = ("127.0.0.1",)) -> Proxy:
    held = None if authorization is None else Secret(authorization)
    return Proxy(addresses=addresses, port=port, authorization=held)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


def trusting(ca: Path) -> Any:
    facts = {"requests_per_s": 1, "open_sessions": 1, "orders": 1}
    target = Environment.model_validate(
        {"base_url": "https://shop.test", "storefront": "twisted-threads", "ceiling": facts, "ca": str(ca)}
    )
    return context_of(target, gevent.ssl.create_default_context)


@pytest.fixture
def shop(authority: Authority) -> Iterator[HostileServer]:
    with HostileServer(reply(b"{}"), tls=authority.serve(authority.sign("shop.test"))) as server:
        yield server


# -- a tunnel ---------------------------------------------------------------------------------------------------


def test_a_shop_over_tls_is_reached_by_its_address_and_verified_by_its_name(
    authority: Authority, shop: HostileServer, connect: Connect
) -> None:
    target = f"192.0.2.7:{shop.port}"
    with forward_proxy({target: shop.port}, "gate:open-sesame") as proxy:
        client = connect(
            f"https://shop.test:{shop.port}",
            addresses=("192.0.2.7",),
            tls=trusting(authority.certificate),
            proxy=proxy_at(proxy.port, BASIC),
        )
        assert [client.send(GET, "") for _ in range(2)] == [Untimed(status=200, body=b"{}")] * 2
        client.close()
        asked = {"host": target, "proxy-authorization": BASIC}
        assert [(seen.line, seen.headers) for seen in proxy.seen] == [(f"CONNECT {target} HTTP/1.1", asked)]
    assert [(seen.connection, seen.line) for seen in shop.seen] == [(1, "GET / HTTP/1.1")] * 2
    assert {seen.headers["host"] for seen in shop.seen} == {f"shop.test:{shop.port}"}
    assert not any("proxy-authorization" in seen.headers for seen in shop.seen)


def test_every_session_has_a_tunnel_of_its_own(authority: Authority, shop: HostileServer, connect: Connect) -> None:
    with forward_proxy({f"192.0.2.7:{shop.port}": shop.port}) as proxy:
        told = {"addresses": ("192.0.2.7",), "tls": trusting(authority.certificate), "proxy": proxy_at(proxy.port)}
        for _ in range(3):
            client = connect(f"https://shop.test:{shop.port}", **told)
            assert client.send(GET, "").status == 200
            client.close()
        assert (proxy.connections, shop.connections) == (3, 3)


def test_a_name_that_only_the_proxy_knows_is_what_it_is_asked_for(
    authority: Authority, shop: HostileServer, connect: Connect
) -> None:
    with forward_proxy({f"shop.test:{shop.port}": shop.port}) as proxy:
        told = {"addresses": ("shop.test",), "tls": trusting(authority.certificate), "proxy": proxy_at(proxy.port)}
        client = connect(f"https://shop.test:{shop.port}", **told)
        assert client.send(GET, "").status == 200
        client.close()


@pytest.mark.parametrize("wrong", ["another name", "another authority"])
def test_a_wrong_certificate_is_refused_within_a_tunnel_too(
    wrong: str, authority: Authority, connect: Connect, tmp_path: Path
) -> None:
    stranger = Authority(tmp_path / "theirs")
    signs, name = (stranger, "shop.test") if wrong == "another authority" else (authority, "other.test")
    with (
        HostileServer(reply(b"{}"), tls=signs.serve(signs.sign(name))) as other,
        forward_proxy({f"192.0.2.7:{other.port}": other.port}) as proxy,
    ):
        told = {"addresses": ("192.0.2.7",), "tls": trusting(authority.certificate), "proxy": proxy_at(proxy.port)}
        client = connect(f"https://shop.test:{other.port}", **told)
        assert client.send(GET, "") == Untimed(error="connection")
        assert other.seen == []


def test_the_next_address_is_asked_for_when_the_proxy_does_not_reach_one(
    authority: Authority, shop: HostileServer, connect: Connect
) -> None:
    with forward_proxy({f"192.0.2.7:{shop.port}": shop.port}) as proxy:
        told = {"addresses": ("2001:db8::7", "192.0.2.7"), "tls": trusting(authority.certificate)}
        client = connect(f"https://shop.test:{shop.port}", **told, proxy=proxy_at(proxy.port))
        assert client.send(GET, "").status == 200
        client.close()
        assert [seen.path for seen in proxy.seen] == [f"[2001:db8::7]:{shop.port}", f"192.0.2.7:{shop.port}"]


# -- what a proxy may answer instead ----------------------------------------------------------------------------

REFUSALS = [
    ("who are you", reply(b"?", status="407 Proxy Authentication Required"), 407),
    ("forbidden", reply(b"", status="403 Forbidden"), 403),
    ("no gateway", reply(b"", status="502 Bad Gateway"), 502),
    ("too slow", reply(b"", status="504 Gateway Timeout"), 504),
    ("a redirect", reply(b"", status="302 Found", headers=("Location: http://login.test/",)), 302),
    ("another protocol", b"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101),
    ("bytes behind", ESTABLISHED + b"HTTP/1.1 200 OK\r\n", 200),
    ("garbage", b"\x15\x03\x01\x00\x02\x02\x28", 0),
    ("a huge head", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * (MAX_HEAD + 1), 0),
    ("a huge head that ends", b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD + b"\r\n\r\n", 0),
    ("no status", b"HTTP/1.1 fine\r\n\r\n", 0),
    ("an old protocol", b"HTTP/0.9 200 OK\r\n\r\n", 0),
]


@pytest.mark.parametrize(("told", "status"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS])
def test_a_proxy_that_opens_no_tunnel_is_told_from_the_shop(
    told: bytes, status: int, authority: Authority, serve: Serve, connect: Connect
) -> None:
    proxy = serve(told)
    client = connect("https://shop.test", tls=trusting(authority.certificate), proxy=proxy_at(proxy.port))
    assert client.send(GET, "") == Untimed(status=status, error="proxy")
    assert len(proxy.seen) == 1


@pytest.mark.parametrize("told", [b"HTTP/1.1 200 OK\r\nX: " + b"y" * MAX_HEAD, b"SSH-2.0-Open"])
def test_what_can_be_no_answer_is_told_before_it_ends(told: bytes) -> None:
    with pytest.raises(ProxyError, match=r"^what it answers isn't HTTP, or too much$"):
        Answer().feed(told)


def test_a_proxy_that_hangs_up_is_told_from_the_shop(authority: Authority, serve: Serve, connect: Connect) -> None:
    proxy = serve(lambda _connection, _seen: False)
    client = connect("https://shop.test", tls=trusting(authority.certificate), proxy=proxy_at(proxy.port))
    assert client.send(GET, "") == Untimed(error="proxy")


def test_a_proxy_that_says_nothing_is_told_from_the_shop(authority: Authority, serve: Serve, connect: Connect) -> None:
    proxy = serve(lambda _connection, _seen: True)
    client = connect("https://shop.test", 0.3, tls=trusting(authority.certificate), proxy=proxy_at(proxy.port))
    assert client.send(GET, "") == Untimed(error="proxy")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_told_from_the_shop(scheme: str, authority: Authority, connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    tls = trusting(authority.certificate) if scheme == "https" else None
    client = connect(f"{scheme}://192.0.2.7", addresses=("192.0.2.7",), tls=tls, proxy=proxy_at(port))
    assert client.send(GET, "") == Untimed(error="proxy")


def test_what_this_machine_lacks_is_not_the_proxys(
    authority: Authority, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(99, "no port")

    monkeypatch.setattr("loadtests.client.sockets.connection.Connection.connect", full)
    client = connect("https://shop.test", tls=trusting(authority.certificate), proxy=proxy_at(9))
    assert client.send(GET, "") == Untimed(error="no_port")


def test_the_proxys_next_address_is_tried(serve: Serve, connect: Connect) -> None:
    proxy = serve(reply(b"{}"))
    client = connect(
        "http://192.0.2.7", addresses=("192.0.2.7",), proxy=proxy_at(proxy.port, addresses=("127.0.0.9", "127.0.0.1"))
    )
    assert client.send(GET, "").status == 200


def test_an_interim_answer_is_none(authority: Authority, shop: HostileServer, connect: Connect) -> None:
    leads = Leads(to={f"192.0.2.7:{shop.port}": shop.port})

    def answer(connection: socket.socket, seen: Seen) -> bool:
        connection.sendall(b"HTTP/1.1 103 Wait\r\nX: y\r\n\r\n")
        return leads.answer(connection, seen)

    with HostileServer(answer) as proxy:
        told = {"addresses": ("192.0.2.7",), "tls": trusting(authority.certificate), "proxy": proxy_at(proxy.port)}
        client = connect(f"https://shop.test:{shop.port}", **told)
        assert client.send(GET, "").status == 200
        client.close()


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_an_answer_is_the_same_however_it_is_cut(data: bytes, cuts: list[int]) -> None:
    data = b"HTTP/1.1 200 " + data
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(places) if b > a]

    def heard(parts: list[bytes]) -> bool | str:
        answer, is_open = Answer(), False
        try:
            for part in parts:
                if is_open:
                    return "refused"  # bytes behind it
                is_open = answer.feed(part)
        except ProxyError:
            return "refused"
        return is_open

    assert heard(pieces) == heard([data])


# -- absolute form ----------------------------------------------------------------------------------------------


def test_a_shop_over_plain_http_is_named_in_each_request(connect: Connect, serve: Serve) -> None:
    shop = serve(reply(b"{}", headers=("Set-Cookie: sid=1; Path=/",)))
    with forward_proxy({f"127.0.0.1:{shop.port}": shop.port}, "gate:open-sesame") as proxy:
        client = connect(f"{shop.url}/below", proxy=proxy_at(proxy.port, BASIC))
        post = Request(step="cart", method="POST", path="/cart?a=b", body={"sku": "x"})
        assert [client.send(GET, "").status, client.send(post, "").status] == [200, 200]
        beside = client.beside()
        assert beside.send(GET, "").status == 200
        beside.close()
        client.close()
        lines = [f"GET {shop.url}/below/", f"POST {shop.url}/below/cart?a=b", f"GET {shop.url}/"]
        assert [seen.line for seen in proxy.seen] == [f"{line} HTTP/1.1" for line in lines]
        assert [seen.connection for seen in proxy.seen] == [1, 1, 2]
        assert {seen.headers["proxy-authorization"] for seen in proxy.seen} == {BASIC}
    assert [seen.line for seen in shop.seen] == [
        "GET /below/ HTTP/1.1", "POST /below/cart?a=b HTTP/1.1", "GET / HTTP/1.1",
    ]  # fmt: skip
    assert [seen.headers.get("cookie") for seen in shop.seen] == [None, "sid=1", "sid=1"]
    assert not any("proxy-authorization" in seen.headers for seen in shop.seen)


@pytest.mark.parametrize(
    ("status", "error"), [("407 Who", "proxy"), ("502 Bad Gateway", "http_5xx"), ("403 No", "http_4xx")]
)
def test_in_absolute_form_only_a_407_is_surely_the_proxys(
    status: str, error: str, serve: Serve, connect: Connect
) -> None:
    proxy = serve(reply(b"no", status=status))
    client = connect("http://127.0.0.1:9", proxy=proxy_at(proxy.port))
    assert client.send(GET, "") == Untimed(status=int(status[:3]), body=b"no", error=error)


def test_a_407_through_a_tunnel_is_the_shops(authority: Authority, connect: Connect) -> None:
    context = authority.serve(authority.sign("shop.test"))
    with (
        HostileServer(reply(b"", status="407 Who"), tls=context) as shop,
        forward_proxy({f"192.0.2.7:{shop.port}": shop.port}) as proxy,
    ):
        told = {"addresses": ("192.0.2.7",), "tls": trusting(authority.certificate), "proxy": proxy_at(proxy.port)}
        client = connect(f"https://shop.test:{shop.port}", **told)
        assert client.send(GET, "") == Untimed(status=407, error="http_4xx")
        client.close()


def test_no_storefront_writes_a_header_for_the_proxy(serve: Serve, connect: Connect) -> None:
    server = serve(reply(b"{}"))
    client = connect(server.url, proxy=proxy_at(server.port))
    assert client.send(GET._replace(headers={"Proxy-Authorization": "x"}), "").error == "protocol"
    assert server.seen == []


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("192.0.2.7", 80, "http://192.0.2.7"),
        ("192.0.2.7", 8080, "http://192.0.2.7:8080"),
        ("2001:db8::7", 80, "http://[2001:db8::7]"),
        ("shop.test", 8080, "http://shop.test:8080"),
    ],
)
def test_an_absolute_form_names_the_port_unless_it_is_the_usual_one(host: str, port: int, told: str) -> None:
    assert absolute(host, port) == told


def test_a_password_in_an_address_is_escaped() -> None:
    assert user_info(Secret("Basic " + "YTpiQC86")) == "a:b%40%2F%3A@"  # a:b@/:
    assert user_info(None) == ""


def test_nothing_of_an_access_shows_what_the_proxy_is_shown() -> None:
    access = Access(base_url="http://127.0.0.1", addresses=("127.0.0.1",), headers={}, proxy=proxy_at(9, BASIC))
    assert BASIC not in repr(access)
    assert "Z2F0" not in repr(access.proxy)


def test_a_stream_of_events_tells_the_proxys_status_too(authority: Authority, connect: Connect) -> None:
    with HostileServer(reply(b"no", status="403 No")) as proxy:
        told = {"addresses": ("192.0.2.7",), "tls": trusting(authority.certificate), "proxy": proxy_at(proxy.port)}
        stream = connect("https://shop.test", **told).listener()
        assert stream.send(GET, "") == Untimed(status=403, error="proxy")


def test_a_request_is_at_the_proxy_until_it_has_led_it_on(
    authority: Authority, shop: HostileServer, connect: Connect
) -> None:
    leads, asked, led = Leads(to={f"192.0.2.7:{shop.port}": shop.port}), threading.Event(), threading.Event()

    def answer(connection: socket.socket, seen: Seen) -> bool:
        asked.set()
        assert led.wait(20)
        return leads.answer(connection, seen)

    with HostileServer(answer) as proxy:
        told = {"addresses": ("192.0.2.7",), "tls": trusting(authority.certificate), "proxy": proxy_at(proxy.port)}
        client, other = (connect(f"https://shop.test:{shop.port}", **told) for _ in range(2))
        sent, killed = (gevent.spawn(one.send, GET, "") for one in (client, other))
        wait_for(asked.is_set)
        killed.kill()
        assert (client.at_proxy, other.at_proxy) == (True, True)
        led.set()
        assert sent.get(timeout=20).status == 200
        assert not client.at_proxy
        leads.to = {}
        client.close()
        assert (client.send(GET, "").error, client.at_proxy) == ("proxy", False)


def test_a_shop_that_was_asked_and_fell_silent_is_not_excused_by_its_proxy(
    authority: Authority, connect: Connect
) -> None:
    def answer(connection: socket.socket, _: Seen) -> bool:
        if len(shop.seen) == 1:
            connection.sendall(reply())
        leads.to = {}
        return len(shop.seen) == 1

    with HostileServer(answer, tls=authority.serve(authority.sign("shop.test"))) as shop:
        leads = Leads(to={f"192.0.2.7:{shop.port}": shop.port})
        with HostileServer(leads.answer) as proxy:
            told = {"addresses": ("192.0.2.7",), "tls": trusting(authority.certificate), "proxy": proxy_at(proxy.port)}
            client = connect(f"https://shop.test:{shop.port}", **told)
            assert [client.send(GET, "").error for _ in range(3)] == [None, "connection", "proxy"]
            assert (len(shop.seen), len(proxy.seen)) == (2, 3)
