"""Specifications written for Sloth (`version: prometheus/v1`), read strictly and turned into `Objective`.

Source: github.com/slok/sloth, pkg/prometheus/api/v1. Where a specification's two queries are what two counters can
say, a run can be judged by it as well; else only rules are made of it. Sloth's own alert names, labels and annotations
aren't carried over: alerts of ours have their own. What would silence an objective is refused.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from slo.documents import BadInput, Document, YamlDocument, validate
from slo.objectives.indicators import Availability, Latency
from slo.objectives.objective import Objective
from slo.objectives.openslo.metrics import events_indicator, ratio_indicator
from slo.objectives.openslo.parts import Name, TargetPercent
from slo.objectives.promql import one_line
from slo.objectives.sources import WINDOW

PERIOD = "30d"  # Sloth's default


class _Events(Document):
    error_query: str
    total_query: str

    @model_validator(mode="after")
    def _over_the_window(self) -> "_Events":
        for name in ("error_query", "total_query"):
            if WINDOW not in one_line(getattr(self, name)):
                raise ValueError(f"{name} must hold {{{{.window}}}}, the range it is evaluated over")
        return self


class _Raw(Document):
    error_ratio_query: str

    @model_validator(mode="after")
    def _over_the_window(self) -> "_Raw":
        if WINDOW not in one_line(self.error_ratio_query):
            raise ValueError("error_ratio_query must hold {{.window}}, the range it is evaluated over")
        return self


class _Sli(Document):
    events: _Events | None = None
    raw: _Raw | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_plugin(cls, data: object) -> object:
        if isinstance(data, dict) and "plugin" in data:
            raise ValueError("plugin isn't run here: write the queries that it makes as events")
        return data

    @model_validator(mode="after")
    def _one_of_them(self) -> "_Sli":
        if (self.events is None) == (self.raw is None):
            raise ValueError("expected exactly one of events and raw")
        return self


class _SeverityAlert(Document):
    disable: bool = False
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _not_disabled(self) -> "_SeverityAlert":
        if self.disable:
            raise ValueError("disable: true is not carried over: leave it out, and route the alert elsewhere")
        return self


class _Alerting(Document):
    name: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    page_alert: _SeverityAlert = _SeverityAlert()
    ticket_alert: _SeverityAlert = _SeverityAlert()


class _Slo(Document):
    name: Name
    description: str = ""
    objective: TargetPercent
    labels: dict[str, str] = Field(default_factory=dict)
    sli: _Sli
    alerting: _Alerting = _Alerting()


class _Specification(Document):
    version: Literal["prometheus/v1"]
    service: Name
    labels: dict[str, str] = Field(default_factory=dict)
    slos: Annotated[list[_Slo], Field(min_length=1, max_length=100)]


def objectives_of(data: object, where: str, document: YamlDocument | None = None) -> list[Objective]:
    """Return the objectives of one parsed specification, named service-name; raises BadInput."""
    read = validate(data, _Specification, where, document=document)
    found = []
    for number, slo in enumerate(read.slos):
        try:
            indicator = _indicator(slo.sli)
        except ValueError as error:
            raise BadInput(f"{where}: slos[{number}].sli: {error}") from error
        found.append(
            Objective(
                name=f"{read.service}-{slo.name}",
                display_name=slo.name,
                description=slo.description,
                service=read.service,
                indicator=indicator,
                target=round(slo.objective / 100, 12),
                window=PERIOD,
            )
        )
    return found


def _indicator(sli: _Sli) -> Availability | Latency:
    if sli.raw is not None:
        return ratio_indicator(one_line(sli.raw.error_ratio_query), "bad", ())
    if sli.events is None:  # pragma: no cover - one of them is there when it was read
        raise TypeError("events or raw")
    return events_indicator(one_line(sli.events.error_query), "bad", one_line(sli.events.total_query), ())
