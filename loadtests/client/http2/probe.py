"""Whether the shop speaks what the environment says: for HTTP/2 one connection and one greeting, nothing is asked."""

import socket
import ssl
from contextlib import ExitStack
from urllib.parse import urlsplit

from loadtests.client.http2.frames import FIRST_WINDOW, HEAD_SIZE, SETTINGS, greeting
from loadtests.environment.proxy import ProxyError
from loadtests.environment.resolved_environment import ResolvedEnvironment, connect
from loadtests.environment.targets import Environment
from loadtests.environment.tls import context_of
from slo.outcomes import EnvironmentLacks

_KIND_AT = 3  # of a frame's head


def check_spoken(reach: ResolvedEnvironment) -> None:
    """Raise EnvironmentLacks when `http_version` says 2 and the shop or its CDN doesn't; HTTP/1.1 needs no look."""
    environment = reach.environment
    if not environment.http2:
        return
    _check(reach, environment.base_url, environment)
    if environment.cdn_url is not None:  # another's house: nothing secret is shown there
        _check(reach, environment.cdn_url, environment.model_copy(update={"client_certificate": None}))


def _check(reach: ResolvedEnvironment, url: str, shown: Environment) -> None:
    parts = urlsplit(url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    with ExitStack() as held:
        try:
            connection = held.enter_context(connect(reach, url))
            tls = _shaken(connection, shown, host.rstrip(".")) if secure else None
        except OSError as error:
            raise EnvironmentLacks(f"{url}: {_why(error)}") from error
        if tls is not None:
            held.enter_context(tls)
        try:
            told = _told(connection, tls)
        except (OSError, EOFError) as error:
            told = f"doesn't answer its greeting ({type(error).__name__})"
    if told is not None:
        raise EnvironmentLacks(
            f"the environment says http_version: 2, and {url} {told}; switch HTTP/2 on there"
            ' (over plain http "prior knowledge", RFC 9113, 3.3), or leave http_version out'
        )


def _why(error: OSError) -> str:
    """Say what is wrong before anything is said in HTTP."""
    if isinstance(error, ProxyError):
        return f"the proxy doesn't lead there: {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate isn't trusted: {error.verify_message}"
    return f"can't be connected to: {error.strerror or error}"


def _shaken(connection: socket.socket, shown: Environment, name: str) -> ssl.SSLSocket:
    context = context_of(shown)
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(connection, server_hostname=name)


def _told(connection: socket.socket, tls: ssl.SSLSocket | None) -> str | None:
    """Return what is wrong with the first words; raises OSError and EOFError when there are none."""
    if tls is not None and tls.selected_alpn_protocol() != "h2":
        return "doesn't agree on it in TLS (ALPN)"
    to = tls or connection
    to.sendall(greeting(FIRST_WINDOW + 1, FIRST_WINDOW))
    head = b""
    while len(head) < HEAD_SIZE:
        piece = to.recv(HEAD_SIZE - len(head))
        if not piece:
            raise EOFError
        head += piece
    return None if head[_KIND_AT] == SETTINGS and head[:1] == b"\x00" else "answers with something else"
