"""Rows of the dashboard "Business": whether customers get what they ordered, and what the figures rest on."""

from dashboards.grafana.boards.order_queries import INCIDENT, NO_PROMISE, NOT_PRINTED, QUEUE_AGE, increase
from dashboards.grafana.boards.sources import sources
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel, Query, Row
from dashboards.grafana.promql import age, at, least, rate, total
from dashboards.grafana.style import NONE_IS_GOOD
from exporters.names import orders as names
from exporters.names.family import Health

_THERE = Link(title="Inventory of this location", board="inventory", labels={"location": names.LOCATION})
_HEALTH = Health(subject="orders")
_SHIPPED = total(increase(f"{names.TIME_TO_SHIP.name}_bucket"), "le")


FULFILMENT = Row(
    title="Fulfilment: do they get it",
    panels=[
        Panel(
            title="Print queue",
            width=5,
            description="Accepted orders that are not printed yet. It climbs while the press stands still.",
            unit="short",
            nothing=NOT_PRINTED,
            queries=[Query(expr=total(at(names.QUEUE_DEPTH.name)), legend="waiting")],
            links=[INCIDENT],
        ),
        Panel(
            title="Age of the print queue",
            width=5,
            description="How long the order waits that was paid first and isn't printed yet. A line of slope 1 is a "
            "press that stands still; PrintQueueStalled pages when it comes to the promise less what printing takes.",
            unit="s",
            nothing=NOT_PRINTED,
            queries=[Query(expr=QUEUE_AGE, legend="oldest")],
            links=[INCIDENT],
        ),
        Panel(
            title="Late orders",
            width=5,
            description="Overdue: past the time they were promised for and not shipped. Shipped late: in the time "
            "shown, after that time.",
            unit="short",
            thresholds=NONE_IS_GOOD,
            nothing=NO_PROMISE,
            queries=[
                Query(expr=total(at(names.OVERDUE.name)), legend="overdue"),
                Query(expr=total(increase(names.SHIPPED_LATE.name)), legend="shipped late"),
            ],
        ),
        Panel(
            title="Time to ship",
            width=5,
            description="Half and 95 of 100 of the orders shipped in the time shown took no longer than this from "
            "being placed to shipment. Read between the histogram's buckets, which lie around the promise.",
            unit="s",
            nothing="No order was shipped in the time shown, or the shop's records don't tell.",
            queries=[
                Query(expr=f"histogram_quantile({ratio}, {_SHIPPED}) >= 0", legend=name)
                for ratio, name in (("0.5", "p50"), ("0.95", "p95"))
            ],
        ),
        Panel(
            title="Orders by location",
            width=4,
            description="Accepted orders a minute with a line that the location fulfils; one of two locations counts "
            "at both.",
            unit="opm",
            nothing="No order was accepted today.",
            queries=[
                Query(expr=f"{total(rate(names.BY_LOCATION.name), names.LOCATION)} * 60", legend="{{location}}"),
            ],
            links=[_THERE],
        ),
    ],
)
RECORDS = Row(
    title="What these figures rest on",
    panels=[
        Panel(
            title="What the shop's records don't give",
            description="Parts of the shop's records that this shop doesn't have: what needs one is missing above, "
            "and not zero.",
            unit="short",
            look=Look.TABLE,
            nothing="Every part is given by the records that are read.",
            queries=[Query(expr=f"max by ({names.WHAT}) ({at(names.NOT_GIVEN.name)}) > 0", legend="{{what}}")],
            columns=[
                Column(source=names.WHAT, heading="Part"),
                Column(source="Value", heading="Given", mappings={1: "no"}),
            ],
        ),
        sources(
            Health(subject="orders"), "The parts of the shop's records that are declared: orders, payments, funnel."
        ),
        Panel(
            title="Age of the records",
            description="How long ago the records were read (the oldest of those chosen), and the newest order was "
            "placed. When the second climbs and the first doesn't, no orders come.",
            unit="s",
            queries=[
                Query(expr=f"time() - {least(at(names.READ_AT.name))}", legend="records read"),
                Query(expr=age(names.NEWEST.name), legend="newest order"),
            ],
            links=[INCIDENT],
        ),
        Panel(
            title="Left out of the figures",
            description="Orders of the time shown that are in no other figure, by why: of a load test, with a total "
            "below zero, in the future. And values of a label that are counted together because there are too many.",
            unit="short",
            nothing="No order is left out, and no value of a label, at what is read.",
            queries=[
                Query(expr=f"{total(increase(names.LEFT_OUT.name), names.REASON)} > 0", legend="orders: {{reason}}"),
                Query(expr=f"{total(at(names.LABELS_CUT.name), names.LABEL)} > 0", legend="values of {{label}}"),
            ],
        ),
    ],
)
