"""A running Prometheus as what answers a board's queries: all of a board's at once, each asked once."""

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from dashboards.charts.lines import TimeRange
from dashboards.grafana.archive import kind_of, marks
from dashboards.grafana.queries import Timing, expressions, fill, unchosen
from dashboards.grafana.upgrade import Json
from dashboards.snapshot.answers import Answer, Series
from scripts.local_stack import prometheus as api
from slo.outcomes import EnvironmentLacks

WITHIN_S = 8.0
# What stands at a Prometheus' address may be something else, or in front of one.
_UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
_STRANGE = "what answers there is no Prometheus"
_Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The answers to a board's queries."""

    span: TimeRange
    answers: Mapping[_Key, Answer]

    def answer(self, target: Json) -> Answer:
        """Return the series of one query."""
        return self.answers[target["expr"], kind_of(target)]


def ask(
    prometheus: api.Prometheus, dashboard: Json, span: TimeRange, chosen: Mapping[str, str], executor: Executor
) -> Answered:
    """Return Prometheus' answers to every query of `dashboard`; `chosen` are values of its variables.

    A query that is refused has its problem as its answer; raises EnvironmentLacks when nothing answers at all.
    """
    if not prometheus.is_ready():
        raise EnvironmentLacks(f"Prometheus at {prometheus.url} doesn't answer")
    timing = Timing.over(span.start_ns, span.end_ns, _scrape_interval_s(prometheus))
    variables = {**unchosen(dashboard, timing), **{name: literal(value) for name, value in chosen.items()}}
    targets = [*(target for _, target in expressions(dashboard)), *marks(dashboard)]
    asked = list(dict.fromkeys((target["expr"], kind_of(target)) for target in targets))
    answers = executor.map(lambda key: _answer(prometheus, fill(key[0], variables), key[1], span, timing), asked)
    return Answered(span=span, answers=dict(zip(asked, answers, strict=True)))


def _scrape_interval_s(prometheus: api.Prometheus) -> int:
    try:
        return prometheus.scrape_interval_s()
    except _UNREADABLE as error:
        raise EnvironmentLacks(f"{prometheus.url}: {_STRANGE}") from error


def literal(value: str) -> str:
    """Return `value` as a regular expression that matches nothing else, for a string in double quotes of PromQL."""
    as_pattern = "".join(f"\\{letter}" if letter in r"\.+*?()|[]{}^$" else letter for letter in value)
    return as_pattern.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _answer(prometheus: api.Prometheus, query: str, kind: str, span: TimeRange, timing: Timing) -> Answer:
    try:
        found = (
            prometheus.instant(query, span.end_ns, WITHIN_S)
            if kind == "instant"
            else prometheus.range(query, span.start_ns, span.end_ns, timing.step_s, WITHIN_S)
        )
    except EnvironmentLacks as error:
        return Answer(problem=str(error))
    except _UNREADABLE:
        return Answer(problem=_STRANGE)
    shown = api.topmost(found)
    return Answer(series=[_series(one) for one in shown], left_out=len(found) - len(shown))


def _series(one: api.Series) -> Series:
    return Series(labels=one.labels, points=list(zip(one.at, one.value, strict=True)))
