"""The dashboard "Peak run".

It answers one question: does the shop hold while the load climbs? Rows follow the data: whether it holds, the load on
the shop, what shoppers got, the servers' own metrics, spans, orders and stock, and whether the generator can be
believed. Rate and errors are on the left, latency on the right.
"""

from dashboards.grafana.board import Board
from dashboards.grafana.boards import marks
from dashboards.grafana.boards.peak_run_shop import SHOP_ROWS, in_time_shown, served
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Look, Panel, Query, Row
from dashboards.grafana.promql import PERCENTILES, age, at, greatest, or_none, or_zero, quantile, rate, total
from dashboards.grafana.style import GOOD, NO_RATE_IS_GOOD, WARN, Step, Thresholds, bad_from, good_from
from exporters.names import load_generator as names
from slo.validity.context import Limits

_TRACES = Link(title="Traces", board="traces")
_SHOP_HEALTH = Link(title="Shop health", board="shop-health")
_BUSINESS = Link(title="Business", board="business")
_OBJECTIVES = Link(title="Objectives", board="objectives")
_EXPORTERS = Link(title="Exporters", board="exporters")
_LIMITS = Limits()
_REQUESTS, _ERRORS = rate(names.REQUESTS.name), rate(names.REQUEST_ERRORS.name)
_RESPONSE = rate(f"{names.RESPONSE_SECONDS.name}_bucket")
# The limits of the shipped objectives: 0.5 s for a checkout, 0.3 s for a page; 1 of 100 checkouts, 1 of 1,000 pages.
_FELT_S = bad_from(0.5, warn=0.3)
_FAILED = bad_from(0.01, warn=0.001)
# A twentieth bad is what the loosest of them allows.
_BAD_REQUESTS = bad_from(0.05, warn=0.01)
_FRESH_S = bad_from(60, warn=5)
_AS_PLANNED = Thresholds(
    steps=(Step(value=None, colour=WARN), Step(value=1, colour=GOOD), Step(value=1.000001, colour=WARN)), drawn=False
)
_NO_LOAD = "no request now: no load, or it isn't read"
_BAD_SO_FAR = greatest(at(names.OBJECTIVE_BAD.name), names.OBJECTIVE)
_JUDGED_SO_FAR = greatest(at(names.OBJECTIVE_REQUESTS.name), names.OBJECTIVE)
_HOLDS = Row(
    title="Does it hold?",
    panels=[
        Panel(
            title="Bad requests by objective",
            description="The share of the judged requests so far that failed or took longer than the objective "
            "allows, as the verdict will count them. Each objective's own limit stands in its file: 1 less its "
            "target.",
            unit="percentunit",
            width=9,
            thresholds=_BAD_REQUESTS,
            nothing="nothing is judged yet: warm-up",
            queries=[Query(expr=f"{_BAD_SO_FAR} / ({_JUDGED_SO_FAR} > 0)", legend="{{objective}}")],
            links=[_OBJECTIVES],
        ),
        Panel(
            title="Requests failed",
            description="The share of requests now whose reply was not what the step expects, all steps together.",
            unit="percentunit",
            look=Look.NUMBER,
            thresholds=_FAILED,
            nothing=_NO_LOAD,
            queries=[
                Query(expr=f"({or_zero(_ERRORS, _REQUESTS)}) / ({total(_REQUESTS)} > 0)", legend="failed"),
            ],
            links=[_SHOP_HEALTH, _TRACES],
        ),
        Panel(
            title="Response time p95",
            description="95 of 100 requests now are answered within this time, from the moment the click was due.",
            unit="s",
            look=Look.NUMBER,
            thresholds=_FELT_S,
            nothing=_NO_LOAD,
            queries=[Query(expr=f"{quantile('0.95', _RESPONSE)} >= 0", legend="p95")],
            links=[_TRACES],
        ),
        Panel(
            title="Sessions of the plan",
            description="Sessions that were started, of those that the plan asked for in the time shown: below "
            f"{_LIMITS.on_time_ratio:.0%} it isn't the load that it claims to be.",
            unit="percentunit",
            look=Look.NUMBER,
            maximum=1,
            thresholds=good_from(_LIMITS.on_time_ratio),
            queries=[
                Query(
                    expr=f"{in_time_shown(names.SESSIONS_STARTED)} / ({in_time_shown(names.PLANNED_SESSIONS)} > 0)",
                    legend="started",
                ),
            ],
            links=[_EXPORTERS],
        ),
    ],
)
_LOAD = Row(
    title="Load: planned against achieved",
    panels=[
        Panel(
            title="Sessions started",
            description="Sessions a second that the plan wants, and those that started. A gap means the run is not "
            "the load it claims to be.",
            unit="cps",
            queries=[
                Query(expr=total(at(names.PLANNED_RATE.name)), legend="planned"),
                Query(expr=total(rate(names.SESSIONS_STARTED.name)), legend="started"),
            ],
        ),
        Panel(
            title="Requests by step",
            description="Requests a second finished by the load generator, by step of the journeys.",
            unit="reqps",
            queries=[Query(expr=total(_REQUESTS, names.STEP), legend="{{step}}")],
        ),
        Panel(
            title="Open sessions",
            description="Sessions under way. It climbs while arrivals stay level when the shop gets slower.",
            unit="short",
            queries=[Query(expr=total(at(names.OPEN_SESSIONS.name)), legend="open")],
        ),
    ],
)
_ORDERS = Row(
    title="Orders and errors, as the shopper met them",
    panels=[
        Panel(
            title="Orders a minute",
            description="Orders a minute by what became of them. Unknown ones are settled by the audit after the run.",
            unit="opm",
            queries=[
                Query(expr=f"{total(rate(names.LOAD_ORDERS.name), names.OUTCOME)} * 60", legend="{{outcome}}"),
            ],
            links=[_BUSINESS],
        ),
        Panel(
            title="Errors by step",
            description="Requests a second whose reply was not what the step expects. Out of stock and declined "
            "cards are healthy answers and are not counted.",
            unit="reqps",
            thresholds=NO_RATE_IS_GOOD,
            queries=[Query(expr=or_zero(_ERRORS, _REQUESTS, names.STEP), legend="{{step}}")],
            links=[_SHOP_HEALTH, _TRACES],
        ),
        Panel(
            title="Errors by reason",
            description="The same errors by what went wrong: timeout, connection, 5xx, wrong reply and others.",
            unit="reqps",
            thresholds=NO_RATE_IS_GOOD,
            queries=[
                Query(
                    expr=or_none(_ERRORS, _REQUESTS, names.REASON),
                    legend="{{reason}}",
                ),
            ],
            links=[_SHOP_HEALTH, _TRACES],
        ),
    ],
)
_LATENCY = Row(
    title="Latency from the scheduled start",
    panels=[
        Panel(
            title="Response time of all steps",
            description="What the shopper waited, from the moment the click was due, so a stalled shop can't hide "
            "behind requests that were never sent.",
            unit="s",
            thresholds=_FELT_S,
            queries=[Query(expr=quantile(ratio, _RESPONSE), legend=name) for ratio, name in PERCENTILES],
            links=[_TRACES],
        ),
        Panel(
            title="Response time p95 by step",
            description="95 of 100 requests of the step were answered within this time, from the scheduled start.",
            unit="s",
            thresholds=_FELT_S,
            queries=[Query(expr=quantile("0.95", _RESPONSE, names.STEP), legend="{{step}}")],
            links=[_TRACES],
        ),
        Panel(
            title="Shopper's p95 against the server's",
            description="When the two part, time is lost before the server begins: connections, queues, the network, "
            "or the generator itself (last row).",
            unit="s",
            thresholds=_FELT_S,
            queries=[
                Query(expr=quantile("0.95", _RESPONSE), legend="shopper"),
                Query(expr=quantile("0.95", served("bucket", "shop")), legend="server"),
            ],
            links=[_SHOP_HEALTH, _TRACES],
        ),
    ],
)
_GENERATOR = Row(
    title="Generator: can the figures above be believed?",
    panels=[
        Panel(
            title="Age of the figures",
            description="Age of the load generator's last snapshot. It climbs when the run is dead: everything above "
            "is then the last known figure.",
            unit="s",
            thresholds=_FRESH_S,
            queries=[Query(expr=age(names.SNAPSHOT_TIME.name), legend="age")],
            links=[_EXPORTERS],
        ),
        Panel(
            title="Sessions dropped",
            description="Sessions a second that were due and never started. Anything but zero makes the run invalid.",
            unit="cps",
            thresholds=NO_RATE_IS_GOOD,
            queries=[Query(expr=total(rate(names.SESSIONS_DROPPED.name)), legend="dropped")],
        ),
        Panel(
            title="Generator CPU",
            description=f"CPU of the busiest worker as a ratio of one core. Above {_LIMITS.generator_cpu:.0%} the "
            "generator measures itself.",
            unit="percentunit",
            maximum=1,
            thresholds=bad_from(_LIMITS.generator_cpu, warn=0.75),
            queries=[Query(expr=greatest(at(names.GENERATOR_CPU.name)), legend="busiest worker")],
        ),
        Panel(
            title="Scheduling lag p99",
            description="How late the generator itself sent what was due. It counts as the shopper's waiting, so it "
            "must stay far below the thresholds.",
            unit="s",
            thresholds=bad_from(_LIMITS.lag_p99_s),
            queries=[Query(expr=greatest(at(names.SCHEDULING_LAG.name)), legend="p99")],
        ),
        Panel(
            title="Multiple of the plan",
            description="1 while the plan is played unchanged, 0 while it is paused, else the multiple of it that is "
            "played. A change before the end of the judged window makes the run invalid.",
            unit="short",
            thresholds=_AS_PLANNED,
            mappings={0: "paused", 1: "as planned"},
            queries=[Query(expr=greatest(at(names.PLAN_FACTOR.name)), legend="factor")],
        ),
    ],
)
ROWS = (
    _HOLDS,
    _LOAD,
    _ORDERS,
    _LATENCY,
    *SHOP_ROWS,
    _GENERATOR,
)


BOARD = Board(
    name="peak-run",
    title="Peak run",
    question="Does the shop hold while the load climbs?",
    rows=ROWS,
    annotations=(marks.RELEASES,),
    since="now-15m",
    refresh="5s",
)
