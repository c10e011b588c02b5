"""The shop in a run, from its admin interface or its shop records: stock, funnel, orders."""

from exporters.names.family import Family

STEP, SKU, LOCATION, STATUS = "step", "sku", "location", "status"
STOCK_UNITS = Family(
    name="shop_stock_units", kind="gauge", help="Units in stock; below zero is oversold.", labels=(SKU, LOCATION)
)
FUNNEL_SESSIONS = Family(
    name="shop_funnel_sessions_total",
    kind="counter",
    help="Sessions that reached a step of the funnel.",
    labels=(STEP,),
)
SHOP_ORDERS = Family(
    name="shop_orders_total", kind="counter", help="Orders by what the shop made of them.", labels=(STATUS,)
)
ORDER_LOCATIONS = Family(
    name="shop_order_locations_total",
    kind="counter",
    help="Accepted orders by the location that fulfils them.",
    labels=(LOCATION,),
)
