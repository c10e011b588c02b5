"""What a network address is, and which may never be loaded: pure policy, no look-up."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

Kind = Literal["loopback", "private", "public"]
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# Where a cloud's machine asks for its own credentials: to send load, or a shop's redirect, there gives them away.
# Those within 169.254.0.0/16 (AWS, Azure, Google, Oracle) are link-local and refused as that.
METADATA: Mapping[Address, str] = {
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
    ip_address("fd00:ec2::254"): "AWS",
    # https://cloud.google.com/compute/docs/metadata/querying-metadata
    ip_address("fd20:ce::254"): "Google Cloud",
    # https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata
    ip_address("100.100.100.200"): "Alibaba Cloud",
    # https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
    ip_address("168.63.129.16"): "Azure",
}
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052
_BROADCAST = IPv4Address("255.255.255.255")


def readable(text: str) -> Address:
    """Return the address that `text` is; raises ValueError."""
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError("must be an IPv4 or IPv6 address") from None


def innermost(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for (mapped, 6to4, Teredo, NAT64), else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    teredo = address.teredo
    inner = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
    if inner is None and address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address


def kind_of(address: Address) -> Kind:
    """Return whether an address is this machine, a network of one's own, or the internet."""
    inner = innermost(address)
    if inner.is_loopback:
        return "loopback"
    return "public" if inner.is_global else "private"


def refusal(address: Address) -> str | None:
    """Return why nothing may be sent to `address`, None when something may."""
    inner = innermost(address)
    for one in (inner, address):
        if one in METADATA:
            return f"the metadata service of {METADATA[one]}"
        if one.is_link_local:
            return "a link-local address, where clouds keep their metadata"
        if one.is_multicast or one == _BROADCAST:
            return "a multicast or broadcast address"
        if one.is_unspecified or (isinstance(one, IPv4Address) and one in IPv4Network("0.0.0.0/8")):
            return "no address of a host"
    return "a reserved address" if inner.is_reserved and not inner.is_loopback else None


def networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Return the networks that `texts` are, each in CIDR notation."""
    return tuple(ip_network(text) for text in texts)
