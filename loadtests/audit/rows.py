"""The rows of a user's shop records: what may stand in each field, and how it becomes a record of the audit's.

A value may be what a database's driver gives (datetime, Decimal, UUID) where it can mean one thing only.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, cast
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from loadtests.results.ledger import Line
from slo.documents import BadInput

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1973 = 10**17
_SPELLINGS = {"canceled": "cancelled", "authorized": "authorised"}
_MOST = 1 << 62


def _text(value: object) -> object:
    if type(value) is str:
        return value
    if isinstance(value, int | UUID) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError("must be a text, a whole number or a UUID")  # noqa: TRY004 - pydantic passes on ValueErrors
    return value


def _whole(value: object) -> object:
    if type(value) is int:
        return value
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")  # noqa: TRY004 - pydantic passes on ValueErrors
    return value


def _moment(value: object) -> object:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("must be a time with its zone, such as 2026-11-27T12:00:00+00:00") from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("must say its time zone: append +00:00 to a time in UTC")
        return (value - _EPOCH) // timedelta(microseconds=1) * 1000
    at = _whole(value)
    if not isinstance(at, int) or at < _YEAR_1973:
        raise ValueError("must be a time with its zone, or ns since the epoch")
    return at


def _known(value: object) -> object:
    return _SPELLINGS.get(value, value) if isinstance(value, str) else value


def _lines(value: object) -> object:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError("must be a list, or one in JSON") from None
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list of {sku, quantity, location}")  # noqa: TRY004 - pydantic passes on ValueErrors
    return [_line(one) for one in value]


def _line(one: object) -> object:
    if isinstance(one, Line):
        return {"sku": one.sku, "quantity": one.quantity, "location": one.location}
    if isinstance(one, list | tuple):
        return dict(zip(("sku", "quantity", "location"), one, strict=False))
    return one


Text = Annotated[str, Field(min_length=1, max_length=500), BeforeValidator(_text)]
Whole = Annotated[int, BeforeValidator(_whole), Field(ge=-_MOST, le=_MOST)]
Moment = Annotated[int, BeforeValidator(_moment), Field(le=_MOST)]
OrderStatus = Literal["accepted", "invoiced", "pending", "declined", "failed", "cancelled", "returned", "refunded"]
PaymentStatus = Literal["authorised", "captured", "pending", "declined", "failed", "cancelled", "refunded"]


class LineRow(TypedDict):
    """A line of an order; what else stands in it, as in a shop's own JSON, is passed over."""

    sku: Text
    quantity: Annotated[Whole, Field(ge=0)]
    location: NotRequired[Text | None]


class OrderRow(TypedDict):
    """A row of `orders`; `location` is that of its lines that name none, and else it is that of the class."""

    order_id: Text
    key: NotRequired[Text | None]
    run: NotRequired[Text | None]
    status: NotRequired[Annotated[OrderStatus, BeforeValidator(_known)]]
    created_at: Moment
    total_cents: Whole
    lines: Annotated[list[LineRow], BeforeValidator(_lines), Field(max_length=10_000)]
    location: NotRequired[Text | None]
    paid_at: NotRequired[Moment | None]
    printed_at: NotRequired[Moment | None]
    shipped_at: NotRequired[Moment | None]
    due_at: NotRequired[Moment | None]
    decline: NotRequired[Annotated[str, Field(max_length=500)] | None]


class PaymentRow(TypedDict):
    """A row of `payments`."""

    payment_id: Text
    reference: Text
    amount_cents: Whole
    status: NotRequired[Annotated[PaymentStatus, BeforeValidator(_known)]]
    created_at: Moment
    provider: NotRequired[Text | None]


class StockRow(TypedDict):
    """A row of `stock`."""

    sku: Text
    location: NotRequired[Text | None]
    quantity: Whole
    reserved: NotRequired[Annotated[Whole, Field(ge=0)]]


class FunnelRow(TypedDict):
    """A row of `funnel`."""

    step: Annotated[Text, Field(max_length=128)]
    sessions: Annotated[Whole, Field(ge=0)]


_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
_ROWS: Mapping[str, Any] = {"orders": OrderRow, "payments": PaymentRow, "stock": StockRow, "funnel": FunnelRow}
cast("Any", LineRow).__pydantic_config__ = ConfigDict(extra="ignore")
for _row in _ROWS.values():
    _row.__pydantic_config__ = _STRICT
_ADAPTERS: Mapping[str, TypeAdapter[dict[str, Any]]] = {kind: TypeAdapter(row) for kind, row in _ROWS.items()}
_STATUS = {"orders": "accepted", "payments": "captured"}


def row_of(kind: str, row: object, location: str, place: str) -> dict[str, Any]:
    """Return a row as JSON carries it; raises BadInput that begins with `place` and names field, value and rule."""
    if isinstance(row, tuple) and hasattr(row, "_asdict"):
        row = {name: value for name, value in row._asdict().items() if value is not ...}
    if not isinstance(row, Mapping):
        raise BadInput(f"{place}: expected a dict with {_names(kind)}, found {type(row).__name__}")
    try:
        held = _ADAPTERS[kind].validate_python(row if type(row) is dict else dict(row))
    except ValidationError as error:
        raise BadInput(f"{place}: {_first(error, kind)}") from None
    if kind in _STATUS:
        held.setdefault("status", _STATUS[kind])
    if kind == "orders":
        location = held.pop("location", None) or location
    for where in (held,) if kind == "stock" else held.get("lines", ()):
        if where.get("location") is None:
            where["location"] = location
    return held


def _names(kind: str) -> str:
    return ", ".join(_ROWS[kind].__annotations__)


def _first(error: ValidationError, kind: str) -> str:
    detail = error.errors(include_url=False)[0]
    place = ".".join(map(str, detail["loc"])) or "the row"
    if detail["type"] == "missing":
        return f"{place}: required and missing"
    if detail["type"] == "extra_forbidden":
        return f"{place}: unknown; there are {_names(kind)}"
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}, found {repr(detail['input'])[:80]}"
