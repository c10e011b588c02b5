"""Specifications written for Sloth (`version: prometheus/v1`), read strictly and turned into `Objective`.

Source: github.com/slok/sloth, pkg/prometheus/api/v1. Where a specification's two queries are what two counters can
say, a run can be judged by it as well; else only rules are made of it. Sloth's own alert names, labels and annotations
aren't carried over: alerts of ours have their own. What would silence an objective is refused.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from slo.documents import BadInput, Document, validate
from slo.objectives.indicators import WINDOW, Availability, Counters, Latency, Queries
from slo.objectives.objective import Objective
from slo.objectives.openslo import Name, TargetPercent, all_counted, bucket_s
from slo.objectives.selectors import Matcher, Selector, parse_selector, selector_of

PERIOD = "30d"  # Sloth's default
_RANGE = re.compile(r"\{\{\s*\.window\s*\}\}")
_SELECTOR = r"""(?P<selector>[a-zA-Z_:][\w:]*\s*(?:\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\})?)"""
_SUM = re.compile(rf"sum\(\s*(?:rate|increase)\(\s*{_SELECTOR}\s*\[\{{window\}}\]\s*\)\s*\)")
# Written behind sums of errors that may never have been born: our rules make those 0 themselves.
_OR_NONE = re.compile(r"\s*\bor\s*(?:\bon\s*\(\s*\)\s*)?\bvector\(\s*0\s*\)$", re.IGNORECASE)
_COMPLEMENT = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}


def _query(text: str) -> str:
    return " ".join(_RANGE.sub(WINDOW, text).split())


class _Events(Document):
    error_query: str
    total_query: str

    @model_validator(mode="after")
    def _over_the_window(self) -> "_Events":
        for name in ("error_query", "total_query"):
            if WINDOW not in _query(getattr(self, name)):
                raise ValueError(f"{name} must hold {{{{.window}}}}, the range it is evaluated over")
        return self


class _Raw(Document):
    error_ratio_query: str

    @model_validator(mode="after")
    def _over_the_window(self) -> "_Raw":
        if WINDOW not in _query(self.error_ratio_query):
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


def objectives_of(data: object, where: str) -> list[Objective]:
    """Return the objectives of one parsed specification, named service-name; raises BadInput."""
    read = validate(data, _Specification, where)
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
        return Availability(source=Queries(errors=_query(sli.raw.error_ratio_query), total=None))
    if sli.events is None:  # pragma: no cover - one of them is there when it was read
        raise TypeError("events or raw")
    errors, total = _query(sli.events.error_query), _query(sli.events.total_query)
    counters = _counters(errors, total)
    if counters is None:
        return Availability(source=Queries(errors=errors, total=total))
    threshold_s = bucket_s(counters.good, counters.total)
    return Availability(source=counters) if threshold_s is None else Latency(source=counters, threshold_s=threshold_s)


def _counters(errors: str, total: str) -> Counters | None:
    """Return the counters of good and all events, where the two queries are sums that say no more."""
    everything = _sum_of(total)
    if everything is None:
        return None
    errors = _OR_NONE.sub("", errors)
    bad = _sum_of(errors)
    good = _without(everything, bad) if bad is not None else _rest(errors, total)
    return None if good is None else Counters(good=good, total=all_counted(everything))


def _sum_of(query: str) -> Selector | None:
    found = _SUM.fullmatch(query)
    if found is None:
        return None
    try:
        return parse_selector(found["selector"])
    except ValueError:
        return None


def _without(everything: Selector, bad: Selector) -> Selector | None:
    """Return the selector of what is in `everything` and not in `bad`; only one further matcher has a complement."""
    further = [one for one in bad.matchers if one not in everything.matchers]
    missing = [one for one in everything.matchers if one not in bad.matchers]
    if bad.metric != everything.metric or missing or len(further) != 1:
        return None
    one = further[0]
    turned = Matcher(label=one.label, op=_COMPLEMENT[one.op], value=one.value)
    return selector_of(everything.metric, (*everything.matchers, turned))


def _rest(errors: str, total: str) -> Selector | None:
    """Return the good selector of a difference, total - good."""
    inside = errors.removeprefix("(").removesuffix(")").strip() if errors.startswith("(") else errors
    if not inside.startswith(total):
        return None
    sign, _, rest = inside[len(total) :].strip().partition(" ")
    return _sum_of(rest.strip()) if sign == "-" else None
