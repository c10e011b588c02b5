"""Prometheus reads what lies behind the environment's proxy through it, and nothing else."""

from tests.scripts.local_stack.scraping import proxied, scrapes, sections


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
