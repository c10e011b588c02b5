"""What Vendure's own database says of orders, payments and stock."""

import psycopg
from psycopg.rows import dict_row

ORDERS = """
SELECT o.code AS order_id, o.code AS key, o."customFieldsRun" AS run, o."orderPlacedAt" AS created_at,
  CASE WHEN o.state IN ('PaymentAuthorized', 'PaymentSettled') THEN 'accepted' ELSE lower(o.state) END AS status,
  o."subTotalWithTax" + o."shippingWithTax" AS total_cents, json_agg(json_build_object(
    'sku', v.sku, 'quantity', l.quantity, 'location', 'Default Stock Location')) AS lines
FROM "order" o JOIN order_line l ON l."orderId" = o.id JOIN product_variant v ON v.id = l."productVariantId"
WHERE o."customFieldsRun" = %s AND o."orderPlacedAt" IS NOT NULL AND l.quantity > 0 GROUP BY o.id"""
PAYMENTS = """
SELECT p.id AS payment_id, o.code AS reference, p.amount AS amount_cents, p."createdAt" AS created_at,
  CASE p.state WHEN 'Settled' THEN 'captured' ELSE lower(p.state) END AS status
FROM payment p JOIN "order" o ON o.id = p."orderId" WHERE p."createdAt" >= %s"""
# From the movements: when orders come at once, Vendure's stock_level loses some of them.
STOCK = """
SELECT v.sku, c.name AS location, sum(CASE m.type WHEN 'ALLOCATION' THEN -m.quantity WHEN 'SALE' THEN 0
  ELSE m.quantity END) AS quantity
FROM stock_movement m JOIN product_variant v ON v.id = m."productVariantId"
JOIN stock_location c ON c.id = m."stockLocationId" GROUP BY v.sku, c.name"""


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
