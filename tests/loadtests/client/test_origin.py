"""Where redirects lead: resolved as RFC 3986 has it, and told when it is elsewhere."""

import pytest

from loadtests.client.origin import Origin

SHOP = Origin.of("http://Shop.test:8080/v1/")

CASES = [
    ("/v1/cart", "/cart"),
    ("/v1/cart?a=b#c", "/cart?a=b"),
    ("next", "/a/next"),
    ("../next", "/next"),
    ("./?x", "/a/?x"),
    ("?page=2", "/a/b?page=2"),
    ("#top", "/a/b?q"),
    ("", "/a/b?q"),
    ("http://shop.test:8080/v1/x", "/x"),
    ("HTTP://SHOP.TEST:8080/v1/x", "/x"),
    ("//shop.test:8080/v1/x", "/x"),
    ("http://shop.test:8080/v1", None),
    ("/cart", None),
    ("../../../etc", None),
    ("http://shop.test/v1/x", None),
    ("https://shop.test:8080/v1/x", None),
    ("http://shop.test:8080.evil.test/v1/x", None),
    ("http://shop.test:8080@evil.test/v1/x", None),
    ("http://evil.test:8080/v1/x", None),
    ("javascript:alert(1)", None),
    ("mailto:a@b", None),
    ("http://[::1", None),
    ("http://a:99999999/", None),
    ("/v1/a b\xe9", "/a%20b%E9"),
    ("/v1/a%20b", "/a%20b"),
    ("/v1/\ta", "/%09a"),
]


@pytest.mark.parametrize(("location", "target"), CASES)
def test_a_redirect_leads_below_the_base_address_or_nowhere(location: str, target: str | None) -> None:
    assert SHOP.target_of(location, "/a/b?q") == target


@pytest.mark.parametrize(
    ("base_url", "authority"),
    [
        ("http://shop.test", "shop.test"),
        ("http://shop.test:80/x", "shop.test"),
        ("https://shop.test:443", "shop.test"),
        ("https://shop.test:80", "shop.test:80"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("https://[::1]", "[::1]"),
    ],
)
def test_the_host_is_said_with_its_port_when_that_is_not_the_usual_one(base_url: str, authority: str) -> None:
    assert Origin.of(base_url).authority == authority


@pytest.mark.parametrize("base_url", ["", "shop.test", "ftp://shop.test", "http://", "http://a:99999999"])
def test_what_is_no_base_address_is_refused(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"base address|Port"):
        Origin.of(base_url)
