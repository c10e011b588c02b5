"""How long the shop's certificate is good for: one TLS handshake, nothing is asked."""

import socket
import ssl
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from loadtests.proxy import Proxy, open_tunnel
from loadtests.tls import context_of
from scripts.checkup.lines import Line, ok, wrong
from scripts.running.reaching import Reach

_TIMEOUT_S = 5.0
_SOON_DAYS = 14
_DAY_S = 86_400
_EXPIRED = 10  # OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED
_HOURS_BELOW_DAYS = 3


def certificate(reach: Reach) -> Line | None:
    """Return what its certificate says, None when the shop isn't reached over TLS."""
    parts = urlsplit(reach.environment.base_url)
    if parts.scheme != "https":
        return None
    host = parts.hostname or ""
    try:
        days = _days_left(reach, host, parts.port or 443)
    except ssl.SSLCertVerificationError as error:
        if error.verify_code == _EXPIRED:
            return wrong("TLS", "the certificate has expired", "renew it before the run")
        return wrong("TLS", f"the certificate isn't trusted: {error.verify_message}", "mend it, or name its CA in `ca`")
    except OSError as error:
        return wrong("TLS", f"no handshake: {error.strerror or error}", "see what listens there")
    if days < _SOON_DAYS:
        return wrong("TLS", f"the certificate ends in {_in_words(days)}", "renew it before the run")
    return ok("TLS", f"the certificate is trusted, for {_in_words(days)} yet")


def _in_words(days: float) -> str:
    return f"{days:.0f} days" if days >= _HOURS_BELOW_DAYS else f"{days * 24:.0f} hours"


def _days_left(reach: Reach, host: str, port: int) -> float:
    with (
        _connected(reach, host, port) as plain,
        context_of(reach.environment).wrap_socket(plain, server_hostname=host) as secure,
    ):
        told = secure.getpeercert() or {}
    return (ssl.cert_time_to_seconds(str(told["notAfter"])) - time.time()) / _DAY_S


def _connected(reach: Reach, host: str, port: int) -> socket.socket:
    """Return a connection to the first address that takes one, as the load does; raises OSError."""
    failure = OSError("no address")
    asked_for, proxy = reach.destinations.at(host).asked_for(host), reach.proxy_to(host)
    for target in asked_for:
        try:
            return _straight((target,), port) if proxy is None else _through(proxy, target, port)
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
