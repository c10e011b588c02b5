"""A shop's database of an earlier version gets what came later, and keeps what it has."""

from sqlalchemy import text

from staging.database import Database
from staging.shop.catalogue import twisted_threads
from staging.shop.checkout import Checkout
from staging.shop.orders import Status, orders_page
from staging.shop.releases.behaviour import Behaviour
from staging.shop.schema import create_shop
from staging.shop.stock import all_stock
from tests.staging.test_checkout import SKU, SetProvider, checkout_of, put_in_cart

LATER = {
    "orders": ("customer", "hosted", "paid_at", "decline", "discount", "printed_at", "shipped_at", "due_at"),
    "carts": ("codes",),
}


def start_again(database: Database, *, with_drop: bool = False) -> None:
    catalogue = twisted_threads(with_drop=with_drop)
    create_shop(database, catalogue, warehouse_stock=5, store_stock=3, drop_stock=2 if with_drop else 0)


def test_the_columns_that_came_later_are_added(busy_database: Database) -> None:
    put_in_cart(busy_database, (SKU, 1))
    Checkout(busy_database, SetProvider()).place(checkout_of("before"), Behaviour())
    with busy_database.writing() as connection:
        for index in ("orders_by_customer", "orders_to_print"):
            connection.execute(text(f"DROP INDEX {index}"))
        for table, columns in LATER.items():
            for column in columns:
                connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    start_again(busy_database)
    Checkout(busy_database, SetProvider()).place(checkout_of("after"), Behaviour())
    orders, _ = orders_page(busy_database, None, 0, 10)
    assert [(order.key, order.status) for order in orders] == [
        ("before", Status.ACCEPTED),
        ("after", Status.ACCEPTED),
    ]
    assert (orders[0].hosted, orders[0].placed_at) == (False, orders[0].created_at)


def test_a_drop_declared_later_comes_beside_what_is_there(database: Database) -> None:
    assert len(all_stock(database)) == 480 * 5
    for _ in range(2):
        start_again(database, with_drop=True)
    drop = [row for row in all_stock(database) if str(row["sku"]).startswith("moonlitmile")]
    assert sum(int(row["quantity"]) for row in drop) == 20 * 2
    assert len(all_stock(database)) == 500 * 5
