"""What an address is decides what may be sent to it, however it is written."""

import pytest

from loadtests.environment.addresses import kind_of, networks, readable, refusal

LINK_LOCAL = "a link-local address, where clouds keep their metadata"
MANY = "a multicast or broadcast address"
NO_HOST = "no address of a host"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.0.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.168.1.1", "private"),
        ("100.64.0.1", "private"),
        ("fd12::1", "private"),
        ("fc00::1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("172.32.0.1", "public"),
        ("93.184.216.34", "public"),
        ("2606:4700::1111", "public"),
        ("::ffff:93.184.216.34", "public"),
        ("64:ff9b::5db8:d822", "public"),
        ("64:ff9b::a00:1", "private"),
        ("2002:a00:1::", "private"),
    ],
)
def test_an_address_is_this_machine_s_one_s_own_or_the_internet_s(text: str, kind: str) -> None:
    assert kind_of(readable(text)) == kind
    assert refusal(readable(text)) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("169.254.169.254", LINK_LOCAL),
        ("169.254.170.2", LINK_LOCAL),
        ("::ffff:169.254.169.254", LINK_LOCAL),
        ("::ffff:a9fe:a9fe", LINK_LOCAL),
        ("64:ff9b::a9fe:a9fe", LINK_LOCAL),
        ("2002:a9fe:a9fe::", LINK_LOCAL),
        ("fe80::1", LINK_LOCAL),
        ("fe80::1%1", LINK_LOCAL),
        ("fd00:ec2::254", "the metadata service of AWS"),
        ("fd20:ce::254", "the metadata service of Google Cloud"),
        ("100.100.100.200", "the metadata service of Alibaba Cloud"),
        ("168.63.129.16", "the metadata service of Azure"),
        ("::ffff:168.63.129.16", "the metadata service of Azure"),
        ("224.0.0.1", MANY),
        ("239.255.255.250", MANY),
        ("ff02::1", MANY),
        ("255.255.255.255", MANY),
        ("0.0.0.0", NO_HOST),  # noqa: S104 - to be refused
        ("0.1.2.3", NO_HOST),
        ("::", NO_HOST),
        ("::ffff:0.0.0.0", NO_HOST),
        ("240.0.0.1", "a reserved address"),
    ],
)
def test_nothing_is_sent_where_no_shop_can_be(text: str, why: str) -> None:
    assert refusal(readable(text)) == why


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "1.2.3.4.5", "[::1]"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be an IPv4 or IPv6 address$"):
        readable(text)


def test_networks_hold_addresses_of_their_own_version_only() -> None:
    (four, six) = networks(("10.0.0.0/8", "fd00::/8"))
    assert (readable("10.1.2.3") in four, readable("11.0.0.1") in four, readable("fd12::1") in six) == (
        True,
        False,
        True,
    )
    assert readable("fd12::1") not in four
