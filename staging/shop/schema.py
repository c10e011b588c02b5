"""The shop's tables, and what a new shop starts with."""

from collections.abc import Collection, Mapping

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    func,
    inspect,
    select,
    text,
)

from staging.database import Database
from staging.shop.catalogue import LOCATIONS, WAREHOUSE, Catalogue, Style

SEEDING_LOCK = 20261127

metadata = MetaData()

products = Table(
    "products",
    metadata,
    Column("style", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("category", String, nullable=False),
    Column("price_cents", Integer, nullable=False),
    Column("featured", Boolean, nullable=False),
)
skus = Table(
    "skus",
    metadata,
    Column("sku", String, primary_key=True),
    Column("style", ForeignKey("products.style"), nullable=False, index=True),
    Column("size", String, nullable=False),
    Column("colour", String, nullable=False),
    Column("unit_cents", Integer, nullable=False),
)
# No CHECK that quantities stay above zero: keeping them there is the release's duty.
stock = Table(
    "stock",
    metadata,
    Column("sku", ForeignKey("skus.sku"), primary_key=True),
    Column("location", String, primary_key=True),
    Column("quantity", Integer, nullable=False),
)
carts = Table(
    "carts",
    metadata,
    Column("session", String, primary_key=True),
    Column("lines", JSON, nullable=False),
    Column("codes", JSON(none_as_null=True)),
)
designs = Table(
    "designs",
    metadata,
    Column("design_id", String, primary_key=True),
    Column("style", ForeignKey("products.style"), nullable=False),
    Column("colour", String, nullable=False),
    Column("text", String, nullable=False),
    Column("png", LargeBinary, nullable=False),
)
_TO_PRINT = text("status = 'accepted' AND printed_at IS NULL")
orders = Table(
    "orders",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("order_id", String, nullable=False, unique=True),
    Column("idempotency_key", String, nullable=False, unique=True),
    Column("session", String, nullable=False),
    Column("run", String),
    Column("status", String, nullable=False),
    Column("location", String, nullable=False),
    Column("total_cents", BigInteger, nullable=False),
    # With its order, so that the transaction that holds the stock is two statements long.
    Column("lines", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("customer", String),
    Column("recipient", String),
    Column("hosted", Boolean),
    Column("paid_at", BigInteger),
    Column("decline", String),
    Column("discount", JSON(none_as_null=True)),
    # When it was given to a press, when its printing ends and it is shipped, and by when that was promised.
    Column("printed_at", BigInteger),
    Column("shipped_at", BigInteger),
    Column("due_at", BigInteger),
    Index("orders_by_run", "run", "sequence"),
    Index("orders_by_status", "status", "location"),
    Index("orders_by_customer", "customer", "sequence"),
    Index("orders_to_print", "paid_at", "sequence", sqlite_where=_TO_PRINT, postgresql_where=_TO_PRINT),
)
# A coupon may be without an end (`uses_left` null); a gift card is used once.
vouchers = Table(
    "vouchers",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("code", String, nullable=False, unique=True),
    Column("kind", String, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("cents", Integer, nullable=False),
    Column("uses_left", Integer),
)
drops = Table(
    "drops",
    metadata,
    Column("style", ForeignKey("products.style"), primary_key=True),
    Column("opens_at", BigInteger, nullable=False),
)
# A login that a session has begun at the provider: removed when it comes back.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("state", String, primary_key=True),
    Column("session", String, nullable=False),
    Column("verifier", String, nullable=False),
    Column("nonce", String, nullable=False),
    Column("next", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
customers = Table(
    "customers",
    metadata,
    Column("customer_id", String, primary_key=True),
    Column("user", String, nullable=False),
    Column("name", String, nullable=False),
)
# Only a hash of a cookie is kept: who reads the database can't log in with it.
customer_logins = Table(
    "customer_logins",
    metadata,
    Column("cookie_hash", String, primary_key=True),
    Column("customer_id", ForeignKey("customers.customer_id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
returns = Table(
    "returns",
    metadata,
    Column("return_id", String, primary_key=True),
    Column("order_id", ForeignKey("orders.order_id"), nullable=False, unique=True),
    Column("status", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("received_at", BigInteger),
    Column("refunded_at", BigInteger),
    Index("returns_by_status", "status"),
)
# What happened, once for each subject: a step of the funnel for a session, a refusal for a checkout.
happenings = Table(
    "happenings",
    metadata,
    Column("step", String, primary_key=True),
    Column("subject", String, primary_key=True),
    sqlite_with_rowid=False,
)


FIRST_COUPON = "WELCOME10"


def create_shop(
    database: Database, catalogue: Catalogue, *, warehouse_stock: int, store_stock: int, drop_stock: int = 0
) -> None:
    """Create and fill what is missing; of replicas that start at once on one database, only one does."""
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({SEEDING_LOCK})"))
        else:
            connection.execute(text("SELECT 1"))  # takes the write lock, before the schema is looked at
        metadata.create_all(connection)
        _add_missing_columns(connection)
        if not connection.scalar(select(func.count()).select_from(products)):
            _seed(connection, catalogue.styles.values(), {WAREHOUSE: warehouse_stock}, store_stock)
            connection.execute(
                vouchers.insert().values(code=FIRST_COUPON, kind="coupon", percent=10, cents=0, uses_left=None)
            )
        drop = catalogue.drop
        if (
            drop is not None
            and connection.scalar(select(products.c.style).where(products.c.style == drop.style)) is None
        ):
            _seed(connection, [drop], {WAREHOUSE: drop_stock}, 0)
            connection.execute(drops.insert().values(style=drop.style, opens_at=0))


def _add_missing_columns(connection: Connection) -> None:
    """Give the tables of an earlier version's database the columns and indexes that came later; all may be null."""
    found = inspect(connection)
    for table in metadata.sorted_tables:
        there = {column["name"] for column in found.get_columns(table.name)}
        missing = [column for column in table.columns if column.name not in there]
        for column in missing:
            kind = column.type.compile(connection.dialect)
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
        if missing:
            for index in table.indexes:
                index.create(connection, checkfirst=True)


def _seed(connection: Connection, styles: Collection[Style], stock_at: Mapping[str, int], stock_elsewhere: int) -> None:
    connection.execute(
        products.insert(),
        [
            {
                "style": style.style,
                "name": style.name,
                "category": style.category,
                "price_cents": style.price_cents,
                "featured": style.featured,
            }
            for style in styles
        ],
    )
    kept = [(style, sku) for style in styles for sku in style.skus]
    connection.execute(
        skus.insert(),
        [
            {
                "sku": sku.sku,
                "style": sku.style,
                "size": sku.size,
                "colour": sku.colour,
                "unit_cents": style.price_cents,
            }
            for style, sku in kept
        ],
    )
    connection.execute(
        stock.insert(),
        [
            {
                "sku": sku.sku,
                "location": location,
                "quantity": stock_at.get(location, stock_elsewhere),
            }
            for _, sku in kept
            for location in LOCATIONS
        ],
    )
