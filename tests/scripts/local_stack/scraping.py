"""Pages for Prometheus to read, and a real one that reads them."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.environment.destinations import resolve
from loadtests.environment.resolved_environment import recorded_environment
from loadtests.environment.targets import Environment
from scripts.local_stack.prometheus import Prometheus
from scripts.local_stack.prometheus_config import Scrape, configuration, scrapes_of
from tests.loadtests.certificates import Authority
from tests.loadtests.hostile_server import HostileServer
from tests.scripts.world import FakeShop
from tests.waiting import wait_for

PAGE = b"# TYPE shop_up gauge\nshop_up 1\n"
CANARY = "canary-of-the-door"


def environment(base_url: str, **declared: Any) -> Environment:
    ceiling = {"requests_per_s": 1, "open_sessions": 1, "orders": 1}
    return Environment.model_validate(
        {"base_url": base_url, "storefront": "twisted-threads", "ceiling": ceiling, **declared}
    )


def scrapes(one: Environment, *answers: str, **variables: str) -> list[Scrape]:
    destinations = resolve(one, lambda _: list(answers or ("127.0.0.1",)))
    return scrapes_of(recorded_environment(one, destinations, variables))


def sections(found: list[Scrape]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = configuration(found, {"stock": 5}, 1)["scrape_configs"]
    return told


def metrics(*urls: str, job: str = "shop") -> dict[str, Any]:
    return {"metrics": [{"job": job, "url": url} for url in urls]}


def proxied(
    base_url: str, *, resolves_names: bool = False, url: str = "http://proxy.test:3128", **more: Any
) -> Environment:
    basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    proxy = {"url": url, "basic_auth": basic, "resolves_names": resolves_names}
    return environment(base_url, **{"proxy": proxy, **metrics(f"{base_url}/metrics"), **more})


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
