"""A JSON file in pieces for a parser that reads a token again from its beginning with each piece of it.

Small pieces, but within a long text: by small ones alone a text of 30 MB takes minutes. No piece that is larger than a
small one goes on behind its text, so a parser that keeps what a piece holds never keeps more than a small one's.
"""

import re
from typing import BinaryIO

_SMALL, _LARGEST = 4 << 10, 1 << 20
_TO_THE_END_OF_A_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class Pieces:
    """Cuts a file; what stands within quotes is text, as JSON has it. Its pieces grow from `small` to `largest`."""

    def __init__(self, file: BinaryIO, small: int = _SMALL, largest: int = _LARGEST) -> None:
        self._file, self._small, self._largest = file, small, largest
        self._rest, self._in_text, self._size = b"", False, small

    def next(self) -> bytes:
        """Return the next piece, empty at the end of the file."""
        self._size = min(2 * self._size, self._largest) if self._in_text else self._small
        data = self._rest
        if len(data) < self._size:
            data += self._file.read(self._size - len(data))
        piece = data[: max(self._small, self._text_left(data))]
        if _ends_in_an_escape(piece) and len(piece) > 1:
            piece = piece[:-1]
        self._rest = data[len(piece) :]
        self._follow(piece)
        return piece

    def _text_left(self, data: bytes) -> int:
        """Return how much of the data is of the text that it begins in."""
        if not self._in_text:
            return 0
        end = _TO_THE_END_OF_A_TEXT.match(data)
        return len(data) if end is None else end.end()

    def _follow(self, piece: bytes) -> None:
        """Take note of whether a text goes on behind the piece."""
        at = 0
        while True:
            if self._in_text:
                end = _TO_THE_END_OF_A_TEXT.match(piece, at)
                at = -1 if end is None else end.end()
            else:
                at = piece.find(b'"', at) + 1 or -1
            if at < 0:
                return
            self._in_text = not self._in_text


def _ends_in_an_escape(piece: bytes) -> bool:
    return (len(piece) - len(piece.rstrip(b"\\"))) % 2 == 1
