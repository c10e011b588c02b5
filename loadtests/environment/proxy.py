"""An environment's proxy: where it is, the CONNECT request for a tunnel, and its reply.

Only what targets.yaml declares is used; the process's own proxy variables are ignored.
"""

import re
import socket
from base64 import b64decode
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from loadtests.environment.answer_deadline import AnswerDeadline
from loadtests.environment.credentials import Credentials, Secret
from loadtests.environment.destinations import Destination
from loadtests.environment.targets import Environment
from slo.documents import BadInput


class ProxyError(ConnectionError):
    """The environment's proxy opened no tunnel to the shop; `status` is its reply's, 0 when there was none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


MAX_HEAD = 16 << 10
_MAX_AUTHORIZATION = 4 << 10  # with it, what asks for a tunnel fits into any socket's buffer
_END = b"\r\n\r\n"
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: [^\r\n]*)?\r\n")
_BEGINS = b"HTTP/1."
_OK, _OTHER, _HTTP = 200, 300, 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The proxy's pinned addresses, and its credentials: `authorization` goes to it and never through it."""

    addresses: tuple[str, ...]
    port: int
    authorization: Secret | None = field(default=None, repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What a request in absolute form holds for the proxy."""
        return {} if self.authorization is None else {"Proxy-Authorization": self.authorization.reveal()}

    def opening(self, host: str, port: int) -> bytes:
        """Return the request for a tunnel to an address, or to a name that the proxy resolves (RFC 9110, 9.3.6)."""
        target = at(host, port)
        own = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{own}\r\n".encode("ascii")

    def url(self, user_info: str = "") -> str:
        """Return its address for a program that takes a proxy as one URL."""
        return f"http://{user_info}{at(self.addresses[0], self.port)}"


class Answer:
    """A proxy's reply to CONNECT, as its bytes come."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> bool:
        """Take the next bytes, b"" for a closed connection, and return whether the tunnel is open.

        Raises ProxyError when it won't be. No byte may follow the head: in a tunnel the client speaks first, in TLS.
        """
        if not data:
            raise ProxyError("it hung up")
        self._data += data
        while (end := self._data.find(_END)) >= 0:
            found = _STATUS.match(self._data)
            if found is None or end > MAX_HEAD:
                break
            status, self._data = int(found[1]), self._data[end + len(_END) :]
            if status >= _OTHER or status == 101:  # noqa: PLR2004 - switching to a protocol that wasn't asked for
                raise ProxyError(f"it answers HTTP {status}", status)
            if status >= _OK and self._data:
                raise ProxyError("it sends bytes behind its answer", status)
            if status >= _OK:
                return True
        if len(self._data) > MAX_HEAD or end >= 0 or self._data[: len(_BEGINS)] != _BEGINS[: len(self._data)]:
            raise ProxyError("what it answers isn't HTTP, or too much")
        return False


def open_tunnel(connection: socket.socket, opening: bytes) -> None:
    """Ask for a tunnel over a connection to a proxy; raises ProxyError.

    The whole answer must be there within the connection's timeout, which stays as it is.
    """
    try:
        connection.sendall(opening)
        answer, deadline = Answer(), AnswerDeadline(connection)
        while not answer.feed(deadline.receive(MAX_HEAD)):
            pass
        deadline.restore()
    except ProxyError:
        raise
    except OSError as error:
        raise ProxyError(error.strerror or str(error) or type(error).__name__) from error


def proxy_at(environment: Environment, found: Destination, credentials: Credentials) -> Proxy:
    """Return the environment's proxy at the addresses that were found; raises BadInput on credentials too long."""
    if environment.proxy is None:
        raise ValueError("no proxy is declared")
    held = credentials.proxy
    if held is not None and len(held.reveal()) > _MAX_AUTHORIZATION:
        raise BadInput(f"proxy.basic_auth: must not be longer than {_MAX_AUTHORIZATION} characters in all")
    port = urlsplit(environment.proxy.url).port or 0
    return Proxy(addresses=found.addresses, port=port, authorization=held)


def user_info(authorization: Secret | None) -> str:
    """Return a Basic pair as an address holds it (RFC 3986, 3.2.1): `user:password@`, "" for none."""
    if authorization is None:
        return ""
    user, _, password = b64decode(authorization.reveal().removeprefix("Basic ")).decode().partition(":")
    return f"{quote(user, safe='')}:{quote(password, safe='')}@"


def absolute(host: str, port: int) -> str:
    """Return what comes before a path where a proxy over plain http is to know the host (RFC 9112, 3.2.2)."""
    named = at(host, port)
    return f"http://{named.removesuffix(':80') if port == _HTTP else named}"


def at(host: str, port: int) -> str:
    """Return a host with its port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
