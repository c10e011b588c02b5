"""The dashboard "Incident": what is broken since when, for whom, and what changed.

The first screen names the place. Below it: how many are affected, what changed, and where to look on.
"""

from dashboards.grafana.board import Board
from dashboards.grafana.boards import marks
from dashboards.grafana.boards.incident_affected import FOR_WHOM, STEPS
from dashboards.grafana.boards.incident_first_screen import ALERTS, PLACES, WAITING
from dashboards.grafana.boards.incident_links import PEAK_RUN, RECOVERY, RELEASES
from dashboards.grafana.panels import Column, Look, Panel, Query, Row
from dashboards.grafana.promql import age, at, beside, greatest, named
from dashboards.grafana.style import good_from

_PLACE = ("environment", "deployed_to")
_RELEASE = greatest(at("release_info"), *_PLACE, "version", "commit")
_DEPLOYED_AGO = age("releases_last_deployment_timestamp_seconds", *_PLACE)


def _moment(metric: str, what: str, *by: str) -> str:
    return named(age(metric, *by), "what", what)


_CHANGED = Row(
    title="What changed",
    panels=[
        Panel(
            title="What is deployed",
            description="The release that is deployed, since when, and whether it passed a gate. A release younger "
            "than the incident is not the cause; one a little older is the first to suspect.",
            unit="short",
            look=Look.TABLE,
            width=12,
            queries=[
                Query(expr=_RELEASE, legend="release"),
                Query(expr=beside(_DEPLOYED_AGO, _RELEASE, *_PLACE), legend="age"),
                Query(expr=beside(greatest(at("release_gate_passed"), *_PLACE), _RELEASE, *_PLACE), legend="gate"),
            ],
            columns=[
                Column(source="deployed_to", heading="Deployed to"),
                Column(source="environment", heading="Environment"),
                Column(source="version", heading="Version", links=[RELEASES]),
                Column(source="commit", heading="Commit", width_px=100),
                Column(source="Value #B", heading="Deployed, ago", unit="s"),
                Column(
                    source="Value #C",
                    heading="Gate",
                    mappings={1: "passed", 0: "not passed"},
                    thresholds=good_from(1),
                ),
            ],
        ),
        Panel(
            title="What else was done, how long ago",
            description="The last deployment, the last gate, the last restore drill and the last figures of a load "
            "test: a load test whose figures are seconds old is under way now.",
            unit="s",
            look=Look.BARS,
            width=12,
            nothing="nothing was done that is known of",
            queries=[
                Query(
                    expr=_moment("releases_last_deployment_timestamp_seconds", "deployment to", "deployed_to"),
                    legend="{{what}} {{deployed_to}}",
                ),
                Query(expr=_moment("loadtest_gate_timestamp_seconds", "gate decided"), legend="{{what}}"),
                Query(expr=_moment("loadtest_snapshot_timestamp_seconds", "load test"), legend="{{what}}"),
                Query(
                    expr=_moment("recovery_restore_drill_timestamp_seconds", "restore drill of", "system"),
                    legend="{{what}} {{system}}",
                ),
            ],
            links=[RELEASES, PEAK_RUN, RECOVERY],
        ),
    ],
)
BOARD = Board(
    name="incident",
    title="Incident",
    question="What is broken since when, for whom, and what changed?",
    rows=(ALERTS, PLACES, WAITING, FOR_WHOM, STEPS, _CHANGED),
    annotations=(marks.RELEASES, marks.GATES, marks.LOAD_TESTS, marks.DRILLS),
    since="now-1h",
    refresh="10s",
)
