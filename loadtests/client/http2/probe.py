"""Checks before the load that a shop declared with HTTP/2 speaks it: one connection preface, no request."""

import socket
import ssl
from contextlib import ExitStack
from urllib.parse import urlsplit

from loadtests.client.http2.frames import FIRST_WINDOW, HEAD_SIZE, SETTINGS, connection_preface
from loadtests.environment.answer_deadline import AnswerDeadline
from loadtests.environment.certificates import fault_of
from loadtests.environment.hosts import Protection
from loadtests.environment.resolved_environment import ResolvedEnvironment, connect
from loadtests.environment.tls import context_of
from slo.outcomes import EnvironmentLacks

_KIND_AT = 3  # of a frame's head


def check_spoken(resolved: ResolvedEnvironment) -> None:
    """Raise EnvironmentLacks when a host that takes load is to be spoken to in HTTP/2 and doesn't speak it."""
    environment = resolved.environment
    for label, url in environment.loaded.items():
        if environment.http2_to(label):
            _check(resolved, label, url)


def _check(resolved: ResolvedEnvironment, label: str | None, url: str) -> None:
    parts = urlsplit(url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    with ExitStack() as held:
        try:
            connection = held.enter_context(connect(resolved, url))
            tls = _handshake(connection, resolved.environment.protection(label), host.rstrip(".")) if secure else None
        except OSError as error:
            raise EnvironmentLacks(f"{url}: {fault_of(resolved, label, error)}") from error
        if tls is not None:
            held.enter_context(tls)
        try:
            fault = _fault(connection, tls)
        except (OSError, EOFError) as error:
            fault = f"doesn't answer the connection preface ({type(error).__name__})"
    if fault is not None:
        raise EnvironmentLacks(
            f"the environment says http_version: 2, and {url} {fault}; switch HTTP/2 on there"
            ' (over plain http "prior knowledge", RFC 9113, 3.3), or leave http_version out'
        )


def _handshake(connection: socket.socket, shop: Protection, name: str) -> ssl.SSLSocket:
    context = context_of(shop)
    context.set_alpn_protocols(["h2"])
    return context.wrap_socket(connection, server_hostname=name)


def _fault(connection: socket.socket, tls: ssl.SSLSocket | None) -> str | None:
    """Return what is wrong with the server's preface; raises OSError and EOFError when there is none."""
    if tls is not None and tls.selected_alpn_protocol() != "h2":
        return "doesn't agree on it in TLS (ALPN)"
    to = tls or connection
    to.sendall(connection_preface(FIRST_WINDOW + 1, FIRST_WINDOW))
    head, deadline = b"", AnswerDeadline(to)
    while len(head) < HEAD_SIZE:
        piece = deadline.receive(HEAD_SIZE - len(head))
        if not piece:
            raise EOFError
        head += piece
    return None if head[_KIND_AT] == SETTINGS and head[:1] == b"\x00" else "answers with something else"
