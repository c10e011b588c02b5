"""Prometheus reads what lies behind the environment's proxy through it, and nothing else."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from loadtests.environment.credentials import credentials_of
from loadtests.environment.destinations import resolve
from loadtests.environment.targets import Environment
from scripts.local_stack.processes import Children
from scripts.local_stack.prometheus import Program, start_prometheus
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.local_stack.prometheus_config import scrapes_of
from slo.outcomes import EnvironmentLacks
from tests.loadtests.forward_proxy import forward_proxy
from tests.ports import free_port
from tests.scripts.local_stack.test_prometheus_config import PAGE, environment, metrics, scrapes, sections
from tests.scripts.world import fake_shop
from tests.waiting import wait_for


def proxied(
    base_url: str, *, resolves_names: bool = False, url: str = "http://proxy.test:3128", **more: Any
) -> Environment:
    basic = {"user_env": "PROXY_USER", "password_env": "PROXY_PASSWORD"}
    proxy = {"url": url, "basic_auth": basic, "resolves_names": resolves_names}
    return environment(base_url, **{"proxy": proxy, **metrics(f"{base_url}/metrics"), **more})


def test_a_page_behind_a_proxy_is_asked_of_it_by_the_address_that_was_checked() -> None:
    found = scrapes(proxied("https://shop.test"), "10.0.0.7", PROXY_USER="ga/te", PROXY_PASSWORD="open:sesame")
    (section,) = sections(found)
    assert section["proxy_url"] == "http://ga%2Fte:open%3Asesame@10.0.0.7:3128"
    assert section["static_configs"][0]["targets"] == ["10.0.0.7:443"]
    assert section["tls_config"] == {"server_name": "shop.test"}
    assert "sesame" not in repr(found)


def test_a_page_whose_name_only_the_proxy_knows_is_asked_for_by_it() -> None:
    known = {"PROXY_USER": "gate", "PROXY_PASSWORD": "open-sesame"}
    (section,) = sections(scrapes(proxied("https://shop.test", resolves_names=True), "10.0.0.3", **known))
    assert section["static_configs"][0]["targets"] == ["shop.test:443"]


def test_a_page_that_is_reached_straight_has_no_proxy() -> None:
    proxy = {"url": "http://proxy.test:3128", "straight": ["shop.test"]}
    (section,) = sections(scrapes(proxied("http://shop.test", proxy=proxy), "127.0.0.1"))
    assert "proxy_url" not in section


def test_prometheus_reads_a_page_through_the_proxy(tmp_path: Path) -> None:
    try:
        program = Program(path=find_prometheus(os.environ, print), port=free_port(), environment=os.environ)
    except EnvironmentLacks as error:
        pytest.skip(str(error))
    with fake_shop({"/metrics": (200, PAGE)}) as shop:
        port = int(shop.url.rpartition(":")[2])
        known_way = {f"192.0.2.7:{port}": port}
        with forward_proxy(known_way, "gate:open-sesame") as proxy, Children(tmp_path / "l") as children:
            known = {"PROXY_USER": "gate", "PROXY_PASSWORD": "open-sesame"}
            one = proxied(f"http://192.0.2.7:{port}", url=proxy.url)
            found = scrapes_of(one, resolve(one), credentials_of(one, known))
            (tmp_path / "p").mkdir()
            prometheus = start_prometheus(children, program, tmp_path / "d", tmp_path / "p", found)

            def read() -> bool:
                now = time.time_ns()
                return bool(prometheus.range("shop_up", now - 10**9, now))

            wait_for(read, "a page through the proxy")
            assert {seen.line for seen in proxy.seen} == {f"GET http://192.0.2.7:{port}/metrics HTTP/1.1"}
        kept = [path for path in (*(tmp_path / "l").rglob("*"), *(tmp_path / "d").rglob("*")) if path.is_file()]
        assert [path for path in kept if b"sesame" in path.read_bytes()] == []
