"""Where an environment's shop records are read from: a file of the user's, and SQL or HTTP for each kind."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, field_validator, model_validator

from loadtests.environment.hosts import anchored_pair, at
from loadtests.environment.own_code import OwnCode, OwnFile, PythonFile
from loadtests.environment.target_fields import (
    OWN_HEADERS,
    BasicAuth,
    HeaderName,
    HeaderValue,
    WebAddress,
)
from slo.documents import Document
from slo.web_addresses import SECRET_NAME

KINDS: tuple[str, ...] = ("orders", "payments", "stock", "funnel")
PLACEHOLDERS = frozenset({"run", "since", "until"})
NS_PER = {"s": 1_000_000_000, "ms": 1_000_000, "ns": 1}
"""Of the units that `times` may name; every other is a database's time, or ISO 8601."""
MAX_DEADLINE_S = 3600.0
PENDING_WINDOW_S = 300.0
MAX_PENDING_WINDOW_S = 30 * 86_400
DATABASES: tuple[str, ...] = ("postgresql", "postgres", "mysql", "mariadb", "sqlite")
_MAX_QUERY = 20_000
_SQLITE = re.compile(r"(sqlite(?:\+[a-z]+)?://)/([^/].*)")
# As SQLAlchemy reads an address: what is between the first colon and an @ is the password, slashes in it included.
_PASSWORD = re.compile(r"://[^:/]*:[^@]*@|passw(or)?d=", re.IGNORECASE)
JsonPath = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$", max_length=200)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Param = Annotated[str, Field(min_length=1, max_length=100)]


def check_database(url: str) -> None:
    """Raise ValueError, which names no value, unless an address is that of a kind of database that can be read."""
    if url.partition(":")[0].partition("+")[0] not in DATABASES:
        raise ValueError(f"must be an address that begins with {': or '.join(DATABASES)}:")


def _window(value: object) -> object:
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_PENDING_WINDOW_S
    if value != "none" and not is_time:
        raise ValueError(f"must be seconds, above 0 and at most {MAX_PENDING_WINDOW_S}, or none")
    return value


PendingWindow = Annotated[
    Annotated[float, Field(gt=0, le=MAX_PENDING_WINDOW_S)] | Literal["none"], BeforeValidator(_window)
]
"""How long an order may be pending, in seconds; `none` where pending is how an order may stay."""


def _as_value(value: object) -> object:
    return {"value": value} if isinstance(value, str) else value


Given = Annotated[HeaderValue, BeforeValidator(_as_value, json_schema_input_type=str | HeaderValue)]
"""A value, or where it is read from when it is needed."""


class SqlRecords(Document):
    """One query of one database: `url` as SQLAlchemy writes it, with a password only from a variable or a file.

    The query may name `:run`, `:since` and `:until`.
    """

    url: Given
    query: Annotated[str, Field(min_length=1, max_length=_MAX_QUERY)]

    @field_validator("url")
    @classmethod
    def _holds_no_password(cls, url: HeaderValue) -> HeaderValue:
        if url.value is not None:
            check_database(url.value)
            if _PASSWORD.search(url.value):
                raise ValueError("must not hold a password; name a variable that holds the address: {env: NAME}")
        return url


class NextPage(Document):
    """How the next page is asked for: one of six ways.

    `cursor` is the path of a value that goes into the parameter `param`; `last` a path in the last row, which goes
    there too, while what is at `more` is true; `link` the path of an address; `link_header` the Link header (RFC 8288);
    `page` and `offset` parameters that count pages from `first`, and rows. `total` is the path of the number of all
    rows, or of a header that says it: `header:X-Total-Count`.
    """

    cursor: JsonPath | None = None
    last: JsonPath | None = None
    more: JsonPath | None = None
    param: Param | None = None
    link: JsonPath | None = None
    link_header: Literal[True] | None = None
    page: Param | None = None
    first: int = Field(default=1, ge=0, le=1)
    offset: Param | None = None
    total: JsonPath | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = (self.cursor, self.last, self.link, self.link_header, self.page, self.offset)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("must have one of cursor, last, link, link_header, page and offset")
        if (self.cursor is not None or self.last is not None) != (self.param is not None):
            raise ValueError("param goes with cursor and last: the parameter that takes the value")
        if self.more is not None and self.last is None:
            raise ValueError("more goes with last")
        return self


class HttpRecords(Document):
    """Pages of JSON: `list` is the path of the rows, absent where the reply is the list.

    Without `list`, `next` and `query` the pages are shaped as those of the stand-in shop. A parameter of `query` may
    hold `{run}`, `{since}` and `{until}`; it is left out where that isn't known. Without an authorization of its own
    the environment's token is sent.
    """

    url: WebAddress
    query: Mapping[Param, Annotated[str, Field(max_length=1000)]] = Field(default_factory=dict, max_length=50)
    list: JsonPath | None = None
    next: NextPage | None = None
    bearer: HeaderValue | None = None
    basic_auth: BasicAuth | None = None
    headers: Mapping[HeaderName, Given] = Field(default_factory=dict, max_length=50)

    @property
    def as_stand_in(self) -> bool:
        """Whether its pages are those of the stand-in shop."""
        return self.list is None and self.next is None and not self.query

    @property
    def has_secret(self) -> bool:
        """Whether a secret of its own goes with its requests."""
        secret = any(held.value is None for held in self.headers.values())
        return secret or self.bearer is not None or self.basic_auth is not None

    @field_validator("headers")
    @classmethod
    def _headers_hold_no_secret(cls, headers: Mapping[str, HeaderValue]) -> Mapping[str, HeaderValue]:
        for name, held in headers.items():
            if name.lower() in OWN_HEADERS:
                raise ValueError(f"{name} is written by the client itself")
            if held.value is not None and SECRET_NAME.search(name):
                raise ValueError(f"{name} looks like a secret: it must come from {{env: NAME}} or {{file: PATH}}")
        return headers

    @field_validator("bearer")
    @classmethod
    def _bearer_is_no_value(cls, bearer: HeaderValue | None) -> HeaderValue | None:
        if bearer is not None and bearer.value is not None:
            raise ValueError("must be {env: NAME}, or {file: PATH}")
        return bearer

    @model_validator(mode="after")
    def _one_authorization(self) -> Self:
        given = [self.bearer, self.basic_auth, "authorization" in {name.lower() for name in self.headers} or None]
        if sum(one is not None for one in given) > 1:
            raise ValueError("bearer, basic_auth and the header Authorization exclude each other")
        return self


class RecordSource(Document):
    """Where the records of one kind are read from, one of `sql` and `http`, and what they are called there.

    `fields` gives the name of a column, or a path in a row, for each field that is called otherwise.
    """

    FIELDS: ClassVar[tuple[str, ...]] = ()
    REQUIRED: ClassVar[tuple[str, ...]] = ()

    sql: SqlRecords | None = None
    http: HttpRecords | None = None
    fields: Mapping[str, Name] = Field(default_factory=dict)
    deadline_s: float = Field(default=120.0, gt=0, le=MAX_DEADLINE_S)
    max_rows: int = Field(default=10_000_000, ge=1, le=10_000_000)

    @field_validator("fields")
    @classmethod
    def _fields_are_known(cls, fields: Mapping[str, str]) -> Mapping[str, str]:
        for name in fields:
            if name not in cls.FIELDS:
                raise ValueError(f"{name}: no such field; there are {', '.join(cls.FIELDS)}")
        return fields

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.sql is None) == (self.http is None):
            raise ValueError("must have one of sql and http")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The fields that every row must have."""
        return self.REQUIRED

    @property
    def as_stand_in(self) -> bool:
        """Whether pages and rows are those of the stand-in shop."""
        read_so = {"sql", "http", "deadline_s", "max_rows", "status"}
        own = self.model_dump(exclude=read_so, exclude_defaults=True)
        return self.http is not None and self.http.as_stand_in and not own

    def anchored(self, folder: Path) -> Self:
        """Return it with every path absolute: what is relative is looked for in `folder`."""
        sql, http = self.sql, self.http
        if sql is not None:
            sql = sql.model_copy(update={"url": _database_at(folder, sql.url)})
        if http is not None:
            own: dict[str, Any] = {
                "bearer": None if http.bearer is None else _at(folder, http.bearer),
                "basic_auth": anchored_pair(folder, http.basic_auth),
                "headers": {name: _at(folder, held) for name, held in http.headers.items()},
            }
            http = http.model_copy(update=own)
        return self.model_copy(update={"sql": sql, "http": http})


class _DatedSource(RecordSource):
    """`money` is the unit of amounts, `times` that of times that are numbers; `zone` that of times which name none.

    `status` gives the shop's or the provider's own words for each of ours.
    """

    STATUSES: ClassVar[tuple[str, ...]] = ()

    money: Literal["cents", "decimal"] = "cents"
    times: Literal["iso", "s", "ms", "ns"] | None = None
    zone: str | None = Field(default=None, max_length=100)
    status: Mapping[str, tuple[Name, ...]] = Field(default_factory=dict)

    @field_validator("zone")
    @classmethod
    def _zone_is_known(cls, zone: str | None) -> str | None:
        try:
            if zone is not None:
                ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("must be a time zone by its IANA name, such as UTC or Europe/London") from None
        return zone

    @field_validator("status")
    @classmethod
    def _each_word_means_one_thing(cls, status: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        seen: dict[str, str] = {}
        for ours, words in status.items():
            if ours not in cls.STATUSES:
                raise ValueError(f"{ours}: no such status; there are {', '.join(cls.STATUSES)}")
            for word in words:
                if seen.setdefault(word.casefold(), ours) != ours:
                    raise ValueError(f"{word}: is given as {seen[word.casefold()]} and as {ours}")
        return status


class OrdersSource(_DatedSource):
    """The orders. `line` gives the names in each of `lines`, or those of the columns where a row is one line.

    `location` is where units are whose line names none.
    """

    FIELDS: ClassVar[tuple[str, ...]] = (
        "order_id", "key", "run", "status", "created_at", "total_cents", "lines", "location",
        "paid_at", "printed_at", "shipped_at", "due_at", "decline",
    )  # fmt: skip
    REQUIRED: ClassVar[tuple[str, ...]] = ("order_id", "created_at", "total_cents", "lines")
    STATUSES: ClassVar[tuple[str, ...]] = (
        "accepted", "invoiced", "pending", "declined", "failed", "cancelled", "returned", "refunded",
    )  # fmt: skip

    line: Mapping[Literal["sku", "quantity", "location"], Name] = Field(default_factory=dict)
    one_row_per: Literal["order", "line"] = "order"
    location: Name = "warehouse"

    @model_validator(mode="after")
    def _lines_are_somewhere(self) -> Self:
        if self.one_row_per == "line" and "lines" in self.fields:
            raise ValueError("fields.lines goes with one row per order; line names the columns of a line")
        return self

    @property
    def wanted(self) -> tuple[str, ...]:
        """The fields that every row must have."""
        return self.REQUIRED if self.one_row_per == "order" else self.REQUIRED[:-1]


class PaymentsSource(_DatedSource):
    """The payments."""

    FIELDS: ClassVar[tuple[str, ...]] = ("payment_id", "reference", "amount_cents", "status", "created_at", "provider")
    REQUIRED: ClassVar[tuple[str, ...]] = FIELDS[:-1]
    STATUSES: ClassVar[tuple[str, ...]] = (
        "authorised", "captured", "pending", "declined", "failed", "cancelled", "refunded",
    )  # fmt: skip


class StockSource(RecordSource):
    """The stock; `location` is where units are whose row names none."""

    FIELDS: ClassVar[tuple[str, ...]] = ("sku", "location", "quantity", "reserved")
    REQUIRED: ClassVar[tuple[str, ...]] = ("sku", "quantity")

    location: Name = "warehouse"


class FunnelSource(RecordSource):
    """How many sessions came as far as each step."""

    FIELDS: ClassVar[tuple[str, ...]] = ("step", "sessions")
    REQUIRED: ClassVar[tuple[str, ...]] = FIELDS


class ShopRecordsTarget(OwnCode):
    """Where the shop records are read from: kind by kind, and a Python file for those that none is given for.

    `pending_window_s` is how long an order may be pending before that is a broken promise.
    """

    file: PythonFile | None = None
    pending_window_s: PendingWindow = PENDING_WINDOW_S
    orders: OrdersSource | None = None
    payments: PaymentsSource | None = None
    stock: StockSource | None = None
    funnel: FunnelSource | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.file is None and not self.kinds:
            raise ValueError(f"must have one of {', '.join(KINDS)} and file")
        if self.file is None and self.settings:
            raise ValueError("settings go with file")
        return self

    @property
    def kinds(self) -> Mapping[str, RecordSource]:
        """What is read by SQL or HTTP."""
        found = {"orders": self.orders, "payments": self.payments, "stock": self.stock, "funnel": self.funnel}
        return {kind: source for kind, source in found.items() if source is not None}

    @property
    def own(self) -> OwnFile | None:
        """The user's file, with its settings."""
        return None if self.file is None else OwnFile.model_construct(file=self.file, settings=self.settings)

    @property
    def pages(self) -> tuple[HttpRecords, ...]:
        """What is read by HTTP."""
        return tuple(source.http for source in self.kinds.values() if source.http is not None)

    def anchored(self, folder: Path) -> Self:
        """Return it with every path absolute: what is relative is looked for in `folder`."""
        kinds: dict[str, object] = {kind: source.anchored(folder) for kind, source in self.kinds.items()}
        return super().anchored(folder).model_copy(update={"file": at(folder, self.file), **kinds})


def _database_at(folder: Path, url: HeaderValue) -> HeaderValue:
    """Return a database's address; the path of a SQLite file is absolute then."""
    relative = None if url.value is None else _SQLITE.fullmatch(url.value)
    if relative is None:
        return _at(folder, url)
    return url.model_copy(update={"value": f"{relative[1]}/{(folder / relative[2]).absolute()}"})


def _at(folder: Path, held: HeaderValue) -> HeaderValue:
    return held.model_copy(update={"file": at(folder, held.file)})
