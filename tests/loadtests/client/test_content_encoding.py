"""A compressed stream is decoded piece by piece, and none without a bound."""

import gzip
import zlib
from itertools import pairwise

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.content_encoding import MAX_PIECE, content_decoder, decoded
from loadtests.client.errors import ProtocolError

TEXT = b"data: paid\n\n" * 20


@given(cuts=st.lists(st.integers(0, 60), max_size=6), encoding=st.sampled_from(["gzip", "x-gzip", "br"]))
def test_any_split_gives_the_whole(cuts: list[int], encoding: str) -> None:
    packed = brotli.compress(TEXT) if encoding == "br" else gzip.compress(TEXT) + gzip.compress(b"more")
    places, one = [0, *sorted(cuts), len(packed)], content_decoder(encoding)
    whole = b"".join(one.feed(packed[start:end]) for start, end in pairwise(places))
    assert whole == (TEXT if encoding == "br" else TEXT + b"more")


def test_what_was_flushed_is_decoded_before_the_end() -> None:
    packer = zlib.compressobj(wbits=31)
    flushed = packer.compress(TEXT) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert content_decoder("gzip").feed(flushed) == TEXT
    brotlied = brotli.Compressor()
    assert content_decoder("br").feed(brotlied.process(TEXT) + brotlied.flush()) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_bomb_and_what_is_not_of_the_encoding_are_refused(encoding: str) -> None:
    bomb = bytes(MAX_PIECE + 1)
    with pytest.raises(ProtocolError, match="a body that decodes to over"):
        content_decoder(encoding).feed(brotli.compress(bomb) if encoding == "br" else gzip.compress(bomb))
    with pytest.raises(ProtocolError, match="bad "):
        content_decoder(encoding).feed(b"\xffnothing of the kind" * 9)


def test_a_content_coding_that_was_not_offered_is_refused() -> None:
    with pytest.raises(ProtocolError, match="a content coding that wasn't offered"):
        content_decoder("zstd")
    assert content_decoder("").feed(b"as it is") == b"as it is"


def test_gzip_of_a_hundred_thousand_members_is_read_like_any_other() -> None:
    members = gzip.compress(b"a") * 100_000
    assert decoded(members, "gzip", 1 << 20) == b"a" * 100_000
    with pytest.raises(ProtocolError, match="decodes to over 99999 bytes"):
        decoded(members, "gzip", 99_999)
