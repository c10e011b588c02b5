"""Over TLS both sides agree on HTTP/2, or the outcome says that they don't."""

import ssl
from typing import Any

import gevent.ssl
import pytest

from loadtests.client.http2.access import Http2Access
from loadtests.client.http2.client import Http2Client
from loadtests.environment.proxy import Proxy
from tests.loadtests.certificates import Authority
from tests.loadtests.client.conftest import NAME
from tests.loadtests.client.shoppers import GET, TRACEPARENT
from tests.loadtests.forward_proxy import Leads, forward_proxy
from tests.loadtests.hostile_http2 import HostileHttp2, Talk
from tests.loadtests.hostile_server import HostileServer, Seen
from tests.loadtests.replies import Untimed

VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


def client_of(authority: Authority, port: int, **changes: Any) -> Http2Client:
    tls = gevent.ssl.create_default_context(cafile=str(authority.certificate))
    facts = {"base_url": f"https://{NAME}:{port}", "addresses": ("127.0.0.1",), "headers": {}, "tls": tls}
    return Http2Client(Http2Access(**{**facts, "http2": True, **changes}), 10.0)


@VERSIONS
def test_nothing_but_http_2_is_offered(authority: Authority, version: ssl.TLSVersion) -> None:
    agreed: list[str | None] = []

    def react(talk: Talk, _: Seen) -> bool:
        assert isinstance(talk.connection, ssl.SSLSocket)
        agreed.append(talk.connection.selected_alpn_protocol())
        talk.answer()
        return True

    context = authority.serve(authority.sign(NAME))
    context.maximum_version = version
    context.set_alpn_protocols(["http/1.1", "h2"])  # it would rather speak the other
    with HostileHttp2(react, context) as server:
        client = client_of(authority, server.port)
        assert [client.send(GET, TRACEPARENT) for _ in range(2)] == [Untimed(200, b"{}")] * 2
        client.close()
    assert (agreed, server.connections) == (["h2"] * 2, 1)


@VERSIONS
@pytest.mark.parametrize("alpn", [["http/1.1"], []])
def test_a_server_that_does_not_agree_is_an_outcome(
    authority: Authority, version: ssl.TLSVersion, alpn: list[str]
) -> None:
    context = authority.serve(authority.sign(NAME))
    context.maximum_version = version
    if alpn:
        context.set_alpn_protocols(alpn)
    with HostileHttp2(b"", context) as server:
        client = client_of(authority, server.port)
        assert client.send(GET, TRACEPARENT) == Untimed(error="protocol")
        client.close()
    assert server.seen == []


def answer(talk: Talk, _: Seen) -> bool:
    talk.answer()
    return True


def test_through_a_proxy_it_is_spoken_in_the_tunnel(authority: Authority) -> None:
    context = authority.serve(authority.sign(NAME))
    context.set_alpn_protocols(["h2"])
    with HostileHttp2(answer, context) as server, forward_proxy({f"192.0.2.7:{server.port}": server.port}) as proxy:
        through = Proxy(addresses=("127.0.0.1",), port=proxy.port)
        client = client_of(authority, server.port, addresses=("192.0.2.7",), proxy=through)
        assert [client.send(GET, TRACEPARENT) for _ in range(2)] == [Untimed(status=200, body=b"{}")] * 2
        client.close()
        lost = client_of(authority, server.port, addresses=("192.0.2.8",), proxy=through)
        assert lost.send(GET, TRACEPARENT) == Untimed(status=502, error="proxy")
        lost.close()
        assert [seen.path for seen in proxy.seen] == [f"192.0.2.{last}:{server.port}" for last in (7, 8)]
    assert (server.connections, len(server.seen)) == (1, 2)


def test_a_shop_that_was_asked_and_fell_silent_is_not_excused_by_its_proxy(authority: Authority) -> None:
    def react(talk: Talk, seen: Seen) -> bool:
        leads.to = {}
        return len(server.seen) == 1 and answer(talk, seen)

    context = authority.serve(authority.sign(NAME))
    context.set_alpn_protocols(["h2"])
    with HostileHttp2(react, context) as server:
        leads = Leads(to={f"192.0.2.7:{server.port}": server.port})
        with HostileServer(leads.answer) as proxy:
            through = Proxy(addresses=("127.0.0.1",), port=proxy.port)
            client = client_of(authority, server.port, addresses=("192.0.2.7",), proxy=through)
            assert [client.send(GET, TRACEPARENT).error for _ in range(3)] == [None, "connection", "proxy"]
            client.close()
