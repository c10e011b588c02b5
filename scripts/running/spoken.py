"""Whether the shop speaks what the environment says: for HTTP/2 one connection and one greeting, nothing is asked."""

import ssl
from contextlib import ExitStack
from urllib.parse import urlsplit

from loadtests.client.http2.frames import FIRST_WINDOW, HEAD_SIZE, SETTINGS, greeting
from loadtests.tls import context_of
from scripts.refusals import EnvironmentLacks
from scripts.running.passing import connected
from scripts.running.reaching import Reach

_KIND_AT = 3  # of a frame's head


def check_spoken(reach: Reach) -> None:
    """Raise EnvironmentLacks when `http_version` says 2 and the shop doesn't; HTTP/1.1 needs no look."""
    if reach.environment.http_version != "2":
        return
    parts = urlsplit(reach.environment.base_url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    try:
        told = _told(reach, host, parts.port or (443 if secure else 80), secure=secure)
    except (OSError, EOFError) as error:
        raise EnvironmentLacks(_refusal(reach, f"doesn't answer its greeting ({type(error).__name__})")) from error
    if told is not None:
        raise EnvironmentLacks(_refusal(reach, told))


def _refusal(reach: Reach, told: str) -> str:
    return (
        f"the environment says http_version: 2, and {reach.environment.base_url} {told}; switch HTTP/2 on there"
        ' (over plain http "prior knowledge", RFC 9113, 3.3), or leave http_version out'
    )


def _told(reach: Reach, host: str, port: int, *, secure: bool) -> str | None:
    """Return what is wrong with the first words of the first address that takes a connection; raises OSError."""
    with ExitStack() as held:
        connection = held.enter_context(connected(reach, host, port))
        if secure:
            context = context_of(reach.environment)
            context.set_alpn_protocols(["h2"])
            tls: ssl.SSLSocket = context.wrap_socket(connection, server_hostname=host)
            connection = held.enter_context(tls)
            if tls.selected_alpn_protocol() != "h2":
                return "doesn't agree on it in TLS (ALPN)"
        connection.sendall(greeting(FIRST_WINDOW + 1, FIRST_WINDOW))
        head = b""
        while len(head) < HEAD_SIZE:
            piece = connection.recv(HEAD_SIZE - len(head))
            if not piece:
                raise EOFError
            head += piece
    return None if head[_KIND_AT] == SETTINGS and head[:1] == b"\x00" else "answers with something else"
