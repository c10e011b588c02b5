"""What Oscar's own database says of orders, payments and stock, on SQLite or PostgreSQL."""

from itertools import groupby
from operator import itemgetter

from peakproof import ShopRecords

ORDERS = """
    SELECT o.id, o.number, o.status, o.date_placed, round(o.total_incl_tax * 100) AS total, a.notes,
      l.partner_sku, l.quantity
    FROM order_order o
    JOIN order_shippingaddress a ON a.id = o.shipping_address_id
    JOIN order_line l ON l.order_id = o.id
    WHERE o.date_placed >= :since ORDER BY o.id"""
PAYMENTS = """
    SELECT t.id AS payment_id, t.reference, t.date_created AS created_at,
      round(CASE t.txn_type WHEN 'Refund' THEN -t.amount ELSE t.amount END * 100) AS amount_cents
    FROM payment_transaction t WHERE t.date_created >= :since"""
STOCK = "SELECT partner_sku AS sku, num_in_stock AS quantity, num_allocated AS reserved FROM partner_stockrecord"


class Records(ShopRecords):
    location = "London"

    def orders(self, run):
        since = self.since.isoformat(" ")
        for _, lines in groupby(self.sql(ORDERS, since=since), itemgetter("id")):
            order, *more = lines
            yield {
                "order_id": order["number"],
                "key": order["notes"] or None,
                "run": order["notes"].rpartition("/")[0] or None,
                "created_at": in_utc(order["date_placed"]),
                "total_cents": order["total"],
                "status": "cancelled" if order["status"] == "Cancelled" else "accepted",
                "lines": [(line["partner_sku"], line["quantity"]) for line in (order, *more)],
            }

    def payments(self, since):
        for row in self.sql(PAYMENTS, since=since.isoformat(" ")):
            yield {**row, "created_at": in_utc(row["created_at"])}

    def stock(self):
        return self.sql(STOCK)


def in_utc(moment):
    return f"{moment}+00:00" if isinstance(moment, str) else moment  # SQLite has no time zones
