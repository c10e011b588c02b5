"""Prometheus reads what lies behind the environment's proxy through it, and nothing else."""

from tests.scripts.local_stack.scraping import Read, proxied, scrapes, sections
from tests.waiting import wait_for


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


def test_a_real_prometheus_reads_a_page_through_the_proxy(read: Read) -> None:
    wait_for(lambda: read.far in read.instances(), "a page through the proxy")
    assert {seen.line for seen in read.proxy.seen} == {f"GET http://{read.far}/metrics HTTP/1.1"}
    assert b"sesame" not in read.kept()
