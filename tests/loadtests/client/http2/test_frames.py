"""A header block of any length goes out in frames that every server takes."""

import pytest

from loadtests.client.http2.frame_reader import FrameReader
from loadtests.client.http2.frames import CONTINUATION, END_HEADERS, END_STREAM, HEADERS, LEAST_MAX_FRAME, header_frames
from tests.loadtests.hostile_http2 import said

SETTINGS = said(4, 0, 0)


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("size", [0, LEAST_MAX_FRAME, LEAST_MAX_FRAME + 1, 2 * LEAST_MAX_FRAME, 50_000])
def test_a_header_block_is_whole_again_whatever_its_length(size: int, ends: bool) -> None:  # noqa: FBT001 - a column
    block = bytes(number % 251 for number in range(size))
    whole = header_frames(7, block, LEAST_MAX_FRAME, ends=ends)
    _, (kind, flags, stream, payload) = FrameReader().feed(SETTINGS + whole)
    assert (kind, flags & END_STREAM, stream, payload) == (HEADERS, END_STREAM if ends else 0, 7, block)


def test_only_the_last_frame_of_a_header_block_ends_it() -> None:
    expected = said(HEADERS, END_STREAM, 1, b"abcd") + said(CONTINUATION, 0, 1, b"efgh")
    expected += said(CONTINUATION, END_HEADERS, 1, b"i")
    assert header_frames(1, b"abcdefghi", 4, ends=True) == expected
    assert header_frames(1, b"abcd", 4, ends=False) == said(HEADERS, END_HEADERS, 1, b"abcd")
