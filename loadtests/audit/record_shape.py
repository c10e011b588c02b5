"""Turns the rows of a shop's own database or pages into the rows of the audit: names, money, times, words, lines.

Pure: what a row is read from doesn't matter, a column is a path of one name.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from loadtests.audit.rows import row_of
from loadtests.audit.status_words import UNKNOWN, Words
from loadtests.environment.record_targets import NS_PER, OrdersSource, PaymentsSource, RecordSource, StockSource
from slo.documents import BadInput

Row = Mapping[str, Any]
Get = Callable[[Row], Any]
_MISSING = object()
_TIMES = ("created_at", "paid_at", "printed_at", "shipped_at", "due_at")
_AMOUNTS = ("total_cents", "amount_cents")
_COUNTS = ("quantity", "reserved", "sessions")
_LINE = ("sku", "quantity", "location")
_CENT = Decimal("0.000001")  # what a float's own error may be
_SHOWN = 60
_MOST = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One of our fields, where it stands in a row, and how its value is read."""

    name: str
    get: Get
    read: Callable[[Any], Any] | None = None


class Shape:
    """How the rows of one source become ours; `columns` are those that every row has, None where each has its own.

    Raises BadInput when a column is missing that must be there, or that `fields` names.
    """

    def __init__(self, kind: str, source: RecordSource, columns: Sequence[str] | None = None) -> None:
        self._kind, self._source, self._columns = kind, source, columns
        self._orders = source if isinstance(source, OrdersSource) else None
        per_line = self._orders is not None and self._orders.one_row_per == "line"
        names = [name for name in source.FIELDS if not (per_line and name == "lines")]
        line: Mapping[Any, str] = {} if self._orders is None else self._orders.line
        self._line = {name: line.get(name, name) for name in _LINE}
        if per_line:
            names.remove("location")
        wanted = {*source.wanted, *source.fields}
        lines = {self._line[name] for name in ("sku", "quantity", *line)} if per_line else set()
        self._check({name: source.fields.get(name, name) for name in names if name in wanted}, lines)
        there = None if columns is None else set(columns)
        self.found = [name for name in names if there is None or source.fields.get(name, name) in there]
        of_column = there is not None
        self._fields = [self._field(name, source.fields.get(name, name), of_column=of_column) for name in self.found]
        self._words = Words(kind, source.status) if isinstance(source, OrdersSource | PaymentsSource) else None
        self._location = source.location if isinstance(source, OrdersSource | StockSource) else ""
        self._per_line = per_line
        self._parts = [
            self._field(name, column, of_column=per_line and there is not None)
            for name, column in self._line.items()
            if not per_line or there is None or column in there
        ]

    def rows(self, raw: Iterable[object], place: str = "row") -> Iterator[dict[str, Any]]:
        """Yield our rows; raises BadInput with the number of the row, its field, the value and what is allowed."""
        if self._per_line:
            yield from self._grouped(raw, place)
            return
        for number, row in enumerate(raw, start=1):
            where = f"{place} {number}"
            held = self._read(row, where)
            if self._orders is not None and isinstance(held.get("lines"), list):
                held["lines"] = [self._line_of(one, where) for one in held["lines"]]
            yield self._checked(held, where)

    def _grouped(self, raw: Iterable[object], place: str) -> Iterator[dict[str, Any]]:
        """Yield an order for all rows that follow each other and name it."""
        order: dict[str, Any] | None = None
        begun = 0
        seen: set[int] = set()
        for number, row in enumerate(raw, start=1):
            where = f"{place} {number}"
            held = self._read(row, where)
            if order is None or held.get("order_id") != order["order_id"]:
                if order is not None:
                    yield self._checked(order, f"{place} {begun}")
                mark = hash(held.get("order_id"))
                if mark in seen:
                    order_id = held.get("order_id")
                    raise BadInput(f"{where}: order {order_id} again: the rows of an order must follow each other:"
                                   " ORDER BY its number")  # fmt: skip
                seen.add(mark)
                order, begun = {**held, "lines": []}, number
            elif other := next((name for name in ("total_cents", "status") if held.get(name) != order.get(name)), None):
                raise BadInput(f"{where}: {other}: {held.get(other)!r}, and {order.get(other)!r} in row {begun} of the"
                               " same order")  # fmt: skip
            line = self._line_of(row, where)
            if any(line.get(name) is not None for name in ("sku", "quantity")):
                order["lines"].append(line)
        if order is not None:
            yield self._checked(order, f"{place} {begun}")

    def _checked(self, held: dict[str, Any], where: str) -> dict[str, Any]:
        """Return a row as the audit takes it: what is required is there, and a status that nobody knows is unknown."""
        for name in self._source.wanted:
            if name not in held:
                raise BadInput(f"{where}: {name}: required and missing")
            if held[name] is None and name != "status":
                raise BadInput(f"{where}: {name}: is NULL")
        if "status" in self._source.fields:
            held.setdefault("status", None)
        word = held.get("status")
        ours = self._words.ours(word) if self._words is not None and "status" in held else None
        if ours != UNKNOWN:
            return row_of(self._kind, held if ours is None else {**held, "status": ours}, self._location, where)
        del held["status"]
        row = row_of(self._kind, held, self._location, where)
        return {**row, "status": UNKNOWN, "status_word": repr(word)[:_SHOWN]}

    def _read(self, row: object, where: str) -> dict[str, Any]:
        if type(row) is not dict and not isinstance(row, Mapping):
            raise BadInput(f"{where}: expected an object with {', '.join(self._source.FIELDS)}, found"
                           f" {type(row).__name__}")  # fmt: skip
        return _values(self._fields, row, where)

    def _line_of(self, row: object, where: str) -> dict[str, Any]:
        if type(row) is not dict and not isinstance(row, Mapping):
            raise BadInput(f"{where}: lines: expected objects with sku and quantity, found {type(row).__name__}")
        return _values(self._parts, row, f"{where}: lines")

    def _field(self, name: str, column: str, *, of_column: bool) -> Field:
        get: Get = partial(_column, column) if of_column else partial(_at, column.split("."))
        return Field(name=name, get=get, read=self._reader(name))

    def _reader(self, name: str) -> Callable[[Any], Any] | None:
        if name in _COUNTS:
            return _number
        source = self._source
        if not isinstance(source, OrdersSource | PaymentsSource):
            return None
        if name in _TIMES:
            return partial(_time, source.times, None if source.zone is None else ZoneInfo(source.zone))
        if name in _AMOUNTS:
            return _cents if source.money == "decimal" else _number
        return _json_lines if name == "lines" else None

    def _check(self, wanted: Mapping[str, str], lines: set[str]) -> None:
        if self._columns is None:
            return
        lacking = [f"{name} ({column})" if name != column else name for name, column in wanted.items()
                   if column not in self._columns]  # fmt: skip
        lacking += [column for column in sorted(lines) if column not in self._columns]
        if lacking:
            there = ", ".join(self._columns[:40]) or "none"
            raise BadInput(f"no column for {', '.join(lacking)}; its columns: {there}; name them with AS, or in fields")
        doubled = sorted({name for name in self._columns if self._columns.count(name) > 1})
        if used := [name for name in doubled if name in {*wanted.values(), *lines}]:
            raise BadInput(f"two columns are called {used[0]}: name each with AS")


def _values(fields: Sequence[Field], row: Row, where: str) -> dict[str, Any]:
    """Return what a row has of the fields; raises BadInput for a value that isn't one."""
    held = {}
    for field in fields:
        value = field.get(row)
        if value is _MISSING:
            continue
        try:
            held[field.name] = value if field.read is None else field.read(value)
        except ValueError as error:
            raise BadInput(f"{where}: {field.name}: {error}, found {repr(value)[:_SHOWN]}") from None
    return held


def _column(name: str, row: Row) -> Any:  # noqa: ANN401 - a driver's value
    return row.get(name, _MISSING)


def _at(path: Sequence[str], row: Row) -> Any:  # noqa: ANN401 - JSON's
    """Return what stands at a path: names, and numbers in lists."""
    found: Any = row
    for name in path:
        if type(found) is dict or isinstance(found, Mapping):
            found = found.get(name, _MISSING)
        elif isinstance(found, list) and name.isdigit():
            found = found[int(name)] if int(name) < len(found) else _MISSING
        else:
            return _MISSING
    return found


def at_path(path: str, row: object) -> object:
    """Return what stands at a path in JSON, None where nothing does."""
    found = _at(path.split("."), row) if isinstance(row, Mapping) else None
    return None if found is _MISSING else found


def _number(value: object) -> object:
    """Return a number that is written as a text as what it is."""
    if not isinstance(value, str):
        return value
    found = _exact(value)
    if found is None:
        raise ValueError("must be a whole number")
    return found


def _cents(value: object) -> object:
    """Return an amount in cents; raises ValueError for one with parts of a cent."""
    if value is None:
        return None
    found = _exact(value)
    if found is None or abs(found) * 100 > _MOST:
        raise ValueError("must be an amount such as 12.34")
    exact = found * 100
    whole = exact.to_integral_value()
    if exact != whole and not (isinstance(value, float) and abs(exact - whole) < _CENT):
        raise ValueError("must be an amount of at most two decimals")
    return int(whole)


def _time(unit: str | None, zone: ZoneInfo | None, value: object) -> object:
    """Return a moment as `row_of` takes it."""
    if value is None:
        return None
    if unit in NS_PER:
        return _of_epoch(value, NS_PER[unit])
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("must be a time in ISO 8601, or say times: s, ms or ns") from None
    elif unit == "iso" and not isinstance(value, datetime):
        raise ValueError("must be a time in ISO 8601")
    elif not isinstance(value, datetime) and (not isinstance(value, int) or value < NS_PER["s"] * 10**8):
        raise ValueError("must be a time in ISO 8601, or say times: s, ms or ns")
    if isinstance(value, datetime) and value.tzinfo is None:
        if zone is None:
            raise ValueError("says no time zone: name it, as in zone: UTC")
        value = value.replace(tzinfo=zone)
    return value


def _of_epoch(value: object, ns: int) -> int:
    if type(value) is int:
        return value * ns
    found = _exact(value)
    if found is None:
        raise ValueError("must be a number of the unit that times says")
    return int(found * ns)


def _exact(value: object) -> Decimal | None:
    """Return a number, also one that is written as a text, as it is; None for all else, and beyond 2^62."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        found = Decimal(str(value))
    except (InvalidOperation, ValueError):  # ValueError: a whole number of too many digits
        return None
    return found if found.is_finite() and found.copy_abs() <= _MOST else None  # abs() overflows at 1e9999999


def _json_lines(value: object) -> object:
    """Return lines that are written as JSON; what else they are `row_of` says."""
    if not isinstance(value, str | bytes):
        return value
    import orjson  # noqa: PLC0415 - only a column of JSON needs it

    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise ValueError("must be a list in JSON") from None
