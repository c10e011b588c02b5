"""Cookies go where RFC 6265 lets them go, and no further."""

from collections.abc import Iterator

import pytest

from loadtests.client.cookies import MAX_COOKIES, HostCookies, Jar, date, default_path
from loadtests.client.interface import Request
from tests.loadtests.client.shoppers import GET, TRACEPARENT, Connect, Serve, every_transport, in_turn, scripted
from tests.loadtests.hostile_server import reply
from tests.loadtests.replies import Untimed

NOW = 1_800_000_000.0


def jar(host: str = "www.shop.test", *, secure: bool = True) -> HostCookies:
    return Jar(lambda: NOW).at(host, secure=secure)


# What is told at /shop/cart?x=/a/b, which path is asked for next, and what goes with it.
CASES: list[tuple[str, str, str, str]] = [
    ("the least", "a=b", "/shop/", "a=b"),
    ("spaces around", "  a =  b  ; x", "/shop/", "a=b"),
    ("an equals sign within", "a=b=c", "/shop/", "a=b=c"),
    ("quotes stay", 'a="b c"', "/shop/", 'a="b c"'),
    ("an empty value", "a=", "/shop/", "a="),
    ("no name", "a", "/shop/", "a"),  # 6265bis, 5.6 and 5.8.3
    ("an empty name", "=b", "/shop/", "b"),
    ("neither name nor value", " = ; Path=/", "/shop/", ""),
    ("no name, and a prefix", "__Host-a", "/shop/", ""),
    ("no name, and a prefix in the value", "=__secure-a=b", "/shop/", ""),
    ("a control character", "a=b\x01c", "/shop/", ""),
    ("a tab within", "a=b\tc", "/shop/", "a=b\tc"),  # 6265bis, 5.6: no control character here
    ("Latin-1", "a=\xe9", "/shop/", "a=\xe9"),
    ("UTF-8", "a=\xc3\xa0", "/shop/", "a=\xc3\xa0"),
    ("a control character in an attribute", "a=b; x=\x7f", "/shop/", ""),
    ("the default path covers its folder", "a=b", "/shop", "a=b"),
    ("and what lies below", "a=b", "/shop/x/y", "a=b"),
    ("not what only begins like it", "a=b", "/shopping", ""),
    ("not what lies above", "a=b", "/", ""),
    ("a path of its own", "a=b; Path=/", "/", "a=b"),
    ("a path with a slash at its end", "a=b; path=/x/", "/x/y", "a=b"),
    ("which is not the path without", "a=b; path=/x/", "/x", ""),
    ("a path that is none", "a=b; Path=x", "/shop/", "a=b"),
    ("the last path counts", "a=b; Path=/x; Path=/y", "/y", "a=b"),
    ("the query is no path", "a=b; Path=/x", "/y?/x", ""),
    ("a query behind the path", "a=b; Path=/x", "/x?y", "a=b"),
    ("the host's own domain", "a=b; Domain=www.shop.test", "/shop/", "a=b"),
    ("in capitals, with a dot", "a=b; DOMAIN=.WWW.Shop.Test", "/shop/", "a=b"),
    ("the domain above", "a=b; Domain=shop.test", "/shop/", "a=b"),
    ("the domain of all", "a=b; Domain=test", "/shop/", ""),
    ("that with a dot", "a=b; Domain=.test", "/shop/", ""),
    ("a domain below", "a=b; Domain=x.www.shop.test", "/shop/", ""),
    ("another domain", "a=b; Domain=evil.test", "/shop/", ""),
    ("a domain that ends alike", "a=b; Domain=hop.test", "/shop/", ""),
    ("an empty domain", "a=b; Domain=", "/shop/", "a=b"),
    ("a dot for a domain", "a=b; Domain=.", "/shop/", "a=b"),
    ("Secure over TLS", "a=b; Secure", "/shop/", "a=b"),
    ("a week to live", "a=b; Max-Age=604800", "/shop/", "a=b"),
    ("no time to live", "a=b; Max-Age=0", "/shop/", ""),
    ("less than none", "a=b; Max-Age=-1", "/shop/", ""),
    ("Max-Age before Expires", "a=b; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/shop/", "a=b"),
    ("an age that is none", "a=b; Max-Age=soon", "/shop/", "a=b"),
    ("an end long ago", "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "/shop/", ""),
    ("an end to come", "a=b; Expires=Wed, 21 Oct 2099 07:28:00 GMT", "/shop/", "a=b"),
    ("an end that is none", "a=b; Expires=soon", "/shop/", "a=b"),
    ("__Secure- as it should be", "__Secure-a=b; Secure", "/shop/", "__Secure-a=b"),
    ("__Secure- without Secure", "__Secure-a=b", "/shop/", ""),
    ("__Host- as it should be", "__Host-a=b; Secure; Path=/", "/shop/", "__Host-a=b"),
    ("__host- in small letters", "__host-a=b; Path=/", "/shop/", ""),
    ("__Host- with a path", "__Host-a=b; Secure; Path=/shop", "/shop/", ""),
    ("__Host- with a domain", "__Host-a=b; Secure; Path=/; Domain=www.shop.test", "/shop/", ""),
    ("one too large", "a=" + "b" * 4096, "/shop/", ""),
    ("one that just fits", "a=" + "b" * 4095, "/shop/", "a=" + "b" * 4095),
    ("an attribute too large", "a=b; Path=/" + "x" * 1024, "/shop/", "a=b"),
]


@pytest.mark.parametrize(("told", "path", "sent"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_cookie_goes_where_it_should(told: str, path: str, sent: str) -> None:
    one = jar()
    one.keep([told], "/shop/cart?x=/a/b")
    assert one.pairs(path) == sent
    assert one.pairs(path) == sent  # the second time it is known


@pytest.mark.parametrize("told", ["a=b; Secure", "__Secure-a=b; Secure", "__Host-a=b; Secure; Path=/"])
def test_what_is_secure_has_no_place_without_tls(told: str) -> None:
    one = jar(secure=False)
    one.keep([told, "c=d"], "/")
    assert one.pairs("/") == "c=d"


@pytest.mark.parametrize(("host", "domain"), [("127.0.0.1", "0.0.1"), ("::1", ":1"), ("10.0.0.1", "0.1")])
def test_an_address_has_no_domain_above(host: str, domain: str) -> None:
    one = jar(host)
    one.keep([f"a=b; Domain={domain}", f"c=d; Domain={host}", "e=f"], "/")
    assert one.pairs("/") == "c=d; e=f"


def test_a_cookie_is_renewed_in_its_place_and_told_apart_by_domain_and_path() -> None:
    one = jar()
    one.keep(["a=1; Path=/", "b=2; Path=/"], "/")
    one.keep(["a=3; Path=/", "a=4; Path=/x", "a=5; Path=/; Domain=shop.test"], "/")
    assert one.pairs("/") == "a=3; b=2; a=5"
    assert one.pairs("/x") == "a=4; a=3; b=2; a=5"


def test_an_end_forgets_only_the_cookie_that_it_names() -> None:
    one = jar()
    one.keep(["a=1; Path=/", "a=2; Path=/x", "b=3; Path=/"], "/")
    one.keep(["a=; Path=/; Max-Age=0", "never=; Path=/; Max-Age=0"], "/")
    assert one.pairs("/x") == "a=2; b=3"


def test_a_cookie_ends_when_its_time_is_over() -> None:
    clock: Iterator[float] = iter([NOW, NOW, NOW, NOW + 9, NOW + 10])
    one = Jar(lambda: next(clock)).at("shop.test", secure=False)
    one.keep(["a=b; Max-Age=10"], "/")
    assert [one.pairs("/"), one.pairs("/"), one.pairs("/")] == ["a=b", "a=b", ""]


def test_there_is_a_bound_and_the_oldest_goes_first() -> None:
    one = jar()
    one.keep([f"c{number}=x; Path=/" for number in range(MAX_COOKIES + 2)], "/")
    one.keep([f"c{MAX_COOKIES}=y; Path=/"], "/")  # renewing one drives none out
    pairs = one.pairs("/").split("; ")
    assert (len(pairs), pairs[0], pairs[-2]) == (MAX_COOKIES, "c2=x", f"c{MAX_COOKIES}=y")


def test_what_is_kept_for_a_path_is_right_and_bounded_however_many_there_are() -> None:
    one = jar()
    one.keep(["all=1; Path=/", "mine=2; Path=/p0"], "/")
    for _ in range(2):
        pairs = [one.pairs(f"/p{number}") for number in range(3 * MAX_COOKIES)]
        assert pairs == ["mine=2; all=1", *["all=1"] * (3 * MAX_COOKIES - 1)]
        assert 0 < len(one._lines) <= MAX_COOKIES


@pytest.mark.parametrize(
    ("target", "path"), [("/", "/"), ("/a", "/"), ("/a/b", "/a"), ("/a/b/", "/a/b"), ("/a?b/c", "/"), ("a/b", "/")]
)
def test_the_default_path_is_the_folder(target: str, path: str) -> None:
    assert default_path(target) == path


@pytest.mark.parametrize(
    "text",
    [
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wednesday, 21-Oct-15 07:28:00 GMT",
        "Wed Oct 21 07:28:00 2015",
        "Wed, 21-Oct-2015 07:28:00 UTC",
        "07:28:00 21 October 2015",
    ],
)
def test_a_date_may_be_worded_in_many_ways(text: str) -> None:
    assert date(text) == 1445412480.0


@pytest.mark.parametrize(
    "text", ["", "soon", "Wed, 21 Oct 2015", "32 Oct 2015 07:28:00", "21 Oct 2015 25:00:00", "1:1:1"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert date(text) is None


def test_years_of_two_digits_are_of_the_last_century_from_70_on() -> None:
    assert [date("1 Jan 70 00:00:00"), date("1 Jan 69 00:00:00")] == [0.0, 3124224000.0]


# -- through the client -------------------------------------------------------------------------------------------


def test_cookies_follow_paths_below_the_base_address(serve: Serve, connect: Connect) -> None:
    server = serve(reply(headers=("Set-Cookie: all=1; Path=/", "Set-Cookie: mine=2", "Set-Cookie: other=3; Path=/b")))
    client = connect(f"{server.url}/shop")
    paths = ("/a/b", "/a/c", "/d")
    assert [client.send(Request("home", "GET", path), TRACEPARENT).error for path in paths] == [None] * 3
    assert [seen.headers.get("cookie") for seen in server.seen] == [None, "mine=2; all=1", "all=1"]


def test_the_environment_s_own_cookie_goes_before_the_shopper_s(serve: Serve, connect: Connect) -> None:
    server = serve(reply(headers=("Set-Cookie: sid=one",)))
    client = connect(server.url, headers={"Cookie": "staging=yes"})
    assert [client.send(GET, TRACEPARENT).error for _ in range(2)] == [None, None]
    assert [seen.headers.get("cookie") for seen in server.seen] == ["staging=yes", "staging=yes; sid=one"]


def test_a_cookie_of_a_reply_that_failed_is_kept_too() -> None:
    data = b"HTTP/1.1 500 X\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"
    client, connection = scripted([data, data])
    assert client.send(GET, TRACEPARENT) == Untimed(500, error="http_5xx")
    client.send(GET, TRACEPARENT)
    assert [b"\r\nCookie: a=b\r\n" in words for words in connection.sent] == [False, True]


@every_transport
def test_cookies_go_back_as_the_bytes_that_came(serve: Serve, connect: Connect, transport: str) -> None:
    """RFC 6265, 5.2 and 5.4; 6265bis, 5.8.3: in UTF-8, in Latin-1, without a name."""
    values = ("a=caf\xc3\xa9\xa0", "b=caf\xe9", "nameless")
    with_cookies = reply(headers=tuple(f"Set-Cookie: {one}; Path=/" for one in values))
    answers = [with_cookies, reply()]
    server = serve(in_turn(*answers))
    client = connect(server.url)
    assert [client.send(GET, TRACEPARENT).error for _ in range(2)] == [None, None]
    sent = "; ".join(values)
    came = sent if transport == "h1" else sent.encode().decode("latin-1")  # that server writes texts in UTF-8
    assert server.seen[-1].headers["cookie"] == came
