"""The dashboard "Inventory".

It answers: what is missing, promised twice or counted wrong, and where? First what is wrong now, then the units of each
location, the SKUs, the difference to the web shop, how long stock lasts, what lies idle, and what the figures rest on.
"""

from dashboards.grafana.board import Board, Variable
from dashboards.grafana.boards.sources import EXPORTERS, READ, sources
from dashboards.grafana.boards.stock_panels import (
    BUSINESS,
    DRIFT_LIMITS,
    HEALTH,
    INCIDENT,
    LOOK_AT_ANY,
    NAMED,
    TOP,
    age_s,
    by_location,
    lines,
    number,
    of_chosen,
    skus,
)
from dashboards.grafana.panels import Column, Look, Panel, Query, Row
from dashboards.grafana.promql import at, total
from dashboards.grafana.style import NO_LIMIT, NONE_IS_GOOD, ONE_IS_GOOD
from exporters.names import inventory as names
from exporters.names.family import SOURCE
from exporters.subjects.inventory.config import RESERVED

_LOCATION, _SKU, _DEMAND, _REASON = names.LOCATION, names.SKU, names.DEMAND, names.REASON
_LEFT_OUT = "{{source}}: rows left out ({{reason}})"
_NOT_COMPARED = "Not known: the web shop isn't read, or has no number of these locations."
_NOT_WHOLE = "Not known: it needs a warehouse and a store, and every location read."
_NO_SALES = "Not known: it needs sales, and every location read."
_NO_DEAD = "Not known: it needs sales, and after how many days stock is dead."
_COVER_OF_SKU = f"min by ({_SKU}, {_DEMAND}) ({at(names.COVER.name)})"
_DRIFTING = total(of_chosen(names.DRIFT_UNITS, NAMED), _LOCATION, _SKU)
# A location that isn't read has no other series: so it has a row all the same.
_READ = at(HEALTH.up.name, f'{SOURCE}=~"$location"', f'{SOURCE}!~"{"|".join(sorted(RESERVED))}"')
_READ_BY_LOCATION = f'min by ({_LOCATION}) (label_join({_READ}, "{_LOCATION}", "", "{SOURCE}"))'

_NOW = Row(
    title="What is wrong now",
    panels=[
        number(
            "Sources down",
            "Locations' and other sources whose last read failed. Their figures are missing below, and not zero: what "
            "is added up over locations is short of them.",
            f"sum(1 - {at(HEALTH.up.name)})",
            "not read",
            EXPORTERS,
        ),
        number(
            "SKUs oversold",
            "SKUs of which a location has promised more units than it has. Each order for one is a customer to "
            "disappoint.",
            total(of_chosen(names.OVERSOLD_SKUS)),
            "oversold",
            INCIDENT,
            BUSINESS,
        ),
        number(
            "SKUs out of stock",
            "SKUs that a location's own source lists with no unit available, over the chosen locations: one that is "
            "out at two counts twice.",
            total(of_chosen(names.STOCK_OUT_SKUS)),
            "out of stock",
            BUSINESS,
            thresholds=NO_LIMIT,
        ),
        number(
            "Standing drift",
            "Units by which the web shop and a location differ, of SKUs that have differed for longer than the shop "
            "takes to learn of a change. A sale between two reads isn't among them.",
            total(of_chosen(names.DRIFT_STANDING_UNITS)),
            "units",
            INCIDENT,
            thresholds=DRIFT_LIMITS,
            nothing=_NOT_COMPARED,
        ),
        number(
            "Only left in a store",
            "SKUs that every warehouse has none of while a store has some: they could be sold and aren't. Over all "
            "locations, whatever is chosen above.",
            total(at(names.WAREHOUSE_OUT_SKUS.name)),
            "SKUs",
            thresholds=LOOK_AT_ANY,
            nothing=_NOT_WHOLE,
        ),
        number(
            "SKUs that run short",
            "SKUs whose units are used up before an order placed now arrives, by the demand that says more of them: "
            "recent sales, or last season's times the forecast's growth.",
            f"max({total(at(names.COVER_SHORT_SKUS.name), _DEMAND)})",
            "SKUs",
            thresholds=LOOK_AT_ANY,
            nothing=_NO_SALES,
        ),
    ],
)
_LOCATIONS = Row(
    title="Stock by location",
    panels=[
        Panel(
            title="Locations at a glance",
            description="Each location by its own count. A cell without a figure isn't known: the location isn't "
            "read, isn't compared with the web shop, or doesn't tell when its data changed.",
            unit="short",
            look=Look.TABLE,
            minimum=None,
            height=9,
            width=14,
            queries=[
                Query(expr=_READ_BY_LOCATION, legend="read"),
                Query(expr=by_location(names.AVAILABLE_UNITS), legend="units"),
                Query(expr=by_location(names.SKUS), legend="SKUs"),
                Query(expr=by_location(names.STOCK_OUT_SKUS), legend="out of stock"),
                Query(expr=by_location(names.OVERSOLD_SKUS), legend="oversold"),
                Query(expr=by_location(names.DRIFT_STANDING_UNITS), legend="standing drift"),
                Query(expr=age_s(names.DATA_TIME), legend="age"),
            ],
            columns=[
                Column(source=_LOCATION, heading="Location"),
                Column(source="Value #A", heading="Last read", mappings=READ, thresholds=ONE_IS_GOOD),
                Column(source="Value #B", heading="Units", unit="short"),
                Column(source="Value #C", heading="SKUs listed", unit="short"),
                Column(source="Value #D", heading="SKUs out", unit="short"),
                Column(source="Value #E", heading="Oversold", unit="short", thresholds=NONE_IS_GOOD),
                Column(source="Value #F", heading="Standing drift", unit="short", thresholds=DRIFT_LIMITS),
                Column(source="Value #G", heading="Data age", unit="s"),
            ],
            sorted_by="SKUs out",
        ),
        lines(
            "Units by location",
            "Units available by each location's own count, those reserved taken off. A step that no sale explains is "
            "a delivery, a stocktake or a broken feed.",
            by_location(names.AVAILABLE_UNITS),
        ),
    ],
)
_OUT = Row(
    title="Out of stock and oversold",
    panels=[
        lines(
            "Out of stock by location",
            "SKUs listed with no unit available. It climbs with sales, and at once when a feed delivers zeros.",
            by_location(names.STOCK_OUT_SKUS),
        ),
        skus(
            "Best sellers out of stock",
            "The SKUs with a series of their own (those that sell most, or that there are most of) of which a "
            "location has none available.",
            Query(
                expr=f"bottomk({TOP}, {total(of_chosen(names.AVAILABLE_UNITS, NAMED), _LOCATION, _SKU)} <= 0)",
                legend="Units available",
            ),
            "No best seller is out at a location that is read.",
            least_first=True,
        ),
        skus(
            "Oversold SKUs",
            "Units that a location has promised and doesn't have; the SKUs that lack most.",
            Query(
                expr=f"topk({TOP}, {total(of_chosen(names.OVERSOLD_UNITS, NAMED), _LOCATION, _SKU)} > 0)",
                legend="Units promised in vain",
            ),
            "No SKU is oversold at a location that is read.",
        ),
    ],
)
_DRIFT = Row(
    title="The web shop's number against the location's own count",
    panels=[
        Panel(
            title="Drift by location",
            description="Units by which the two differ, whichever has more, over all SKUs; and those of them that "
            "have stood for longer than the shop takes to learn of a change.",
            unit="short",
            nothing=_NOT_COMPARED,
            queries=[
                Query(expr=by_location(names.DRIFT_ABSOLUTE_UNITS), legend="{{location}} all"),
                Query(expr=by_location(names.DRIFT_STANDING_UNITS), legend="{{location}} standing"),
            ],
            links=[BUSINESS],
        ),
        Panel(
            title="For how long they have differed",
            description="How long the SKU that has differed longest has done so, as far as the exporter was running.",
            unit="s",
            look=Look.BARS,
            nothing="No SKU differs where both numbers are read.",
            queries=[Query(expr=age_s(names.DRIFT_OLDEST), legend="{{location}}")],
            links=[BUSINESS],
        ),
        skus(
            "SKUs that differ most",
            "The web shop's number less the location's own. Above zero the shop sells what isn't there; below, units "
            "lie unsold.",
            Query(
                expr=f"{_DRIFTING} and topk({TOP}, abs({_DRIFTING}) > 0)",
                legend="Shop has more",
            ),
            "No SKU differs where both numbers are read.",
        ),
        Panel(
            title="SKUs that differ",
            description="SKUs of which the two numbers differ, by location; and SKUs with units that one of the two "
            "lists doesn't have at all, over the chosen locations.",
            unit="short",
            nothing=_NOT_COMPARED,
            queries=[
                Query(expr=by_location(names.DRIFT_SKUS), legend="{{location}}"),
                Query(
                    expr=total(of_chosen(names.UNLISTED_SKUS), names.UNLISTED_SKUS.labels[1]),
                    legend="not in the list of the {{absent_from}}",
                ),
            ],
        ),
    ],
)
_COVER = Row(
    title="How long stock lasts",
    panels=[
        Panel(
            title="SKUs that last shortest",
            description="How long the units of all locations last at the rate of sales: recent is the last weeks', "
            "season is last season's times the forecast's growth. Units on order don't count.",
            unit="s",
            nothing=_NO_SALES,
            look=Look.TABLE,
            queries=[Query(expr=f"bottomk({TOP}, {_COVER_OF_SKU})", legend="cover")],
            columns=[
                Column(source=_SKU, heading="SKU"),
                Column(source=_DEMAND, heading="Demand"),
                Column(source="Value", heading="Lasts", unit="s"),
            ],
            sorted_by="Lasts",
            least_first=True,
        ),
        Panel(
            title="SKUs that sell, and that run short",
            description="SKUs that sell at all, and those of them whose units are used up before an order placed now "
            "arrives (lead_time_days of the configuration), by demand.",
            unit="short",
            nothing=_NO_SALES,
            queries=[
                Query(expr=total(at(names.SELLING_SKUS.name), _DEMAND), legend="{{demand}} sell"),
                Query(expr=total(at(names.COVER_SHORT_SKUS.name), _DEMAND), legend="{{demand}} run short"),
            ],
        ),
    ],
)
_IDLE = Row(
    title="Stock that doesn't sell where it is",
    panels=[
        skus(
            "In a store while the warehouses are out",
            "Units in a store of SKUs that every warehouse lists with none left: sell them from there, or move them.",
            Query(
                expr=f"topk({TOP}, {total(of_chosen(names.WAREHOUSE_OUT_UNITS, NAMED), _LOCATION, _SKU)} > 0)",
                legend="Units in the store",
            ),
            "No store has what the warehouses are out of, where every location is read.",
        ),
        lines(
            "Units of dead stock",
            "Units of SKUs of which none was sold anywhere for the configured time (dead_after_days). An article that "
            "came in lately and hasn't sold yet is among them.",
            by_location(names.DEAD_UNITS),
            nothing=_NO_DEAD,
        ),
        lines(
            "SKUs of dead stock",
            "The same as a number of SKUs, by location.",
            by_location(names.DEAD_SKUS),
            nothing=_NO_DEAD,
        ),
    ],
)
_SOURCES = Row(
    title="Can the figures be believed?",
    panels=[
        sources(HEALTH, "The locations, the web shop, sales and forecast, as far as they are configured."),
        lines(
            "Age of each location's data",
            "Since when a location's data hasn't changed: its newest row's time, or its file's. A line that climbs "
            "while the shop is open is a feed that stands still.",
            age_s(names.DATA_TIME),
            unit="s",
        ),
        lines(
            "Oldest stocktake",
            "Age of the stocktake that lies furthest back among a location's SKUs.",
            age_s(names.OLDEST_COUNT_TIME),
            unit="s",
            nothing="No location tells when its units were counted.",
        ),
        Panel(
            title="Rows left out, SKUs without a series",
            description="Rows of a source's last read that are in no figure, by reason; and SKUs that have no series "
            "of their own in the tables by SKU: they are in every sum.",
            unit="short",
            nothing="No row is left out and every SKU has a series, at what is read.",
            queries=[
                Query(expr=f"{total(at(names.EXCLUDED_ROWS.name), SOURCE, _REASON)} > 0", legend=_LEFT_OUT),
                Query(expr=f"{by_location(names.SKUS_IN_OTHER)} > 0", legend="{{location}}: SKUs in other"),
                Query(expr=f"{total(at(HEALTH.dropped.name), 'family')} > 0", legend="{{family}}: series dropped"),
            ],
        ),
    ],
)

BOARD = Board(
    name="inventory",
    title="Inventory",
    question="What is missing, promised twice or counted wrong, and where?",
    rows=(_NOW, _LOCATIONS, _OUT, _DRIFT, _COVER, _IDLE, _SOURCES),
    variables=[Variable(name="location", title="Location", selector=names.SKUS.name, label=_LOCATION)],
    since="now-24h",
    refresh="1m",
)
