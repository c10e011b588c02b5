"""The dashboard "Exporters".

It answers one question: can the other dashboards be believed? First what isn't read or scraped, then how long reading
takes, how old the data behind the figures is, what was left out, configuration, probe, and recorder of spans.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from dashboards.grafana.board import Board
from dashboards.grafana.boards.probe_panels import PROBE_ROWS
from dashboards.grafana.boards.span_recorder import RECORDER
from dashboards.grafana.links import Link
from dashboards.grafana.panels import Look, Panel, Query, Row
from dashboards.grafana.promql import age, at, greatest, least, named, rate, total
from dashboards.grafana.style import NO_RATE_IS_GOOD, NONE_IS_GOOD, ONE_IS_GOOD, bad_from
from dashboards.grafana.tables import Figure, Key, Order, Table
from exporters.names import cost, inventory, load_generator, orders, probe, recovery, releases, serving
from exporters.names.family import FAMILY, SOURCE, Family, Health
from slo.burn_rates import DAY_S
from slo.rules.alertmanager import EXPORTER_DOWN, SOURCE_DOWN

SUBJECTS = ("inventory", "orders", "recovery", "probe", "loadgen", "releases", "cost", "stock")
_SUBJECT, _DATA = "subject", "data"
_INCIDENT = Link(title="Incident", board="incident")
_TRACES = Link(title="Traces", board="traces")
_OBJECTIVES = Link(title="Objectives", board="objectives")
_READ = ("environment", "job", "instance", SOURCE)
_TARGET = ("environment", "job", "instance")
_UP_OR_DOWN: Mapping[float, str] = {1: "up", 0: "down"}
# A scrape has 10 s where Prometheus sets no timeout.
_SLOW = bad_from(10, warn=5)


def _of_every_subject(wanted: Literal["up", "duration", "dropped"], subjects: Sequence[str], *by: str) -> str:
    """Return one family of the health of each of `subjects`, by labels, and by subject."""
    families = ((subject, getattr(Health(subject=subject), wanted)) for subject in subjects)
    return " or ".join(named(greatest(at(family.name), *by), _SUBJECT, subject) for subject, family in families)


_UP = _of_every_subject("up", SUBJECTS, *_READ)
_DURATION = _of_every_subject("duration", SUBJECTS, *_READ)
# That no run is under way is the usual state: its exporter's source is down then, and nobody is alerted.
_EXPECTED_UP = _of_every_subject("up", tuple(one for one in SUBJECTS if one != "loadgen"), *_READ)
_DOWN = f'alertname=~"{SOURCE_DOWN}|{EXPORTER_DOWN}"'
_ALERT = ("environment", "alertname", "exporter", SOURCE)
_STATE = Row(
    title="Can everything be read?",
    panels=[
        Panel(
            title="Sources down",
            description="Sources of exporters whose last read failed, the load generator's left out: it is down "
            "while no run is under way. What needs a source is absent on every dashboard, and its alerts can't fire.",
            unit="short",
            look=Look.NUMBER,
            thresholds=NONE_IS_GOOD,
            height=6,
            width=3,
            queries=[Query(expr=f"sum(({_EXPECTED_UP}) == bool 0)", legend="down")],
            links=[_INCIDENT],
        ),
        Panel(
            title="Targets down",
            description="Targets that Prometheus can't scrape. A load test's exporters and recorder end with it.",
            unit="short",
            look=Look.NUMBER,
            thresholds=NONE_IS_GOOD,
            height=6,
            width=3,
            queries=[Query(expr=f"sum({at('up')} == bool 0)", legend="down")],
            links=[_INCIDENT],
        ),
        Table(
            title="Alerts on exporters",
            description="Exporters that nothing is scraped from and sources that can't be read, and since when. The "
            "alert fires after five minutes.",
            keys=[
                Key(label="alertname", heading="Alert", links=[_INCIDENT], least_px=165),
                Key(label="exporter", heading="Exporter"),
                Key(label=SOURCE, heading="Source", least_px=188),
                Key(label="environment", heading="Environment"),
            ],
            figures=[
                Figure(
                    heading="For",
                    expr=f"time() - {least(at('ALERTS_FOR_STATE', _DOWN), *_ALERT)}",
                    unit="s",
                )
            ],
            order=Order(heading="For"),
            nothing="no exporter and no source is down",
            height=6,
        ).panel(),
    ],
)
_SOURCES = Row(
    title="Sources and targets",
    panels=[
        Table(
            title="Sources, those down first",
            description="Every source of every exporter: whether its last read succeeded and how long that took.",
            keys=[
                Key(label=_SUBJECT, heading="Exporter", links=[_INCIDENT], least_px=95),
                Key(label=SOURCE, heading="Source", least_px=188),
                Key(label="job", heading="Job"),
                Key(label="environment", heading="Environment"),
            ],
            figures=[
                Figure(heading="Last read", expr=_UP, thresholds=ONE_IS_GOOD, mappings=_UP_OR_DOWN),
                Figure(heading="Took", expr=_DURATION, unit="s", thresholds=_SLOW),
            ],
            order=Order(heading="Last read", least_first=True),
            height=9,
        ).panel(),
        Table(
            title="Targets, those down first",
            description="Every target of Prometheus: whether it answered the last scrape, how long that took, and "
            "how many samples it gave.",
            keys=[
                Key(label="job", heading="Job", links=[_INCIDENT]),
                Key(label="instance", heading="Instance", least_px=130),
                Key(label="environment", heading="Environment"),
            ],
            figures=[
                Figure(heading="Scrape", expr=least(at("up"), *_TARGET), thresholds=ONE_IS_GOOD, mappings=_UP_OR_DOWN),
                Figure(
                    heading="Took",
                    expr=greatest(at("scrape_duration_seconds"), *_TARGET),
                    unit="s",
                    thresholds=_SLOW,
                ),
                Figure(heading="Samples", expr=greatest(at("scrape_samples_scraped"), *_TARGET)),
            ],
            order=Order(heading="Scrape", least_first=True),
            height=9,
        ).panel(),
    ],
)
_TIMES = Row(
    title="How long it takes",
    panels=[
        Panel(
            title="Reading a source",
            description="How long the last read of each source took. Without a timeout of its own a scrape has 10 s: "
            "what isn't read by then is down.",
            unit="s",
            thresholds=_SLOW,
            queries=[
                Query(
                    expr=_of_every_subject("duration", SUBJECTS, SOURCE),
                    legend="{{subject}} {{source}}",
                )
            ],
        ),
        Panel(
            title="Scraping a job",
            description="How long the slowest target of each job took to answer its last scrape.",
            unit="s",
            thresholds=_SLOW,
            queries=[Query(expr=greatest(at("scrape_duration_seconds"), "job"), legend="{{job}}")],
        ),
        Panel(
            title="Samples of a job",
            description="Samples that the last scrape of each job gave, all targets together. A jump is a new "
            "label's, a fall a source's that isn't read.",
            unit="short",
            queries=[Query(expr=total(at("scrape_samples_scraped"), "job"), legend="{{job}}")],
        ),
    ],
)


def _aged(family: Family, data: str, *by: str) -> str:
    return named(age(family.name, "environment", *by), _DATA, data)


_AGES = " or ".join(
    (
        _aged(inventory.DATA_TIME, "stock of a location", "location"),
        _aged(orders.READ_AT, "orders read"),
        _aged(orders.NEWEST, "newest order"),
        _aged(recovery.LISTED, "list of backups", "system", "catalogue"),
        _aged(probe.TIMESTAMP, "probe", "target", "module"),
        _aged(releases.LAST_GATE, "last gate"),
        _aged(cost.NEWEST_CHARGE, "newest charge", "source"),
        _aged(load_generator.SNAPSHOT_TIME, "figures of the load test"),
    )
)
_DATA_BEHIND = Row(
    title="Data behind the figures",
    panels=[
        Table(
            title="Age of the data, the oldest first",
            description="How old what each exporter reads is: a source that is read in time may still tell of "
            "yesterday. How old each may be stands with its alerts; a bill is a day behind, a load test's figures "
            "end with it.",
            keys=[
                Key(label=_DATA, heading="Data", least_px=125),
                Key(label="location", heading="Location"),
                Key(label="system", heading="System"),
                Key(label="catalogue", heading="Catalogue"),
                Key(label="target", heading="Target"),
                Key(label="source", heading="Source"),
                Key(label="environment", heading="Environment"),
            ],
            figures=[Figure(heading="Age", expr=_AGES, unit="s", thresholds=bad_from(7 * DAY_S, warn=DAY_S))],
            order=Order(heading="Age"),
            height=9,
            width=14,
        ).panel(),
        Panel(
            title="Series left out",
            description="Series that an exporter left out of its last scrape because it has more than it may, by "
            "family: sums over that family are too low.",
            unit="short",
            thresholds=NONE_IS_GOOD,
            nothing="no series is left out",
            height=9,
            queries=[
                Query(
                    expr=_of_every_subject("dropped", SUBJECTS, FAMILY),
                    legend="{{subject}} {{family}}",
                )
            ],
        ),
    ],
)
_UNEVALUATED = rate("prometheus_rule_evaluation_failures_total")
_CONFIGURATION = Row(
    title="Configuration and rules",
    panels=[
        Panel(
            title="Configuration",
            description="Whether exporters.yaml could be read the last time that was asked for. While it can't, the "
            "one before it counts.",
            unit="short",
            look=Look.NUMBER,
            thresholds=ONE_IS_GOOD,
            mappings={1: "as written", 0: "an earlier one"},
            height=6,
            queries=[
                Query(
                    expr=least(at(serving.RELOAD_SUCCESSFUL.name), "job", "instance"),
                    legend="{{job}} {{instance}}",
                )
            ],
        ),
        Panel(
            title="Configuration read, ago",
            description="How long ago the configuration that counts was read.",
            unit="s",
            look=Look.NUMBER,
            height=6,
            queries=[
                Query(expr=age(serving.RELOAD_TIME.name, "job", "instance"), legend="{{job}} {{instance}}"),
            ],
        ),
        Panel(
            title="Rules that couldn't be evaluated",
            description="Failed evaluations a second of all groups of rules: an alert that can't be evaluated can't "
            "fire. Prometheus' page /rules names it.",
            unit="ops",
            thresholds=NO_RATE_IS_GOOD,
            nothing="no rules are loaded, or Prometheus doesn't scrape itself",
            height=6,
            queries=[
                Query(expr=total(_UNEVALUATED), legend="all groups"),
            ],
            links=[_OBJECTIVES],
        ),
    ],
)
BOARD = Board(
    name="exporters",
    title="Exporters",
    question="Can the other dashboards be believed?",
    rows=(_STATE, _SOURCES, _TIMES, _DATA_BEHIND, _CONFIGURATION, *PROBE_ROWS, RECORDER),
    since="now-6h",
)
