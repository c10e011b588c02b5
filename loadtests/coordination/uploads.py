"""What a worker elsewhere may upload over HTTP, and the token that lets it write its own files of a run and no other.

`PUT /runs/<run>/<file>` with `Authorization: Bearer <token>`. Every request has a Content-Length and a Content-Digest
(RFC 9530, sha-256). A closed part goes whole; rows of the ledger are appended at `Upload-Offset`; a worker status, and
what a worker keeps in `errors/`, replace older ones by their `Upload-Version`.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Any, Literal

PATH = "/runs/"
OFFSET, VERSION, DIGEST = "Upload-Offset", "Upload-Version", "Content-Digest"
KEY_VARIABLE = "PEAKPROOF_UPLOAD_KEY"  # only the command and its master have it, so that no worker can make a token
PART_BYTES = 32 << 20  # a closed part at most: they are a few MB
ROWS_BYTES = 1 << 20  # rows in one request, a worker status or a file in errors/, at most
Kind = Literal["part", "ledger", "status", "errors"]
_FILE = re.compile(
    r"(?P<part>(?:requests|sessions)-(?P<a>w[0-9]{1,5})-[0-9]{5,9}\.parquet)"
    r"|(?P<ledger>ledger-(?P<b>w[0-9]{1,5})\.jsonl)|(?P<status>worker-(?P<c>w[0-9]{1,5})\.json)"
    r"|(?P<errors>errors/(?:(?P<d>w[0-9]{1,5})\.jsonl|storefront-(?P<e>w[0-9]{1,5})\.txt))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedFile:
    """A file that a worker may upload."""

    name: str
    worker: str
    kind: Kind


def file_named(name: str) -> UploadedFile | None:
    """Return which file a name is; None when no worker may upload one of that name."""
    found = _FILE.fullmatch(name)
    if found is None:
        return None
    kinds: tuple[Kind, ...] = ("part", "ledger", "status", "errors")
    (kind,) = [one for one in kinds if found[one] is not None]
    return UploadedFile(name=name, worker=next(filter(None, found.group(*"abcde"))), kind=kind)


def token_for(key: str, run: str, worker: str) -> str:
    """Return what lets that worker of that run upload; it is worth nothing for another of either."""
    return hmac.new(key.encode(), f"upload\n{run}\n{worker}".encode(), hashlib.sha256).hexdigest()


def digest_field(sha256: bytes) -> str:
    """Return the value of Content-Digest for a SHA-256."""
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"


@dataclass(slots=True, kw_only=True)
class UploadPermits:
    """Which clients of a run upload, and what each needs for it: the server's `port` and a token of its own."""

    key: str = field(repr=False)
    run: str
    port: int
    clients: set[str] = field(default_factory=set)

    def for_worker(self, client: str, worker: str) -> dict[str, Any] | None:
        """Return the permit of the client that is now called `worker`; None when it sees the run directory."""
        if client not in self.clients:
            return None
        return {"port": self.port, "token": token_for(self.key, self.run, worker)}
