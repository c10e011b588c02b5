"""A real Prometheus reads the pages that it may trust, by the way that was declared, and no other."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from loadtests.environment.destinations import resolve
from loadtests.environment.resolved_environment import recorded_environment
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus import Program, Prometheus, start_prometheus
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.prometheus_config import Scrape, scrapes_of
from slo.outcomes import EnvironmentLacks
from tests.loadtests.certificates import Authority
from tests.loadtests.forward_proxy import forward_proxy
from tests.loadtests.hostile_server import HostileServer
from tests.ports import free_port
from tests.scripts.local_stack.scraping import CANARY, PAGE, environment, metrics, proxied, scrapes
from tests.scripts.world import FakeShop, fake_shop
from tests.waiting import wait_for


def by_name(shop: FakeShop, authority: Authority) -> list[Scrape]:
    """Return the page of a shop over TLS by a name that no resolver knows, asked for with a password."""
    base_url = shop.url.replace("http://127.0.0.1", "https://shop.test")
    basic = {"user_env": "U", "password_env": "P"}
    one = environment(base_url, ca=str(authority.certificate), basic_auth=basic, **metrics(f"{base_url}/metrics"))
    return scrapes(one, U="ada-of-the-shop", P=CANARY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A real Prometheus, and the pages that it reads; none leads it to the proxy that its variables name.

    `far` is the address of a page that only `proxy` leads to.
    """

    prometheus: Prometheus
    folder: Path
    far: str
    proxy: HostileServer
    trusted: FakeShop
    doubted: FakeShop
    elsewhere: FakeShop
    leading_there: FakeShop

    def why_not(self, shop: FakeShop, scheme: str) -> str:
        """Return why a page can't be read, as soon as that was tried."""
        page = f"shop {scheme}://{shop.url.removeprefix('http://')}/metrics"
        told = wait_for(lambda: {self.prometheus.down().get(page)} - {None, "not scraped yet"}, f"a scrape of {page}")
        (why,) = told
        return str(why)

    def instances(self) -> set[str]:
        """Return whose pages were read in the last second."""
        now = time.time_ns()
        return {one.labels["instance"] for one in self.prometheus.range("shop_up", now - 10**9, now)}

    def kept(self) -> bytes:
        """Return all that Prometheus and its log hold."""
        files = [path for folder in ("kept", "logs") for path in (self.folder / folder).rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in files)


def far_of(shop: FakeShop) -> str:
    """Return the address of a page that no machine has: RFC 5737."""
    return f"192.0.2.7:{shop.url.rpartition(':')[2]}"


@pytest.fixture(scope="module")
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


def test_a_real_prometheus_reads_a_name_that_no_resolver_knows_over_private_tls(read: Read) -> None:
    name = read.trusted.url.replace("http://127.0.0.1", "shop.test")
    wait_for(lambda: name in read.instances(), "a series")
    assert read.instances() <= {name, read.far}
    assert {brought for _, _, brought in read.trusted.asked} == {
        "Basic YWRhLW9mLXRoZS1zaG9wOmNhbmFyeS1vZi10aGUtZG9vcg=="
    }
    kept = read.kept()
    assert b"shop.test" in kept
    assert CANARY.encode() not in kept
    assert b"ada-of-the-shop" not in kept


def test_a_real_prometheus_believes_no_other_authority(read: Read) -> None:
    assert "certificate signed by unknown authority" in read.why_not(read.doubted, "https")
    assert read.doubted.asked == []


def test_a_real_prometheus_follows_no_redirect(read: Read) -> None:
    assert read.why_not(read.leading_there, "http") == "server returned HTTP status 302 Found"
    assert read.elsewhere.asked == []


def test_a_real_prometheus_reads_a_page_through_the_proxy(read: Read) -> None:
    wait_for(lambda: read.far in read.instances(), "a page through the proxy")
    assert {seen.line for seen in read.proxy.seen} == {f"GET http://{read.far}/metrics HTTP/1.1"}
    assert b"sesame" not in read.kept()
