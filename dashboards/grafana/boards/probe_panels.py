"""The rows of the board "Exporters" on the probe, and how it meets the shop from outside: steps, certificates."""

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Panel, Query, Row
from dashboards.grafana.promql import age, at, greatest, least
from dashboards.grafana.style import BAD, GOOD, WARN, Step, Thresholds, bad_from, good_from
from dashboards.grafana.tables import Figure, Key, Order, Table
from exporters.names import probe as names
from exporters.names.family import Family
from slo.burn_rates import DAY_S

# Of the last three probes; two are alerted on.
FAILURES = 2
# A ticket's and a page's share of a certificate of 90 days.
TICKET_DAYS, PAGE_DAYS = 21, 3
_INCIDENT = Link(title="Incident", board="incident")
_TRACES = Link(title="Traces", board="traces")
_SHOP_HEALTH = Link(title="Shop health", board="shop-health")
_BY = ("environment", *names.PROBE)
_BY_STEP = (*_BY, names.STEP)
_BY_HOST = ("environment", names.TARGET, names.HOST)
# Of a skipped probe nothing is known: that is no good news.
_WALKED = Thresholds(
    steps=(Step(value=None, colour=BAD), Step(value=1, colour=GOOD), Step(value=2, colour=WARN)), drawn=False
)
_NO_TLS = "no host of a probed shop is reached over TLS"
_KEYS = (
    Key(label=names.TARGET, heading="Target", links=[_INCIDENT, _SHOP_HEALTH]),
    Key(label="environment", heading="Environment"),
)


def _by(family: Family, *labels: str) -> str:
    return greatest(at(family.name), *labels)


_PROBES = Table(
    title="Probes, those that failed first",
    description="Whether the last probe walked its journey as a shopper would, how many of the last three failed, "
    "when it was played and how often it is to be. Of a skipped one nothing is known: its target is busy, or a load "
    "test is on.",
    keys=[*_KEYS, Key(label=names.MODULE, heading="Module")],
    figures=[
        Figure(
            heading="Last probe",
            expr=f"2 * {_by(names.SKIPPED, *_BY)} or {least(at(names.SUCCESS.name), *_BY)}",
            thresholds=_WALKED,
            mappings={0: "failed", 1: "walked", 2: "skipped"},
        ),
        Figure(
            heading="Failed of three",
            expr=_by(names.RECENT_FAILURES, *_BY),
            thresholds=bad_from(FAILURES, warn=1),
        ),
        Figure(heading="Played, ago", expr=age(names.TIMESTAMP.name, *_BY), unit="s"),
        Figure(heading="Every", expr=_by(names.INTERVAL, *_BY), unit="s"),
        Figure(heading="Took", expr=_by(names.DURATION, *_BY), unit="s"),
        Figure(heading="Requests", expr=_by(names.REQUESTS, *_BY)),
        Figure(heading="Last status", expr=_by(names.STATUS, *_BY), unit="none"),
    ],
    order=Order(heading="Last probe", least_first=True),
    height=6,
)
_JOURNEYS = Row(title="From outside: the journeys of the probe", panels=[_PROBES.panel()])
_STEPS = Row(
    title="From outside: steps and connections of the probe",
    panels=[
        Panel(
            title="Slowest request of a step",
            description="How long the slowest request of each step took in the last probe, other steps than the "
            "first thirty together.",
            unit="s",
            queries=[
                Query(expr=_by(names.STEP_DURATION, *_BY_STEP), legend="{{target}} {{step}} {{environment}}"),
            ],
            links=[_TRACES],
        ),
        Panel(
            title="Steps, of their limit",
            description="The same, of what the configuration allows a request of the step to take, for the steps "
            "that have a limit.",
            unit="percentunit",
            thresholds=bad_from(1, warn=0.75),
            queries=[
                Query(
                    expr=f"{_by(names.STEP_DURATION, *_BY_STEP)} / {_by(names.STEP_LIMIT, *_BY_STEP)}",
                    legend="{{target}} {{step}} {{environment}}",
                ),
            ],
            links=[_TRACES],
        ),
        Panel(
            title="Opening a connection",
            description="How long the probe took to look up all hosts, to open a connection to each, and for its TLS "
            "handshake.",
            unit="s",
            queries=[
                Query(expr=_by(names.DNS_LOOKUP, "environment", names.TARGET), legend="{{target}} DNS {{environment}}"),
                Query(expr=_by(names.CONNECT_DURATION, *_BY_HOST), legend="{{host}} connect {{environment}}"),
                Query(expr=_by(names.TLS_DURATION, *_BY_HOST), legend="{{host}} TLS {{environment}}"),
            ],
        ),
    ],
)
_CERTIFICATES = Table(
    title="Certificates, those that expire first",
    description="Whether each host's certificate is its own, valid and of a trusted authority, and when it expires: "
    "below zero it has. The colours are those of one for 90 days: a ticket from 21 days left, a page from 3.",
    keys=[*_KEYS, Key(label=names.HOST, heading="Host")],
    figures=[
        Figure(
            heading="Certificate",
            expr=least(at(names.CERTIFICATE_TRUSTED.name), *_BY_HOST),
            thresholds=good_from(1),
            mappings={1: "trusted", 0: "not trusted"},
        ),
        Figure(
            heading="Expires in",
            expr=f"{least(at(names.CERTIFICATE_NOT_AFTER.name), *_BY_HOST)} - time()",
            unit="s",
            thresholds=good_from(TICKET_DAYS * DAY_S, warn=PAGE_DAYS * DAY_S),
        ),
        Figure(heading="Valid since", expr=f"time() - {_by(names.CERTIFICATE_NOT_BEFORE, *_BY_HOST)}", unit="s"),
    ],
    order=Order(heading="Expires in", least_first=True),
    nothing=_NO_TLS,
    height=6,
)
PROBE_ROWS = (_JOURNEYS, _STEPS, Row(title="From outside: certificates", panels=[_CERTIFICATES.panel()]))
