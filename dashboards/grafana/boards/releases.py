"""The dashboard "Releases".

It answers one question: what is deployed, was it shown to hold, and how well does releasing go? First what is deployed
and its gate, then DORA's four measures (https://dora.dev/guides/dora-metrics-four-keys/) over the exporter's window,
the gates, and what the measures leave out.
"""

from dashboards.grafana.board import Annotation, Board, Variable
from dashboards.grafana.boards import marks
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Look, Panel, Query, Row
from dashboards.grafana.promql import age, at, beside, greatest
from dashboards.grafana.style import NEUTRAL, NONE_IS_GOOD, ONE_IS_GOOD, bad_from
from dashboards.grafana.tables import Figure, Key, Order, Table
from exporters.names import load_generator
from exporters.names import releases as names
from exporters.names.family import Family
from slo.burn_rates import DAY_S

# A third undecided gate in a row is alerted on.
UNDECIDED_IN_A_ROW = 3
_PLACE = ("environment", names.DEPLOYED_TO)
_CHOSEN = f'{names.DEPLOYED_TO}=~"$deployed_to"'
_SUCCEEDED, _FAILED = (f'{names.OUTCOME}="{outcome}"' for outcome in ("succeeded", "failed"))
_LEGEND = "{{deployed_to}} {{environment}}"
_ENVIRONMENT = Key(label="environment", heading="Environment")
_INCIDENT = Link(title="Incident", board="incident")
_SHOP_HEALTH = Link(title="Shop health", board="shop-health")
_PEAK_RUN = Link(title="Peak run", board="peak-run")
_EXPORTERS = Link(title="Exporters", board="exporters")
# "High" performers of DORA's Accelerate State of DevOps Report 2024: a change in service within a week, and recovery
# within a day; "low" ones take a month and a week.
_LEAD = bad_from(30 * DAY_S, warn=7 * DAY_S)
_RECOVERY = bad_from(7 * DAY_S, warn=DAY_S)


def _of(family: Family, *matchers: str) -> str:
    return at(family.name, _CHOSEN, *matchers)


def _by_place(family: Family, *matchers: str) -> str:
    return greatest(_of(family, *matchers), *_PLACE)


_INFO = greatest(_of(names.INFO), *_PLACE, names.VERSION, names.COMMIT)
_WINDOW = f"on () group_left () {greatest(at(names.WINDOW.name))}"
_OBJECTIVE = greatest(at(names.FAILURE_OBJECTIVE.name))
_AGO = f"time() - {_by_place(names.LAST_DEPLOYMENT)}"
_DEPLOYED = Table(
    title="What is deployed",
    description="The release that is deployed to each place, since when, and whether one of the newest gates passed "
    "it. Nobody has shown that a release without a passed gate holds the load.",
    keys=[
        Key(label=names.DEPLOYED_TO, heading="Deployed to"),
        _ENVIRONMENT,
        Key(label=names.VERSION, heading="Version", links=[_SHOP_HEALTH, _INCIDENT, _PEAK_RUN]),
        Key(label=names.COMMIT, heading="Commit", width_px=100),
    ],
    figures=[
        Figure(heading="Deployed ago", expr=beside(_AGO, _INFO, *_PLACE), unit="s"),
        Figure(
            heading="Gate",
            expr=beside(_by_place(names.GATE_PASSED), _INFO, *_PLACE),
            thresholds=ONE_IS_GOOD,
            mappings={1: "passed", 0: "none passed"},
        ),
    ],
    order=Order(heading="Deployed ago", least_first=True),
    height=6,
    width=16,
)
_GATE_OUTCOME = f"({greatest(at(load_generator.GATE_OUTCOME.name), 'environment', load_generator.OUTCOME)} == 1)"
_LAST_GATE = Table(
    title="Latest verdict of a load test",
    description="The outcome of the latest load test that was judged, whatever release it was of, and how long ago "
    "that was. Inconclusive is no pass.",
    keys=[Key(label=load_generator.OUTCOME, heading="Outcome", links=[_PEAK_RUN]), _ENVIRONMENT],
    figures=[
        Figure(
            heading="Judged ago",
            expr=beside(age(load_generator.GATE_TIME.name, "environment"), _GATE_OUTCOME, "environment"),
            unit="s",
        )
    ],
    order=Order(heading="Judged ago", least_first=True),
    height=6,
)
_NOW = Row(title="What is deployed, and was it shown to hold?", panels=[_DEPLOYED.panel(), _LAST_GATE.panel()])
_DORA = Row(
    title="DORA's four measures, over the exporter's window",
    panels=[
        Panel(
            title="Deployments a day",
            description="Deployment frequency: deployments that succeeded, on the mean day of the window. A quiet "
            "week is no fault.",
            unit="short",
            decimals=2,
            queries=[Query(expr=f"{_by_place(names.DEPLOYMENTS, _SUCCEEDED)} * {DAY_S} / {_WINDOW}", legend=_LEGEND)],
        ),
        Panel(
            title="Lead time for changes",
            description="Median time from a commit to the end of the first deployment that holds it. The dashed "
            "lines are a week and a month.",
            unit="s",
            thresholds=_LEAD,
            nothing="no change came in the window",
            queries=[Query(expr=_by_place(names.LEAD_TIME), legend=_LEGEND)],
        ),
        Panel(
            title="Change failure ratio",
            description="The share of the window's deployments that an incident or a rollback names. The alert "
            "compares not this but what is proven, the lower end of its interval of 95 %, with the objective.",
            unit="percentunit",
            maximum=1,
            nothing="no deployment in the window",
            queries=[
                Query(expr=_by_place(names.FAILURE_RATIO), legend=f"{_LEGEND} failed"),
                Query(expr=_by_place(names.FAILURE_RATIO_LOW), legend=f"{_LEGEND} proven"),
                Query(expr=_OBJECTIVE, legend="objective"),
            ],
            links=[_INCIDENT],
        ),
        Panel(
            title="Recovery time of failed deployments",
            description="Median time from the first incident of a failed deployment, or from a deployment that was "
            "rolled back, to its end. The dashed lines are a day and a week.",
            unit="s",
            thresholds=_RECOVERY,
            nothing="no failed deployment in the window",
            queries=[Query(expr=_by_place(names.RECOVERY_TIME), legend=_LEGEND)],
            links=[_INCIDENT],
        ),
    ],
)
_TROUBLE = Row(
    title="What went wrong with releases",
    panels=[
        Panel(
            title="Failed and not recovered yet",
            description="Failed deployments of the window whose incident isn't over or that weren't rolled back.",
            unit="short",
            look=Look.NUMBER,
            thresholds=NONE_IS_GOOD,
            height=5,
            queries=[Query(expr=_by_place(names.UNRECOVERED), legend=_LEGEND)],
            links=[_INCIDENT],
        ),
        Panel(
            title="Failed in service",
            description="Deployments of the window that an incident or a rollback names as its cause.",
            unit="short",
            look=Look.NUMBER,
            thresholds=NONE_IS_GOOD,
            height=5,
            queries=[Query(expr=_by_place(names.FAILED_CHANGES), legend=_LEGEND)],
            links=[_INCIDENT],
        ),
        Panel(
            title="Failed before service",
            description="Deployments of the window that ended without reaching service.",
            unit="short",
            look=Look.NUMBER,
            thresholds=NONE_IS_GOOD,
            height=5,
            queries=[Query(expr=_by_place(names.DEPLOYMENTS, _FAILED), legend=_LEGEND)],
        ),
        Panel(
            title="Deployed without a gate",
            description="Releases first deployed in the window before any gate had passed them.",
            unit="short",
            look=Look.NUMBER,
            thresholds=NONE_IS_GOOD,
            height=5,
            queries=[Query(expr=_by_place(names.WITHOUT_GATE), legend=_LEGEND)],
            links=[_PEAK_RUN],
        ),
    ],
)
_JUDGED = ("environment", names.VERSION)


def _gates(outcome: str) -> str:
    return greatest(at(names.GATES.name, f'{names.OUTCOME}="{outcome}"'), *_JUDGED)


_GATES = Row(
    title="Gates",
    panels=[
        Table(
            title="Gates by release",
            description="How the newest gates of each release ended, the releases that were judged last and other, "
            "which holds the rest. Unreadable is a run whose verdict can't be read: no decision, like inconclusive.",
            keys=[Key(label=names.VERSION, heading="Version", links=[_PEAK_RUN]), _ENVIRONMENT],
            figures=[
                Figure(heading="Passed", expr=_gates("pass")),
                Figure(heading="Failed", expr=_gates("fail"), thresholds=NONE_IS_GOOD),
                Figure(heading="Inconclusive", expr=_gates("inconclusive"), thresholds=bad_from(2, warn=1)),
                Figure(heading="Unreadable", expr=_gates("unreadable"), thresholds=NONE_IS_GOOD),
            ],
            order=Order(heading="Failed"),
            width=12,
        ).panel(),
        Panel(
            title="Undecided gates in a row",
            description=f"How many of the last gates in a row ended without a decision. From {UNDECIDED_IN_A_ROW} on "
            "there is a cause that repeating doesn't mend.",
            unit="short",
            thresholds=bad_from(UNDECIDED_IN_A_ROW, warn=1),
            queries=[Query(expr=greatest(at(names.UNDECIDED.name)), legend="in a row")],
            links=[_PEAK_RUN],
        ),
        Panel(
            title="Age of the last gate",
            description="How long ago the last gate was decided. What was shown to hold then may hold no more.",
            unit="s",
            queries=[Query(expr=age(names.LAST_GATE.name), legend="age")],
            links=[_PEAK_RUN],
        ),
    ],
)
_LEFT_OUT = Row(
    title="What the measures rest on, and what they leave out",
    panels=[
        Table(
            title="Counted and left out",
            description="Commits that the window's deployments brought, deployments whose commits aren't known, "
            "commits dated after their deployment, and incidents and rollbacks that name a release which nobody "
            "deployed.",
            keys=[Key(label=names.DEPLOYED_TO, heading="Deployed to", links=[_EXPORTERS]), _ENVIRONMENT],
            figures=[
                Figure(heading="Deployments", expr=_by_place(names.DEPLOYMENTS, _SUCCEEDED)),
                Figure(heading="Commits", expr=_by_place(names.CHANGES)),
                Figure(heading="Unknown", expr=_by_place(names.WITHOUT_COMMITS), thresholds=bad_from(2, warn=1)),
                Figure(heading="Misdated", expr=_by_place(names.MISDATED), thresholds=bad_from(2, warn=1)),
                Figure(heading="Unmatched", expr=_by_place(names.UNMATCHED), thresholds=bad_from(2, warn=1)),
                Figure(
                    heading="Failures proven",
                    expr=f"{_by_place(names.FAILURE_RATIO_LOW)} > bool on () group_left () {_OBJECTIVE}",
                    thresholds=NONE_IS_GOOD,
                    mappings={1: "more than agreed", 0: "within the objective"},
                ),
            ],
            order=Order(heading="Unmatched"),
            height=6,
            width=18,
        ).panel(),
        Panel(
            title="Window of the measures",
            description="The time up to now over which all measures of this board are taken.",
            unit="s",
            look=Look.NUMBER,
            height=6,
            queries=[Query(expr=greatest(at(names.WINDOW.name)), legend="window")],
        ),
    ],
)
BOARD = Board(
    name="releases",
    title="Releases",
    question="What is deployed, was it shown to hold, and how well does releasing go?",
    rows=(_NOW, _DORA, _TROUBLE, _GATES, _LEFT_OUT),
    variables=(
        Variable(
            name="deployed_to", title="Deployed to", selector=at(names.LAST_DEPLOYMENT.name), label=names.DEPLOYED_TO
        ),
    ),
    annotations=(
        marks.RELEASES,
        Annotation(name="Gates", expr=at(names.LAST_GATE.name), text="gate decided", colour=NEUTRAL),
    ),
    since="now-7d",
    refresh="1m",
)
