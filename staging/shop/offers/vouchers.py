"""Coupons and gift cards: a cart holds their codes, an order uses them up together with its stock."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Connection, select, update

from staging.database import Database
from staging.shop.schema import vouchers

# Bounds that leave something to pay of the cheapest cart, whatever codes it holds.
MOST_PERCENT = 30
MOST_CENTS = 1000


class Kind(StrEnum):
    """What a code is."""

    COUPON = "coupon"
    GIFT_CARD = "gift-card"

    @property
    def word(self) -> str:
        """Return the kind as a field of a reply begins with it."""
        return self.value.replace("-", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """The codes of a cart."""

    coupon: str | None = None
    gift_card: str | None = None

    def by_kind(self) -> dict[Kind, str]:
        """Return the codes that are there."""
        both = {Kind.COUPON: self.coupon, Kind.GIFT_CARD: self.gift_card}
        return {kind: code for kind, code in both.items() if code is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Voucher:
    """A code and what it is worth; `uses_left` None is without an end."""

    code: str
    kind: Kind
    percent: int
    cents: int
    uses_left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What an order's codes take off its subtotal, in cents."""

    codes: Codes
    discount_cents: int
    gift_card_cents: int

    @property
    def cents(self) -> int:
        """Return all that is taken off."""
        return self.discount_cents + self.gift_card_cents

    def stored(self) -> dict[str, object]:
        """Return the discount as a column holds it."""
        return {**asdict(self.codes), "discount_cents": self.discount_cents, "gift_card_cents": self.gift_card_cents}


class CodeRefusedError(Exception):
    """A code is `unknown` or `used`; the text is the reply's error, such as `gift_card_used`."""

    def __init__(self, kind: Kind, why: str) -> None:
        super().__init__(f"{kind.word}_{why}")


class VoucherUse(Protocol):
    """How a code is used up, inside the transaction that enters the order."""

    def is_left(self, voucher: Voucher) -> bool:
        """Whether the code may be used, as it was read."""

    def use(self, connection: Connection, kind: Kind, code: str) -> bool:
        """Use the code once; False when it was used up."""


class ConditionalUse:
    """A code is used under the database's own lock: only while a use of it is left."""

    def is_left(self, voucher: Voucher) -> bool:
        """Whether the code has a use left."""
        return voucher.uses_left is None or voucher.uses_left > 0

    def use(self, connection: Connection, kind: Kind, code: str) -> bool:
        """Use the code once; False when it was used up, and the transaction must be undone."""
        has_end = vouchers.c.uses_left.is_not(None)
        statement = update(vouchers).where(vouchers.c.code == code, vouchers.c.kind == kind.value)
        statement = statement.where(~has_end | (vouchers.c.uses_left > 0)).values(uses_left=vouchers.c.uses_left - 1)
        return connection.execute(statement).rowcount == 1


def read_codes(stored: dict[str, str | None] | None) -> Codes:
    """Return the codes of a cart's column."""
    return Codes(**stored) if stored else Codes()


def read_discount(stored: dict[str, object] | None) -> Discount | None:
    """Return the discount of an order's column."""
    if not stored:
        return None
    amounts = {name: int(str(stored[name])) for name in ("discount_cents", "gift_card_cents")}
    codes = {name: None if stored[name] is None else str(stored[name]) for name in ("coupon", "gift_card")}
    return Discount(codes=Codes(**codes), **amounts)


def discount(database: Database, codes: Codes, subtotal_cents: int, use: VoucherUse) -> Discount | None:
    """Return what the codes take off now; None, and no statement, without codes. Raises CodeRefusedError."""
    wanted = codes.by_kind()
    if not wanted:
        return None
    statement = select(*_COLUMNS).where(vouchers.c.code.in_(wanted.values()))
    with database.reading() as connection:
        found = {row["code"]: _voucher(**row) for row in connection.execute(statement).mappings()}
    for kind, code in wanted.items():
        if code not in found or found[code].kind is not kind:
            raise CodeRefusedError(kind, "unknown")
        if not use.is_left(found[code]):
            raise CodeRefusedError(kind, "used")
    percent = found[wanted[Kind.COUPON]].percent if Kind.COUPON in wanted else 0
    cents = found[wanted[Kind.GIFT_CARD]].cents if Kind.GIFT_CARD in wanted else 0
    return Discount(codes=codes, discount_cents=subtotal_cents * percent // 100, gift_card_cents=cents)


def use_up(connection: Connection, taken: Discount, use: VoucherUse) -> None:
    """Use an order's codes once each; raises CodeRefusedError, and the transaction must be undone."""
    for kind, code in taken.codes.by_kind().items():
        if not use.use(connection, kind, code):
            raise CodeRefusedError(kind, "used")


def give_back(connection: Connection, taken: Discount) -> None:
    """Give the use of an order's codes back, for it ended unpaid."""
    codes = list(taken.codes.by_kind().values())
    own = vouchers.c.code.in_(codes) & vouchers.c.uses_left.is_not(None)
    connection.execute(update(vouchers).where(own).values(uses_left=vouchers.c.uses_left + 1))


def set_vouchers(database: Database, given: Sequence[Voucher]) -> int:
    """Enter codes, or set them anew; returns how many."""
    rows = [{**asdict(one), "kind": one.kind.value} for one in given]
    statement = database.insert(vouchers)
    set_anew = {name: statement.excluded[name] for name in ("kind", "percent", "cents", "uses_left")}
    with database.writing() as connection:
        connection.execute(statement.on_conflict_do_update(index_elements=[vouchers.c.code], set_=set_anew), rows)
    return len(rows)


def vouchers_page(database: Database, after: int, limit: int) -> tuple[list[Voucher], int | None]:
    """Return at most `limit` codes numbered above `after`, and where the next page starts."""
    statement = select(vouchers.c.sequence, *_COLUMNS).where(vouchers.c.sequence > after)
    with database.reading() as connection:
        rows = connection.execute(statement.order_by(vouchers.c.sequence).limit(limit)).mappings().all()
    page = [_voucher(**{name: value for name, value in row.items() if name != "sequence"}) for row in rows]
    return page, (rows[-1]["sequence"] if len(rows) == limit else None)


_COLUMNS = (vouchers.c.code, vouchers.c.kind, vouchers.c.percent, vouchers.c.cents, vouchers.c.uses_left)


def _voucher(*, code: str, kind: str, percent: int, cents: int, uses_left: int | None) -> Voucher:
    return Voucher(code=code, kind=Kind(kind), percent=percent, cents=cents, uses_left=uses_left)
