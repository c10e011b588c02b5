"""Redirects and links lead to a declared host, as browsers resolve them, or nowhere, and that is counted."""

import pytest

from loadtests.client.locations import Locations
from loadtests.client.origin import Origin

SHOP = Locations({None: Origin.of("http://Shop.test:8080/v1/")})

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
    ("/v1/\ta", "/a"),
]


@pytest.mark.parametrize(("location", "target"), CASES)
def test_a_redirect_leads_below_the_base_address_or_nowhere(location: str, target: str | None) -> None:
    if target is None:
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is said of it
            SHOP.redirect(location, None, "/a/b?q")
    else:
        assert SHOP.redirect(location, None, "/a/b?q") == (None, target)
