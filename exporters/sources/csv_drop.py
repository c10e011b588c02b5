"""Reads the newest file of a CSV drop: what another system writes into a folder now and then.

A file says nothing of whether it is whole. So it is read only once it has stood still, every row must have as many
fields as the header, and the last line must be ended (or be the agreed end mark). While a new drop is being written the
one before stands; a drop that is at rest and broken is a failed read, never replaced by an older one. One that is older
than allowed is a failed read too.
"""

import codecs
import csv
import glob
import io
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from exporters.context import ExporterContext
from exporters.serving.source import Deadline, Unreadable
from exporters.sources.table import MAX_ROWS, Table, positions, too_many
from slo.documents import Document

NS_PER_S = 1_000_000_000
_AHEAD_S = 300  # how far two clocks may differ
_CHECK_ROWS = 4096
DAY_S = 86_400


def _encoding(name: str) -> str:
    try:
        found = codecs.lookup(name).name
    except LookupError:
        raise ValueError("no such encoding; utf-8, cp1252 and iso-8859-15 are some") from None
    return "utf-8-sig" if found == "utf-8" else found  # a byte order mark is no part of the first name


class CsvConfig(Document):
    """Which files are the drop (`path` may be a pattern: the newest counts), and how they are written.

    `settle_s` is how long a file must have stood still; `end_mark` is how the last line begins, where there is one that
    says that the file is whole. `names` are the columns' names where the file has no header.
    """

    path: Annotated[str, Field(min_length=1, max_length=4096)]
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8-sig"
    names: tuple[str, ...] | None = None
    max_age_s: float = Field(default=2 * DAY_S, gt=0)
    settle_s: float = Field(default=5, ge=0, le=3600)
    final_newline: bool = True
    end_mark: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    max_bytes: int = Field(default=256 << 20, ge=1, le=1 << 30)
    max_rows: int = Field(default=MAX_ROWS, ge=1, le=10_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvDrop:
    """The drop that a configuration names; `place` names it in messages."""

    config: CsvConfig
    context: ExporterContext
    place: str

    @property
    def shown(self) -> str:
        """Where it is configured."""
        return self.place

    def read(self, wanted: Sequence[str], deadline: Deadline) -> Table:
        """Return the columns `wanted` of the newest drop that stands still; raises Unreadable."""
        path, changed_at_ns = self._newest()
        shown = f"{self.shown}: {path}"
        text = self._decoded(self._bytes(path, shown, deadline), shown)
        columns, rows = self._columns(text, wanted, shown, deadline)
        return Table(columns=columns, rows=rows, changed_at_ns=changed_at_ns)

    def _newest(self) -> tuple[str, int]:
        folder = glob.escape(str(self.context.folder))
        pattern = os.path.join(folder, self.config.path)  # noqa: PTH118 - a pattern is no path
        listed = ((_changed_at_ns(path), path) for path in glob.glob(pattern))  # noqa: PTH207 - of any folder
        found = sorted(((at, path) for at, path in listed if at is not None), reverse=True)
        if not found:
            raise Unreadable(f"{self.shown}: {self.context.path(self.config.path)}: no such file")
        now = self.context.now()
        if found[0][0] > now + _AHEAD_S * NS_PER_S:
            raise Unreadable(f"{self.shown}: {found[0][1]}: is dated {(found[0][0] - now) // NS_PER_S} s ahead")
        at_rest = [one for one in found if now - one[0] >= self.config.settle_s * NS_PER_S]
        if not at_rest:
            raise Unreadable(f"{self.shown}: {found[0][1]}: is still being written")
        age_s = (now - at_rest[0][0]) // NS_PER_S
        if age_s > self.config.max_age_s:
            allowed = f"older than the {self.config.max_age_s:g} s allowed"
            raise Unreadable(f"{self.shown}: {at_rest[0][1]}: is {age_s} s old, {allowed}")
        return at_rest[0][1], at_rest[0][0]

    def _bytes(self, path: str, shown: str, deadline: Deadline) -> bytes:
        try:
            # A pipe in the folder would otherwise be waited for until somebody writes to it.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                before = os.fstat(file.fileno())
                if not stat.S_ISREG(before.st_mode):
                    raise Unreadable(f"{shown}: is no file")
                if before.st_size > self.config.max_bytes:
                    raise Unreadable(f"{shown}: larger than the {self.config.max_bytes} bytes allowed")
                content = file.read(self.config.max_bytes + 1)
                after = os.fstat(file.fileno())
        except OSError as error:
            raise Unreadable(f"{shown}: can't be read: {error.strerror}") from error
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or len(content) != after.st_size:
            raise Unreadable(f"{shown}: changed while it was read")
        if deadline.left_s() <= 0:
            raise Unreadable(f"{shown}: not read within the deadline")
        return content

    def _decoded(self, content: bytes, shown: str) -> str:
        try:
            text = content.decode(self.config.encoding)
        except UnicodeDecodeError as error:
            raise Unreadable(f"{shown}: not {self.config.encoding} at byte {error.start}") from None
        if "\0" in text:
            raise Unreadable(f"{shown}: holds a zero byte at character {text.index(chr(0))}")
        return self._whole(text, shown)

    def _whole(self, text: str, shown: str) -> str:
        """Return the text without its end mark; raises Unreadable when something at its end is missing."""
        if self.config.end_mark is not None:
            rows, _, last = text.rstrip("\r\n").rpartition("\n")
            if not last.startswith(self.config.end_mark):
                raise Unreadable(f"{shown}: doesn't end with {self.config.end_mark!r}: it isn't whole")
            return rows
        if self.config.final_newline and not text.endswith(("\n", "\r")):
            raise Unreadable(f"{shown}: its last line isn't ended: it isn't whole")
        return text

    def _columns(
        self, text: str, wanted: Sequence[str], shown: str, deadline: Deadline
    ) -> tuple[dict[str, list[object]], int]:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self.config.delimiter, strict=True)
        try:
            names = list(self.config.names) if self.config.names is not None else next(reader, [])
            at = positions(names, wanted, shown)
            rows = list(self._rows(reader, len(names), shown, deadline))
        except csv.Error as error:
            raise Unreadable(f"{shown}: line {reader.line_num}: {error}") from None
        return {name: [row[place] for row in rows] for name, place in zip(wanted, at, strict=True)}, len(rows)

    def _rows(self, reader: Iterator[list[str]], fields: int, shown: str, deadline: Deadline) -> Iterator[list[str]]:
        count = 0
        for row in reader:
            if not row:
                continue
            if len(row) != fields:
                line = getattr(reader, "line_num", 0)
                raise Unreadable(f"{shown}: line {line}: {len(row)} fields, expected {fields}")
            count += 1
            if count > self.config.max_rows:
                raise too_many(self.config.max_rows, shown)
            if count % _CHECK_ROWS == 0 and deadline.left_s() <= 0:
                raise Unreadable(f"{shown}: not read within the deadline")
            yield row


def _changed_at_ns(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 - of a path that glob gave
    except OSError:
        return None  # gone since it was listed
