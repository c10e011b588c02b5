"""What Vendure's own database says of orders, payments and stock."""

from peakproof import ShopRecords

ORDERS = """
SELECT o.code AS order_id, o.code AS key, o."customFieldsRun" AS run,
  o."orderPlacedAt" AT TIME ZONE 'UTC' AS created_at, o."subTotalWithTax" + o."shippingWithTax" AS total_cents,
  CASE o.state WHEN 'Cancelled' THEN 'cancelled' ELSE 'accepted' END AS status,
  json_agg(json_build_object('sku', v.sku, 'quantity', l.quantity)) AS lines
FROM "order" o JOIN order_line l ON l."orderId" = o.id JOIN product_variant v ON v.id = l."productVariantId"
WHERE o."orderPlacedAt" AT TIME ZONE 'UTC' >= :since AND l.quantity > 0 GROUP BY o.id"""
PAYMENTS = """
SELECT p.id AS payment_id, o.code AS reference, p.amount AS amount_cents,
  p."createdAt" AT TIME ZONE 'UTC' AS created_at,
  CASE WHEN EXISTS (SELECT FROM refund r WHERE r."paymentId" = p.id AND r.state = 'Settled') THEN 'refunded'
    WHEN p.state = 'Settled' THEN 'captured' WHEN p.state = 'Error' THEN 'failed' ELSE lower(p.state) END AS status
FROM payment p JOIN "order" o ON o.id = p."orderId" WHERE p."createdAt" AT TIME ZONE 'UTC' >= :since"""
# From the movements: when orders come at once, Vendure's stock_level loses some of them.
STOCK = """
SELECT v.sku, sum(CASE m.type WHEN 'ALLOCATION' THEN -m.quantity WHEN 'SALE' THEN 0 ELSE m.quantity END) AS quantity
FROM stock_movement m JOIN product_variant v ON v.id = m."productVariantId" GROUP BY v.sku"""


class Records(ShopRecords):
    location = "Default Stock Location"

    def orders(self, run):
        return self.sql(ORDERS, since=self.since)

    def payments(self, since):
        return self.sql(PAYMENTS, since=since)

    def stock(self):
        return self.sql(STOCK)
