"""A file is cut without a loss; only within a text are pieces large, and none goes on behind it."""

import io

from hypothesis import given
from hypothesis import strategies as st

from loadtests.har.pieces import Pieces

SMALL, LARGEST = 4, 64


def cut(data: bytes, small: int = SMALL, largest: int = LARGEST) -> list[bytes]:
    pieces = Pieces(io.BytesIO(data), small, largest)
    return list(iter(pieces.next, b""))


def within_texts(data: bytes) -> list[bool]:
    """Return of each byte whether it is of a text, its closing quote included: a byte after the other."""
    found, is_within, is_escaped = list[bool](), False, False
    for byte in data:
        found.append(is_within)
        if is_escaped:
            is_escaped = False
        elif is_within and byte == ord("\\"):
            is_escaped = True
        elif byte == ord('"'):
            is_within = not is_within
    return found


TEXTS = st.lists(st.sampled_from(["a", "\\\\", '\\"', "\\n", "[", "é", "xxxxxxxxxxxxxxxx"]), max_size=60)
BETWEEN = st.text(st.sampled_from("[]{},: 1"), max_size=20)
FILES = st.lists(st.one_of(BETWEEN, TEXTS.map(lambda parts: f'"{"".join(parts)}"')), max_size=12).map("".join)


@given(FILES)
def test_a_file_is_cut_without_a_loss_and_a_large_piece_is_of_one_text(text: str) -> None:
    data = text.encode()
    pieces = cut(data)
    assert b"".join(pieces) == data
    of_text, at = within_texts(data), 0
    for piece in pieces:
        if len(piece) > SMALL:
            assert all(of_text[at : at + len(piece)])
        at += len(piece)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_json_are_cut_without_a_loss_too(data: bytes) -> None:
    pieces = cut(data)
    assert b"".join(pieces) == data
    assert all(len(piece) <= LARGEST for piece in pieces)


def test_a_long_text_comes_in_few_pieces_and_what_follows_in_small_ones() -> None:
    data = b'{"a": "' + b"x" * 4_000_000 + b'\\"' * 100_000 + b'", "b": ' + b"[" * 40_000
    pieces = cut(data, 4096, 1 << 20)
    assert len(pieces) < 40
    assert max(len(piece) for piece in pieces if b"[" in piece) <= 4096
