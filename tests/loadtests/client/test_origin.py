"""A base address is read, or refused."""

import pytest

from loadtests.client.origin import Origin


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
