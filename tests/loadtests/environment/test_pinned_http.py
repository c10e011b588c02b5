"""What isn't load goes out as carefully: to declared hosts, past every proxy, with secrets for the shop alone."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from loadtests.audit.sources import sources_of
from loadtests.audit.unavailable import SourceUnavailableError
from loadtests.environment.credentials import Credentials, Secret
from loadtests.environment.destinations import resolve
from loadtests.environment.hosts import Host
from loadtests.environment.pinned_http import PinnedHttp, origin_of
from loadtests.environment.targets import Environment
from tests.loadtests.certificates import Authority
from tests.loadtests.hostile_server import HostileServer, reply
from tests.record_pages import record_pages

OWN = Credentials(headers={"X-Gate": Secret("open"), "Authorization": Secret("Basic YTpi"), "Accept-Language": "en"})


@pytest.fixture
def shop() -> Iterator[HostileServer]:
    with HostileServer(reply(b'{"taken_at": 1, "stock": []}')) as server:
        yield server
    gc.collect()


@pytest.fixture
def other() -> Iterator[HostileServer]:
    with HostileServer(reply(b'{"payments": [], "next": null}')) as server:
        yield server
    gc.collect()


def environment(shop: HostileServer, **changes: Any) -> Environment:
    facts = {
        "base_url": f"http://shop.test:{shop.port}",
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 1, "open_sessions": 1, "orders": 1},
        "shop_records": record_pages(stock=f"http://shop.test:{shop.port}/stock"),
        "resolve": {"shop.test": "127.0.0.1", "pay.test": "127.0.0.1"},
    }
    return Environment.model_validate({**facts, **changes})


def test_a_name_goes_to_its_address_and_stays_the_name(shop: HostileServer) -> None:
    with PinnedHttp(environment(shop)) as http:
        assert http.get(f"http://shop.test:{shop.port}/a?b=c", timeout=10).status_code == 200
    assert (shop.seen[0].headers["host"], shop.seen[0].path) == (f"shop.test:{shop.port}", "/a?b=c")


def test_an_address_that_is_down_is_passed_over(shop: HostileServer) -> None:
    target = environment(shop)
    found = resolve(target.model_copy(update={"resolve": {}}), lambda _: ["127.0.0.2", "127.0.0.1"])
    with PinnedHttp(target, None, found) as http:
        assert http.get(target.base_url, timeout=10).status_code == 200


def test_a_host_may_be_an_ipv6_address_or_have_one_among_others() -> None:
    try:
        server = HostileServer(reply(b"{}"), host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server:
        target = environment(server, base_url=f"http://[::1]:{server.port}", resolve={})
        by_name = environment(server, resolve={})
        both = resolve(by_name, lambda _: ["127.0.0.2", "::1"])
        for one, found in ((target, None), (target, resolve(target, lambda _: ["::1"])), (by_name, both)):
            with PinnedHttp(one, OWN, found) as http:
                assert http.get(f"{one.base_url}/a", timeout=10).status_code == 200
    hosts = [f"[::1]:{server.port}", f"[::1]:{server.port}", f"shop.test:{server.port}"]
    assert [(seen.headers["host"], seen.headers["x-gate"]) for seen in server.seen] == [
        (host, "open") for host in hosts
    ]
    gc.collect()


def test_a_host_that_was_not_resolved_for_the_run_is_not_asked(shop: HostileServer, other: HostileServer) -> None:
    target = environment(shop)
    with (
        PinnedHttp(target, None, resolve(target)) as http,
        pytest.raises(requests.ConnectionError, match=r"pay\.test: not a host of the environment; there are: shop\.te"),
    ):
        http.get(f"http://pay.test:{other.port}/", timeout=10)
    assert other.seen == []


def test_a_name_that_leads_to_the_metadata_service_is_not_asked(shop: HostileServer) -> None:
    with (
        PinnedHttp(environment(shop)) as http,
        pytest.raises(requests.ConnectionError, match=r"2852039166: resolves to 169\.254\.169\.254, a link-local"),
    ):
        http.get("http://2852039166/latest/meta-data/", timeout=10)


def test_the_shop_s_secrets_go_to_the_shop_s_origin_and_nowhere_else(shop: HostileServer, other: HostileServer) -> None:
    with PinnedHttp(environment(shop), OWN) as http:
        http.get(f"http://shop.test:{shop.port}/", timeout=10)
        for elsewhere in (f"http://pay.test:{other.port}/", f"http://shop.test:{other.port}/", other.url):
            http.get(elsewhere, timeout=10)
    names = ("x-gate", "authorization", "accept-language")
    assert [shop.seen[0].headers.get(name) for name in names] == ["open", "Basic YTpi", "en"]
    assert [[seen.headers.get(name) for name in names] for seen in other.seen] == [[None, None, None]] * 3


def test_a_page_that_repeats_a_secret_is_masked_before_it_is_read() -> None:
    with HostileServer(reply(b'{"version": "2026.47 Basic YTpiYzpk"}')) as shop:
        held = Credentials(headers={"Authorization": Secret("Basic YTpiYzpk")}, hidden=(Secret("YTpiYzpk"),))
        with PinnedHttp(environment(shop), held) as http:
            assert http.get(f"http://shop.test:{shop.port}/", timeout=10).json() == {
                "version": "2026.47 Basic ********"
            }
        assert shop.seen[0].headers["authorization"] == "Basic YTpiYzpk"
    gc.collect()


def test_a_source_s_token_is_not_replaced_by_the_shop_s_password(shop: HostileServer, other: HostileServer) -> None:
    stock, payments = f"http://shop.test:{shop.port}/stock", f"http://pay.test:{other.port}/payments"
    target = environment(shop, shop_records=record_pages(stock=stock, payments=payments))
    sources = sources_of(target, "t0ken", PinnedHttp(target, OWN), None, {})
    sources.stock_document()
    assert tuple(sources.payments(0)) == ()
    sources.close()
    assert [shop.seen[0].headers.get(name) for name in ("authorization", "x-gate")] == ["Bearer t0ken", "open"]
    assert [other.seen[0].headers.get(name) for name in ("authorization", "x-gate")] == ["Bearer t0ken", None]


@pytest.mark.parametrize("status", ["301 X", "302 X", "303 X", "307 X", "308 X"])
def test_no_redirect_is_followed_even_when_somebody_asks_for_it(other: HostileServer, status: str) -> None:
    with HostileServer(reply(b"", status=status, headers=(f"Location: {other.url}/",))) as leading:
        target = environment(leading)
        with PinnedHttp(target, OWN) as http:
            assert http.get(target.base_url, timeout=10, allow_redirects=True).status_code == int(status[:3])
        sources = sources_of(target, "t0ken", PinnedHttp(target, OWN), None, {})
        with pytest.raises(SourceUnavailableError) as failure:
            sources.stock_document()
        sources.close()
    assert (str(failure.value), other.seen) == (f"unreachable: HTTP {status[:3]}", [])


def test_no_proxy_of_the_process_comes_between(
    shop: HostileServer, other: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other.url)
    monkeypatch.setenv("NO_PROXY", "")
    target = environment(shop)
    with PinnedHttp(target, OWN) as http:
        assert http.get(target.base_url, timeout=10).status_code == 200
    assert (len(shop.seen), other.seen) == (1, [])


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("http://a", "http://a:80/x"),
        ("https://a", "https://A:443"),
        ("http://[::1]:8080", "http://[::1]:8080/y?z"),
    ],
)
def test_an_origin_is_scheme_host_and_port(one: str, same: str) -> None:
    assert origin_of(one) == origin_of(same)
    assert len({origin_of(url) for url in ("http://a", "https://a", "http://a:81", "http://b", "http://a.b")}) == 5


def test_a_source_at_a_declared_host_is_asked_as_that_host_wants_it(shop: HostileServer, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    page = reply(b'{"payments": [], "next": null}')
    with HostileServer(page, authority.serve(authority.sign("pay.test"))) as pay:
        url = f"https://pay.test:{pay.port}"
        target = environment(shop, hosts={"pay": {"url": url, "ca": str(authority.certificate)}})
        held = Credentials(headers=OWN.headers, hosts={"pay": Credentials(headers={"X-Pay": "1"})})
        with PinnedHttp(target, held) as http:
            assert http.get(f"{url}/payments", timeout=10).status_code == 200
            http.get(f"{target.base_url}/x", timeout=10)
        bare = target.model_copy(update={"hosts": {"pay": Host(url=url)}})
        with PinnedHttp(bare, held) as http, pytest.raises(requests.exceptions.SSLError):
            http.get(f"{url}/payments", timeout=10)
    names = ("x-pay", "x-gate", "authorization")
    assert [[one.headers.get(name) for name in names] for one in pay.seen] == [["1", None, None]]
    assert [[one.headers.get(name) for name in names] for one in shop.seen] == [[None, "open", "Basic YTpi"]]
