"""Carts: one for each session, replaced as a whole."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from sqlalchemy import select

from staging.database import Database
from staging.shop.offers.vouchers import Codes, read_codes
from staging.shop.schema import carts, designs


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """Some of one SKU, printed with the shopper's own design when there is one."""

    sku: str
    quantity: int
    design_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """What a session wants to buy, and the codes that it has for it."""

    lines: Sequence[CartLine] = ()
    codes: Codes = field(default_factory=Codes)


def replace_cart(database: Database, session: str, lines: Sequence[CartLine], codes: Codes | None = None) -> None:
    """Make `lines` and `codes` the session's cart; it is committed when this returns."""
    values = [asdict(line) for line in lines]
    kept = asdict(codes) if codes and codes.by_kind() else None
    statement = database.insert(carts).values(session=session, lines=values, codes=kept)
    statement = statement.on_conflict_do_update(
        index_elements=[carts.c.session], set_={name: statement.excluded[name] for name in ("lines", "codes")}
    )
    with database.writing() as connection:
        connection.execute(statement)


def find_cart(database: Database, session: str) -> Cart:
    """Return a session's cart, empty when there is none."""
    with database.reading() as connection:
        row = connection.execute(select(carts).where(carts.c.session == session)).one_or_none()
    return Cart(lines=read_lines(row.lines), codes=read_codes(row.codes)) if row else Cart()


def read_lines(stored: Sequence[dict[str, object]] | None) -> list[CartLine]:
    """Return the lines of a cart's column; none for a session without a cart."""
    return [CartLine(**line) for line in stored or ()]  # type: ignore[arg-type]  # as replace_cart wrote them


def unknown_designs(database: Database, lines: Sequence[CartLine]) -> set[str]:
    """Return the lines' design ids that don't exist; runs no statement when the lines have none."""
    wanted = {line.design_id for line in lines if line.design_id is not None}
    if not wanted:
        return wanted
    with database.reading() as connection:
        return wanted - set(connection.scalars(select(designs.c.design_id).where(designs.c.design_id.in_(wanted))))
