"""A socket to one of the environment's hosts, the way the load goes: to the pinned addresses, past the proxy."""

import socket
from collections.abc import Sequence

from loadtests.proxy import Proxy, open_tunnel
from scripts.running.reaching import Reach

_TIMEOUT_S = 5.0


def connected(reach: Reach, host: str, port: int) -> socket.socket:
    """Return a connection to the first address that takes one, as the load does; raises OSError."""
    asked_for, proxy = reach.destinations.at(host).asked_for(host), reach.proxy_to(host)
    if proxy is None:
        return _straight(asked_for, port)
    failure = OSError("no address")
    for target in asked_for:
        try:
            return _through(proxy, target, port)
        except OSError as error:
            failure = error
    raise failure


def _straight(addresses: Sequence[str], port: int) -> socket.socket:
    failure = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=_TIMEOUT_S)
        except OSError as error:
            failure = error
    raise failure


def _through(proxy: Proxy, target: str, port: int) -> socket.socket:
    connection = _straight(proxy.addresses, proxy.port)
    try:
        open_tunnel(connection, proxy.opening(target, port))
    except OSError:
        connection.close()
        raise
    return connection
