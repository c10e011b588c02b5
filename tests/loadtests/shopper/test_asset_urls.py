"""An address in a page is at the shop, at its CDN, or at a host that nobody may load."""

import pytest

from loadtests.client.origin import Origin
from loadtests.shopper.asset_urls import AssetUrls

SHOP, CDN = "http://shop.example:8080/en", "https://cdn.example/files"


def finder(cdn: str | None = CDN, shop: str = SHOP) -> AssetUrls:
    hosts: dict[str | None, Origin] = {None: Origin.of(shop), "cdn": Origin.of(cdn)} if cdn else {None: Origin.of(shop)}
    return AssetUrls(hosts, frozenset(hosts))


def found(address: str, path: str = "/products/tee", base: str = "") -> object:
    told = finder().of(None, path, f"{base}<img src='{address}'>".encode())
    return next(iter(told.wanted), None) or dict(told.left_out)


@pytest.mark.parametrize(
    ("address", "at"),
    [
        ("/a.png", (None, "/a.png")),
        ("a.png", (None, "/en/products/a.png")),
        ("../a.png", (None, "/en/a.png")),
        ("?size=2", (None, "/en/products/tee?size=2")),
        ("/a.png?v=1#top", (None, "/a.png?v=1")),
        ("//shop.example:8080/a.png", (None, "/a.png")),
        ("HTTP://SHOP.example:8080/a.png", (None, "/a.png")),
        ("http://shop.example:8080", (None, "/")),
        ("https://cdn.example/files/a.png", ("cdn", "/files/a.png")),
        ("https://cdn.example:443/files/a.png", ("cdn", "/files/a.png")),
        ("https://cdn.example/elsewhere/a.png", {"other_host": 1}),
        ("https://cdn.example/filesystem", {"other_host": 1}),
        ("//cdn.example/files/a.png", {"other_host": 1}),  # by http, which is another origin
        ("http://shop.example/a.png", {"other_host": 1}),
        ("https://shop.example:8080/a.png", {"other_host": 1}),
        ("http://shop.example.evil.example:8080/a.png", {"other_host": 1}),
        ("http://evil.example\\\\@shop.example:8080/a.png", {"other_host": 1}),
        ("http://user:pw@shop.example:8080/a.png", {"other_host": 1}),
        ("http://127.0.0.1:8080/a.png", {"other_host": 1}),
        ("http://[::1/a.png", {}),
        ("http://shop.example:99999/a.png", {"other_host": 1}),
        ("data:image/png;base64,AAAA", {}),
        ("blob:http://shop.example:8080/1", {}),
        ("javascript:alert(1)", {}),
        ("about:blank", {}),
        ("/a b/\u00fc.png", (None, "/a%20b/%C3%BC.png")),
        ("/a\tb\n.png", (None, "/ab.png")),
        ("\\\\a\\\\b.png", (None, "/a/b.png")),
        ("/%zz", (None, "/%zz")),
    ],
)
def test_an_address_is_where_a_browser_would_look_for_it(address: str, at: object) -> None:
    assert found(address.replace("\\\\", "\\")) == at


@pytest.mark.parametrize(
    ("base", "at"),
    [
        ("/static/", (None, "/static/a.png")),
        ("/static/page.html", (None, "/static/a.png")),
        ("https://cdn.example/files/2/", ("cdn", "/files/2/a.png")),
        ("http://evil.example/", {"other_host": 1}),
        ("data:text/plain,", (None, "/en/products/a.png")),
    ],
)
def test_a_page_may_say_what_its_addresses_are_relative_to(base: str, at: object) -> None:
    assert found("a.png", base=f"<base href='{base}'>") == at


def test_without_a_cdn_its_assets_are_another_host_s() -> None:
    page = b"<img src=/a><img src=https://cdn.example/files/b><img src=//c.example/c>"
    told = finder(cdn=None).of(None, "/", page)
    assert (told.wanted, told.left_out) == (((None, "/a"),), {"other_host": 2})


def test_an_asset_is_wanted_once_a_page() -> None:
    told = finder().of(None, "/", b"<img src=/a><img src='/a#1'><img src=http://shop.example:8080/a>")
    assert told.wanted == ((None, "/a"),)


def test_a_page_is_read_once_and_again_where_it_differs() -> None:
    addresses = finder()
    page = b"<img src=a>"
    first = addresses.of(None, "/x/y", page)
    assert addresses.of(None, "/x/y?q=1", bytes(bytearray(page))) is first
    assert addresses.of(None, "/z", page).wanted == ((None, "/en/a"),)
    assert addresses.of(None, "/x/y", page + b" ") is not first


def test_only_so_many_pages_are_kept_and_no_huge_one() -> None:
    addresses = finder()
    for number in range(1000):
        addresses.of(None, "/", b"<img src=/a>%d" % number)
    assert len(addresses._pages) <= 64
    addresses._pages.clear()
    huge = b"<img src=/a>" + b" " * (256 << 10)
    assert addresses.of(None, "/", huge).wanted == ((None, "/a"),)
    assert addresses._pages == {}
