"""Mistakes on screen: units, thresholds, colours, legends, tables, words and what an empty panel says."""

from dashboards.grafana.style import GOOD
from dashboards.grafana.upgrade import Json
from tests.dashboards.grafana.mutants.mutant import Mutant, defaults, panel, query, settings, target, without


def _steps(*steps: tuple[float | None, str]) -> Json:
    return {"mode": "absolute", "steps": [{"color": colour, "value": value} for value, colour in steps]}


def _override(name: str, **matcher: object) -> Mutant:
    def change(board: Json) -> None:
        panel(board, "Objectives")["fieldConfig"]["overrides"][1]["matcher"].update(matcher)

    return Mutant(name=name, where="Objectives", change=change)


def _column_unit(name: str, heading: str, unit: str) -> Mutant:
    def change(board: Json) -> None:
        overrides = panel(board, "Objectives")["fieldConfig"]["overrides"]
        properties = next(one["properties"] for one in overrides if one["matcher"]["options"] == heading)
        next(one for one in properties if one["id"] == "unit")["value"] = unit

    return Mutant(name=name, where="Objectives", change=change)


def _column_width(name: str, px: int) -> Mutant:
    def change(board: Json) -> None:
        for override in panel(board, "Objectives")["fieldConfig"]["overrides"]:
            next(one for one in override["properties"] if one["id"] == "custom.minWidth")["value"] = px

    return Mutant(name=name, where="Objectives", change=change)


def _organized(name: str, old: str, new: str) -> Mutant:
    def change(board: Json) -> None:
        _, filtered, organized = panel(board, "Objectives")["transformations"]
        names = filtered["options"]["include"]["names"]
        names[names.index(old)] = new
        for part in ("indexByName", "renameByName"):
            organized["options"][part][new] = organized["options"][part].pop(old)

    return Mutant(name=name, where="Objectives", change=change)


def _transformation(name: str, **values: object) -> Mutant:
    return Mutant(
        name=name,
        where="Objectives",
        change=lambda board: panel(board, "Objectives")["transformations"][0].update(values),
    )


def _options(name: str, where: str, **values: object) -> Mutant:
    return Mutant(name=name, where=where, change=lambda board: panel(board, where)["options"].update(values))


def _custom(name: str, where: str, **values: object) -> Mutant:
    return Mutant(
        name=name,
        where=where,
        change=lambda board: panel(board, where)["fieldConfig"]["defaults"]["custom"].update(values),
    )


UNITS = (
    defaults("ms for seconds", "Latency", unit="ms"),
    defaults("seconds for ms", "Spans", unit="s"),
    defaults("bytes for a count", "Print queue", unit="bytes"),
    defaults("a count for bytes", "Backup size", unit="short"),
    defaults("percent for a ratio of 0 to 1", "Generator", unit="percent"),
    defaults("percent for a quotient of 0 to 1", "Error share", unit="percent"),
    defaults("a ratio without a unit", "Budget used", unit="none"),
    defaults("seconds for requests a second", "Rate", unit="s"),
    defaults("a rate a second shown as one a minute", "Rate", unit="opm"),
    defaults("a count shown as a rate", "Print queue", unit="reqps"),
    defaults("seconds for a number of orders", "Funnel", unit="s"),
    defaults("hours for seconds", "Newest order", unit="h"),
    defaults("a unit that Grafana lacks", "Rate", unit="requests/s"),
    without("no unit", "Rate", "unit"),
    query("a quotient turned into percent, the unit not", "Generator", ("max(", "100 * max(")),
    query("ms made of seconds, the unit not", "Latency", ("histogram_quantile", "1000 * histogram_quantile")),
    _column_unit("a column's unit: seconds for a ratio", "Budget left", "s"),
    _column_unit("a column's unit that Grafana lacks", "Burn rate, 1 h", "times"),
)
THRESHOLDS = (
    without("no thresholds", "Rate", "thresholds"),
    defaults(
        "thresholds not ascending",
        "Error share",
        thresholds=_steps((None, GOOD), (0.05, "#D55E00"), (0.01, "#E69F00")),
    ),
    defaults("thresholds without a base", "Error share", thresholds=_steps((0, GOOD), (0.05, "#D55E00"))),
    defaults("green and red", "Error share", thresholds=_steps((None, "green"), (0.05, "red"))),
    defaults("a threshold in percent on a ratio", "Error share", thresholds=_steps((None, GOOD), (5, "#D55E00"))),
    defaults("a threshold beyond the axis", "Generator", thresholds=_steps((None, GOOD), (90, "#D55E00"))),
    defaults("a colour of one's own", "Print queue", thresholds=_steps((None, "#FF00FF"))),
    defaults("a fixed colour not of the palette", "Print queue", color={"mode": "fixed", "fixedColor": "red"}),
    defaults("a red to green scale", "Print queue", color={"mode": "continuous-RdYlGr"}),
    defaults("min above max", "Generator", min=2),
    defaults("max in percent of a ratio", "Generator", max=100),
    defaults(
        "a word for a value that the metric can't have",
        "Probe",
        mappings=[{"type": "value", "options": {"2": {"index": 0, "text": "works"}}}],
    ),
    defaults("the words of a value lost", "Probe", mappings=[]),
    without("nothing says that empty is well", "Oversold", "noValue"),
    without("nothing says that no alert is well", "Alerts", "noValue"),
    defaults("a gap shown as zero", "Print queue", noValue="0"),
)
FORMS = (
    Mutant(name="no title", where="panel 2", change=lambda board: panel(board, "Rate").update(title="")),
    settings("no description", "Rate", description=" "),
    settings("the title for a description", "Rate", description="Rate"),
    Mutant(name="a title twice", where="Rate", change=lambda board: panel(board, "Latency").update(title="Rate")),
    settings("no query", "Rate", targets=[]),
    settings("a panel type of 2018", "Rate", type="graph"),
    target("no legend", "Rate", legendFormat=""),
    target("a legend that Grafana makes up", "Rate", legendFormat="__auto"),
    target("a legend without the label that tells series apart", "Rate", legendFormat="requests"),
    target("a legend of a label that isn't there", "Latency", legendFormat="{{route}}"),
    target("a legend of PromQL's manner", "Rate", legendFormat="$http_route"),
    target("instant over time", "Rate", instant=True, range=False),
    target("a range in a table", "Alerts", instant=False, range=True),
    target("time series in a table", "Alerts", format="time_series"),
    target("hidden", "Rate", hide=True),
    target("an expression left empty", "Rate", expr=" "),
    Mutant(
        name="a refId twice",
        where="Objectives",
        change=lambda board: panel(board, "Objectives")["targets"][1].update(refId="A"),
    ),
    _options("an unknown reducer", "Print queue", reduceOptions={"calcs": ["latest"], "fields": "", "values": False}),
    _options(
        "a reducer that adds up a gauge's samples",
        "Print queue",
        reduceOptions={"calcs": ["sum"], "fields": "", "values": False},
    ),
    _options(
        "the mean of the time shown instead of now",
        "Print queue",
        reduceOptions={"calcs": ["mean"], "fields": "", "values": False},
    ),
    _options(
        "a legend hidden from several lines",
        "Rate",
        legend={"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
    ),
    _options("sorted by a column that isn't there", "Objectives", sortBy=[{"displayName": "Burn", "desc": True}]),
    _custom("stacked", "Rate", stacking={"group": "A", "mode": "normal"}),
    _custom("a gap drawn as a line", "Rate", spanNulls=True),
    _custom("an axis that is logarithmic by accident of zero", "Rate", scaleDistribution={"type": "log", "log": 10}),
    _transformation("an unknown transformation", id="mergeTables"),
    _transformation("joined by a field that no query has", id="joinByField", options={"byField": "sku"}),
    _organized("a column of a label that no query has", "objective", "slo"),
    _organized("a column of a query that isn't there", "Value #B", "Value #C"),
    _column_width("columns that are wider than their panel", 900),
    _organized("a column named as if there were one query", "Value #A", "Value"),
    _override("an override by a name that no field has", options="Budget"),
    _override("an override by a matcher that Grafana lacks", id="byTitle"),
)
MUTANTS: tuple[Mutant, ...] = (*UNITS, *THRESHOLDS, *FORMS)
