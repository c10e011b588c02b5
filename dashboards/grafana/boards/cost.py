"""The dashboard "Cost".

It answers: what does the shop cost, what for, and does the month hold its budget? Amounts have no unit of their own:
the currency is a label, stands in every legend and table, and is never added to another.
"""

from dashboards.grafana.board import Board, Variable
from dashboards.grafana.boards.bill_panels import (
    BUSINESS,
    HEALTH,
    IDENTITY,
    LEGEND,
    OF_SERVICE,
    age_s,
    amounts,
    by_bill,
    highest,
    number,
)
from dashboards.grafana.boards.sources import EXPORTERS, sources
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Column, Look, Panel, Query, Row
from dashboards.grafana.style import NO_LIMIT, bad_from
from exporters.names import cost as names
from exporters.names.family import SOURCE
from exporters.subjects.cost.anomaly import THRESHOLD

_HOUR_S = 3600
_OLD = bad_from(48 * _HOUR_S, warn=36 * _HOUR_S)
_OF_BUDGET = bad_from(1, warn=0.9)
_INCIDENT = Link(title="Incident", board="incident")
_RUN = Link(title="Peak run", board="peak-run")
_NO_BUDGET = "No bill that is chosen has a budget and a charge of this month."
_NO_FORECAST = "No forecast: it needs a budget, and a bill of seven days in a row."
_NO_COUNTS = "Not known: it needs seven days of the bill, and orders and requests of each (counts)."

_MONTH = Row(
    title="This month",
    panels=[
        number(
            "Billed of the budget",
            "What is billed of this month until now, as a ratio of the month's budget.",
            Query(expr=f"{by_bill(names.BILLED)} / {by_bill(names.BUDGET)}", legend=LEGEND),
            unit="percentunit",
            thresholds=_OF_BUDGET,
            nothing=_NO_BUDGET,
        ),
        number(
            "Forecast of the budget",
            "What is expected of the whole month, as a ratio of its budget. CostBudgetWillBeExceeded waits for the "
            "forecast's lower bound to be over it.",
            Query(expr=f"{by_bill(names.FORECAST)} / {by_bill(names.BUDGET)}", legend=LEGEND),
            unit="percentunit",
            thresholds=_OF_BUDGET,
            nothing=_NO_FORECAST,
        ),
        number(
            "Cost of an order now",
            "Effective cost of the last 7 days that came in, by their accepted order.",
            Query(expr=highest(names.PER_ORDER), legend=LEGEND),
            unit="none",
            thresholds=NO_LIMIT,
            nothing=_NO_COUNTS,
        ),
        number(
            "Age of the bill now",
            "How long ago the newest usage on the bill ended: all figures end there. From 36 h on it is old, from 48 h "
            "on too old unless the configuration says otherwise (max_age_h).",
            Query(expr=age_s(names.NEWEST_CHARGE), legend="{{source}}"),
            unit="s",
            thresholds=_OLD,
        ),
    ],
)
_BUDGET = Row(
    title="The month against its budget",
    panels=[
        Panel(
            title="Bills and their budgets",
            description="What is billed until now, the budget, and what the whole month will be: with 95 % more than "
            "at least, with 95 % less than at most. A cell without a figure isn't known.",
            unit="none",
            decimals=2,
            look=Look.TABLE,
            width=13,
            minimum=None,
            nothing=_NO_BUDGET,
            queries=[
                Query(expr=by_bill(names.BILLED), legend="billed"),
                Query(expr=by_bill(names.BUDGET), legend="budget"),
                Query(expr=by_bill(names.FORECAST_LOWER), legend="at least"),
                Query(expr=by_bill(names.FORECAST), legend="forecast"),
                Query(expr=by_bill(names.FORECAST_UPPER), legend="at most"),
                Query(expr=f"{by_bill(names.FORECAST)} / {by_bill(names.BUDGET)}", legend="of the budget"),
            ],
            columns=[
                *IDENTITY,
                Column(source="Value #A", heading="Billed", unit="none"),
                Column(source="Value #B", heading="Budget", unit="none"),
                Column(source="Value #C", heading="At least", unit="none"),
                Column(source="Value #D", heading="Forecast", unit="none"),
                Column(source="Value #E", heading="At most", unit="none"),
                Column(source="Value #F", heading="Of budget", unit="percentunit", thresholds=_OF_BUDGET),
            ],
            sorted_by="Of budget",
        ),
        amounts(
            "Month to date and forecast",
            "What is billed, what the month is expected to come to with its bounds of 95 % on each side, and the "
            "budget. The bounds close in as the month goes on.",
            [
                Query(expr=by_bill(names.BILLED), legend=f"{LEGEND} billed"),
                Query(expr=by_bill(names.BUDGET), legend=f"{LEGEND} budget"),
                Query(expr=by_bill(names.FORECAST_LOWER), legend=f"{LEGEND} at least"),
                Query(expr=by_bill(names.FORECAST), legend=f"{LEGEND} forecast"),
                Query(expr=by_bill(names.FORECAST_UPPER), legend=f"{LEGEND} at most"),
            ],
            nothing=_NO_BUDGET,
        ),
    ],
)
_SERVICES = Row(
    title="What for",
    panels=[
        Panel(
            title="Services this month",
            description="What each service is billed this month, and its effective cost: what was paid in advance "
            "counts where it is used. Those that cost most; the rest is other.",
            unit="none",
            decimals=2,
            look=Look.TABLE,
            minimum=None,
            nothing="No bill that is chosen has a charge of this month yet.",
            queries=[
                Query(expr=by_bill(names.SERVICE_BILLED, names.SERVICE), legend="billed"),
                Query(expr=by_bill(names.SERVICE_EFFECTIVE, names.SERVICE), legend="effective"),
            ],
            columns=[
                *IDENTITY,
                Column(source=names.SERVICE, heading="Service"),
                Column(source="Value #A", heading="Billed", unit="none"),
                Column(source="Value #B", heading="Effective", unit="none"),
            ],
            sorted_by="Billed",
        ),
        amounts(
            "Effective cost of a day by service",
            "Effective cost of the last day whose charges have come in: a point over time is the day that was known "
            "then.",
            [Query(expr=by_bill(names.DAY_EFFECTIVE, names.SERVICE), legend=OF_SERVICE)],
        ),
        amounts(
            "Billed this month by kind of charge",
            "Usage, purchases, taxes, credits and adjustments, and what of it corrects earlier months. Credits are "
            "below zero.",
            [
                Query(
                    expr=by_bill(names.CATEGORY_BILLED, names.CATEGORY),
                    legend=f"{{{{charge_category}}}} ({LEGEND})",
                ),
                Query(expr=by_bill(names.CORRECTIONS), legend=f"Corrections ({LEGEND})"),
            ],
            nothing="No bill that is chosen has a charge of this month yet.",
        ),
    ],
)
_EACH = Row(
    title="What it buys, and what lies idle",
    panels=[
        amounts(
            "Cost of an order",
            "Effective cost of the last 7 days that came in, by their accepted order: of the whole bill, other "
            "environments included.",
            [Query(expr=highest(names.PER_ORDER), legend=LEGEND)],
            nothing=_NO_COUNTS,
        ),
        amounts(
            "Cost of 1,000 requests",
            "Effective cost of the same 7 days, by 1,000 of their requests.",
            [Query(expr=highest(names.PER_1000_REQUESTS), legend=LEGEND)],
            nothing=_NO_COUNTS,
            decimals=4,
        ),
        amounts(
            "Idle this month",
            "Effective cost of what was paid for and not used, by how that is known: a commitment or a capacity that "
            "the bill calls unused, or usage of nothing that cost something.",
            [Query(expr=by_bill(names.IDLE, names.REASON), legend=f"{{{{reason}}}} ({LEGEND})")],
            nothing="No bill that is chosen has the columns that tell what is idle.",
        ),
        Panel(
            title="Share that is idle",
            description="Idle cost of this month as a ratio of all its effective cost.",
            unit="percentunit",
            maximum=1,
            nothing="No bill that is chosen has the columns that tell what is idle.",
            queries=[
                Query(expr=f"{by_bill(names.IDLE)} / ({by_bill(names.EFFECTIVE)} > 0)", legend=LEGEND),
            ],
            links=[BUSINESS],
        ),
    ],
)
_NO_SCORE = "No day can be judged: it needs four earlier ones of its weekday."
_UNUSUAL = Row(
    title="Days that aren't like others",
    panels=[
        Panel(
            title="The last day against its weekday",
            description="Effective cost of the last day that came in, the median of the same weekday in the 8 weeks "
            "before, and how unusual that is: the modified z-score, above 3.5 an outlier (Iglewicz and Hoaglin, 1993).",
            unit="none",
            decimals=2,
            look=Look.TABLE,
            minimum=None,
            nothing=_NO_SCORE,
            queries=[
                Query(expr=by_bill(names.DAY_EFFECTIVE, names.SERVICE), legend="day"),
                Query(expr=by_bill(names.DAY_TYPICAL, names.SERVICE), legend="usual"),
                Query(expr=highest(names.DAY_SCORE, names.SERVICE), legend="score"),
            ],
            columns=[
                *IDENTITY,
                Column(source=names.SERVICE, heading="Service"),
                Column(source="Value #A", heading="Last day", unit="none"),
                Column(source="Value #B", heading="Usual", unit="none"),
                Column(source="Value #C", heading="Score", unit="none", thresholds=bad_from(THRESHOLD)),
            ],
            sorted_by="Score",
        ),
        Panel(
            title="Unusual cost by service",
            description="The modified z-score of the last day that came in, by service. A score says how unusual a "
            "day is and not how much it cost: CostAnomaly also asks whether a month of it would matter.",
            unit="none",
            decimals=1,
            minimum=None,
            thresholds=bad_from(THRESHOLD),
            nothing=_NO_SCORE,
            queries=[Query(expr=highest(names.DAY_SCORE, names.SERVICE), legend=OF_SERVICE)],
            links=[_INCIDENT],
        ),
    ],
)
_TESTS = Row(
    title="What load tests cost",
    panels=[
        Panel(
            title="Load tests",
            description="Effective cost of the tagged resources while a test ran, idle or not: from the bill, or "
            "until its days have come in an estimate, its length at their mean hour of the last 7 days.",
            unit="none",
            decimals=2,
            look=Look.TABLE,
            width=16,
            nothing="No load test has a cost: none ended in the time that the bill tells of, or none is asked for.",
            queries=[
                Query(expr=by_bill(names.RUN_EFFECTIVE, names.RUN), legend="billed"),
                Query(expr=by_bill(names.RUN_ESTIMATED, names.RUN), legend="estimated"),
            ],
            columns=[
                Column(source=names.RUN, heading="Run", least_px=260),
                *IDENTITY,
                Column(source="Value #A", heading="Billed", unit="none"),
                Column(source="Value #B", heading="Estimate until then", unit="none"),
            ],
            sorted_by="Run",
        ),
        Panel(
            title="All load tests shown",
            description="What the newest 20 tests cost together, as far as the bill tells; and the estimate of those "
            "that it doesn't tell yet.",
            unit="none",
            decimals=2,
            look=Look.NUMBER,
            width=8,
            nothing="No load test has a cost.",
            queries=[
                Query(expr=by_bill(names.RUN_EFFECTIVE), legend=f"{LEGEND} billed"),
                Query(expr=by_bill(names.RUN_ESTIMATED), legend=f"{LEGEND} estimated"),
            ],
            links=[_RUN],
        ),
    ],
)
_SOURCES = Row(
    title="Can the figures be believed?",
    panels=[
        sources(HEALTH, "Each bill, the counts and the runs; a bill with one wrong value isn't read at all."),
        Panel(
            title="Age of the bill",
            description="How long ago the newest usage on the bill ended. It falls with each delivery.",
            unit="s",
            thresholds=_OLD,
            queries=[Query(expr=age_s(names.NEWEST_CHARGE), legend="{{source}}")],
            links=[EXPORTERS],
        ),
        Panel(
            title="Age of the last whole day",
            description="How long ago the last day began whose charges have all come in: what is told by the day ends "
            "with it.",
            unit="s",
            nothing="No bill that is chosen has a whole day yet.",
            queries=[Query(expr=age_s(names.DAY_START), legend="{{source}}")],
            links=[EXPORTERS],
        ),
        Panel(
            title="Services without a series",
            description="Services that are together in other because there are more than the configuration shows "
            "(top); they are in every sum.",
            unit="short",
            nothing="No bill that is chosen has a charge of this month yet.",
            queries=[Query(expr=by_bill(names.SERVICES_IN_OTHER), legend=LEGEND)],
            links=[BUSINESS],
        ),
    ],
)

BOARD = Board(
    name="cost",
    title="Cost",
    question="What does the shop cost, what for, and does the month hold its budget?",
    rows=(_MONTH, _BUDGET, _SERVICES, _EACH, _UNUSUAL, _TESTS, _SOURCES),
    variables=[Variable(name="bill", title="Bill", selector=names.NEWEST_CHARGE.name, label=SOURCE)],
    since="now-30d",
    refresh="15m",
)
