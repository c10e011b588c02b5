"""The ledger of order attempts: a row before each is sent, and a row with its outcome."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slo.documents import BadInput

if TYPE_CHECKING:  # it brings PyArrow, which who only needs a Line shouldn't wait for
    from loadtests.results.run_directory import RunDirectory

OutcomeWord = Literal["accepted", "refused", "unknown"]
_OUTCOMES = ("accepted", "refused", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A quantity of one SKU from one location."""

    sku: str
    quantity: int
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An order attempt with its outcome; `unknown` while no reply has come."""

    session: int
    key: str
    lines: tuple[Line, ...]
    amount_cents: int
    outcome: OutcomeWord = "unknown"
    order_id: str | None = None


class Ledger:
    """One worker's ledger file: append-only, one `write()` a row, so a killed worker loses none that was written."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.counts = {"attempted": 0, "accepted": 0, "refused": 0, "unknown": 0}

    def attempt(self, attempt: Attempt, at: int) -> None:
        """Write that an order is about to be sent. `at` in ns."""
        self.counts["attempted"] += 1
        row = {
            "event": "attempt",
            "at": at,
            "session": attempt.session,
            "key": attempt.key,
            "lines": [asdict(line) for line in attempt.lines],
            "amount_cents": attempt.amount_cents,
        }
        self._write(row)

    def outcome(self, key: str, outcome: OutcomeWord, at: int, reply: "OrderReply") -> None:
        """Write the outcome of the attempt `key`. `at` in ns."""
        self.counts[outcome] += 1
        self._write({"event": "outcome", "at": at, "key": key, "outcome": outcome, **asdict(reply)})

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _write(self, row: dict[str, Any]) -> None:
        os.write(self._fd, json.dumps(row, separators=(",", ":")).encode() + b"\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReply:
    """The shop's reply to an order attempt."""

    status: int
    order_id: str | None = None
    reason: str | None = None
    total_cents: int | None = None


def read_ledgers(paths: Iterable[Path]) -> tuple[Attempt, ...]:
    """Read every attempt of a run with its outcome; one without an outcome row is `unknown`.

    An attempt whose key was used before is one of its own: an outcome is the last one's of its key and its worker.
    A last line cut short by a kill is left out. Raises BadInput on any other malformed row.
    """
    attempts: list[Attempt] = []
    same: dict[tuple[Line, ...], tuple[Line, ...]] = {}
    for path in paths:
        last: dict[str, int] = {}
        for number, row in _rows(path):
            try:
                _apply(attempts, last, same, row)
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise BadInput(f"{path}: line {number}: not a ledger row: {error!r}") from error
    return tuple(attempts)


def count_rows(path: Path) -> int:
    """Return how many whole rows a ledger holds; 0 when there is no file."""
    try:
        with path.open("rb") as file:
            return sum(line.endswith(b"\n") for line in file)
    except FileNotFoundError:
        return 0


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                row = json.loads(line[:-1].decode("utf-8", errors="replace"))
            except (ValueError, RecursionError) as error:
                raise BadInput(f"{path}: line {number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise BadInput(f"{path}: line {number}: expected an object, found {type(row).__name__}")
            yield number, row


def _apply(
    attempts: list[Attempt],
    last: dict[str, int],
    same: dict[tuple[Line, ...], tuple[Line, ...]],
    row: dict[str, Any],
) -> None:
    key = str(row["key"])
    if row["event"] == "attempt":
        lines = tuple(_line(**line) for line in row["lines"])
        session, amount_cents = int(row["session"]), int(row["amount_cents"])
        last[key] = len(attempts)
        lines = same.setdefault(lines, lines)  # most carts are like others: they share their lines
        attempts.append(Attempt(session=session, key=key, lines=lines, amount_cents=amount_cents))
        return
    if row["event"] != "outcome" or row["outcome"] not in _OUTCOMES:
        raise ValueError(f"unknown event or outcome in {row}")
    before = attempts[last[key]]
    attempts[last[key]] = Attempt(
        session=before.session,
        key=key,
        lines=before.lines,
        amount_cents=before.amount_cents if row["total_cents"] is None else int(row["total_cents"]),
        outcome=row["outcome"],
        order_id=None if row["order_id"] is None else str(row["order_id"]),
    )


def _line(*, sku: str, quantity: int, location: str) -> Line:
    return Line(sku=str(sku), quantity=int(quantity), location=str(location))


def orders_of(directory: "RunDirectory") -> dict[str, int]:
    """Return how many orders were attempted and how many had each outcome, from the ledgers. Raises BadInput."""
    outcomes = Counter(attempt.outcome for attempt in read_ledgers(directory.ledgers()))
    return {"attempted": outcomes.total(), **{name: outcomes[name] for name in ("accepted", "refused", "unknown")}}
