"""What is marked on the time axis of the boards that are read in an incident: what was done to the shop, and when."""

from dashboards.grafana.board import Annotation
from dashboards.grafana.promql import at
from dashboards.grafana.style import GOOD, NEUTRAL, SERIES, WARN
from exporters.names import load_generator, recovery, releases

_FIGURES = at(load_generator.SNAPSHOT_TIME.name)

RELEASES = Annotation(
    name="Releases", expr=at(releases.LAST_DEPLOYMENT.name), text="deployed to {{deployed_to}}", colour=SERIES[3]
)
GATES = Annotation(name="Gates", expr=at(load_generator.GATE_TIME.name), text="gate decided", colour=GOOD)
# Its figures are there, and for two minutes until a minute ago there were none: one failed scrape begins no test.
LOAD_TESTS = Annotation(
    name="Load tests",
    expr=f"(max({_FIGURES}) unless max(max_over_time({_FIGURES}[2m] offset 1m)))",
    text="load test began",
    colour=WARN,
)
DRILLS = Annotation(
    name="Restore drills",
    expr=at(recovery.DRILL_TIME.name),
    text="restore drill of {{system}}",
    colour=NEUTRAL,
)
