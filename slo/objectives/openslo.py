"""OpenSLO v1 documents, read strictly and turned into `Objective`.

A document is one SLO with one objective. Of the specification
(github.com/OpenSLO/OpenSLO) this reads what can be judged from counted events: inline ratio metrics under the
`Occurrences` method. Everything else is refused by name: a key that is skipped in silence would be an objective that
is never checked.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic.alias_generators import to_camel

from slo.documents import BadInput, Document, validate
from slo.objectives.http_metrics import HTTP_METRICS, http_indicator
from slo.objectives.indicators import Availability, Clock, Counters, Latency, Records, Sessions, Source
from slo.objectives.objective import Objective
from slo.objectives.selectors import Selector, parse_selector, selector_of

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LEAST = 1e-9
_DURATION = re.compile(r"[1-9]\d*[mhdwMQY]")


def _dns_label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise ValueError("expected a DNS label: at most 63 of a-z, 0-9 and -, a letter or digit at both ends")
    return value


def _duration(value: str) -> str:
    if not _DURATION.fullmatch(value):
        raise ValueError("expected a whole number and one of m h d w M Q Y, such as 28d")
    return value


def _ratio(target: float) -> float:
    """Refuse a target whose budget is lost to rounding: nothing could be counted that shows it met, or missed."""
    if not _LEAST <= target <= 1 - _LEAST:
        raise ValueError("expected a target from 0.0000001 % to 99.9999999 %")
    return target


def _percent(target: float) -> float:
    _ratio(target / 100)
    return target


Name = Annotated[str, AfterValidator(_dns_label)]
TargetPercent = Annotated[float, Field(gt=0, lt=100), AfterValidator(_percent)]
Duration = Annotated[str, AfterValidator(_duration)]
Words = dict[str, str | list[str]]


class _Part(Document):
    """A part of an OpenSLO document, whose keys are written in camelCase."""

    model_config = ConfigDict(alias_generator=to_camel)


class _Metadata(_Part):
    name: Name
    display_name: str | None = None
    labels: Words | None = None
    annotations: dict[str, str] | None = None


class _TimeWindow(_Part):
    duration: Duration
    is_rolling: StrictBool = False
    calendar: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _rolling(self) -> "_TimeWindow":
        if not self.is_rolling or self.calendar is not None:
            raise ValueError("expected isRolling: true; calendar windows are not read")
        return self


class _RecordsSpec(Document):
    steps: Annotated[list[str], Field(min_length=1)]
    clock: Clock = "scheduled"
    within_s: Annotated[float, Field(gt=0, strict=True)] | None = None


class _SessionsSpec(Document):
    journeys: Annotated[list[Name], Field(min_length=1)]


def _http_metrics(name: str) -> str:
    if name not in HTTP_METRICS:
        raise ValueError(f"expected one of {', '.join(HTTP_METRICS)}")
    return name


class _PrometheusSpec(Document):
    """A counter's selector, or the requests of a known exporter that `match` selects."""

    query: Annotated[str, AfterValidator(lambda text: parse_selector(text).text)] | None = None
    indicator: Annotated[str, AfterValidator(_http_metrics)] | None = None
    match: dict[Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$")], str] = Field(default_factory=dict)
    within_s: Annotated[float, Field(gt=0, strict=True)] | None = None
    steps: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_of_them(self) -> "_PrometheusSpec":
        if (self.query is None) == (self.indicator is None):
            raise ValueError("expected exactly one of query and indicator")
        if self.query is not None and (self.match or self.within_s is not None):
            raise ValueError("match and within_s belong to indicator; a query holds its matchers itself")
        return self


class _RecordsSource(_Part):
    type: Literal["peakproof-records"]
    metric_source_ref: str | None = None
    spec: _RecordsSpec


class _SessionsSource(_Part):
    type: Literal["peakproof-sessions"]
    metric_source_ref: str | None = None
    spec: _SessionsSpec


class _PrometheusSource(_Part):
    type: Literal["prometheus"]
    metric_source_ref: str | None = None
    spec: _PrometheusSpec


class _Side(_Part):
    metric_source: Annotated[_RecordsSource | _SessionsSource | _PrometheusSource, Field(discriminator="type")]


class _RatioMetric(_Part):
    counter: StrictBool
    good: _Side
    total: _Side

    @model_validator(mode="before")
    @classmethod
    def _only_good_and_total(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        if isinstance(data, dict) and {"bad", "raw", "rawType"} & data.keys():
            raise ValueError("good and total only; bad and raw are not read")
        return data

    @model_validator(mode="after")
    def _counting(self) -> "_RatioMetric":
        good, total = self.good.metric_source, self.total.metric_source
        if not self.counter:
            raise ValueError("expected counter: true, events are counted")
        if good.type != total.type:
            raise ValueError(f"good and total must have the same type, not {good.type} and {total.type}")
        if isinstance(good, _RecordsSource) and isinstance(total, _RecordsSource):
            if (good.spec.steps, good.spec.clock) != (total.spec.steps, total.spec.clock):
                raise ValueError("good and total must name the same steps and clock")
            if total.spec.within_s is not None:
                raise ValueError("within_s belongs to good alone")
        if isinstance(good, _SessionsSource) and isinstance(total, _SessionsSource) and good.spec != total.spec:
            raise ValueError(
                "good and total must name the same journeys: good are those of them that came to their end"
            )
        return self


class _IndicatorSpec(_Part):
    description: str | None = None
    ratio_metric: _RatioMetric

    @model_validator(mode="before")
    @classmethod
    def _ratio(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        if isinstance(data, dict) and "thresholdMetric" in data:
            raise ValueError("expected ratioMetric; thresholdMetric is not read: count the good events instead")
        return data


class _Indicator(_Part):
    metadata: _Metadata
    spec: _IndicatorSpec


class _Target(_Part):
    display_name: str | None = None
    target: Annotated[float, Field(gt=0, lt=1, strict=True), AfterValidator(_ratio)] | None = None
    target_percent: Annotated[TargetPercent, Field(strict=True)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_threshold(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        if isinstance(data, dict) and {"op", "value"} & data.keys():
            raise ValueError("op and value belong to thresholdMetric and are forbidden with ratioMetric")
        return data

    @model_validator(mode="after")
    def _one_target(self) -> "_Target":
        if (self.target is None) == (self.target_percent is None):
            raise ValueError("expected exactly one of target and targetPercent")
        return self

    @property
    def ratio(self) -> float:
        return self.target if self.target is not None else round((self.target_percent or 0.0) / 100, 12)


class _Spec(_Part):
    description: str = ""
    service: Name
    indicator: _Indicator
    time_window: Annotated[list[_TimeWindow], Field(min_length=1, max_length=1)]
    budgeting_method: Literal["Occurrences"]
    objectives: Annotated[list[_Target], Field(min_length=1, max_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _inline(cls, data: Any) -> Any:  # noqa: ANN401 - not validated yet
        if isinstance(data, dict) and "indicatorRef" in data:
            raise ValueError("indicatorRef is not followed: write the indicator inline")
        if isinstance(data, dict) and data.get("alertPolicies"):
            raise ValueError("alertPolicies are not read: burn-rate alerts are derived from the objective")
        return data


class _Slo(_Part):
    api_version: Literal["openslo/v1"]
    kind: Literal["SLO"]
    metadata: _Metadata
    spec: _Spec


def objective_of(data: object, where: str) -> Objective:
    """Return the objective of one parsed document; raises BadInput."""
    if isinstance(data, dict) and data.get("kind", "SLO") != "SLO":
        raise BadInput(f"{where}: kind: only SLO is read, found {data['kind']!r}; references are not followed")
    slo = validate(data, _Slo, where)
    ratio = slo.spec.indicator.spec.ratio_metric
    try:
        indicator = _indicator(ratio)
    except ValueError as error:
        raise BadInput(f"{where}: spec.indicator.spec.ratioMetric: {error}") from error
    return Objective(
        name=slo.metadata.name,
        display_name=slo.metadata.display_name or slo.metadata.name,
        description=slo.spec.description,
        service=slo.spec.service,
        indicator=indicator,
        target=slo.spec.objectives[0].ratio,
        window=slo.spec.time_window[0].duration,
    )


def _indicator(ratio: _RatioMetric) -> Availability | Latency:
    good, total = ratio.good.metric_source, ratio.total.metric_source
    if isinstance(good, _RecordsSource):
        records = Records(steps=tuple(good.spec.steps), clock=good.spec.clock)
        return _kind(records, good.spec.within_s)
    if isinstance(good, _SessionsSource):
        return Availability(source=Sessions(journeys=tuple(dict.fromkeys(good.spec.journeys))))
    if not isinstance(total, _PrometheusSource):  # pragma: no cover - the types were compared when it was read
        raise TypeError("good and total must have the same type")
    steps = tuple(total.spec.steps or good.spec.steps)
    if total.spec.indicator is not None or good.spec.indicator is not None:
        return _known(good.spec, total.spec, steps)
    queries = parse_selector(good.spec.query or ""), parse_selector(total.spec.query or "")
    counters = Counters(good=queries[0], total=all_counted(queries[1]), steps=steps)
    return _kind(counters, bucket_s(counters.good, counters.total))


def _known(good: _PrometheusSpec, total: _PrometheusSpec, steps: tuple[str, ...]) -> Availability | Latency:
    if (good.indicator, good.match) != (total.indicator, total.match) or good.indicator is None:
        raise ValueError("good and total must name the same indicator and match")
    if total.within_s is not None:
        raise ValueError("within_s belongs to good alone")
    return http_indicator(good.indicator, good.match, good.within_s, steps)


def _kind(source: Source, threshold_s: float | None) -> Availability | Latency:
    return Availability(source=source) if threshold_s is None else Latency(source=source, threshold_s=threshold_s)


def all_counted(total: Selector) -> Selector:
    """Return a selector of all events by their count, where it selects them by the bucket of all: they are equal.

    https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md#histogram-1
    """
    if not total.metric.endswith("_bucket") or total.equals("le") != "+Inf":
        return total
    others = tuple(one for one in total.matchers if one.label != "le")
    return selector_of(f"{total.metric.removesuffix('_bucket')}_count", others)


def bucket_s(good: Selector, total: Selector) -> float | None:
    """Return the bucket's bound that makes it a latency, None for an availability; refuses what would count twice."""
    bound = good.equals("le")
    if good.metric.endswith("_bucket") != (bound is not None):
        raise ValueError('a good _bucket needs le="…" with its bound in seconds, and only a _bucket may have it')
    if total.metric.endswith("_bucket"):
        raise ValueError("the total of a histogram is its _count")
    if bound is None:
        return None
    try:
        threshold_s = float(bound)
    except ValueError:
        threshold_s = 0.0
    if not 0 < threshold_s < float("inf"):
        raise ValueError(f"le: expected a bucket's bound in seconds, above 0, found {bound!r}")
    return threshold_s
