"""`doctor` says of the shop's certificate how long it is good for, and when it must be renewed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environment.destinations import Destination, Destinations
from loadtests.environment.resolved_environment import ResolvedEnvironment, resolve_environment
from loadtests.environment.targets import Environment
from scripts.doctor.certificate import certificate
from scripts.doctor.lines import Line
from tests.loadtests import fake_shop
from tests.loadtests.certificates import Authority
from tests.ports import free_port
from tests.scripts.world import World

HOST = "shop.test"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls")


def looked(world: World, port: int, ca: Path | None, scheme: str = "https") -> Line | None:
    """Return what is said of the certificate of whoever listens at the port."""
    return certificate(resolved_at(world, port, ca, scheme))


def resolved_at(world: World, port: int, ca: Path | None, scheme: str = "https") -> ResolvedEnvironment:
    """Return how a shop at the port is reached."""
    told = {
        "base_url": f"{scheme}://{HOST}:{port}",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "resolve": {HOST: "127.0.0.1"},
        **({} if ca is None else {"ca": str(ca)}),
    }
    return resolve_environment(Environment.model_validate(told), world.context().environment)


@contextmanager
def shop_with(authority: Authority, name: str = HOST, *, days: int) -> Iterator[int]:
    """Serve a shop whose certificate is good for so many days; give its port."""
    with fake_shop.running(authority.serve(authority.sign(name, days=days))) as shop:
        yield shop.server.server_port


def test_a_certificate_that_is_good_for_long_is_ok(world: World, authority: Authority) -> None:
    with shop_with(authority, days=30) as port:
        assert looked(world, port, authority.certificate) == Line(
            state="ok", what="TLS", found="the certificate is trusted, for 30 days more"
        )


def test_an_address_that_is_down_is_passed_over(world: World, authority: Authority) -> None:
    """As the load does: whether the shop has an IPv6 address that nobody listens on doesn't matter."""
    with shop_with(authority, days=30) as port:
        resolved = resolved_at(world, port, authority.certificate)
        both = Destination(addresses=("::1", "127.0.0.1"), kind="loopback")
        told = certificate(replace(resolved, destinations=Destinations(hosts={HOST: both}, kind="loopback")))
    assert told is not None
    assert told.state == "ok"


@pytest.mark.parametrize(("days", "left"), [(13, "13 days"), (1, "24 hours")])
def test_a_certificate_that_ends_before_long_is_to_be_renewed(
    world: World, authority: Authority, days: int, left: str
) -> None:
    with shop_with(authority, days=days) as port:
        assert looked(world, port, authority.certificate) == Line(
            state="wrong", what="TLS", found=f"the certificate ends in {left}", next="renew it before the run"
        )


def test_a_certificate_that_has_ended_is_told_as_that(world: World, authority: Authority) -> None:
    with shop_with(authority, days=-1) as port:
        assert looked(world, port, authority.certificate) == Line(
            state="wrong", what="TLS", found="the certificate has expired", next="renew it before the run"
        )


def test_a_certificate_of_an_unknown_authority_isnt_trusted(world: World, authority: Authority) -> None:
    with shop_with(authority, days=30) as port:
        line = looked(world, port, None)
    assert line is not None
    assert (line.state, line.next) == ("wrong", "replace it, or name its CA in `ca`")
    assert line.found.startswith("the certificate isn't trusted: ")


def test_a_certificate_of_another_host_is_named_with_what_it_is_for(world: World, authority: Authority) -> None:
    with shop_with(authority, "other.test", days=30) as port:
        line = looked(world, port, authority.certificate)
    assert line is not None
    assert line.found == "answers with the certificate of other.test, not of shop.test"


def test_where_nobody_listens_there_is_no_handshake(world: World, authority: Authority) -> None:
    assert looked(world, free_port(), authority.certificate) == Line(
        state="wrong", what="TLS", found="no handshake: Connection refused", next="check what listens on that port"
    )


def test_a_shop_without_tls_is_asked_for_no_certificate(world: World, authority: Authority) -> None:
    assert looked(world, free_port(), authority.certificate, "http") is None
