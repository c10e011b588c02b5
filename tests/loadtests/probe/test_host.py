"""What one connection shows of a host: a certificate's dates, also of one that nobody should trust."""

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.environment.resolved_environment import resolve_environment
from loadtests.environment.targets import Environment
from loadtests.probe.host import see
from loadtests.probe.messages import HostSeen
from tests.loadtests.certificates import Authority
from tests.ports import free_port
from tests.scripts.world import fake_shop

DAY_S = 86_400
NAME = "shop.test"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "another")


@contextmanager
def shop(tls: ssl.SSLContext, ca: Path) -> Iterator[Environment]:
    with fake_shop({}, tls) as one:
        port = one.url.rpartition(":")[2]
        facts = {"base_url": f"https://{NAME}:{port}", "storefront": "twisted-threads", "ca": str(ca)}
        ceiling = {"requests_per_s": 5, "open_sessions": 1, "orders": 0}
        yield Environment.model_validate({**facts, "ceiling": ceiling, "resolve": {NAME: "127.0.0.1"}})


def seen(environment: Environment) -> HostSeen:
    found = see(resolve_environment(environment, {}), None)
    assert found.host == f"{NAME}:{environment.base_url.rpartition(':')[2]}"
    return found


def days_left(found: HostSeen) -> float:
    assert found.not_after_s is not None
    assert found.not_before_s is not None
    assert found.not_before_s < time.time()
    return (found.not_after_s - time.time()) / DAY_S


def test_a_trusted_certificate_is_measured_with_its_handshake(authority: Authority) -> None:
    with shop(authority.serve(authority.sign(NAME, days=20)), authority.certificate) as environment:
        found = seen(environment)
    assert (found.trusted, round(days_left(found))) == (True, 20)
    assert found.connect_s is not None
    assert found.tls_s is not None


def test_an_expired_certificate_is_measured_and_not_trusted(authority: Authority) -> None:
    with shop(authority.serve(authority.sign(NAME, days=-1)), authority.certificate) as environment:
        found = seen(environment)
    assert (found.trusted, found.tls_s) == (False, None)
    assert found.not_after_s is not None
    assert -1.1 < (found.not_after_s - time.time()) / DAY_S < -0.9


def test_a_certificate_of_an_authority_that_is_not_trusted_is_measured(
    authority: Authority, another: Authority
) -> None:
    with shop(another.serve(another.sign(NAME, days=9)), authority.certificate) as environment:
        found = seen(environment)
    assert (found.trusted, round(days_left(found))) == (False, 9)


def test_a_certificate_for_another_name_is_measured_and_not_trusted(authority: Authority) -> None:
    with shop(authority.serve(authority.sign("other.test", days=7)), authority.certificate) as environment:
        found = seen(environment)
    assert (found.trusted, round(days_left(found))) == (False, 7)


def test_a_host_over_plain_http_has_no_certificate() -> None:
    with fake_shop({}) as one:
        environment = plain(one.url)
        found = see(resolve_environment(environment, {}), None)
    assert (found.trusted, found.tls_s, found.not_after_s) == (None, None, None)
    assert found.connect_s is not None


def test_of_a_host_that_takes_no_connection_nothing_is_known() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert see(resolve_environment(plain(url), {}), None) == HostSeen(host=url.removeprefix("http://"))


def plain(url: str) -> Environment:
    ceiling = {"requests_per_s": 5, "open_sessions": 1, "orders": 0}
    return Environment.model_validate({"base_url": url, "storefront": "twisted-threads", "ceiling": ceiling})
