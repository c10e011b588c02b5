"""Before any load it is told when a shop doesn't speak the HTTP that its environment says."""

import contextlib
import socket
from pathlib import Path

import pytest
from h2.exceptions import ProtocolError

from loadtests.client.http2.probe import check_spoken
from loadtests.environment.hosts import Host
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Environment, ProxyTarget
from scripts.doctor.environment import environment
from scripts.doctor.lines import Line
from scripts.running.guards import check_environment
from slo.outcomes import EnvironmentLacks
from tests.loadtests import fake_shop
from tests.loadtests.certificates import Authority
from tests.loadtests.forward_proxy import forward_proxy
from tests.loadtests.hostile_http2 import HostileHttp2
from tests.loadtests.hostile_server import HostileServer
from tests.scripts.world import World

HOST = "shop.test"


def reach_at(world: World, port: int, version: object, ca: Path | None = None) -> ResolvedEnvironment:
    told = {
        "base_url": f"{'http' if ca is None else 'https'}://{HOST}:{port}",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "resolve": {HOST: "127.0.0.1"},
        "http_version": version,
        **({} if ca is None else {"ca": str(ca)}),
    }
    return resolve_environment(Environment.model_validate(told), world.context().environment)


def refusal(url: str, told: str) -> str:
    return (
        f"the environment says http_version: 2, and {url} {told}; switch HTTP/2 on there"
        ' (over plain http "prior knowledge", RFC 9113, 3.3), or leave http_version out'
    )


@pytest.mark.parametrize("alpn", [["h2", "http/1.1"], ["http/1.1"]])
def test_over_tls_it_is_agreed_on_or_told(world: World, tmp_path: Path, alpn: list[str]) -> None:
    authority = Authority(tmp_path / "tls")
    context = authority.serve(authority.sign(HOST))
    context.set_alpn_protocols(alpn)
    with HostileHttp2(b"", context) as server:
        reach = reach_at(world, server.port, 2, authority.certificate)
        if "h2" in alpn:
            check_spoken(reach)
        else:
            with pytest.raises(EnvironmentLacks) as raised:
                check_spoken(reach)
            assert str(raised.value) == refusal(reach.environment.base_url, "doesn't agree on it in TLS (ALPN)")
    assert server.seen == []


def test_it_is_agreed_on_through_the_proxy_too(world: World, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    context = authority.serve(authority.sign(HOST))
    context.set_alpn_protocols(["h2"])
    with HostileHttp2(b"", context) as server, forward_proxy({f"127.0.0.1:{server.port}": server.port}) as proxy:
        target = reach_at(world, server.port, 2, authority.certificate).environment
        through = ProxyTarget(url=f"http://127.0.0.1:{proxy.port}")
        check_spoken(resolve_environment(target.model_copy(update={"proxy": through}), world.context().environment))
        assert [seen.line.split()[0] for seen in proxy.seen] == ["CONNECT"]


def test_over_plain_tcp_the_preface_shows_it(world: World) -> None:
    with HostileHttp2(b"") as server:
        check_spoken(reach_at(world, server.port, 2))
    assert (server.connections, server.seen) == (1, [])


def test_the_look_before_a_run_refuses_a_shop_that_speaks_http_1_1_only(world: World) -> None:
    with fake_shop.running() as shop:
        reach = reach_at(world, shop.server.server_port, 2)
        with pytest.raises(EnvironmentLacks) as raised:
            check_environment(reach, ())
        assert str(raised.value) == refusal(reach.environment.base_url, "answers with something else")
        check_spoken(reach_at(world, shop.server.server_port, 1.1))


def test_a_shop_that_is_down_is_told_too(world: World) -> None:
    with HostileHttp2(b"") as server:
        port = server.port
    with pytest.raises(
        EnvironmentLacks, match=rf"^http://shop\.test:{port}: can't be connected to: Connection refused$"
    ):
        check_spoken(reach_at(world, port, 2))


class Forgiving(HostileHttp2):
    """A server that hangs up on HTTP/1.1, in which everything else is asked."""

    def _converse(self, connection: socket.socket, number: int) -> None:
        with contextlib.suppress(ProtocolError):
            super()._converse(connection, number)


def test_doctor_says_what_is_spoken(world: World) -> None:
    with Forgiving(b"") as server:
        lines = list(environment("lab", reach_at(world, server.port, 2), production=False))
    assert Line(state="ok", what="HTTP/2", found="the shop speaks it") in lines


def test_a_shop_that_hangs_up_on_the_preface_is_refused(world: World) -> None:
    with HostileServer(lambda *_: False) as server:
        reach = reach_at(world, server.port, 2)
        with pytest.raises(EnvironmentLacks) as raised:
            check_spoken(reach)
    assert str(raised.value) == refusal(reach.environment.base_url, "doesn't answer the connection preface (EOFError)")


def test_a_proxy_that_leads_nowhere_and_a_stranger_s_certificate_are_no_matter_of_the_version(
    world: World, tmp_path: Path
) -> None:
    ours, theirs = Authority(tmp_path / "ours"), Authority(tmp_path / "theirs")
    with HostileHttp2(b"", theirs.serve(theirs.sign(HOST))) as server, forward_proxy({}) as proxy:
        reach = reach_at(world, server.port, 2, ours.certificate)
        with pytest.raises(EnvironmentLacks, match=r": the certificate isn't trusted: .*unable to get local issuer"):
            check_spoken(reach)
        through = ProxyTarget(url=f"http://127.0.0.1:{proxy.port}")
        behind = resolve_environment(
            reach.environment.model_copy(update={"proxy": through}), world.context().environment
        )
        with pytest.raises(EnvironmentLacks, match=r": the proxy doesn't lead there: it answers HTTP 502$"):
            check_spoken(behind)


def test_the_cdn_is_looked_at_too_and_a_name_may_end_with_its_dot(world: World, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    context, other = (authority.serve(authority.sign(HOST)) for _ in range(2))
    context.set_alpn_protocols(["h2"])
    other.set_alpn_protocols(["http/1.1"])
    with HostileHttp2(b"", context) as shop, HostileHttp2(b"", other) as cdn:
        told = reach_at(world, shop.port, 2, authority.certificate).environment
        dotted = {"base_url": f"https://{HOST}.:{shop.port}", "resolve": {HOST: "127.0.0.1", f"{HOST}.": "127.0.0.1"}}
        check_spoken(resolve_environment(told.model_copy(update=dotted), world.context().environment))
        there = f"https://{HOST}:{cdn.port}"
        with_cdn = told.model_copy(update={"hosts": {"cdn": Host(url=there)}})
        with pytest.raises(EnvironmentLacks) as raised:
            check_spoken(resolve_environment(with_cdn, world.context().environment))
    assert str(raised.value) == refusal(there, "doesn't agree on it in TLS (ALPN)")
