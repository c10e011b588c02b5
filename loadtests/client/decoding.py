"""Bodies that came compressed, within a bound: a small reply may unfold to gigabytes."""

import zlib

import brotli

from loadtests.client.failures import ProtocolError

OFFERED = "gzip, br"
_GZIP = 16 + zlib.MAX_WBITS


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Return `body` without its content encoding; raises ProtocolError, also on over `limit` bytes.

    An empty body is taken as it is: servers name an encoding with nothing to encode.
    """
    if not body:
        return body
    if encoding in ("gzip", "x-gzip"):
        return _gunzipped(body, limit)
    if encoding == "br":
        return _unbrotlied(body, limit)
    raise ProtocolError(f"an encoding that nobody asked for: {encoding[:40]!r}")


def _gunzipped(body: bytes, limit: int) -> bytes:
    whole = b""
    while body:  # a gzip file may have several members (RFC 1952, 2.2)
        member = zlib.decompressobj(_GZIP)
        try:
            whole += member.decompress(body, limit - len(whole) + 1)
        except zlib.error as error:
            raise ProtocolError(f"bad gzip: {error}") from error
        if len(whole) > limit:
            raise ProtocolError(f"a body of over {limit} bytes")
        if not member.eof:
            raise ProtocolError("half a gzip")
        body = member.unused_data
    return whole


def _unbrotlied(body: bytes, limit: int) -> bytes:
    decoder, whole = brotli.Decompressor(), bytearray()
    try:
        whole += decoder.process(body, output_buffer_limit=limit + 1)
        while not decoder.is_finished() and not decoder.can_accept_more_data() and len(whole) <= limit:
            whole += decoder.process(b"", output_buffer_limit=limit + 1 - len(whole))
    except brotli.error as error:
        raise ProtocolError(f"bad br: {error}") from error
    if len(whole) > limit:
        raise ProtocolError(f"a body of over {limit} bytes")
    if not decoder.is_finished():
        raise ProtocolError("half a br")
    return bytes(whole)
