"""OTLP over HTTP: the encodings that are taken, a request's body within its bounds, and replies in its own encoding.

Specification: opentelemetry.io/docs/specs/otlp, "OTLP/HTTP". Taken are binary protobuf and JSON, plain or gzip.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cheroot.errors import MaxSizeExceeded
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from exporters.spans.otlp import decode
from exporters.spans.otlp_json import decode_json
from exporters.spans.span_row import Batch

MAX_BODY = 4 << 20
MAX_UNPACKED = 32 << 20
TEXT = "text/plain; charset=utf-8"
_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_GZIP = 16 + zlib.MAX_WBITS
_INVALID_ARGUMENT = 3  # of google.rpc.Code
Reply = tuple[str, Iterable[tuple[str, str]], bytes]


class Refused(Exception):  # noqa: N818 - it is what happened to the request
    """A request that can't be taken; `status` is HTTP's, the message is for the sender.

    `kind` is what was wrong, in the few words by which such requests are counted.
    """

    def __init__(self, status: str, message: str, kind: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """One of OTLP's encodings: how a request is read, and how it is answered."""

    content_type: str
    decode: Callable[[bytes, int], Batch]
    response: Callable[[int, str], bytes]
    status: Callable[[str], bytes]

    def result(self, lost: Mapping[str, int]) -> Reply:
        """Return the reply to a request that was taken, but for the spans that are `lost`, by reason.

        By the specification they are a partial success, which isn't to be sent again.
        """
        message = ", ".join(f"{reason}: {count}" for reason, count in lost.items())
        return "200 OK", (("Content-Type", self.content_type),), self.response(sum(lost.values()), message)

    def refusal(self, refused: Refused) -> Reply:
        """Return the reply to a request that was refused whole."""
        return refused.status, (("Content-Type", self.content_type),), self.status(str(refused))


def _protobuf_response(lost: int, message: str) -> bytes:
    reply = ExportTraceServiceResponse()
    if lost:
        reply.partial_success.rejected_spans, reply.partial_success.error_message = lost, message
    body: bytes = reply.SerializeToString()
    return body


def _protobuf_status(message: str) -> bytes:
    body: bytes = Status(code=_INVALID_ARGUMENT, message=message).SerializeToString()
    return body


def _json_response(lost: int, message: str) -> bytes:
    return orjson.dumps({"partialSuccess": {"rejectedSpans": str(lost), "errorMessage": message}} if lost else {})


def _json_status(message: str) -> bytes:
    return orjson.dumps({"code": _INVALID_ARGUMENT, "message": message})


_ENCODINGS = (
    Encoding(content_type=_PROTOBUF, decode=decode, response=_protobuf_response, status=_protobuf_status),
    Encoding(content_type=_JSON, decode=decode_json, response=_json_response, status=_json_status),
)
_BY_TYPE = {encoding.content_type: encoding for encoding in _ENCODINGS}


def encoding_of(environ: Mapping[str, Any]) -> Encoding:
    """Return the encoding of a request; raises Refused for one that isn't taken."""
    kind = environ.get("CONTENT_TYPE", "").split(";")[0].strip().lower()
    if kind not in _BY_TYPE:
        taken = "set the protocol to http/protobuf or http/json"
        message = f"only {_PROTOBUF} and {_JSON} are taken, {taken}"
        raise Refused("415 Unsupported Media Type", message, f"content type {kind}" if kind else "no content type")
    return _BY_TYPE[kind]


def body_of(environ: Mapping[str, Any]) -> bytes:
    """Read and unpack the request's body; raises Refused."""
    encoding = environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        message = "only gzip and identity encodings are taken"
        raise Refused("415 Unsupported Media Type", message, f"content encoding {encoding}")
    declared = environ.get("CONTENT_LENGTH", "")
    body = b"" if declared and int(declared) > MAX_BODY else _read(environ)
    if len(body) > MAX_BODY or (declared and int(declared) > MAX_BODY):
        raise _too_large(f"larger than the {MAX_BODY} bytes allowed")
    if declared and int(declared) != len(body):
        raise malformed(f"{len(body)} bytes came, {declared} were declared")
    return unpacked(body) if encoding == "gzip" else body


def _read(environ: Mapping[str, Any]) -> bytes:
    source = environ["wsgi.input"]
    try:
        body: bytes = source.read(MAX_BODY + 1)
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() and len(body) <= MAX_BODY:
            # cheroot leaves the end of a chunked body unread, and would wait in it for the next request.
            for _ in source.read_trailer_lines():
                pass
    except ValueError as error:
        raise malformed("not a chunked body") from error
    except (OSError, MaxSizeExceeded) as error:
        raise _too_large("the body is too large or did not come in time") from error
    return body


def unpacked(body: bytes, most: int = MAX_UNPACKED) -> bytes:
    """Gunzip one member and never more than `most` bytes of it; raises Refused."""
    stream = zlib.decompressobj(_GZIP)
    try:
        plain = stream.decompress(body, most)
    except zlib.error as error:
        raise malformed(f"not gzip: {error}") from error
    if stream.unconsumed_tail:
        raise _too_large(f"larger than the {most} bytes allowed after gunzip")
    if not stream.eof or stream.unused_data:
        raise malformed("not one whole gzip member")
    return plain


def malformed(why: str) -> Refused:
    """Return the refusal of a body that isn't what its content type says."""
    return Refused("400 Bad Request", why, "malformed body")


def _too_large(why: str) -> Refused:
    return Refused("413 Payload Too Large", why, "body too large or too slow")
