"""Mistakes of a whole dashboard: layout, identity, variables, data sources, links and annotations."""

from collections.abc import Callable

from dashboards.grafana.upgrade import Json
from tests.dashboards.grafana.mutants.mutant import Mutant, board, panel, settings

_ENVIRONMENT, _ROUTE = 1, 2


def _place(name: str, where: str, **values: int) -> Mutant:
    return Mutant(name=name, where=where, change=lambda made: panel(made, where)["gridPos"].update(values))


def _url(name: str, *changes: tuple[str, str]) -> Mutant:
    def change(made: Json) -> None:
        link = panel(made, "Rate")["fieldConfig"]["defaults"]["links"][0]
        for old, new in changes:
            assert old in link["url"], name
            link["url"] = link["url"].replace(old, new)

    return Mutant(name=name, where="Rate", change=change)


def _row_url(name: str, old: str, new: str) -> Mutant:
    def change(made: Json) -> None:
        properties = panel(made, "Objectives")["fieldConfig"]["overrides"][0]["properties"]
        link = next(one["value"][0] for one in properties if one["id"] == "links")
        assert old in link["url"], name
        link["url"] = link["url"].replace(old, new)

    return Mutant(name=name, where="Objectives", change=change)


def _variable(mistake: str, at: int, /, **values: object) -> Mutant:
    return Mutant(name=mistake, where="dashboard", change=lambda made: made["templating"]["list"][at].update(values))


def _annotation(name: str, change: Callable[[Json], None]) -> Mutant:
    return Mutant(name=name, where="dashboard", change=lambda made: change(made["annotations"]["list"][1]))


def _marked(name: str, old: str, new: str) -> Mutant:
    return _annotation(name, lambda one: one.update(expr=one["expr"].replace(old, new)))


def _no_variable(made: Json) -> None:
    del made["templating"]["list"][_ROUTE]


def _twice(made: Json) -> None:
    made["templating"]["list"].append(made["templating"]["list"][_ROUTE])


def _same_id(made: Json) -> None:
    panel(made, "Latency")["id"] = panel(made, "Rate")["id"]


def _target_source(made: Json) -> None:
    panel(made, "Rate")["targets"][0]["datasource"] = {"type": "loki", "uid": "${datasource}"}


LAYOUT = (
    Mutant(name="an id twice", where="Latency", change=_same_id),
    _place("panels that overlap", "Latency", x=3),
    _place("a panel behind another", "Spans", x=12),
    _place("beyond the 24 columns", "Spans", w=9),
    _place("left of the grid", "Rate", x=-1),
    _place("no height", "Rate", h=0),
    _place("too narrow to read", "Probe", w=1),
    _place("rows with a hole between them", "Generator", y=90),
    board("no panels", panels=[]),
)
IDENTITY = (
    board("editable", editable=True),
    board("an older schema", schemaVersion=36),
    board("no uid", uid=""),
    board("the uid of another board", uid="peakproof-sample-detail"),
    board("a uid that Grafana cuts off", uid="peakproof-" + "sample-overview" * 4),
    board("a board without a title", title=""),
    board("the title of another board", title="Sample detail"),
    board("a board without a question", description=""),
    board("no tag: the other boards' menu leaves it out", tags=[]),
    board("a fixed time", time={"from": "2026-11-27T00:00:00Z", "to": "2026-11-28T00:00:00Z"}),
    board("a database id of one Grafana", id=17),
    board("the reader's own time zone", timezone="browser"),
    board("refreshed each moment", refresh="100ms"),
)
VARIABLES = (
    Mutant(name="an undefined variable", where="Rate", change=_no_variable),
    Mutant(name="a variable twice", where="dashboard", change=_twice),
    _variable("a variable of an unknown metric", _ROUTE, query="label_values(http_requests_total, http_route)"),
    _variable("a variable of a label that the metric lacks", _ROUTE, query="label_values(up, http_route)"),
    _variable("a variable's query that Grafana doesn't know", _ROUTE, query="label_value(up, job)"),
    _variable("All left out", _ENVIRONMENT, includeAll=False),
    _variable("All as a list of values", _ENVIRONMENT, allValue=None),
    _variable("a variable of another data source", _ENVIRONMENT, datasource={"type": "prometheus", "uid": "abc"}),
    _variable("read once, when the board is opened for the first time", _ENVIRONMENT, refresh=0),
    _variable("a hidden variable", _ENVIRONMENT, hide=2),
    _variable("defined and not used by any query", _ROUTE, name="path"),
    settings("a data source by its uid", "Rate", datasource={"type": "prometheus", "uid": "PBFA97CFB590B2093"}),
    settings("an undefined data source", "Rate", datasource={"type": "prometheus", "uid": "${prometheus}"}),
    settings("no data source", "Rate", datasource=None),
    Mutant(name="another kind of data source", where="Rate", change=_target_source),
)
LINKS = (
    _url("a dead link", ("sample-detail", "sample-details")),
    _url("a link to the board itself", ("sample-detail", "sample-overview")),
    _url("a variable that the target doesn't know", ("var-route", "var-http_route")),
    _url("a link without the time range", ("${__url_time_range}&", "")),
    _url("a link without the environment", ("${environment:queryparam}&", "")),
    _url("a link without the Prometheus chosen", ("${datasource:queryparam}&", "")),
    _url("a label that the series don't have", ("labels.http_route", "labels.route")),
    _url("a value that isn't encoded", (":percentencode", "")),
    _url("a host of one's own", ("/d/", "https://grafana.example.com/d/")),
    _url("a table's way of a value on a line", ("__field.labels.http_route", '__data.fields["http_route"]')),
    _url("var- forgotten", ("&var-route", "&route")),
    _url("a variable without a value", ("=${__field.labels.http_route:percentencode}", "=")),
    _row_url("a line's way of a value in a table", '__data.fields["objective"]', "__field.labels.objective"),
    _row_url("a column that the table doesn't have", 'fields["objective"]', 'fields["service"]'),
)
ANNOTATIONS = (
    _marked("an annotation of an unknown metric", "last_deployment", "newest_deployment"),
    _marked("an annotation of a metric that holds no moments", "last_deployment_timestamp_seconds", "changes"),
    _marked("an annotation in seconds", " * 1000", ""),
    _marked("an annotation of every environment", '{environment=~"$environment"}', ""),
    _annotation("an annotation's text of a label that isn't there", lambda one: one.update(titleFormat="{{version}}")),
    _annotation("an annotation at the time of the query", lambda one: one.update(useValueForTime=False)),
    _annotation("an annotation in a colour not of the palette", lambda one: one.update(iconColor="red")),
    _annotation("an annotation without a text", lambda one: one.update(titleFormat="")),
)
MUTANTS: tuple[Mutant, ...] = (*LAYOUT, *IDENTITY, *VARIABLES, *LINKS, *ANNOTATIONS)
