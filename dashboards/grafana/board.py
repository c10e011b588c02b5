"""A dashboard of ours as a value: one question, its rows, what can be chosen and what is marked on its time axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grafanalib.core as grafana

from dashboards.grafana.links import uid
from dashboards.grafana.panels import Row, lay_out

TAG = "peakproof"
ALL = ".*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """Something that the reader chooses: the values of `label` of the series that `selector` selects, or all of them.

    Queries match it with `=~`; all values is `.*`, so series without the label are among them.
    """

    name: str
    title: str
    selector: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Moments marked on every panel over time: a metric whose values are moments, in seconds since 1970."""

    name: str
    expr: str
    text: str
    colour: str


ENVIRONMENT = Variable(name="environment", title="Environment", selector="up", label="environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard: `name` is its file's and gives its uid; `question` is the one that it answers."""

    name: str
    title: str
    question: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    annotations: Sequence[Annotation] = ()
    since: str = "now-3h"
    refresh: str = "30s"

    def dashboard(self) -> grafana.Dashboard:
        """Return it as grafanalib's object; `modern` turns it into JSON."""
        datasource = grafana.Template(name="datasource", label="Prometheus", type="datasource", query="prometheus")
        chosen = [_template(variable) for variable in (ENVIRONMENT, *self.variables)]
        return grafana.Dashboard(
            uid=uid(self.name),
            title=self.title,
            description=self.question,
            tags=[TAG],
            timezone="utc",
            refresh=self.refresh,
            time=grafana.Time(self.since, "now"),
            templating=grafana.Templating(list=[datasource, *chosen]),
            annotations=grafana.Annotations(list=[_annotation(one) for one in self.annotations]),
            panels=lay_out(self.rows),
        ).auto_panel_ids()


def _template(variable: Variable) -> grafana.Template:
    return grafana.Template(
        name=variable.name,
        label=variable.title,
        type="query",
        query=f"label_values({variable.selector}, {variable.label})",
        includeAll=True,
        allValue=ALL,
        multi=True,
        default="All",
        refresh=grafana.REFRESH_ON_TIME_RANGE_CHANGE,
    )


def _annotation(one: Annotation) -> dict[str, Any]:
    return {"name": one.name, "expr": f"{one.expr} * 1000", "titleFormat": one.text, "iconColor": one.colour}
