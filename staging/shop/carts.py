"""Carts: one for each session, replaced as a whole."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import select

from staging.database import Database
from staging.shop.schema import carts, designs


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """Some of one SKU, printed with the shopper's own design when there is one."""

    sku: str
    quantity: int
    design_id: str | None


def replace_cart(database: Database, session: str, lines: Sequence[CartLine]) -> None:
    """Make `lines` the session's cart; it is committed when this returns."""
    values = [asdict(line) for line in lines]
    statement = database.insert(carts).values(session=session, lines=values)
    statement = statement.on_conflict_do_update(index_elements=[carts.c.session], set_={"lines": values})
    with database.writing() as connection:
        connection.execute(statement)


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
