"""What Medusa's own database says of orders, payments and stock."""

from peakproof import ShopRecords

ORDERS = """
SELECT o.id AS order_id, c.cart_id AS key, o.metadata->>'run' AS run, o.created_at,
  CASE WHEN o.canceled_at IS NULL THEN 'accepted' ELSE 'cancelled' END AS status,
  round(100 * (s.totals->>'accounting_total')::numeric) AS total_cents,
  json_agg(json_build_object('sku', l.variant_sku, 'quantity', i.quantity::int)) AS lines
FROM "order" o JOIN order_summary s ON (s.order_id, s.version) = (o.id, o.version) JOIN order_cart c
  ON c.order_id = o.id AND c.deleted_at IS NULL JOIN order_item i ON (i.order_id, i.version) = (o.id, o.version)
JOIN order_line_item l ON l.id = i.item_id WHERE o.created_at >= :since AND o.deleted_at IS NULL GROUP BY 1, 2, s.id"""
PAYMENTS = """
SELECT p.id AS payment_id, coalesce(o.order_id, p.payment_collection_id) AS reference, p.created_at,
  round(100 * p.amount) AS amount_cents, CASE WHEN EXISTS (SELECT FROM refund r WHERE r.payment_id = p.id)
    THEN 'refunded' WHEN p.captured_at IS NULL THEN 'authorized' ELSE 'captured' END AS status
FROM payment p LEFT JOIN order_payment_collection o
  ON o.payment_collection_id = p.payment_collection_id AND o.deleted_at IS NULL
WHERE p.created_at >= :since AND p.canceled_at IS NULL"""
STOCK = """
SELECT i.sku, v.stocked_quantity AS quantity, v.reserved_quantity AS reserved
FROM inventory_level v JOIN inventory_item i ON i.id = v.inventory_item_id"""


class Records(ShopRecords):
    location = "London"

    def orders(self, run):
        return self.sql(ORDERS, since=self.since)

    def payments(self, since):
        return self.sql(PAYMENTS, since=since)

    def stock(self):
        return self.sql(STOCK)
