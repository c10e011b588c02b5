"""A compressed stream is decoded piece by piece, and none without a bound."""

import gzip
import zlib
from itertools import pairwise

import brotli
import pytest
from hypothesis import assume, example, given
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


@given(
    text=st.binary(max_size=400),
    behind=st.binary(min_size=1, max_size=300),
    cuts=st.lists(st.integers(0, 700), max_size=6),
    encoding=st.sampled_from(["gzip", "br"]),
)
@example(text=TEXT, behind=b"\n", cuts=[], encoding="br")
@example(text=TEXT, behind=brotli.compress(b"another stream"), cuts=[], encoding="br")
def test_what_is_behind_a_stream_is_left_out_wherever_it_is_cut(
    text: bytes, behind: bytes, cuts: list[int], encoding: str
) -> None:
    """Chromium shows the page: a line feed, zeros, anything, another stream of br."""
    assume(encoding == "br" or not gzip_member_begins(behind))
    packed = (brotli.compress(text) if encoding == "br" else gzip.compress(text)) + behind
    places, one = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)], content_decoder(encoding)
    assert b"".join(one.feed(packed[start:end]) for start, end in pairwise(places)) == text
    assert one.is_whole()
    assert decoded(packed, encoding, 1 << 20) == text


def gzip_member_begins(behind: bytes) -> bool:
    return behind.startswith(b"\x1f\x8b\x08")


def test_the_end_of_a_long_stream_of_br_is_found_and_half_of_one_has_none() -> None:
    text = b"".join(b"%d," % number**3 for number in range(20_000))
    packed = brotli.compress(text, quality=1)
    assert decoded(packed + b"<!-- cached -->" * 9_000, "br", 1 << 20) == text
    for broken in (packed[:-1], packed[:-1] + b"\xff" * 99):
        with pytest.raises(ProtocolError, match="br"):
            decoded(broken, "br", 1 << 20)


def test_a_content_coding_that_was_not_offered_is_refused() -> None:
    with pytest.raises(ProtocolError, match="a content coding that wasn't offered"):
        content_decoder("zstd")
    assert content_decoder("").feed(b"as it is") == b"as it is"


def test_gzip_of_a_hundred_thousand_members_is_read_like_any_other() -> None:
    members = gzip.compress(b"a") * 100_000
    assert decoded(members, "gzip", 1 << 20) == b"a" * 100_000
    with pytest.raises(ProtocolError, match="decodes to over 99999 bytes"):
        decoded(members, "gzip", 99_999)
