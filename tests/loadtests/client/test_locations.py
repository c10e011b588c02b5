"""Redirects and links lead to a declared host, as browsers resolve them, or nowhere, and that is counted."""

import pytest

from loadtests.client.locations import MAX_NAMES, OTHERS, Locations, UndeclaredHostError
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
    ("\\v1\\login", "/login"),  # WHATWG URL, 4.4
    ("/v1/x/%2e%2E/y", "/y"),
]


@pytest.mark.parametrize(("location", "target"), CASES)
def test_a_redirect_leads_below_the_base_address_or_nowhere(location: str, target: str | None) -> None:
    if target is None:
        with pytest.raises(ValueError):  # noqa: PT011 - whatever is said of it
            SHOP.redirect(location, None, "/a/b?q")
    else:
        assert SHOP.redirect(location, None, "/a/b?q") == (None, target)


URLS: dict[str | None, str] = {
    None: "http://shop.test:8080/v1",
    "login": "https://login.shop.test/sso",
    "pay": "https://pay.example",
    "idn": "https://xn--bcher-kva.example",
}


def several() -> Locations:
    return Locations({label: Origin.of(url) for label, url in URLS.items()})


@pytest.mark.parametrize(
    ("url", "host", "path", "place"),
    [
        ("https://login.shop.test/sso/authorize?a=b#c", None, "/", ("login", "/authorize?a=b")),
        ("HTTPS://LOGIN.shop.test.:443/sso/x", None, "/", ("login", "/x")),
        (r"https:\\login.shop.test\sso\x", None, "/", ("login", "/x")),
        (" \thttps://pay.example\n", None, "/", ("pay", "/")),
        ("next", "login", "/a/b", ("login", "/a/next")),
        ("/sso/next", "login", "/a/b", ("login", "/next")),
        ("//pay.example/x", "login", "/a", ("pay", "/x")),
        ("http://shop.test:8080/v1/back?code=1", "login", "/a", (None, "/back?code=1")),
        ("https://user:pw@pay.example/x", None, "/", ("pay", "/x")),
        ("https://b\xfccher.example/x", None, "/", ("idn", "/x")),
        ("https://xn--bcher-kva.example/x", None, "/", ("idn", "/x")),
    ],
)
def test_an_address_leads_to_the_declared_host_that_holds_it(
    url: str, host: str | None, path: str, place: tuple[str | None, str]
) -> None:
    locations = several()
    assert locations.locate(url, host, path) == place
    assert locations.undeclared == {}


@pytest.mark.parametrize("url", ["https://login.shop.test/other", "javascript:void(0)", "mailto:a@b", "https://[", ""])
def test_what_is_above_a_host_s_path_or_no_address_leads_nowhere_and_is_no_host(url: str) -> None:
    locations = several()
    if url:
        with pytest.raises(ValueError, match="not"):
            locations.locate(url, None, "/")
    else:
        assert locations.locate(url, None, "/x") == (None, "/x")
    assert locations.undeclared == {}


def test_a_host_that_is_not_declared_is_named_by_its_origin_and_counted() -> None:
    locations = several()
    urls = ["https://fonts.example/a", "//fonts.example:8443/b", "https://shop.test/v1/x", "http://pay.example/"]
    for url in [*urls, urls[0]]:
        with pytest.raises(UndeclaredHostError) as error:
            locations.locate(url, "pay", "/")
    assert str(error.value) == ("https://fonts.example isn't declared; declare it under hosts to let sessions go there")
    assert locations.at_root.undeclared is locations.undeclared
    assert locations.undeclared == {
        "https://fonts.example": 2, "https://fonts.example:8443": 1, "https://shop.test": 1, "http://pay.example": 1,
    }  # fmt: skip


def test_a_shop_that_makes_names_up_fills_no_memory() -> None:
    locations = several()
    for number in range(3 * MAX_NAMES):
        with pytest.raises(UndeclaredHostError):
            locations.locate(f"https://h{number}.example/", None, "/")
    assert len(locations.undeclared) == MAX_NAMES + 1
    assert locations.undeclared[OTHERS] == 2 * MAX_NAMES


def test_a_request_leaves_its_page_s_site_by_scheme_and_registrable_domain() -> None:
    urls = {
        None: "https://www.shop.co.uk", "login": "https://login.shop.co.uk:8443", "other": "https://other.co.uk",
        "plain": "http://shop.co.uk", "near": "http://127.0.0.1:1", "beside": "http://127.0.0.1:2",
        "far": "http://127.0.0.2:1",
    }  # fmt: skip
    locations = Locations({label: Origin.of(url) for label, url in urls.items()})
    together = {
        frozenset({page, host}) for page in urls for host in urls if page != host and not locations.crosses(page, host)
    }
    assert together == {frozenset({None, "login"}), frozenset({"near", "beside"})}
