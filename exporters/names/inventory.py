"""The inventory: each location's own count, the web shop's number for it, and what sales make of both."""

from exporters.names.family import SOURCE, Family

LOCATION, SKU, DEMAND, REASON = "location", "sku", "demand", "reason"
OTHER = "other"
_LOCATIONS = "the locations that the configuration names"
_TOP = f"{_LOCATIONS}, each with `top_skus` SKUs and one `other` that holds the rest"
_DEMANDS = "the two demands, recent and season"

AVAILABLE_UNITS = Family(
    name="inventory_available_units",
    kind="gauge",
    help="Units that the location itself counts, without those reserved; below zero is oversold.",
    labels=(LOCATION, SKU),
    bounded_by=_TOP,
)
SKUS = Family(
    name="inventory_skus",
    kind="gauge",
    help="SKUs that the location's source lists.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
SKUS_IN_OTHER = Family(
    name="inventory_other_skus",
    kind="gauge",
    help="SKUs of the location that have no series of their own in inventory_available_units: they are in its other.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
STOCK_OUT_SKUS = Family(
    name="inventory_stock_out_skus",
    kind="gauge",
    help="SKUs that the location's source lists with no unit available.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
OVERSOLD_SKUS = Family(
    name="inventory_oversold_skus",
    kind="gauge",
    help="SKUs of which the location has promised more units than it has.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
OVERSOLD_UNITS = Family(
    name="inventory_oversold_units",
    kind="gauge",
    help="Units that the location has promised and doesn't have.",
    labels=(LOCATION, SKU),
    bounded_by=_TOP,
)
DRIFT_UNITS = Family(
    name="inventory_drift_units",
    kind="gauge",
    help="The web shop's number of units less the location's own; above zero the shop sells what isn't there.",
    labels=(LOCATION, SKU),
    bounded_by=_TOP,
)
DRIFT_ABSOLUTE_UNITS = Family(
    name="inventory_drift_absolute_units",
    kind="gauge",
    help="Units by which the web shop and the location differ, whichever has more, over all SKUs.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
DRIFT_SKUS = Family(
    name="inventory_drift_skus",
    kind="gauge",
    help="SKUs of which the web shop's number and the location's own differ.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
DRIFT_STANDING_UNITS = Family(
    name="inventory_drift_standing_units",
    kind="gauge",
    help="Units of the SKUs that have differed at every read for longer than the shop takes to learn of a change.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
DRIFT_OLDEST = Family(
    name="inventory_drift_oldest_timestamp_seconds",
    kind="gauge",
    help="Unix time since which the SKU that has differed longest has differed; absent where none does.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
UNLISTED_SKUS = Family(
    name="inventory_drift_unlisted_skus",
    kind="gauge",
    help="SKUs with units in one list and absent from the other, by the list that lacks them: shop or location.",
    labels=(LOCATION, "absent_from"),
    bounded_by=f"{_LOCATIONS}, twice",
)
DATA_TIME = Family(
    name="inventory_data_timestamp_seconds",
    kind="gauge",
    help="Unix time at which the location's data last changed: its newest row's, or its file's.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
OLDEST_COUNT_TIME = Family(
    name="inventory_oldest_count_timestamp_seconds",
    kind="gauge",
    help="Unix time of the stocktake that lies furthest back among the location's SKUs.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
COVER = Family(
    name="inventory_cover_seconds",
    kind="gauge",
    help="How long the units of all locations last at the rate of sales, of the SKUs that last shortest.",
    labels=(DEMAND, SKU),
    bounded_by=f"{_DEMANDS}, each with `top_skus` SKUs",
)
COVER_SHORT_SKUS = Family(
    name="inventory_cover_short_skus",
    kind="gauge",
    help="SKUs that sell and whose units are used up before an order placed now arrives.",
    labels=(DEMAND,),
    bounded_by=_DEMANDS,
)
SELLING_SKUS = Family(
    name="inventory_selling_skus",
    kind="gauge",
    help="SKUs of which units were sold in the window that the demand is taken from.",
    labels=(DEMAND,),
    bounded_by=_DEMANDS,
)
DEAD_SKUS = Family(
    name="inventory_dead_skus",
    kind="gauge",
    help="SKUs that the location has units of and of which none was sold anywhere for the configured time.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
DEAD_UNITS = Family(
    name="inventory_dead_units",
    kind="gauge",
    help="Units at the location of SKUs of which none was sold anywhere for the configured time.",
    labels=(LOCATION,),
    bounded_by=_LOCATIONS,
)
WAREHOUSE_OUT_SKUS = Family(
    name="inventory_warehouse_out_skus",
    kind="gauge",
    help="SKUs that the warehouses list and have none of while a store has some.",
)
WAREHOUSE_OUT_UNITS = Family(
    name="inventory_warehouse_out_units",
    kind="gauge",
    help="Units in a store of SKUs that the warehouses have none of.",
    labels=(LOCATION, SKU),
    bounded_by=_TOP,
)
EXCLUDED_ROWS = Family(
    name="inventory_excluded_rows",
    kind="gauge",
    help="Rows of the last read of a source that are in no figure, by reason.",
    labels=(SOURCE, REASON),
    bounded_by="the sources that the configuration names, and the reasons that the documentation lists",
)
