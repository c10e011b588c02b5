"""The ledger: a row before each order attempt is sent, one with its outcome, and one for whatever else was created."""

import json
import os
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slo.documents import BadInput

if TYPE_CHECKING:  # it brings PyArrow, which who only needs a Line shouldn't wait for
    from loadtests.results.run_directory import RunDirectory

OutcomeWord = Literal["accepted", "refused", "unknown"]
_MOST = 1 << 62
_OUTCOMES = ("accepted", "refused", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A quantity of one SKU from one location."""

    sku: str
    quantity: int
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An order attempt with its outcome; `unknown` while no reply has come.

    `amount_cents` is the total that the shop named, once it named one, `asked_cents` what the shopper was to pay
    before. It was sent `at` and answered `replied_at`, in ns, 0 where that isn't known.
    """

    session: int
    key: str
    lines: tuple[Line, ...]
    amount_cents: int
    outcome: OutcomeWord = "unknown"
    order_id: str | None = None
    asked_cents: int | None = field(default=None, compare=False)
    at: int = field(default=0, compare=False)
    replied_at: int = field(default=0, compare=False)

    @property
    def asked(self) -> int:
        """What the shopper was to pay before the shop answered."""
        return self.amount_cents if self.asked_cents is None else self.asked_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedRow:
    """What a session may have created in the shop beside orders: an account, a cart, an address, a reservation.

    `id` is the shop's own word for it; None where the session's number is enough, as for the account of a new customer.
    """

    session: int
    kind: str
    id: str | None = None


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

    def created(self, row: CreatedRow, at: int) -> None:
        """Write that something was created, or is about to be. `at` in ns."""
        self.counts["created"] = self.counts.get("created", 0) + 1
        self._write({"event": "created", "at": at, **asdict(row)})

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
        with closing(_rows(path)) as rows:
            for number, row in rows:
                try:
                    _apply(attempts, last, same, row)
                except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                    raise BadInput(f"{path}: line {number}: not a ledger row: {error!r}") from error
    return tuple(attempts)


def read_created(paths: Iterable[Path]) -> tuple[CreatedRow, ...]:
    """Read what a run may have created beside orders, each once, in the order of the rows; raises BadInput."""
    found: dict[CreatedRow, None] = {}
    for path in paths:
        with closing(_rows(path)) as rows:
            for number, row in rows:
                if row.get("event") != "created":
                    continue
                try:
                    own = None if row["id"] is None else str(row["id"])
                    found[CreatedRow(session=int(row["session"]), kind=str(row["kind"]), id=own)] = None
                except (KeyError, TypeError, ValueError) as error:
                    raise BadInput(f"{path}: line {number}: not a ledger row: {error!r}") from error
    return tuple(found)


def count_rows(path: Path) -> int:
    """Return how many whole rows a ledger holds; 0 when there is no file."""
    try:
        with path.open("rb") as file:
            return sum(line.endswith(b"\n") for line in file)
    except FileNotFoundError:
        return 0


def _rows(path: Path) -> Generator[tuple[int, dict[str, Any]], None, None]:
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
    if row["event"] == "created":
        return
    key = str(row["key"])
    if row["event"] == "attempt":
        lines = tuple(_line(**line) for line in row["lines"])
        session, amount_cents = int(row["session"]), _bounded(row["amount_cents"])
        last[key] = len(attempts)
        lines = same.setdefault(lines, lines)  # most carts are like others: they share their lines
        at = _moment(row)
        attempts.append(Attempt(session=session, key=key, lines=lines, amount_cents=amount_cents, at=at))
        return
    if row["event"] != "outcome" or row["outcome"] not in _OUTCOMES:
        raise ValueError(f"unknown event or outcome in {row}")
    before = attempts[last[key]]
    attempts[last[key]] = replace(
        before,
        amount_cents=before.amount_cents if row["total_cents"] is None else _bounded(row["total_cents"]),
        outcome=row["outcome"],
        order_id=None if row["order_id"] is None else str(row["order_id"]),
        asked_cents=before.asked,
        replied_at=_moment(row),
    )


def _moment(row: dict[str, Any]) -> int:
    at = row.get("at")
    return at if isinstance(at, int) and not isinstance(at, bool) and 0 <= at <= _MOST else 0


def _line(*, sku: str, quantity: int, location: str) -> Line:
    return Line(sku=str(sku), quantity=_bounded(quantity), location=str(location))


def _bounded(value: Any) -> int:  # noqa: ANN401 - as it stands in the file
    """Return a whole number that a column of 64 bits holds; raises what `int` does, or ValueError."""
    whole = int(value)
    if abs(whole) > _MOST:
        raise ValueError("a number beyond 2**62")
    return whole


def orders_of(directory: "RunDirectory") -> dict[str, int]:
    """Return how many orders a run attempted and how many had each outcome, from its ledgers. Raises BadInput."""
    return orders_in(directory.ledgers())


def orders_in(ledgers: Iterable[Path]) -> dict[str, int]:
    """Return how many orders are in ledgers and how many had each outcome. Raises BadInput."""
    outcomes = Counter(attempt.outcome for attempt in read_ledgers(ledgers))
    return {"attempted": outcomes.total(), **{name: outcomes[name] for name in ("accepted", "refused", "unknown")}}
