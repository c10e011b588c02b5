"""One shopper's cookies over several hosts are kept and sent as a browser does (RFC 6265bis)."""

import pytest

from loadtests.client.cookies import MAX_COOKIES, Crossing, HostCookies, Jar

NOW = 1_800_000_000.0
CROSSINGS: tuple[Crossing | None, ...] = (None, "navigation", "post", "subresource")


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


def jar() -> Jar:
    return Jar(Clock())


def over_tls(one: Jar, host: str) -> HostCookies:
    return one.at(host, secure=True)


@pytest.mark.parametrize(
    ("domain", "there"),
    [
        ("", {"www.shop.co.uk"}),  # of its host alone
        ("; Domain=www.shop.co.uk", {"www.shop.co.uk", "a.www.shop.co.uk"}),
        (
            "; Domain=.shop.co.uk",
            {"www.shop.co.uk", "a.www.shop.co.uk", "xwww.shop.co.uk", "login.shop.co.uk", "shop.co.uk"},
        ),
        ("; Domain=co.uk", set()),  # a public suffix
        ("; Domain=uk", set()),
        ("; Domain=login.shop.co.uk", set()),
        ("; Domain=a.www.shop.co.uk", set()),
    ],
)
def test_a_cookie_goes_to_its_host_or_to_all_below_its_domain(domain: str, there: set[str]) -> None:
    one = jar()
    over_tls(one, "www.shop.co.uk").keep([f"a=b{domain}"], "/")
    hosts = ["www.shop.co.uk", "a.www.shop.co.uk", "login.shop.co.uk", "shop.co.uk", "other.co.uk", "xwww.shop.co.uk"]
    assert {host for host in hosts if over_tls(one, host).pairs("/")} == there


def test_a_host_that_is_a_public_suffix_or_an_address_has_cookies_of_its_own_alone() -> None:
    one = jar()
    for host in ("localhost", "github.io", "127.0.0.1", "shop"):
        over_tls(one, host).keep([f"a={host}; Domain={host}"], "/")
    hosts = ("localhost", "github.io", "127.0.0.1", "shop", "a.localhost", "me.github.io", "7.127.0.0.1", "a.shop")
    assert [over_tls(one, host).pairs("/") for host in hosts] == [f"a={host}" for host in hosts[:4]] + [""] * 4


def test_one_host_s_change_is_seen_by_the_others_at_once() -> None:
    one = jar()
    shop, login = over_tls(one, "shop.test"), over_tls(one, "login.shop.test")
    shop.keep(["sid=1; Domain=shop.test; Path=/"], "/")
    assert (shop.pairs("/"), login.pairs("/x"), login.pairs("/x")) == ("sid=1",) * 3
    login.keep(["sid=2; Domain=shop.test; Path=/", "own=3; Path=/"], "/")
    assert (shop.pairs("/"), login.pairs("/x")) == ("sid=2", "sid=2; own=3")
    shop.keep(["sid=; Domain=shop.test; Path=/; Max-Age=0"], "/")
    assert (shop.pairs("/"), login.pairs("/x")) == ("", "own=3")


def test_what_is_secure_goes_over_tls_alone_and_is_overwritten_by_no_plain_host() -> None:
    one = jar()
    secure, plain = one.at("shop.test", secure=True), one.at("shop.test", secure=False)
    secure.keep(["sid=1; Secure; Domain=shop.test; Path=/", "open=1; Path=/"], "/")
    assert (secure.pairs("/"), plain.pairs("/")) == ("sid=1; open=1", "open=1")
    below = one.at("a.shop.test", secure=False)
    plain.keep(["sid=evil; Path=/", "sid=evil; Domain=shop.test; Path=/x", "open=2; Path=/"], "/")
    below.keep(["sid=evil; Domain=shop.test; Path=/"], "/")
    assert secure.pairs("/x") == "sid=1; open=2"


SAME_SITE: list[tuple[str, list[Crossing | None]]] = [
    ("; SameSite=Strict", [None]),
    ("; SameSite=Lax", [None, "navigation"]),
    ("; SameSite=None; Secure", [None, "navigation", "post", "subresource"]),
    ("", [None, "navigation", "post"]),  # for two minutes
    ("; SameSite=odd", [None, "navigation", "post"]),
    ("; SameSite=None", []),  # without Secure there is none such
]


@pytest.mark.parametrize(("attribute", "goes"), SAME_SITE, ids=[case[0] for case in SAME_SITE])
def test_what_leaves_its_page_s_site_takes_what_same_site_allows(attribute: str, goes: list[Crossing | None]) -> None:
    one = over_tls(jar(), "shop.test")
    one.keep([f"a=b; Path=/{attribute}"], "/")
    assert [crossing for crossing in CROSSINGS if one.pairs("/", crossing)] == goes


def test_after_two_minutes_a_cookie_without_the_attribute_is_lax() -> None:
    clock = Clock()
    one = Jar(clock).at("shop.test", secure=True)
    one.keep(["a=b; Path=/"], "/")
    clock.now = NOW + 119
    assert one.pairs("/", "post") == "a=b"
    clock.now = NOW + 120
    assert (one.pairs("/", "post"), one.pairs("/", "navigation")) == ("", "a=b")


def test_a_part_of_another_site_s_page_sets_what_may_go_there_and_nothing_else() -> None:
    one = over_tls(jar(), "cdn.test")
    told = ["lax=1; Path=/; SameSite=Lax", "odd=1; Path=/", "none=1; Path=/; SameSite=None; Secure"]
    one.keep(told, "/", "subresource")
    assert one.pairs("/") == "none=1"
    one.keep(told, "/", "post")
    assert one.pairs("/") == "none=1; lax=1; odd=1"


def test_a_host_prefix_is_for_one_host() -> None:
    one = jar()
    shop = over_tls(one, "shop.test")
    shop.keep(["__Host-a=1; Secure; Path=/", "__Host-b=1; Secure; Path=/; Domain=shop.test"], "/")
    assert (shop.pairs("/"), over_tls(one, "a.shop.test").pairs("/")) == ("__Host-a=1", "")


def test_each_domain_has_a_bound_of_its_own() -> None:
    one = jar()
    first, second = over_tls(one, "a.test"), over_tls(one, "b.test")
    first.keep(["kept=1; Path=/"], "/")
    second.keep([f"c{number}=x; Path=/" for number in range(MAX_COOKIES + 5)], "/")
    assert (first.pairs("/"), len(second.pairs("/").split("; "))) == ("kept=1", MAX_COOKIES)
