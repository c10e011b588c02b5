"""An address has one normal form, a host one spelling, and neither shows a secret whatever is wrong with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.web_addresses import joined, normal, normal_host, parts_of, without_dots, without_secrets


@pytest.mark.parametrize(
    ("address", "is_normal"),
    [
        ("HTTP://Shop.TEST", "http://shop.test"),  # RFC 3986, 6.2.2.1
        ("http://shop.test:80/a", "http://shop.test/a"),  # RFC 3986, 6.2.3
        ("https://shop.test:443", "https://shop.test"),
        ("https://shop.test:80", "https://shop.test:80"),
        ("http://shop.test/a/./b/../c", "http://shop.test/a/c"),  # RFC 3986, 5.2.4
        ("http://shop.test/a/%2E%2e/b?x#y", "http://shop.test/b?x#y"),
        ("http://2852039166", "http://169.254.169.254"),  # inet_aton
        ("http://0xA9.0376.43518", "http://169.254.169.254"),
        ("http://127.1:8080", "http://127.0.0.1:8080"),
        ("http://[::FFFF:7F00:1]", "http://[::ffff:127.0.0.1]"),
    ],
)
def test_an_address_has_one_normal_form(address: str, is_normal: str) -> None:
    assert normal(address).replace("::ffff:7f00:1", "::ffff:127.0.0.1") == is_normal
    assert normal(normal(address)) == normal(address)


@pytest.mark.parametrize(
    ("host", "is_normal"),
    [
        ("BÜCHER.example", "xn--bcher-kva.example"),  # UTS46
        ("b%C3%BCcher.example", "xn--bcher-kva.example"),  # WHATWG URL, 3.5: percent-decoded first
        ("faß.example", "xn--fa-hia.example"),  # not transitional
        ("shop。example", "shop.example"),
        ("☃.example", "xn--n3h.example"),
    ],
)
def test_a_name_in_unicode_is_the_same_host_as_in_ascii(host: str, is_normal: str) -> None:
    assert normal_host(host) == is_normal


@pytest.mark.parametrize("host", ["", "a b", "a%00b", "a%2Fb", "1.2.3.4.5", "256.256.256.256", "0x", "a:b", "a<b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match=r"host|IPv6|Address|octet|:|permitted"):
        normal_host(host)


@pytest.mark.parametrize(
    ("address", "leads_to"),
    [
        ("\\login", "https://shop.test/login"),  # WHATWG URL, 4.4
        ("/lo\tg\nin", "https://shop.test/login"),
        ("\\\\evil.test\\x", "https://evil.test/x"),
        ("///evil.test/x", "https://evil.test/x"),
        ("https:/login", "https://shop.test/login"),  # 4.4, special relative or authority state
        ("https:\\login", "https://shop.test/login"),
        ("https:\\/evil.test", "https://evil.test/"),
        ("http:/evil.test", "http://evil.test/"),
        ("https:next", "https://shop.test/shop/next"),
        ("http:next", "http://next/"),
        ("https://BÜCHER.example:443/é?é", "https://xn--bcher-kva.example/%C3%A9?%C3%A9"),
        ("../%2e%2E/x", "https://shop.test/x"),
        ("?a='b'|c", "https://shop.test/shop/a?a=%27b%27|c"),
        ("a\\b?c\\d#e", "https://shop.test/shop/a/b?c\\d"),
        ("\x00 x ", "https://shop.test/shop/x"),
        ("mailto:a@b", None),
        ("", "https://shop.test/shop/a?q"),
    ],
)
def test_an_address_that_a_page_names_leads_where_a_browser_goes(address: str, leads_to: str | None) -> None:
    assert joined("https://shop.test/shop/a?q", address) == leads_to


@given(st.text(max_size=60))
def test_whatever_a_page_names_is_an_address_none_or_refused(address: str) -> None:
    try:
        found = joined("https://shop.test/a/b", address)
    except ValueError:
        return
    assert found is None or (found.isascii() and found.isprintable() and "/../" not in found.partition("?")[0])


@given(st.lists(st.sampled_from(["a", ".", "..", "%2e", ".%2E", ""]), max_size=8))
def test_no_dot_segment_is_left(segments: list[str]) -> None:
    plain = without_dots("/" + "/".join(segments))
    assert plain[:1] == "/"
    assert not {".", "..", "%2e", ".%2E"} & set(plain.split("/"))


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://u:hunter2@h:99999x/", "http://***@h:***/"),
        ("http://h:hunter2/x", "http://h:***/x"),
        ("http://[::1]:8080/x?y=z", "http://[::1]:8080/x?y=z"),
        ("u:hunter2@h", "***@h"),
        ("http://u:a/hunter2@h", "http://***@h"),
        ("/version?a?key?b=hunter2", "/version?a?key?b=***"),
        ("/version?TOKEN=hunter2&x=1;api_key=hunter2#y", "/version?TOKEN=***&x=1;api_key=***#y"),
    ],
)
def test_an_address_is_shown_without_its_secrets(address: str, shown: str) -> None:
    assert without_secrets(address) == shown


@pytest.mark.parametrize("part", ["?", "?key", "/", "&key?", "//h:", "?key=a@", "&"])
def test_an_address_of_a_mebibyte_is_shown_in_time_that_grows_with_it_alone(part: str) -> None:
    address = "a:" + part * ((1 << 20) // len(part))
    assert ("***" in without_secrets(address)) is ("=" in part)


@pytest.mark.parametrize("address", ["http://[", "//]", "h://[>", "http://[::1"])
def test_what_is_no_address_has_no_parts(address: str) -> None:
    assert not any(parts_of(address))
    assert parts_of("https://shop.example/a?b").path == "/a"
