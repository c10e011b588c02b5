"""The heads of responses as header blocks (RFC 7541): decoded once, then found by their bytes.

We set HEADER_TABLE_SIZE to 0, so the same block means the same on each connection.
"""

import re

from hpack import Decoder, HPACKError

from loadtests.client.errors import ProtocolError
from loadtests.client.http2.frames import COMPRESSION_ERROR, FaultError
from loadtests.client.response_head import MAX_HEAD, Head, ResponseHeads

_KNOWN_BLOCKS = 512
_KNOWN_BYTES = 4 << 10
_STATUS = re.compile(rb"[1-9][0-9][0-9]")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")  # RFC 9113, 8.2.1: no capitals
_UNSAYABLE = re.compile(rb"[\x00\r\n]")
# Connection-specific fields (RFC 9113, 8.2.2).
_FORBIDDEN = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})


class ResponseHeaders:
    """Decodes header blocks for one environment, and has `heads` interpret them."""

    __slots__ = ("_decoder", "_heads", "known")

    def __init__(self, heads: ResponseHeads) -> None:
        self._heads = heads
        self._decoder = _decoder(0)
        self.known: dict[bytes, Head] = {}

    def of(self, block: bytes, decoder: Decoder | None = None) -> Head:
        """Return the head that `block` is.

        `decoder` is the connection's own while the server may not know yet that it has no table. Raises FaultError
        on what can't be decoded, ProtocolError on what is no head.
        """
        if decoder is not None:
            return self._heads.of(_as_head(_fields(block, decoder)))
        known = self.known.get(block)
        if known is not None:
            return known
        head = self._heads.of(_as_head(_fields(block, self._decoder)))
        if len(block) <= _KNOWN_BYTES:
            if len(self.known) >= _KNOWN_BLOCKS:
                self.known.clear()
            self.known[block] = head
        return head

    def trailers(self, block: bytes, decoder: Decoder | None = None) -> None:
        """Check trailers, which are not kept; raises as `of` does."""
        if any(name.startswith(b":") for name, _ in _fields(block, decoder or self._decoder)):
            raise ProtocolError("trailers with what belongs into a head")

    def decode_only(self, block: bytes, decoder: Decoder | None = None) -> None:
        """Decode a block of a closed stream for its effect on the dynamic table alone; raises FaultError."""
        _fields(block, decoder or self._decoder)


def initial_decoder() -> Decoder:
    """Return the decoder with the dynamic table that a server may use until it acknowledges our settings."""
    return _decoder(4096)


def _decoder(table: int) -> Decoder:
    decoder = Decoder(max_header_list_size=MAX_HEAD)
    decoder.header_table_size = decoder.max_allowed_table_size = table
    return decoder


def _fields(block: bytes, decoder: Decoder) -> list[tuple[bytes, bytes]]:
    try:
        return [(field[0], field[1]) for field in decoder.decode(block, raw=True)]
    except (HPACKError, IndexError) as error:
        raise FaultError(COMPRESSION_ERROR, f"a header block that can't be decoded: {error}") from error


def _as_head(fields: list[tuple[bytes, bytes]]) -> bytes:
    """Return a response's fields as an HTTP/1.1 head; raises ProtocolError (RFC 9113, 8.2 and 8.3)."""
    if not fields or fields[0][0] != b":status" or not _STATUS.fullmatch(fields[0][1]):
        raise ProtocolError("a head without its status")
    lines = [b"HTTP/1.1 %b X\r\n" % fields[0][1]]
    for name, value in fields[1:]:
        if not _NAME.fullmatch(name) or _UNSAYABLE.search(value):
            raise ProtocolError(f"not a field: {name[:40]!r}")
        if name in _FORBIDDEN:
            raise ProtocolError(f"a connection-specific field: {name.decode()}")
        lines.append(b"%b: %b\r\n" % (name, value))
    lines.append(b"\r\n")
    return b"".join(lines)
