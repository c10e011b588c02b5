"""Lines of families of many series: rendered once, kept from scrape to scrape, rendered again where something changed.

Three things are kept of each family: every line's beginning (name and labels), every value's text, and chunks of 1,000
lines. A scrape compares labels and values with those of the last one; only changed values become text, and only chunks
with a change in them are joined again. What is compared are copies, so that nobody has to promise not to change a list.
"""

import re
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import orjson
from numpy.typing import NDArray

from exporters.serving.columns import ColumnFamily
from exporters.serving.text_lines import escaped, go_number, label_name

CHUNK = 1_000
MOST_SERIES = 4_000_000  # kept in all; a series takes about 250 bytes
_PLAIN_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LEAST, _MOST = 1e-4, 1e6  # between them orjson writes a number as prometheus-client does


class Chunk:
    """Some whole lines, and what they deflate to once somebody asked for that."""

    __slots__ = ("_deflated", "lines")

    def __init__(self, lines: bytes) -> None:
        self.lines = lines
        self._deflated: bytes | None = None

    def deflated(self, level: int) -> bytes:
        """Return the lines as a part of a raw deflate stream that leans on nothing before it (RFC 1951)."""
        if self._deflated is None:
            packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
            self._deflated = packer.compress(self.lines) + packer.flush(zlib.Z_SYNC_FLUSH)
        return self._deflated


class ColumnLines:
    """The lines of every family that was asked for lately, at most `most_series` of them in all.

    Threads may ask at once. A family that hasn't been asked for longest goes first when there are too many.
    """

    def __init__(self, most_series: int = MOST_SERIES) -> None:
        self._most_series = most_series
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    @property
    def series(self) -> int:
        """How many series' lines are kept."""
        return sum(one.series for one in self._kept.values())

    def chunks(self, family: ColumnFamily) -> Sequence[Chunk]:
        """Return the lines of the family's samples, without what goes before them."""
        if len(family.values) > self._most_series:
            return _Kept(family).chunks(family)
        with self._lock:
            kept = self._kept.pop(family.sample_name, None) or _Kept(family)
            self._kept[family.sample_name] = kept
            self._make_room(len(family.values), kept)
        return kept.chunks(family)

    def _make_room(self, wanted: int, but: "_Kept") -> None:
        others = sum(one.series for one in self._kept.values() if one is not but)
        while others + wanted > self._most_series:
            _, gone = self._kept.popitem(last=False)
            others -= gone.series


def is_plain(family: ColumnFamily) -> bool:
    """Whether its names are the same in both formats, so that its lines are too."""
    names = (family.sample_name, *family.labels)
    return len(set(family.labels)) == len(family.labels) and all(_PLAIN_NAME.fullmatch(name) for name in names)


class _Kept:
    """The lines of one family."""

    def __init__(self, family: ColumnFamily) -> None:
        self._lock = threading.Lock()
        self._name, self._labels = family.sample_name, family.labels
        self._forget()

    def _forget(self) -> None:
        self._columns: list[list[str]] = []
        self._bits: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._parts: list[bytes] = []  # of each line its beginning, then its value with the line's end
        self._chunks: list[Chunk] = []

    @property
    def series(self) -> int:
        """How many there are."""
        return len(self._bits)

    def chunks(self, family: ColumnFamily) -> Sequence[Chunk]:
        """Return the chunks after bringing them up to `family`."""
        with self._lock:
            try:
                self._take(family)
            except BaseException:
                self._forget()  # what is half new is of no use to the next scrape
                raise
            return tuple(self._chunks)

    def _take(self, family: ColumnFamily) -> None:
        if family.labels != self._labels or len(family.values) != len(self._bits):
            self._begin(family)
        columns = [column if isinstance(column, list) else list(column) for column in family.columns]
        for nth in self._take_columns(columns) | self._take_values(family.values):
            self._chunks[nth] = Chunk(b"".join(self._parts[2 * nth * CHUNK : 2 * (nth + 1) * CHUNK]))

    def _begin(self, family: ColumnFamily) -> None:
        """Make room for the lines of `family`; those of the same number as before may still be right."""
        count, before = len(family.values), len(self._bits) if family.labels == self._labels else 0
        same = min(count, before)
        self._labels = family.labels
        self._columns = [column[:same] for column in self._columns[: len(family.labels)]] if same else []
        self._columns = self._columns or [[] for _ in family.labels]
        self._bits = np.concatenate([self._bits[:same], np.zeros(count - same, dtype=np.int64)])
        self._parts = self._parts[: 2 * same] + [b"", b"0.0\n"] * (count - same)
        whole = self._chunks[: same // CHUNK]
        self._chunks = whole + [Chunk(b"")] * (-(-count // CHUNK) - len(whole))

    def _take_columns(self, columns: list[list[str]]) -> set[int]:
        """Render the beginnings of the chunks whose labels are others; returns these chunks."""
        if self._columns == columns and all(chunk.lines for chunk in self._chunks):
            return set()
        stale = set()
        for nth, chunk in enumerate(self._chunks):
            rows = slice(nth * CHUNK, (nth + 1) * CHUNK)
            now = [column[rows] for column in columns]
            if not chunk.lines or now != [column[rows] for column in self._columns]:
                count = min(CHUNK, len(self._bits) - nth * CHUNK)
                self._parts[2 * rows.start : 2 * (rows.start + count) : 2] = self._beginnings(now, count)
                stale.add(nth)
        self._columns = [column.copy() for column in columns]
        return stale

    def _beginnings(self, columns: list[list[str]], count: int) -> list[bytes]:
        if not columns:
            return [f"{self._name} ".encode()] * count
        ordered = sorted(range(len(columns)), key=self._labels.__getitem__)
        template = ",".join(f'{label_name(self._labels[index])}="%s"' for index in ordered)
        template = f"{self._name}{{{template}}} "
        rows = zip(*(_escaped(columns[index]) for index in ordered), strict=True)
        # A line's beginning holds no end of a line, so that one encoding serves for all of them.
        return "\n".join([template % row for row in rows]).encode(errors="replace").split(b"\n")

    def _take_values(self, values: NDArray[np.float64]) -> set[int]:
        """Render the values that are others, to the bit; returns the chunks they are in."""
        bits = np.ascontiguousarray(values).view(np.int64)
        changed = np.flatnonzero(bits != self._bits)
        if not len(changed):
            return set()
        if 2 * len(changed) > len(bits):
            self._parts[1::2] = value_lines(values)
        else:
            for index, line in zip((2 * changed + 1).tolist(), value_lines(values[changed]), strict=True):
                self._parts[index] = line
        self._bits = bits.copy()
        return set(np.unique(changed // CHUNK).tolist())


def value_lines(values: NDArray[np.float64]) -> list[bytes]:
    """Return each value's text and a line's end."""
    if not len(values):
        return []
    size = np.abs(values)
    plain = ((size >= _LEAST) & (values < _MOST) & (values > -_MOST)) | (values == 0)
    packed = orjson.dumps(np.where(plain, values, 0.0), option=orjson.OPT_SERIALIZE_NUMPY)
    lines = packed[1:-1].replace(b",", b"\n,").split(b",")
    lines[-1] += b"\n"
    for index in np.flatnonzero(~plain).tolist():
        lines[index] = f"{go_number(float(values[index]))}\n".encode()
    return lines


def _escaped(column: list[str]) -> list[str]:
    together = "".join(column)
    return [escaped(value) for value in column] if escaped(together) is not together else column
