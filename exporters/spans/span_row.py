"""A span as a row of the run directory, whichever encoding it came in: bounded, redacted, and refused by reason."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from exporters.spans.redaction import REDACTED, scrubbed

MAX_SPANS = 10_000  # a request; the SDKs send 512
MAX_SPAN_BYTES = 256 << 10
MAX_PARTS = 200_000  # messages in one request, of whatever kind
MAX_ATTRIBUTES = 64
MAX_VALUE = 1024
MAX_NAME = 256
MAX_DEPTH = 4
TOO_DEEP = "[too deep]"
UNKNOWN_SERVICE = "unknown_service"
UNDECODABLE, TOO_LARGE, BAD_RESOURCE = "undecodable", "too_large", "bad_resource"
KINDS = ("internal", "internal", "server", "client", "producer", "consumer")  # by SpanKind; 0 is unspecified
STATUSES = ("unset", "ok", "error")  # by StatusCode
_MAX_INT64 = 2**63 - 1
_BIG_INT = 10**12
_TRACE_ID_BYTES, _SPAN_ID_BYTES = 16, 8
NO_PARENT = (b"", bytes(_SPAN_ID_BYTES))


Place = TypeVar("Place")


class Malformed(ValueError):  # noqa: N818 - it is what the body was, named as the receiver would
    """A body that is no ExportTraceServiceRequest."""


class Span(NamedTuple):
    """One row of `loadtests.results.schemas.SPANS`, its columns in order."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    started_at: int
    ended_at: int
    status: str
    attributes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The spans of one request: valid ones, rejected ones by reason, and how many exceeded the limit."""

    spans: list[Span] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    over_cap: int = 0

    @property
    def received(self) -> int:
        """How many spans the request held."""
        return len(self.spans) + self.rejected.total() + self.over_cap


def batch_of(places: Iterable[Place], row_of: Callable[[Place], Span | str], max_spans: int) -> Batch:
    """Return the batch of a request's spans, each read by `row_of` as its row or as why it is rejected.

    Beyond `max_spans` they are counted and not read.
    """
    spans: list[Span] = []
    rejected: Counter[str] = Counter()
    seen = 0
    for seen, place in enumerate(places, start=1):
        if seen > max_spans:
            continue
        row = row_of(place)
        if isinstance(row, Span):
            spans.append(row)
        else:
            rejected[row] += 1
    return Batch(spans=spans, rejected=rejected, over_cap=max(0, seen - max_spans))


def bounded(parts: int) -> None:
    """Raise Malformed when a request holds more messages than are looked at."""
    if parts > MAX_PARTS:
        raise Malformed(f"more than {MAX_PARTS} parts")


def fault_of(trace_id: bytes, span_id: bytes, parent_id: bytes, started_at: int, ended_at: int) -> str | None:
    """Return why a span with these ids and times (ns) is rejected, None of a good one."""
    if len(trace_id) != _TRACE_ID_BYTES or not any(trace_id):
        return "bad_trace_id"
    if len(span_id) != _SPAN_ID_BYTES or not any(span_id):
        return "bad_span_id"
    if parent_id not in NO_PARENT and len(parent_id) != _SPAN_ID_BYTES:
        return "bad_parent_id"
    return None if 0 < started_at <= ended_at <= _MAX_INT64 else "bad_times"


def word(words: tuple[str, ...], code: int) -> str:
    """Return the word of an enumeration's code; an unknown code is the first."""
    return words[code] if 0 <= code < len(words) else words[0]


def kept_text(text: str) -> str:
    """Return a text as it is kept: cut, and scrubbed a little past the cut, so that what straddles it is recognised."""
    return scrubbed(text[: MAX_VALUE + 64])[:MAX_VALUE]


def kept_number(number: int) -> int | str:
    """Return a whole number, unless it is a card's."""
    return number if number < _BIG_INT or scrubbed(str(number)) != REDACTED else REDACTED


def kept_bytes(data: bytes) -> str:
    """Return bytes as hex digits, cut."""
    return data[: MAX_VALUE // 2].hex()
