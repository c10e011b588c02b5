"""An address in a page is at the shop, at its CDN, or at a host that nobody may load."""

import pytest

from loadtests.client.origin import Origin
from loadtests.shopper.asset_urls import AssetUrls

SHOP, CDN = "http://shop.example:8080/en", "https://cdn.example/files"


def finder(cdn: str | None = CDN, shop: str = SHOP) -> AssetUrls:
    own = Origin.of(shop)
    there = {"cdn-asset": Origin.of(cdn)} if cdn else {}
    return AssetUrls(own, {"asset": own._replace(prefix=""), **there})


def found(address: str, path: str = "/products/tee", base: str = "") -> object:
    told = finder().of(path, f"{base}<img src='{address}'>".encode())
    return next(iter(told.wanted), None) or dict(told.left_out)


@pytest.mark.parametrize(
    ("address", "at"),
    [
        ("/a.png", ("asset", "/a.png")),
        ("a.png", ("asset", "/en/products/a.png")),
        ("../a.png", ("asset", "/en/a.png")),
        ("?size=2", ("asset", "/en/products/tee?size=2")),
        ("/a.png?v=1#top", ("asset", "/a.png?v=1")),
        ("//shop.example:8080/a.png", ("asset", "/a.png")),
        ("HTTP://SHOP.example:8080/a.png", ("asset", "/a.png")),
        ("http://shop.example:8080", ("asset", "/")),
        ("https://cdn.example/files/a.png", ("cdn-asset", "/files/a.png")),
        ("https://cdn.example:443/files/a.png", ("cdn-asset", "/files/a.png")),
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
        ("/a b/\u00fc.png", ("asset", "/a%20b/%C3%BC.png")),
        ("/a\tb\n.png", ("asset", "/ab.png")),
        ("\\\\a\\\\b.png", ("asset", "/a/b.png")),
        ("/%zz", ("asset", "/%zz")),
    ],
)
def test_an_address_is_where_a_browser_would_look_for_it(address: str, at: object) -> None:
    assert found(address.replace("\\\\", "\\")) == at


@pytest.mark.parametrize(
    ("base", "at"),
    [
        ("/static/", ("asset", "/static/a.png")),
        ("/static/page.html", ("asset", "/static/a.png")),
        ("https://cdn.example/files/2/", ("cdn-asset", "/files/2/a.png")),
        ("http://evil.example/", {"other_host": 1}),
        ("data:text/plain,", ("asset", "/en/products/a.png")),
    ],
)
def test_a_page_may_say_what_its_addresses_are_relative_to(base: str, at: object) -> None:
    assert found("a.png", base=f"<base href='{base}'>") == at


def test_without_a_cdn_its_assets_are_another_host_s() -> None:
    page = b"<img src=/a><img src=https://cdn.example/files/b><img src=//c.example/c>"
    told = finder(cdn=None).of("/", page)
    assert (told.wanted, told.left_out) == ((("asset", "/a"),), {"other_host": 2})


def test_an_asset_is_wanted_once_a_page() -> None:
    told = finder().of("/", b"<img src=/a><img src='/a#1'><img src=http://shop.example:8080/a>")
    assert told.wanted == (("asset", "/a"),)


def test_a_page_is_read_once_and_again_where_it_differs() -> None:
    addresses = finder()
    page = b"<img src=a>"
    first = addresses.of("/x/y", page)
    assert addresses.of("/x/y?q=1", bytes(bytearray(page))) is first
    assert addresses.of("/z", page).wanted == (("asset", "/en/a"),)
    assert addresses.of("/x/y", page + b" ") is not first


def test_only_so_many_pages_are_kept_and_no_huge_one() -> None:
    addresses = finder()
    for number in range(1000):
        addresses.of("/", b"<img src=/a>%d" % number)
    assert len(addresses._pages) <= 64
    addresses._pages.clear()
    huge = b"<img src=/a>" + b" " * (256 << 10)
    assert addresses.of("/", huge).wanted == (("asset", "/a"),)
    assert addresses._pages == {}
