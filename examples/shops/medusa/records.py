"""What Medusa's own database says of orders, payments and stock."""

import psycopg
from psycopg.rows import dict_row

ORDERS = """
SELECT o.id AS order_id, c.cart_id AS key, o.metadata->>'run' AS run, o.created_at,
  CASE WHEN o.canceled_at IS NULL THEN 'accepted' ELSE 'cancelled' END AS status,
  round(100 * (s.totals->>'accounting_total')::numeric)::int AS total_cents, json_agg(json_build_object(
    'sku', l.variant_sku, 'quantity', i.quantity::int, 'location', 'London')) AS lines
FROM "order" o JOIN order_cart c ON c.order_id = o.id AND c.deleted_at IS NULL JOIN order_summary s ON s.order_id = o.id
JOIN order_item i ON i.order_id = o.id JOIN order_line_item l ON l.id = i.item_id
WHERE o.metadata->>'run' = %s AND o.deleted_at IS NULL GROUP BY o.id, c.cart_id, s.id"""
PAYMENTS = """
SELECT p.id AS payment_id, coalesce(o.order_id, p.payment_collection_id) AS reference, p.created_at,
  round(100 * p.amount)::int AS amount_cents, CASE WHEN EXISTS (SELECT FROM refund r WHERE r.payment_id = p.id)
    THEN 'refunded' WHEN p.captured_at IS NULL THEN 'authorized' ELSE 'captured' END AS status
FROM payment p LEFT JOIN order_payment_collection o
  ON o.payment_collection_id = p.payment_collection_id AND o.deleted_at IS NULL
WHERE p.created_at >= %s AND p.canceled_at IS NULL"""
STOCK = """
SELECT i.sku, l.name AS location, (v.stocked_quantity - v.reserved_quantity)::int AS quantity
FROM inventory_level v JOIN inventory_item i ON i.id = v.inventory_item_id
JOIN stock_location l ON l.id = v.location_id"""


class Records:
    def __init__(self, settings):
        self.dsn = settings["dsn"]

    def orders(self, run):
        return self.rows(ORDERS, run)

    def payments(self, since):
        return self.rows(PAYMENTS, since)

    def stock(self):
        return self.rows(STOCK)

    def rows(self, query, *values):
        with psycopg.connect(self.dsn) as shop, shop.cursor("rows", row_factory=dict_row) as cursor:
            yield from cursor.execute(query, values)
