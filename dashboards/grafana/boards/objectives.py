"""The dashboard "Objectives".

It answers one question: which objective's error budget is running out, and how soon? First all objectives, the worst
on top, and what is alerted on; then for those chosen the budget, the burn over each window that an alert compares, the
errors, and whether they were measured at all.
"""

from collections.abc import Mapping

from dashboards.grafana.board import Board, Variable
from dashboards.grafana.boards import marks
from dashboards.grafana.boards.burn_panels import (
    BURN_ROWS,
    BURNING,
    BY,
    CHOSEN,
    EXHAUSTED,
    NEVER,
    NEVER_S,
    exhausted_in,
    of,
)
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Panel, Query, Row
from dashboards.grafana.promql import at, greatest, least
from dashboards.grafana.style import BAD, GOOD, WARN, Step, Thresholds, bad_from, good_from
from dashboards.grafana.tables import Figure, Key, Order, Table
from exporters.names import load_generator
from slo.burn_rates import EVIDENCE, HOUR_S, WINDOWS
from slo.rules import names
from slo.rules.build import SHORTEST_S
from slo.rules.promql import duration

_INCIDENT = Link(title="Incident", board="incident")
_SHOP_HEALTH = Link(title="Shop health", board="shop-health")
_TRACES = Link(title="Traces", board="traces")
_EXPORTERS = Link(title="Exporters and targets", board="exporters")
_PEAK_RUN = Link(title="Peak run", board="peak-run")
_ALONE = Link(title="This objective alone", board="objectives", labels={"objective": names.OBJECTIVE})
_BY_OBJECTIVE = "{{objective}} {{environment}}"
_ALLOWED = Query(expr=f"1 - {greatest(of(names.TARGET), *CHOSEN)}", legend=f"{_BY_OBJECTIVE} allowed")
# Below 0 it is overspent, and releases freeze (docs/runbooks/error-budget-burn.md).
_BUDGET = Thresholds(
    steps=(Step(value=None, colour=BAD), Step(value=0, colour=WARN), Step(value=0.25, colour=GOOD)), drawn=True
)
_ALL = Table(
    title="All objectives, the least budget first",
    description="What is left of each objective's error budget, how fast the last hour spent it (1 uses it up over "
    "its period), and when it is used up if that goes on. An empty cell is unknown: nothing was counted.",
    keys=[
        Key(label=names.OBJECTIVE, heading="Objective", links=[_ALONE, _SHOP_HEALTH, _INCIDENT], least_px=210),
        Key(label=names.SERVICE, heading="Service"),
        Key(label="environment", heading="Environment"),
    ],
    figures=[
        Figure(heading="Budget left", expr=least(at(names.REMAINING), *BY), unit="percentunit", thresholds=_BUDGET),
        Figure(heading="Burn 1h", expr=greatest(at(names.burn_rate(HOUR_S)), *BY), thresholds=BURNING),
        Figure(
            heading="Exhausted in",
            expr=exhausted_in(at, f"clamp_min({greatest(at(names.PERIOD), *BY)}, {NEVER_S})", *BY),
            unit="s",
            thresholds=EXHAUSTED,
            mappings={NEVER_S: NEVER},
        ),
        Figure(heading="Target", expr=greatest(at(names.TARGET), *BY), unit="percentunit"),
        Figure(heading="Period", expr=greatest(at(names.PERIOD), *BY), unit="s"),
    ],
    order=Order(heading="Budget left", least_first=True),
)
_ALERT = ("environment", names.OBJECTIVE, "alertname", "severity", names.LONG_WINDOW, names.SHORT_WINDOW)
# Alerts that have no objective are on the board "Incident".
_ITS = f'{names.OBJECTIVE}!=""'
_FIRING, _PENDING = 'alertstate="firing"', 'alertstate="pending"'
_STATES: Mapping[float, str] = {2: "firing", 1: "pending"}


def _alerts(state: str) -> str:
    return greatest(of("ALERTS", _ITS, state), *_ALERT)


_ALERTS = Table(
    title="Alerts of these objectives",
    description="What fires for the objectives chosen, and since when: a burning budget by its two windows, or that "
    "the objective isn't measured. Pending is not yet long enough.",
    keys=[
        Key(label="alertname", heading="Alert", links=[_INCIDENT], least_px=130),
        Key(label="severity", heading="Severity"),
        Key(label="environment", heading="Environment"),
        Key(label=names.OBJECTIVE, heading="Objective", links=[_ALONE, _SHOP_HEALTH, _INCIDENT], least_px=210),
        Key(label=names.LONG_WINDOW, heading="Long"),
        Key(label=names.SHORT_WINDOW, heading="Short"),
    ],
    figures=[
        Figure(
            heading="State",
            expr=f"2 * {_alerts(_FIRING)} or {_alerts(_PENDING)}",
            thresholds=bad_from(2, warn=1),
            mappings=_STATES,
        ),
        Figure(heading="For", expr=f"time() - {least(of('ALERTS_FOR_STATE', _ITS), *_ALERT)}", unit="s"),
    ],
    order=Order(heading="State"),
    nothing="no alert of an objective is firing",
    height=6,
)
_BUDGETS = Row(
    title="Budget of those chosen",
    panels=[
        Panel(
            title="Budget left",
            description="The share of the period's error budget that isn't spent. Below 0 it is overspent: releases "
            "freeze. Time that wasn't measured counts as good.",
            unit="percentunit",
            minimum=None,
            maximum=1,
            thresholds=_BUDGET,
            queries=[Query(expr=least(of(names.REMAINING), *CHOSEN), legend=_BY_OBJECTIVE)],
            links=[_SHOP_HEALTH],
        ),
        Panel(
            title="Time to exhaustion at this burn",
            description="What is left of the budget by the last hour's burn rate. 0 is used up, the whole period is "
            "never: a budget that lasts so long lasts for ever. No line is no traffic in the hour: unknown.",
            unit="s",
            thresholds=EXHAUSTED,
            queries=[
                Query(
                    expr=exhausted_in(of, greatest(of(names.PERIOD), *CHOSEN), *CHOSEN),
                    legend=_BY_OBJECTIVE,
                )
            ],
            links=[_INCIDENT],
        ),
    ],
)
_ERRORS = Row(
    title="Errors, and how many are allowed",
    panels=[
        Panel(
            title="Errors in the last hour",
            description="The share of the last hour's events that were bad, and the share that each objective allows "
            "(1 less its target). Above what is allowed the budget shrinks.",
            unit="percentunit",
            queries=[
                Query(expr=greatest(of(names.error_ratio(HOUR_S)), *CHOSEN), legend=_BY_OBJECTIVE),
                _ALLOWED,
            ],
            links=[_SHOP_HEALTH, _TRACES],
        ),
        Panel(
            title="Errors in the last five minutes",
            description="The share of the last five minutes' events that were bad, and what each objective allows: "
            "the first to rise and the first to end.",
            unit="percentunit",
            queries=[
                Query(expr=greatest(of(names.error_ratio(SHORTEST_S)), *CHOSEN), legend=_BY_OBJECTIVE),
                _ALLOWED,
            ],
            links=[_SHOP_HEALTH, _TRACES],
        ),
    ],
)


def _traffic() -> str:
    """Return how many times the events that the fastest page needs the last hour held."""
    page = WINDOWS[0]
    period, target = greatest(of(names.PERIOD), *BY), greatest(of(names.TARGET), *BY)
    threshold = f"clamp_min({page.share} * {period} / {page.long_s}, 1) * (1 - {target})"
    return f"{greatest(of(names.counted(page.long_s)), *BY)} * {threshold} / {EVIDENCE}"


_COVERED = good_from(0.99, warn=0.5)
_MEASURED = Row(
    title="Is it measured? What isn't counted can't burn",
    panels=[
        Table(
            title="Coverage of the windows",
            description="The share of each window for which events were counted: a new Prometheus, a new rule or a "
            "gap leaves less than all, and what is missing counts as good. Traffic is how many times the events that "
            "the first page needs came in an hour: below 1 it can't fire.",
            keys=[
                Key(label=names.OBJECTIVE, heading="Objective", links=[_ALONE, _EXPORTERS], least_px=210),
                Key(label="environment", heading="Environment"),
            ],
            figures=[
                *(
                    Figure(
                        heading=f"Of {duration(one.long_s)}",
                        expr=greatest(of(names.coverage(one.long_s)), *BY),
                        unit="percentunit",
                        thresholds=_COVERED,
                    )
                    for one in WINDOWS
                ),
                Figure(heading="Events in 1h", expr=greatest(of(names.counted(HOUR_S)), *BY)),
                Figure(heading="Traffic", expr=_traffic(), unit="short", thresholds=good_from(1)),
            ],
            order=Order(heading=f"Of {duration(HOUR_S)}", least_first=True),
            width=16,
        ).panel(),
        Panel(
            title="Coverage of the last hour",
            description="The share of the last hour for which events were counted. A dip is a time of which nobody "
            "knows.",
            unit="percentunit",
            maximum=1,
            thresholds=_COVERED,
            queries=[Query(expr=least(of(names.coverage(HOUR_S)), *CHOSEN), legend=_BY_OBJECTIVE)],
            links=[_EXPORTERS],
        ),
    ],
)
_BAD, _ALL_REQUESTS = (
    greatest(at(family.name), load_generator.OBJECTIVE)
    for family in (load_generator.OBJECTIVE_BAD, load_generator.OBJECTIVE_REQUESTS)
)
_NO_RUN = "no load test is under way"
_LOAD_TEST = Row(
    title="The load test's own objectives, as its verdict will count them",
    panels=[
        Panel(
            title="Bad requests of the load test",
            description="The share of the judged requests so far that failed or took longer than the objective "
            "allows. These objectives are the run's, from what its shoppers met, whatever is chosen above.",
            unit="percentunit",
            nothing=_NO_RUN,
            queries=[Query(expr=f"{_BAD} / ({_ALL_REQUESTS} > 0)", legend="{{objective}}")],
            links=[_PEAK_RUN],
        ),
        Panel(
            title="Judged requests of the load test",
            description="Requests of the judged time so far that count for each objective; none before warm-up ends.",
            unit="short",
            nothing=_NO_RUN,
            queries=[Query(expr=_ALL_REQUESTS, legend="{{objective}}")],
            links=[_PEAK_RUN],
        ),
    ],
)
BOARD = Board(
    name="objectives",
    title="Objectives",
    question="Which objective's error budget is running out, and how soon?",
    rows=(
        Row(title="All objectives", panels=[_ALL.panel()]),
        Row(title="What is alerted on", panels=[_ALERTS.panel()]),
        _BUDGETS,
        _ERRORS,
        *BURN_ROWS,
        _MEASURED,
        _LOAD_TEST,
    ),
    variables=(Variable(name="objective", title="Objective", selector=at(names.TARGET), label=names.OBJECTIVE),),
    annotations=(marks.RELEASES,),
    since="now-6h",
)
