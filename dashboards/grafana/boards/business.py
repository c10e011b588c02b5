"""The dashboard "Business".

It answers: are customers ordering as they should, and do they get it? First the figures of now, then orders and revenue
against what was to be expected, how orders end, the funnel, fulfilment, and what the shop's records don't give.
"""

from dashboards.grafana.board import Board
from dashboards.grafana.boards import payments
from dashboards.grafana.boards.fulfilment import FULFILMENT, RECORDS
from dashboards.grafana.boards.order_queries import INCIDENT, NO_PROMISE, NOT_PRINTED, QUEUE_AGE, increase
from dashboards.grafana.boards.revenue import at_risk_per_s, behind_in_range, expected_per_s, per_s, weeks_before
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Look, Panel, Query, Row
from dashboards.grafana.promql import RATE, at, rate, total
from dashboards.grafana.style import NONE_IS_GOOD, bad_from, good_from
from exporters.names import orders as names

_NUMBER_HEIGHT = 5
_SHOP = Link(title="Shop health", board="shop-health")
_TRACES = Link(title="Traces", board="traces")
_INVENTORY = Link(title="Inventory", board="inventory")
_NO_EXPECTATION = (
    "Can't be said: it needs orders of the same hour yesterday and a week ago, and a day's revenue that ended an hour "
    "ago."
)
_NO_FUNNEL = "The shop's records give no funnel (last row)."
_NO_PAYMENTS = "No payment was captured in the time shown, or the shop's records give no payments (last row)."


_PLACED = total(rate(names.PLACED.name))
_PLACED_SHOWN = total(increase(names.PLACED.name), "environment")
_WEEK_BEFORE = total(increase(names.PLACED.name, before=weeks_before(1)), "environment")
_ENDED = rate(names.ENDED.name)
_PAYMENTS = rate(names.PAYMENTS.name)
_UNPAID = rate(names.PAYMENTS.name, f'{names.STATUS}!="captured"')
_STEPS = total(rate(names.FUNNEL.name), names.STEP)

_NOW = Row(
    title="Now",
    panels=[
        Panel(
            title="Orders a minute now",
            description="Orders placed a minute, whatever became of them, as the shop's records have them. Those of "
            "load tests aren't among them.",
            unit="opm",
            look=Look.NUMBER,
            height=_NUMBER_HEIGHT,
            queries=[Query(expr=f"{_PLACED} * 60", legend="placed")],
            links=[INCIDENT, _SHOP],
        ),
        Panel(
            title="Against last week",
            description="Orders placed in the time shown, by those of the same time a week before, where both "
            "are known. From 0.9 on it counts as normal, below 0.7 as bad.",
            unit="percentunit",
            look=Look.NUMBER,
            height=_NUMBER_HEIGHT,
            thresholds=good_from(0.9, warn=0.7),
            nothing="No orders of a week before are known.",
            queries=[
                Query(
                    expr=f"sum({_PLACED_SHOWN} and {_WEEK_BEFORE}) / (sum({_WEEK_BEFORE}) > 0)", legend="of last week's"
                )
            ],
            links=[INCIDENT, _SHOP],
        ),
        Panel(
            title="Revenue a minute now",
            description="Totals of the orders accepted, a minute, in whole units of the shop's currency.",
            unit="none",
            decimals=2,
            look=Look.NUMBER,
            height=_NUMBER_HEIGHT,
            queries=[Query(expr=f"sum({per_s()}) * 60", legend="accepted")],
        ),
        Panel(
            title="At risk a minute now",
            description="By how much a minute's revenue is below what was to be expected: fewer orders, or orders "
            "that aren't paid. How it is reckoned stands at the panel over time.",
            unit="none",
            decimals=2,
            look=Look.NUMBER,
            height=_NUMBER_HEIGHT,
            nothing=_NO_EXPECTATION,
            queries=[Query(expr=f"sum({at_risk_per_s()}) * 60", legend="at risk")],
            links=[INCIDENT, _SHOP, _INVENTORY],
        ),
        Panel(
            title="Oldest to print",
            description="How long the order waits that was paid first and isn't printed yet; 0 while none waits.",
            unit="s",
            look=Look.NUMBER,
            height=_NUMBER_HEIGHT,
            nothing=NOT_PRINTED,
            queries=[Query(expr=QUEUE_AGE, legend="oldest")],
            links=[INCIDENT],
        ),
        Panel(
            title="Orders overdue",
            description="Accepted orders past the time they were promised for, and not shipped.",
            unit="short",
            look=Look.NUMBER,
            height=_NUMBER_HEIGHT,
            thresholds=NONE_IS_GOOD,
            nothing=NO_PROMISE,
            queries=[Query(expr=total(at(names.OVERDUE.name)), legend="overdue")],
        ),
    ],
)
_MONEY = Row(
    title="Orders and revenue, against what was to be expected",
    panels=[
        Panel(
            title="Orders a minute",
            description="Orders placed a minute, now and a week before; expected is the lower of the same hour (UTC) "
            "yesterday and a week ago, absent until the records hold both.",
            unit="opm",
            width=8,
            queries=[
                Query(expr=f"{_PLACED} * 60", legend="now"),
                Query(expr=f"sum(rate({at(names.PLACED.name)}{RATE} offset 7d)) * 60", legend="a week before"),
                Query(expr=f"{total(at(names.EXPECTED.name))} * 60", legend="expected"),
            ],
            links=[INCIDENT, _SHOP],
        ),
        Panel(
            title="Revenue a minute",
            description="Totals of the orders accepted a minute, in whole units of the shop's currency, now and a "
            "week before; expected is the orders expected times the usual revenue of an order placed.",
            unit="none",
            decimals=2,
            width=7,
            queries=[
                Query(expr=f"sum({per_s()}) * 60", legend="now"),
                Query(expr=f"sum({per_s(weeks_before(1))}) * 60", legend="a week before"),
                Query(expr=f"sum({expected_per_s()}) * 60", legend="expected"),
            ],
            links=[_SHOP],
        ),
        Panel(
            title="Revenue at risk a minute",
            description="Orders expected (the lower of the same hour yesterday and a week ago) times the revenue by "
            "order placed over the 24 hours that ended an hour ago, less the revenue that came in; 0 where more came "
            "in. An estimate: late buyers aren't lost, and hours of declines lower the usual revenue themselves.",
            unit="none",
            decimals=2,
            width=5,
            nothing=_NO_EXPECTATION,
            queries=[Query(expr=f"sum({at_risk_per_s()}) * 60", legend="at risk")],
            links=[INCIDENT, _SHOP],
        ),
        Panel(
            title="Behind in all",
            description="What was to be expected in all the time shown less what came in; hours that did better make "
            "up for others. Where a part of the time has no expectation, its mean stands in.",
            unit="none",
            decimals=2,
            width=4,
            look=Look.NUMBER,
            nothing=_NO_EXPECTATION,
            queries=[Query(expr=f"sum({behind_in_range()})", legend="behind")],
        ),
    ],
)
_ENDS = Row(
    title="How orders and payments end",
    panels=[
        Panel(
            title="Orders by how they end",
            description="Orders a minute whose payment ended, by how. Pending ones stand beside.",
            unit="opm",
            queries=[Query(expr=f"{total(_ENDED, names.STATUS)} * 60", legend="{{status}}")],
            links=[INCIDENT],
        ),
        Panel(
            title="Orders not paid yet",
            description="Orders of the last hour that are not paid yet. It climbs while the payment provider stands "
            "still.",
            unit="short",
            queries=[Query(expr=total(at(names.PENDING.name)), legend="pending")],
            links=[_TRACES],
        ),
        Panel(
            title="Declined orders by reason",
            description="Declined orders a minute by the reason that the shop gives. Insufficient funds are "
            "customers'; a reason that is new today is more likely the provider's or ours.",
            unit="opm",
            nothing="No order was declined today, or the shop's records give no reasons (last row).",
            queries=[Query(expr=f"{total(rate(names.DECLINED.name), names.REASON)} * 60", legend="{{reason}}")],
            links=[_TRACES],
        ),
        Panel(
            title="Payments that aren't captured",
            description="Share of a provider's payments that ended as declined, failed or cancelled. About 5 % of "
            "declines is what is taken for usual unless the configuration says otherwise (declines.usual).",
            unit="percentunit",
            thresholds=bad_from(0.1, warn=0.05),
            nothing="No payment ended in the time shown, or the shop's records give no payments (last row).",
            queries=[
                Query(
                    expr=f"{total(_UNPAID, names.PROVIDER, names.STATUS)} / on ({names.PROVIDER}) group_left () "
                    f"({total(_PAYMENTS, names.PROVIDER)} > 0)",
                    legend="{{provider}} {{status}}",
                )
            ],
            links=[_TRACES, _SHOP],
        ),
    ],
)
_AGREEMENT = Row(
    title="Do payments and orders agree",
    panels=[
        Panel(
            title="Payments and orders",
            description="Payments captured and orders accepted a minute. They run together: where payments run above, "
            "money came in that no order was accepted for.",
            unit="opm",
            nothing=_NO_PAYMENTS,
            queries=[
                Query(expr=f"{payments.CAPTURED} * 60", legend="payments captured"),
                Query(expr=f"{payments.ACCEPTED} * 60", legend="orders accepted"),
            ],
            links=[INCIDENT],
        ),
        Panel(
            title="Captured without an order",
            description="Share of the captured payments beyond the orders accepted: a card that was charged twice, or "
            "a payment whose news the shop lost. Orders of load tests that are left out of the figures are taken off.",
            unit="percentunit",
            thresholds=bad_from(0.05, warn=0.01),
            nothing=_NO_PAYMENTS,
            queries=[Query(expr=payments.without_an_order_ratio(), legend="of the payments captured")],
            links=[INCIDENT, _TRACES],
        ),
    ],
)
_FUNNEL = Row(
    title="Funnel",
    panels=[
        Panel(
            title="Sessions by step of the funnel",
            description="Sessions that reached each step of the way to an order, in the time shown.",
            unit="short",
            look=Look.BARS,
            nothing=_NO_FUNNEL,
            queries=[
                Query(expr=f"sort_desc({total(increase(names.FUNNEL.name), names.STEP)})", legend="{{step}}"),
            ],
        ),
        Panel(
            title="Sessions a second by step",
            description="Where a step's line falls and the one before it doesn't, that step is where they are lost.",
            unit="cps",
            nothing=_NO_FUNNEL,
            queries=[Query(expr=_STEPS, legend="{{step}}")],
            links=[_SHOP],
        ),
        Panel(
            title="Conversion",
            description="Now: orders placed by session of the funnel's widest step. All: sessions that ordered, of "
            "all that the funnel counts since it began.",
            unit="percentunit",
            nothing=_NO_FUNNEL,
            queries=[
                Query(expr=f"{_PLACED} / (max({_STEPS}) > 0)", legend="now"),
                Query(expr=f"max({at(names.CONVERSION.name)})", legend="all"),
            ],
        ),
        Panel(
            title="Cart abandonment",
            description="Sessions that filled a cart and did not order, of those that filled one, in all that the "
            "funnel counts since it began.",
            unit="percentunit",
            maximum=1,
            nothing=_NO_FUNNEL,
            queries=[Query(expr=f"max({at(names.ABANDONMENT.name)})", legend="abandoned")],
        ),
    ],
)
BOARD = Board(
    name="business",
    title="Business",
    question="Are customers ordering as they should, and do they get what they ordered?",
    rows=(_NOW, _MONEY, _ENDS, _AGREEMENT, _FUNNEL, FULFILMENT, RECORDS),
    since="now-24h",
    refresh="1m",
)
