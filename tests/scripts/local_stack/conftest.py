"""One real Prometheus for all tests that want pages read."""

import os
from collections.abc import Iterator

import pytest

from loadtests.environment.destinations import resolve
from loadtests.environment.resolved_environment import recorded_environment
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus import Program, start_prometheus
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.prometheus_config import scrapes_of
from slo.outcomes import EnvironmentLacks
from tests.loadtests.certificates import Authority
from tests.loadtests.forward_proxy import forward_proxy
from tests.ports import free_port
from tests.scripts.local_stack.scraping import PAGE, Read, by_name, environment, metrics, proxied, scrapes
from tests.scripts.world import FakeShop, fake_shop


def far_of(shop: FakeShop) -> str:
    """Return the address of a page that no machine has: RFC 5737."""
    return f"192.0.2.7:{shop.url.rpartition(':')[2]}"


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Start Prometheus over pages that it may trust, may not, that lead elsewhere, and that lie behind a proxy."""
    try:
        program = find_prometheus(os.environ, print)
    except EnvironmentLacks as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("prometheus")
    own, other = Authority(folder / "tls"), Authority(folder / "other")
    (folder / "private").mkdir()
    page = {"/metrics": (200, PAGE)}
    with (
        fake_shop(page, own.serve(own.sign("shop.test"))) as trusted,
        fake_shop(page, own.serve(own.sign("shop.test"))) as doubted,
        fake_shop(page) as elsewhere,
        fake_shop({"/metrics": (302, b"")}) as leading_there,
        fake_shop(page) as behind,
        forward_proxy({far_of(behind): int(behind.url.rpartition(":")[2])}, "gate:open-sesame") as proxy,
        Children(folder / "logs") as children,
    ):
        leading_there.headers["Location"] = f"{elsewhere.url}/metrics"
        found = [*by_name(trusted, own), *by_name(doubted, other)]
        found += scrapes(environment(leading_there.url, **metrics(f"{leading_there.url}/metrics")))
        known = {"PROXY_USER": "gate", "PROXY_PASSWORD": "open-sesame"}
        one = proxied(f"http://{far_of(behind)}", url=proxy.url)
        found += scrapes_of(recorded_environment(one, resolve(one), known))
        variables = {"PATH": "/nowhere", "HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
        started = Program(path=program, port=free_port(), environment=variables)
        yield Read(
            prometheus=start_prometheus(children, started, folder / "kept", folder / "private", found),
            folder=folder,
            far=far_of(behind),
            proxy=proxy,
            trusted=trusted,
            doubted=doubted,
            elsewhere=elsewhere,
            leading_there=leading_there,
        )
