"""The shop's tables, and what a new shop starts with."""

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
    select,
    text,
)

from staging.database import Database
from staging.shop.catalogue import LOCATIONS, WAREHOUSE, Catalogue

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
    Index("orders_by_run", "run", "sequence"),
    Index("orders_by_status", "status", "location"),
)
# What happened, once for each subject: a step of the funnel for a session, a refusal for a checkout.
happenings = Table(
    "happenings",
    metadata,
    Column("step", String, primary_key=True),
    Column("subject", String, primary_key=True),
    sqlite_with_rowid=False,
)


def create_shop(database: Database, catalogue: Catalogue, *, warehouse_stock: int, store_stock: int) -> None:
    """Create and fill what is missing; of replicas that start at once on one database, only one does."""
    with database.writing() as connection:
        if database.dialect == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({SEEDING_LOCK})"))
        else:
            connection.execute(text("SELECT 1"))  # takes the write lock, before the schema is looked at
        metadata.create_all(connection)
        if not connection.scalar(select(func.count()).select_from(products)):
            _seed(connection, catalogue, warehouse_stock, store_stock)


def _seed(connection: Connection, catalogue: Catalogue, warehouse_stock: int, store_stock: int) -> None:
    styles = list(catalogue.styles.values())
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
                "quantity": warehouse_stock if location == WAREHOUSE else store_stock,
            }
            for _, sku in kept
            for location in LOCATIONS
        ],
    )
