"""`cleanup.jsonl` in a run directory: what became of each thing that the run created, a line each, never rewritten.

A cleanup that was ended goes on from it. It is evidence like the rest: read as what it says, and no code comes of it.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import orjson
from pydantic import Field, ValidationError

from loadtests.results.created import ORDER, Created
from slo.documents import BadInput, WrittenDocument

Outcome = Literal["removed", "gone", "failed"]
Key = tuple[str, str, str, int | None]
_MOST_BYTES = 256 << 20
_LONGEST_WHY = 500


class JournalRow(WrittenDocument):
    """One line: a start (`began`), what became of one thing (`item`), or how a start ended (`ended`); `at` in ns.

    `removed` is the shop's word, `gone` is that it was asked and had it no more. Of `ended`: how many things are known
    to be left, and how many reasons there are why that isn't proven.
    """

    event: Literal["began", "item", "ended"]
    at: int
    peakproof: str | None = None
    kind: str | None = None
    id: str = ""
    key: str = ""
    session: int | None = None
    outcome: Outcome | None = None
    why: str = Field(default="", max_length=_LONGEST_WHY)
    left: int | None = None
    unproven: int | None = None


def key_of(item: Created) -> Key:
    """Return what tells one thing that a run created from every other."""
    return (item.kind, item.id, "" if item.id else item.key, None if item.id or item.key else item.session)


class Journal:
    """The journal of one run directory: what it holds, and one `write()` a row that is added."""

    def __init__(self, path: Path) -> None:
        self._path, self.rows = path, list(_rows(path))
        self.outcomes = {
            key_of(Created(kind=row.kind, id=row.id, key=row.key, session=row.session)): row.outcome
            for row in self.rows
            if row.kind is not None and row.outcome is not None
        }
        self._fd: int | None = None

    @property
    def finished_at(self) -> int | None:
        """When the last start that went to its end did so (ns); None when none has."""
        return next((row.at for row in reversed(self.rows) if row.event == "ended"), None)

    @property
    def removed(self) -> frozenset[Key]:
        """What the shop once said that it removed, whatever it said later."""
        return frozenset(
            key_of(Created(kind=row.kind, id=row.id, key=row.key, session=row.session))
            for row in self.rows
            if row.kind is not None and row.outcome == "removed"
        )

    @property
    def has_removed(self) -> bool:
        """Whether something of the run was removed: the shop doesn't show any more what the run did."""
        return any(outcome == "removed" for outcome in (row.outcome for row in self.rows))

    @property
    def has_removed_orders(self) -> bool:
        """Whether the shop removed an order of the run, by its own word."""
        return any(row.kind == ORDER and row.outcome == "removed" for row in self.rows)

    def __enter__(self) -> Self:
        """Open it for rows; half a row that a kill left is cut off."""
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        os.ftruncate(self._fd, _whole_bytes(self._path))
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def began(self, at: int, version: str) -> None:
        """Write that a start begins."""
        self._write(JournalRow(event="began", at=at, peakproof=version))

    def item(self, item: Created, outcome: Outcome, why: str, at: int) -> None:
        """Write what became of one thing."""
        kind, own_id, key, session = key_of(item)
        row = JournalRow(event="item", at=at, kind=kind, id=own_id, key=key, session=session, outcome=outcome)
        self._write(row.model_copy(update={"why": why[:_LONGEST_WHY]}))
        self.outcomes[key_of(item)] = outcome

    def ended(self, at: int, left: int, unproven: int) -> None:
        """Write how a start ended."""
        self._write(JournalRow(event="ended", at=at, left=left, unproven=unproven))

    def _write(self, row: JournalRow) -> None:
        assert self._fd is not None  # noqa: S101 - it is open
        self.rows.append(row)
        os.write(self._fd, orjson.dumps(row.model_dump(mode="json", exclude_defaults=True)) + b"\n")


def _whole_bytes(path: Path) -> int:
    data = path.read_bytes()
    return data.rfind(b"\n") + 1


def _rows(path: Path) -> Iterator[JournalRow]:
    """Yield the whole rows; raises BadInput on one that isn't."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadInput(f"{path}: larger than {_MOST_BYTES:,} bytes")
        data = path.read_bytes()
    except FileNotFoundError:
        return
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            yield JournalRow.model_validate_json(line)
        except ValidationError as error:
            raise BadInput(f"{path}: line {number}: not a row of a cleanup: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, detail["loc"]))
    return f"{place}: {detail['msg']}" if place else detail["msg"]
