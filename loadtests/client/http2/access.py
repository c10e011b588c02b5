"""How the shop is reached over HTTP/2: the same way, with header blocks in place of an HTTP/1.1 head."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import ClassVar, Self

from loadtests.client.access import Access
from loadtests.client.http2.request_headers import HeaderBlocks
from loadtests.client.http2.response_headers import ResponseHeaders


@dataclass(frozen=True, kw_only=True)  # no slots: what is made of the fields is kept beside them
class Http2Access(Access):
    """An Access whose requests and responses are header blocks (RFC 7541)."""

    alpn: ClassVar[str] = "h2"

    @classmethod
    def of(cls, access: Access) -> Self:
        """Return `access` for HTTP/2."""
        return cls(**{field.name: getattr(access, field.name) for field in fields(access)})

    @cached_property
    def serialiser(self) -> HeaderBlocks:
        """What turns requests into header blocks."""
        return HeaderBlocks(self.origin, self.headers)

    @cached_property
    def response_headers(self) -> ResponseHeaders:
        """What reads the header blocks of responses."""
        return ResponseHeaders(self.heads)
