"""What a connection hands on when it ends badly: all that came before, and that it ended."""

import pytest

from loadtests.client.errors import BrokenOffError
from loadtests.client.http2.transport import TlsTransport


class Torn(TlsTransport):
    """A connection whose records are given, and then no end of it that TLS knows."""

    def __init__(self, *pieces: bytes) -> None:
        self.left = list(pieces)

    def _decrypted(self) -> bytes | None:
        if self.left:
            return self.left.pop(0)
        raise BrokenOffError("closed without close_notify")


def test_what_came_before_a_bad_end_is_heard_first() -> None:
    assert Torn(b"one", b"two")._unsealed() == (b"onetwo", True)
    with pytest.raises(BrokenOffError):
        Torn()._unsealed()
