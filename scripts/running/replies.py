"""Reading a reply that nobody vouches for: so many bytes, so many seconds, no redirect, and no secret in it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests

from loadtests.credentials import masked

MAX_BYTES = 1 << 20
_BLOCK = 16 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A reply, read as far as it may be; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    http_version: int


def bounded(
    http: requests.Session,
    url: str,
    timeout_s: float,
    max_bytes: int = MAX_BYTES,
    headers: Mapping[str, str] | None = None,
) -> Answered:
    """Ask for `url` and return what came within `timeout_s` and `max_bytes`; raises requests.RequestException."""
    deadline = time.monotonic() + timeout_s
    with http.get(url, timeout=timeout_s, allow_redirects=False, stream=True, headers=headers) as reply:
        body = _read(reply, deadline, max_bytes)
        masks: tuple[bytes, ...] = getattr(http, "masks", ())
        return Answered(
            status=reply.status_code,
            headers={name.lower(): _masked(value, masks) for name, value in reply.headers.items()},
            body=masked(body, masks)[:max_bytes],
            whole=len(body) <= max_bytes,
            http_version=int(getattr(reply.raw, "version", 11) or 11),
        )


def _masked(value: str, masks: tuple[bytes, ...]) -> str:
    return masked(value.encode("latin-1", "replace"), masks).decode("latin-1") if masks else value


def _read(reply: requests.Response, deadline: float, max_bytes: int) -> bytes:
    blocks, size = [], 0
    for block in reply.iter_content(_BLOCK):
        blocks.append(block)
        size += len(block)
        if size > max_bytes:
            break
        if time.monotonic() > deadline:
            raise requests.ReadTimeout("not read in time")
    return b"".join(blocks)
