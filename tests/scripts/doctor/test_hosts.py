"""Before any load each declared host is connected to: one that isn't there, or is another, is named with what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Environment
from loadtests.guardrails.preflight import check_hosts
from scripts.doctor.environment import environment
from scripts.doctor.lines import Line
from slo.outcomes import EnvironmentLacks
from tests.loadtests import fake_shop
from tests.loadtests.certificates import Authority
from tests.loadtests.hostile_http2 import HostileHttp2
from tests.loadtests.hostile_server import HostileServer, reply
from tests.ports import free_port
from tests.scripts.world import World


@contextmanager
def reached(world: World, hosts: dict[str, Any], **declared: Any) -> Iterator[ResolvedEnvironment]:
    """Give an environment whose shop is there, over plain http."""
    with fake_shop.running() as shop:
        names = dict.fromkeys(("pay.test", "login.test"), "127.0.0.1")
        told = {
            "base_url": shop.url,
            "storefront": "twisted-threads",
            "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
            "resolve": names,
            "hosts": hosts,
            **declared,
        }
        yield resolve_environment(Environment.model_validate(told), world.context().environment)


def lines(resolved: ResolvedEnvironment, *about: str) -> list[Line]:
    return [line for line in environment("staging", resolved, production=False) if line.what in about]


def test_a_host_that_is_there_gets_a_connection_and_no_request(world: World, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    with (
        HostileServer(reply(), authority.serve(authority.sign("login.test", days=30))) as login,
        HostileServer(reply()) as pay,
    ):
        hosts: dict[str, Any] = {
            "login": {"url": f"https://login.test:{login.port}", "ca": str(authority.certificate)},
            "pay": {"url": f"http://pay.test:{pay.port}", "production": True},
        }
        with reached(world, hosts) as resolved:
            check_hosts(resolved)
            found = lines(resolved, "login", "pay")
    assert found == [
        Line(state="ok", what="login", found=f"{hosts['login']['url']} takes connections, loopback"),
        Line(state="ok", what="login", found="the certificate is trusted, for 30 days more"),
        Line(state="ok", what="pay", found=f"{hosts['pay']['url']} takes connections, loopback, production"),
    ]
    assert login.seen == pay.seen == []


def test_a_host_with_another_s_certificate_is_named_with_what_that_is_for(world: World, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    with HostileServer(reply(), authority.serve(authority.sign("evil.test"))) as login:
        url = f"https://login.test:{login.port}"
        hosts = {"login": {"url": url, "ca": str(authority.certificate)}}
        with reached(world, hosts) as resolved:
            with pytest.raises(EnvironmentLacks) as refused:
                check_hosts(resolved)
            found = lines(resolved, "login")
    fault = f"hosts.login: {url} answers with the certificate of evil.test, not of login.test"
    step = "correct the address, or replace the certificate, or name its CA in `ca`"
    assert str(refused.value) == f"{fault}; {step}"
    assert found == [Line(state="wrong", what="login", found=fault, next=step)]
    assert login.seen == []


def test_a_certificate_that_nobody_here_trusts_is_named_too_and_all_faults_at_once(
    world: World, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "tls")
    port = free_port()
    with HostileServer(reply(), authority.serve(authority.sign("login.test"))) as login:
        hosts = {"login": {"url": f"https://login.test:{login.port}"}, "pay": {"url": f"http://pay.test:{port}"}}
        with reached(world, hosts) as resolved, pytest.raises(EnvironmentLacks) as refused:
            check_hosts(resolved)
    first, second = str(refused.value).splitlines()
    assert first.startswith(f"hosts.login: https://login.test:{login.port} the certificate isn't trusted: ")
    assert second == (
        f"hosts.pay: http://pay.test:{port} can't be connected to: Connection refused; start it, or correct the address"
    )


def test_a_host_may_speak_another_http_than_the_shop_and_that_is_checked(world: World) -> None:
    with HostileHttp2(b"") as pay, HostileServer(b"HTTP/1.1 400 What\r\n\r\n") as login:
        hosts = {"pay": {"url": f"http://pay.test:{pay.port}", "http_version": 2}}
        with reached(world, hosts) as resolved:
            assert lines(resolved, "HTTP/2") == [Line(state="ok", what="HTTP/2", found="spoken by pay")]
        both = {**hosts, "login": {"url": f"http://login.test:{login.port}", "http_version": 2}}
        with reached(world, both) as resolved:
            (line,) = lines(resolved, "HTTP/2")
    assert line.state == "wrong"
    assert line.found.startswith(f"the environment says http_version: 2, and http://login.test:{login.port} answers")
