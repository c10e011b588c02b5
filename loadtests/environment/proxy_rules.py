"""Which hosts of an environment are reached through its proxy, and which of them by a name that only it resolves."""

import socket
from urllib.parse import urlsplit

from loadtests.environment.targets import Environment
from slo.documents import BadInput

# Names of clouds' metadata services (a machine's own credentials); `environment.addresses` refuses their addresses.
_METADATA_NAMES = frozenset(
    {
        # https://cloud.google.com/compute/docs/metadata/querying-metadata
        "metadata.google.internal",
        "metadata.goog",
        # https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
        "instance-data.ec2.internal",
    }
)


def goes_through(environment: Environment, host: str) -> bool:
    """Whether `host` is reached through the environment's proxy."""
    proxy = environment.proxy
    return proxy is not None and host not in {name.lower() for name in proxy.straight}


def resolved_by_proxy(environment: Environment, host: str) -> bool:
    """Whether the proxy alone resolves the name of `host`: its address isn't known here."""
    proxy = environment.proxy
    if proxy is None or not proxy.resolves_names or not goes_through(environment, host):
        return False
    return not is_address(host) and host not in {name.lower() for name in environment.resolve}


def check_proxy(environment: Environment, urls: tuple[str, ...]) -> None:
    """Raise BadInput on what of the environment's `urls` can't go through its proxy as it is declared."""
    if environment.proxy is None:
        return
    hosts = {urlsplit(url).hostname or "" for url in urls}
    for name in environment.proxy.straight:
        if name.lower() not in hosts:
            known = ", ".join(sorted(hosts))
            raise BadInput(f"proxy.straight: {name} is no host of the environment; there are: {known}")
    for url in urls:
        _check_url(environment, url)


def _check_url(environment: Environment, url: str) -> None:
    host = urlsplit(url).hostname or ""
    if resolved_by_proxy(environment, host):
        if host.rstrip(".") in _METADATA_NAMES:
            raise BadInput(f"{url}: is where a cloud keeps its metadata: nothing may be sent there")
    elif url.startswith("http:") and goes_through(environment, host) and not is_address(host):
        raise BadInput(
            f"{url}: over plain http a proxy looks the host up itself, by its name (RFC 9112, 3.2.2), and ignores the"
            " address that was checked here: use https, or the address, or set proxy.resolves_names: true"
            " (and leave it out of resolve)"
        )
    http2 = any(environment.http2_to(label) for label, loaded in environment.loaded.items() if loaded == url)
    if http2 and url.startswith("http:") and goes_through(environment, host):
        raise BadInput(f"{url}: a proxy takes plain http in HTTP/1.1 alone: use https, or leave http_version out")


def is_address(host: str) -> bool:
    """Whether a host is an address, in any form that a resolver takes for one: 127.0.0.1, 127.1, 0x7f000001, ::1."""
    try:
        socket.inet_aton(host.rstrip("."))
    except OSError:
        return ":" in host
    return True
