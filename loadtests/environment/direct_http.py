"""HTTP sessions for all that isn't load: a request's timeout is one deadline for the whole answer.

requests gives its timeout to each read of a socket, so an answer that drips is waited for without an end. Here
connection, head and body must all be there before it is over. The process's own settings are ignored (proxy variables,
.netrc, CA bundles), and no redirect is followed.
"""

import io
import socket
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from loadtests.environment.answer_deadline import AnswerDeadline

ELSEWHERE = "with another address, which isn't followed: give the one that it leads to"


def is_elsewhere(status: int) -> bool:
    """Whether a reply of this status sends to another address."""
    return 300 <= status < 400  # noqa: PLR2004 - the class of redirection


class DirectSession(requests.Session):
    """A session of which no request is without a deadline, or goes elsewhere than to its address."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        adapter = DeadlineAdapter()
        self.mount("http://", adapter)
        self.mount("https://", adapter)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401 - theirs
        """Send one request; a redirect isn't followed."""
        return super().send(request, **{**options, "allow_redirects": False})

    def get_redirect_target(self, _reply: requests.Response) -> None:
        """Return None: requests would parse the Location all the same, and raise when it isn't an address."""


class DeadlineAdapter(HTTPAdapter):
    """Sends requests whose timeout, in s, is for the connection, the head and the body together."""

    def init_poolmanager(self, *places: Any, **named: Any) -> None:  # noqa: ANN401 - theirs
        """Make the pools of connections."""
        super().init_poolmanager(*places, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def send(self, request: requests.PreparedRequest, *places: Any, **named: Any) -> requests.Response:  # noqa: ANN401
        """Send one request; raises ValueError when it has no timeout, requests.Timeout when the answer isn't in it."""
        timeout_s = named.get("timeout")
        if not isinstance(timeout_s, int | float):
            raise ValueError("a request needs a timeout: a number of seconds for its whole answer")  # noqa: TRY004
        return super().send(request, *places, **{**named, "timeout": urllib3.Timeout(total=timeout_s)})


class _InTime(io.RawIOBase):
    """What a socket receives until a deadline."""

    def __init__(self, raw: io.RawIOBase, deadline: AnswerDeadline) -> None:
        self._raw, self._deadline = raw, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - theirs
        self._deadline.arm()
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._deadline.restore()
            self._raw.close()
        super().close()


def reply_in_time(connection: socket.socket, *places: Any, **named: Any) -> Any:  # noqa: ANN401 - http.client's
    """Return a reply whose head and body must be there before the connection's timeout is over."""
    reply = HTTPConnection.response_class(connection, *places, **named)
    reply.fp = io.BufferedReader(_InTime(reply.fp.detach(), AnswerDeadline(connection)))
    return reply


class _HTTPInTime(HTTPConnection):
    response_class: Any = staticmethod(reply_in_time)


class _HTTPSInTime(HTTPSConnection):
    response_class: Any = staticmethod(reply_in_time)


class _HTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls: Any = _HTTPInTime


class _HTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls: Any = _HTTPSInTime
