"""Pages for Prometheus to read, as targets.yaml declares them."""

from typing import Any

from loadtests.environment.destinations import resolve
from loadtests.environment.resolved_environment import recorded_environment
from loadtests.environment.targets import Environment
from scripts.local_stack.prometheus_config import Scrape, configuration, scrapes_of

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
