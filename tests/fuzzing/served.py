"""An HTTP session without a network: it answers each request with what it was given."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self, cast

import requests


class Served:
    """A reply and the session that returns it, as far as `bounded_get` and requests' callers read them."""

    def __init__(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self.headers, self.content = status, dict(headers or {}), body
        self.raw, self.ok, self.version = self, status < requests.codes.bad_request, 11
        self._left = body

    def as_session(self) -> requests.Session:
        """Return it for functions that want a session."""
        return cast("requests.Session", self)

    def read1(self, most: int, **_options: object) -> bytes:
        piece, self._left = self._left[:most], self._left[most:]
        return piece

    def json(self) -> Any:
        reply = requests.Response()
        reply._content = self.content  # as requests' own sessions fill it
        return reply.json()

    def get(self, _url: str, **_options: object) -> Self:
        self._left = self.content
        return self

    post = get

    def request(self, _method: str, _url: str, **_options: object) -> Self:
        return self.get(_url)

    @property
    def is_redirect(self) -> bool:
        return False

    def raise_for_status(self) -> None:
        """Do nothing: it is 200."""

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""
