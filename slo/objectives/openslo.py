"""OpenSLO v1 documents, read strictly and turned into `Objective`.

A file may hold many YAML documents, each one SLO with one objective. Of the specification
(github.com/OpenSLO/OpenSLO) this reads what can be judged from counted events: inline ratio metrics under the
`Occurrences` method. Everything else is refused by name: a key that is skipped in silence would be an objective that
is never checked.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, ConfigDict, Field, StrictBool, model_validator
from pydantic.alias_generators import to_camel

from slo.documents import BadInput, Document, read_text, validate
from slo.objectives.indicators import Availability, Clock, Counters, Latency, Records, Source
from slo.objectives.selectors import Selector, parse_selector

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DURATION = re.compile(r"[1-9]\d*[mhdwMQY]")
_MAX_DOCUMENTS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One service level objective: what share of which events must be good."""

    name: str
    display_name: str
    description: str
    service: str
    indicator: Availability | Latency
    target: float
    window: str

    @property
    def budget(self) -> float:
        """Return the bad ratio allowed."""
        return round(1.0 - self.target, 12)

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the steps whose requests are its events."""
        return self.indicator.source.steps


def _dns_label(value: str) -> str:
    if not _DNS_LABEL.fullmatch(value):
        raise ValueError("expected a DNS label: at most 63 of a-z, 0-9 and -, a letter or digit at both ends")
    return value


def _duration(value: str) -> str:
    if not _DURATION.fullmatch(value):
        raise ValueError("expected a whole number and one of m h d w M Q Y, such as 28d")
    return value


Name = Annotated[str, AfterValidator(_dns_label)]
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


class _PrometheusSpec(Document):
    query: Annotated[str, AfterValidator(lambda text: parse_selector(text).text)]
    steps: tuple[str, ...] = ()


class _RecordsSource(_Part):
    type: Literal["peakproof-records"]
    metric_source_ref: str | None = None
    spec: _RecordsSpec


class _PrometheusSource(_Part):
    type: Literal["prometheus"]
    metric_source_ref: str | None = None
    spec: _PrometheusSpec


class _Side(_Part):
    metric_source: Annotated[_RecordsSource | _PrometheusSource, Field(discriminator="type")]


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
    target: Annotated[float, Field(gt=0, lt=1, strict=True)] | None = None
    target_percent: Annotated[float, Field(gt=0, lt=100, strict=True)] | None = None

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


def read_objectives(paths: Iterable[Path]) -> tuple[Objective, ...]:
    """Read every SLO of the files at `paths`, in order.

    Raises BadInput that names file, document, place, value and what is allowed, for all documents of a file at once;
    also when there is no SLO at all, as a run without objectives must never pass, and when a name occurs twice.
    """
    paths = list(paths)
    found: dict[str, tuple[Objective, str]] = {}
    for path in paths:
        for where, objective in _objectives_of(path):
            if objective.name in found:
                raise BadInput(f"{where}: metadata.name: {objective.name!r} is already in {found[objective.name][1]}")
            found[objective.name] = (objective, where)
    if not found:
        where = ", ".join(map(str, paths)) or "no file given"
        raise BadInput(f"{where}: no SLO found; expected at least one document with kind: SLO")
    return tuple(objective for objective, _ in found.values())


def _objectives_of(path: Path) -> list[tuple[str, Objective]]:
    read, problems = [], []
    for number, data in enumerate(_documents(path), start=1):
        where = f"{path}: document {number}"
        try:
            read.append((where, _objective(data, where)))
        except BadInput as error:
            problems.append(str(error))
    if problems:
        raise BadInput("\n".join(problems))
    return read


def _documents(path: Path) -> Iterator[object]:
    text = read_text(path)
    try:
        documents = [data for data in yaml.safe_load_all(text) if data is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadInput(f"{path}: not YAML{place}: {getattr(error, 'problem', None) or 'malformed'}") from error
    except (RecursionError, ValueError) as error:
        raise BadInput(f"{path}: not YAML: {error}") from error
    if len(documents) > _MAX_DOCUMENTS:
        raise BadInput(f"{path}: {len(documents)} documents, at most {_MAX_DOCUMENTS} allowed")
    yield from documents


def _objective(data: object, where: str) -> Objective:
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
    if not isinstance(total, _PrometheusSource):  # pragma: no cover - the types were compared when it was read
        raise TypeError("good and total must have the same type")
    steps = tuple(total.spec.steps or good.spec.steps)
    counters = Counters(good=parse_selector(good.spec.query), total=parse_selector(total.spec.query), steps=steps)
    return _kind(counters, _bucket_s(counters.good, counters.total))


def _kind(source: Source, threshold_s: float | None) -> Availability | Latency:
    return Availability(source=source) if threshold_s is None else Latency(source=source, threshold_s=threshold_s)


def _bucket_s(good: Selector, total: Selector) -> float | None:
    """Return the bucket's bound that makes it a latency, None for an availability; refuses what would count twice."""
    bound = good.equals("le")
    if good.metric.endswith("_bucket") != (bound is not None):
        raise ValueError('a good _bucket needs le="…" with its bound in seconds, and only a _bucket may have it')
    if total.metric.endswith("_bucket") and total.equals("le") != "+Inf":
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
