"""OpenSLO's SLI: how the events of an objective, or the values it limits, are read.

Source: https://openslo.com/specification#sli. `spec` of a metric source is the implementation's: here a PromQL `query`
or a known exporter's `indicator` of Prometheus, or the load generator's own records.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StrictBool, model_validator

from slo.documents import Document
from slo.objectives.http_metrics import HTTP_METRICS
from slo.objectives.openslo.parts import Description, Metadata, Name, Object, Part, Reference
from slo.objectives.promql import one_line, tree_of
from slo.objectives.sources import Clock

RECORDS, SESSIONS, PROMETHEUS = "peakproof-records", "peakproof-sessions", "prometheus"
TYPES = (RECORDS, SESSIONS, PROMETHEUS)


def _http_metrics(name: str) -> str:
    if name not in HTTP_METRICS:
        raise ValueError(f"expected one of {', '.join(HTTP_METRICS)}")
    return name


def _promql(text: str) -> str:
    query = one_line(text) if "{{" in text or "\n" in text else text.strip()
    tree_of(query)
    return query


class RecordsSpec(Document):
    """The requests of some steps."""

    steps: Annotated[list[str], Field(min_length=1)]
    clock: Clock = "scheduled"
    within_s: Annotated[float, Field(gt=0, strict=True)] | None = None


class SessionsSpec(Document):
    """The sessions of some journeys."""

    journeys: Annotated[list[Name], Field(min_length=1)]


class PrometheusSpec(Document):
    """A query, or the requests of a known exporter that `match` selects."""

    query: Annotated[str, Field(max_length=10_000), AfterValidator(_promql)] | None = None
    indicator: Annotated[str, AfterValidator(_http_metrics)] | None = None
    match: dict[Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")], str] = Field(default_factory=dict)
    within_s: Annotated[float, Field(gt=0, strict=True)] | None = None
    steps: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_them(self) -> "PrometheusSpec":
        if (self.query is None) == (self.indicator is None):
            raise ValueError("expected exactly one of query and indicator")
        if self.query is not None and (self.match or self.within_s is not None):
            raise ValueError("match and within_s belong to indicator; a query holds its matchers itself")
        return self


class _RecordsSource(Part):
    type: Literal["peakproof-records"]
    metric_source_ref: Reference | None = None
    spec: RecordsSpec


class _SessionsSource(Part):
    type: Literal["peakproof-sessions"]
    metric_source_ref: Reference | None = None
    spec: SessionsSpec


class _PrometheusSource(Part):
    type: Literal["prometheus"]
    metric_source_ref: Reference | None = None
    spec: PrometheusSpec


MetricSource = Annotated[_RecordsSource | _SessionsSource | _PrometheusSource, Field(discriminator="type")]


class Side(Part):
    """One metric of an indicator."""

    metric_source: MetricSource

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        source = data.get("metricSource") if isinstance(data, dict) else None
        if not isinstance(source, dict):
            return data
        kind = source.get("type")
        if kind is None:
            raise ValueError("metricSource.type can't be omitted without a DataSource that metricSourceRef names")
        if not isinstance(kind, str) or kind.lower() not in TYPES:
            raise ValueError(f"metricSource.type is {kind!r}: read are {', '.join(TYPES)}")
        return {**data, "metricSource": {**source, "type": kind.lower()}}


class RatioMetric(Part):
    """Good or bad events and all events, or their ratio as one query."""

    counter: StrictBool | None = None
    good: Side | None = None
    bad: Side | None = None
    total: Side | None = None
    raw_type: Literal["success", "failure"] | None = None
    raw: Side | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> "RatioMetric":
        if self.raw is not None:
            if self.good or self.bad or self.total:
                raise ValueError("raw can't be used together with good, bad or total")
            if self.raw_type is None:
                raise ValueError("raw needs rawType: success or failure")
            if self.raw.metric_source.type != PROMETHEUS:
                raise ValueError("raw is a query of Prometheus")
            return self
        if self.raw_type is not None:
            raise ValueError("rawType belongs to raw")
        if self.total is None:
            raise ValueError("expected total beside good or bad, or raw alone")
        if (self.good is None) == (self.bad is None):
            raise ValueError("expected exactly one of good and bad beside total")
        return self

    @property
    def part(self) -> Side:
        """Good or bad, whichever is given, or the ratio."""
        side = self.good or self.bad or self.raw
        if side is None:  # pragma: no cover - one of them is there when it was read
            raise TypeError("good, bad or raw")
        return side


class SliSpec(Part):
    """What an indicator measures."""

    description: Description | None = None
    threshold_metric: Side | None = None
    ratio_metric: RatioMetric | None = None

    @model_validator(mode="after")
    def _one_metric(self) -> "SliSpec":
        if (self.threshold_metric is None) == (self.ratio_metric is None):
            raise ValueError("expected exactly one of ratioMetric and thresholdMetric")
        if self.threshold_metric is not None:
            source = self.threshold_metric.metric_source
            if not isinstance(source.spec, PrometheusSpec) or source.spec.query is None:
                raise ValueError("a thresholdMetric is a query of Prometheus")
        return self


class InlineSli(Part):
    """An indicator inside of an objective."""

    metadata: Metadata
    spec: SliSpec


class Sli(Object):
    """An indicator that objectives refer to."""

    kind: Literal["SLI"]
    spec: SliSpec
