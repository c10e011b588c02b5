"""A compressed stream is told as it comes, and none unfolds without end."""

import gzip
import zlib
from itertools import pairwise

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.client.content_encoding import MAX_PIECE, unfolding
from loadtests.client.errors import ProtocolError

TEXT = b"data: paid\n\n" * 20


@given(cuts=st.lists(st.integers(0, 60), max_size=6), encoding=st.sampled_from(["gzip", "x-gzip", "br"]))
def test_any_split_gives_the_whole(cuts: list[int], encoding: str) -> None:
    packed = brotli.compress(TEXT) if encoding == "br" else gzip.compress(TEXT) + gzip.compress(b"more")
    places, one = [0, *sorted(cuts), len(packed)], unfolding(encoding)
    whole = b"".join(one.feed(packed[start:end]) for start, end in pairwise(places))
    assert whole == (TEXT if encoding == "br" else TEXT + b"more")


def test_what_was_flushed_is_told_before_the_end() -> None:
    packer = zlib.compressobj(wbits=31)
    flushed = packer.compress(TEXT) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert unfolding("gzip").feed(flushed) == TEXT
    brotlied = brotli.Compressor()
    assert unfolding("br").feed(brotlied.process(TEXT) + brotlied.flush()) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_bomb_and_what_is_not_of_the_encoding_are_refused(encoding: str) -> None:
    bomb = bytes(MAX_PIECE + 1)
    with pytest.raises(ProtocolError, match="what unfolds to over"):
        unfolding(encoding).feed(brotli.compress(bomb) if encoding == "br" else gzip.compress(bomb))
    with pytest.raises(ProtocolError, match="bad "):
        unfolding(encoding).feed(b"\xffnothing of the kind" * 9)


def test_an_encoding_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(ProtocolError, match="an encoding that nobody asked for: 'zstd'"):
        unfolding("zstd")
    assert unfolding("").feed(b"as it is") == b"as it is"
