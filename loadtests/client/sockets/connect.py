"""Opens a connection, directly or through the environment's proxy (CONNECT), with TLS if the origin has it."""

from socket import AF_INET, AF_INET6
from ssl import SSLContext

from loadtests.client.errors import word_of
from loadtests.client.origin import Origin
from loadtests.client.sockets.connection import Connection, Opened, SocketAddress
from loadtests.client.sockets.tls_connection import TlsConnection
from loadtests.environment.proxy import Answer, Proxy, ProxyError

Route = tuple[SocketAddress, bytes | None]
"""A socket address, and the CONNECT request to send there first: b"" for none, None without a proxy."""
_LACKING = frozenset({"no_descriptor", "no_port"})


def socket_address(address: str, port: int) -> SocketAddress:
    """Return an address as a socket wants it."""
    return (AF_INET6, (address, port, 0, 0)) if ":" in address else (AF_INET, (address, port))


def routes(proxy: Proxy, origin: Origin, asked_for: tuple[str, ...]) -> tuple[Route, ...]:
    """Return where to connect to and what to send there first, in the order of trying.

    Nothing is sent first for an origin over plain http: each request names it (RFC 9112, 3.2.2).
    """
    openings = [proxy.opening(host, origin.port) for host in asked_for] if origin.secure else [b""]
    return tuple((socket_address(address, proxy.port), opening) for opening in openings for address in proxy.addresses)


def opened_by(connection: Opened, route: Route, tls: SSLContext | None = None, name: str = "") -> Opened:
    """Connect, handshake with the server called `name` over TLS, and return the connection; on failure close it.

    Raises OSError and ProtocolError.
    """
    try:
        _connect(connection, route)
        if isinstance(connection, TlsConnection) and tls is not None:
            connection.shake_hands(tls, name)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(connection: Connection, route: Route) -> None:
    """Connect; through a proxy also have it open the tunnel, if one is wanted. Raises OSError.

    A failure at the proxy is a ProxyError, because the shop got nothing yet; a lack of this machine stays what it is.
    """
    (_, address), opening = route
    if opening is None:
        connection.connect(address)
        return
    try:
        connection.connect(address)
        if not opening:
            return
        answer = Answer()
        Connection.send(connection, opening)  # in the clear: TLS is spoken through the tunnel, not to the proxy
        while not answer.feed(Connection.receive(connection)):
            pass
    except ProxyError:
        raise
    except OSError as error:
        if word_of(error) in _LACKING:
            raise
        raise ProxyError(error.strerror or str(error) or type(error).__name__) from error
