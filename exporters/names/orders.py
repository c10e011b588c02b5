"""Orders, payments and funnel of a shop, from its shop records.

Counters count since 00:00 UTC of the day. They are read from the records and not from this process's memory, so an
exporter that was restarted goes on where it was; to Prometheus midnight is a counter that starts again.
"""

from exporters.names.family import Family

STATUS, LOCATION, REASON, PROVIDER, STEP, LABEL, WHAT, BASIS = (
    "status",
    "location",
    "reason",
    "provider",
    "step",
    "label",
    "what",
    "basis",
)
COUNTED_SINCE = Family(
    name="orders_counted_since_timestamp_seconds",
    kind="gauge",
    help="Unix time since which the counters of orders and payments count: 00:00 UTC of the day.",
)
READ_AT = Family(
    name="orders_records_read_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the orders were read that these metrics come from.",
)
PLACED = Family(name="orders_placed_total", kind="counter", help="Orders that were placed, whatever became of them.")
ENDED = Family(
    name="orders_ended_total",
    kind="counter",
    help="Orders by how their payment ended; one that is returned or refunded later stays accepted.",
    labels=(STATUS,),
    bounded_by="accepted, declined, failed, cancelled",
)
REVENUE = Family(
    name="orders_revenue_cents_total",
    kind="counter",
    help="Totals of the accepted orders, in hundredths of the shop's currency as its records have them.",
)
BY_LOCATION = Family(
    name="orders_of_location_total",
    kind="counter",
    help="Accepted orders with a line that this location fulfils; one of two locations counts at both.",
    labels=(LOCATION,),
    bounded_by="the first 50 locations of the day, the others together as other",
)
DECLINED = Family(
    name="orders_declined_total",
    kind="counter",
    help="Declined orders by the reason that the shop gives; unknown where it gives none.",
    labels=(REASON,),
    bounded_by="the first 20 reasons of the day, the others together as other",
)
PAYMENTS = Family(
    name="orders_payments_total",
    kind="counter",
    help="Payments by provider and by how they ended; one that is refunded later stays captured.",
    labels=(PROVIDER, STATUS),
    bounded_by="the first 20 providers of the day, the others as other; by captured, declined, failed, cancelled",
)
PENDING = Family(name="orders_pending", kind="gauge", help="Orders of the last hour that are not paid yet.")
QUEUE_DEPTH = Family(name="orders_print_queue_depth", kind="gauge", help="Accepted orders that are not printed yet.")
QUEUE_OLDEST = Family(
    name="orders_print_queue_oldest_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the order was paid that waits longest for its printing; absent when none waits.",
)
OVERDUE = Family(
    name="orders_overdue", kind="gauge", help="Accepted orders past the time they were promised for, and not shipped."
)
SHIPPED_LATE = Family(
    name="orders_shipped_late_total", kind="counter", help="Orders shipped after the time they were promised for."
)
TIME_TO_SHIP = Family(
    name="orders_time_to_ship_seconds", kind="histogram", help="Time from placing an order to its shipment."
)
NEWEST = Family(
    name="orders_newest_timestamp_seconds", kind="gauge", help="Unix time at which the newest order was placed."
)
EXPECTED = Family(
    name="orders_expected_per_second",
    kind="gauge",
    help="Orders per second in the same hour (UTC) yesterday or a week ago, the lower; absent without records of both.",
)
FUNNEL = Family(
    name="orders_funnel_sessions_total",
    kind="counter",
    help="Sessions that reached a step of the funnel, as the shop counts them.",
    labels=(STEP,),
    bounded_by="the funnel's steps; one of more than 200 numbers is not read",
)
CONVERSION = Family(
    name="orders_conversion_ratio",
    kind="gauge",
    help="Sessions that ordered, of all that the funnel counts.",
)
ABANDONMENT = Family(
    name="orders_cart_abandonment_ratio",
    kind="gauge",
    help="Sessions that filled a cart and did not order, of those that filled one, in all that the funnel counts.",
)
LEFT_OUT = Family(
    name="orders_left_out_total",
    kind="counter",
    help="Orders that are in no other metric, by why.",
    labels=(REASON,),
    bounded_by="test, negative_total, in_the_future",
)
LABELS_CUT = Family(
    name="orders_label_values_cut",
    kind="gauge",
    help="Values of a label that are counted together as other because there are too many; at most 10000 are counted.",
    labels=(LABEL,),
    bounded_by="location, reason, provider",
)
NOT_GIVEN = Family(
    name="orders_not_given",
    kind="gauge",
    help="1 for each part of the shop records that this shop does not give: what needs it is absent.",
    labels=(WHAT,),
    bounded_by="funnel, payments, and the fields of an order that are read",
)
