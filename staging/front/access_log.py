"""The access log: a JSON line for each request, written at once."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from aiohttp.web import BaseRequest

LONGEST_VALUE = 300
# What a login provider sends back through the browser.
_SECRET = re.compile(r"\b(code|state)=[^&]*")
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A request that was received whole, and its answer; `at` in ns since the epoch when its head was there."""

    at: int
    duration_s: float
    method: str
    path: str
    query: str
    status: int
    bytes: int
    run: str | None
    trace_id: str | None
    upstream: str | None
    user_agent: str | None


def access(request: BaseRequest, at: int, duration_s: float, status: int, size: int, upstream: str | None) -> Access:
    """Return the record of a request; what the client sent is cut to a sane length."""
    headers = request.headers
    trace = _TRACE.fullmatch(headers.get("traceparent", ""))
    return Access(
        at=at,
        duration_s=round(duration_s, 6),
        method=request.method,
        path=request.rel_url.raw_path[:LONGEST_VALUE],
        query=_SECRET.sub(r"\1=*", request.rel_url.raw_query_string)[:LONGEST_VALUE],
        status=status,
        bytes=size,
        run=_cut(headers.get("X-Peakproof-Run")),
        trace_id=trace.group(1) if trace else None,
        upstream=upstream,
        user_agent=_cut(headers.get("User-Agent")),
    )


def _cut(value: str | None) -> str | None:
    # Bytes that aren't UTF-8 arrive as lone surrogates, which JSON can't hold.
    return None if value is None else value[:LONGEST_VALUE].encode("utf-8", "replace").decode()


class AccessLog:
    """A file of JSON lines that is only ever added to."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, entry: Access) -> None:
        """Add a line, in one write."""
        self._file.write(orjson.dumps(asdict(entry), option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
