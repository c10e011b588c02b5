"""Objectives as groups of Prometheus rules: what is recorded, what is alerted on, and what was left out and why."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from slo.burn_rates import SCRAPES, NoPair, Pair, Severity, pairs, period_s
from slo.objectives.objective import Objective
from slo.objectives.sources import Counters, CounterSums, Queries, Readings, Records, Sessions
from slo.rules import names
from slo.rules.burn_alerts import About, burn_alert
from slo.rules.example_series import Example
from slo.rules.missing_data import MissingData
from slo.rules.model import Alert, Group, Recording
from slo.rules.promql import Events, duration, job_matchers
from slo.rules.recordings import Recorder
from slo.rules.scope import ENVIRONMENT, Scope

SHORTEST_S = 300
_NOT_COUNTED: Mapping[type, str] = MappingProxyType(
    {
        Records: "it is read from the records of a load test, which Prometheus doesn't have",
        Sessions: "it is read from the sessions of a load test, which Prometheus doesn't have",
        Queries: "its PromQL says more than two selectors, so that no test could prove its alerts: name two counters",
        CounterSums: "it sums several counters, so that no test could prove its alerts: name two counters",
        Readings: "it holds values against a limit and counts no events: name two counters",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often targets are scraped and rules evaluated: those for pages every `interval_s`, the rest more slowly."""

    scrape_interval_s: float = 15
    interval_s: int = 30
    slow_interval_s: int = 300

    @property
    def base_s(self) -> int:
        """The shortest window of a rate."""
        return max(SHORTEST_S, math.ceil(SCRAPES * self.scrape_interval_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What there is no rule for: of which objective, what, and why."""

    objective: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """The rules of some objectives, and what was left out."""

    objectives: tuple["ObjectiveRules", ...]
    left_out: tuple[LeftOut, ...]

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group, two for each objective."""
        return tuple(group for rules in self.objectives for group in rules.groups())


PACE = Pace()


def objective_groups(
    objectives: Iterable[Objective], scope: Scope, *, pace: Pace = PACE, dashboard: str | None = None
) -> tuple[Group, ...]:
    """Return the groups of rules of the objectives that Prometheus can read, two for each."""
    return build(objectives, scope, pace=pace, dashboard=dashboard).groups


def build(objectives: Iterable[Objective], scope: Scope, *, pace: Pace = PACE, dashboard: str | None = None) -> Built:
    """Return the groups of rules of the objectives, and what was left out of them."""
    objective_rules: list[ObjectiveRules] = []
    left_out: list[LeftOut] = []
    for objective in objectives:
        try:
            rules = ObjectiveRules.of(objective, scope, pace, dashboard)
        except ValueError as error:
            left_out.append(LeftOut(objective=objective.name, what="the objective", reason=str(error)))
            continue
        objective_rules.append(rules)
        left_out += rules.left_out()
    return Built(objectives=tuple(objective_rules), left_out=tuple(left_out))


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveRules:
    """The rules of one objective."""

    objective: Objective
    source: Counters
    scope: Scope
    pace: Pace
    recorder: Recorder
    example: Example
    about: About
    found: tuple[Pair | NoPair, ...]

    @classmethod
    def of(cls, objective: Objective, scope: Scope, pace: Pace, dashboard: str | None) -> "ObjectiveRules":
        """Return them; raises ValueError that says why there are none."""
        source, period = objective.indicator.source, period_s(objective.window)
        if not isinstance(source, Counters):
            raise ValueError(_NOT_COUNTED[type(source)])  # noqa: TRY004 - a reason, for people
        if objective.slices is not None:
            raise ValueError("its budget is of time slices, and the rules count events")
        for selector in (source.good, source.total):
            if any(one.label == ENVIRONMENT for one in selector.matchers):
                raise ValueError(f"its selector already has a matcher for {ENVIRONMENT}, which the rules set")
        labels = {names.OBJECTIVE: objective.name, names.SERVICE: objective.service, **scope.labels}
        return cls(
            objective=objective,
            source=source,
            scope=scope,
            pace=pace,
            recorder=Recorder(
                events=Events.of(source, scope),
                labels=labels,
                base_s=pace.base_s,
                budget=objective.budget,
            ),
            example=Example.of(source),
            about=About(
                name=objective.name,
                title=objective.display_name,
                target=f"{objective.target:.10g}",
                period_s=period,
                dashboard=dashboard,
            ),
            found=pairs(period, objective.budget, pace.scrape_interval_s),
        )

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs of windows that can fire, the fastest first."""
        return tuple(one for one in self.found if isinstance(one, Pair))

    def left_out(self) -> list[LeftOut]:
        """Return the pairs that can't fire, and the causes of missing data that can't be told apart."""
        out = [(f"the alert over {duration(one.long_s)}", one.reason) for one in self.found if isinstance(one, NoPair)]
        if not job_matchers(self.source):
            out.append((names.SCRAPE_DOWN, "its total names no job, so its targets aren't known"))
        return [LeftOut(objective=self.objective.name, what=what, reason=reason) for what, reason in out]

    def groups(self) -> tuple[Group, Group]:
        """Return the group of the pages, and that of the tickets and the budget, which reads days and is slower."""
        where, pages = f"{self.objective.name}-{self.scope.environment}", self.of_severity("page")
        fast = _windows(pages) | {self.recorder.base_s}
        slow = _windows(self.of_severity("ticket")) - fast
        burning, missing = self._burning(), self._missing()
        return (
            Group(
                name=f"peakproof-objective-{where}",
                rules=(
                    *self.recorder.base(),
                    *self._recordings(fast, pages),
                    *(alert for alert in burning if alert.severity == "page"),
                    *(alert for alert in missing if alert.name == names.SCRAPE_DOWN),
                ),
                interval_s=self.pace.interval_s,
            ),
            Group(
                name=f"peakproof-budget-{where}",
                rules=(
                    *self._recordings(slow, self.of_severity("ticket")),
                    *self._budget(),
                    *(alert for alert in burning if alert.severity == "ticket"),
                    *(alert for alert in missing if alert.name != names.SCRAPE_DOWN),
                ),
                interval_s=self.pace.slow_interval_s,
            ),
        )

    def of_severity(self, severity: Severity) -> tuple[Pair, ...]:
        """Return the pairs that page, or that open a ticket."""
        return tuple(one for one in self.pairs if one.severity == severity)

    def _recordings(self, windows: set[int], pairs: tuple[Pair, ...]) -> tuple[Recording, ...]:
        recorder, longs = self.recorder, sorted({one.long_s for one in pairs})
        return (
            *(recorder.error_ratio(window) for window in sorted(windows)),
            *(recorder.coverage(window) for window in longs),
            *(recorder.counted(window) for window in longs),
            *(recorder.burn_rate(window, covered=window in longs) for window in sorted(windows)),
        )

    def _burning(self) -> tuple[Alert, ...]:
        return tuple(burn_alert(one, self.pairs, self.recorder, self.example, self.about) for one in self.pairs)

    def _missing(self) -> tuple[Alert, ...]:
        if not self.pairs:
            return ()
        missing = MissingData(
            source=self.source,
            scope=self.scope,
            recorder=self.recorder,
            example=self.example,
            about=self.about,
            pair=self.pairs[0],
        )
        return missing.alerts()

    def _budget(self) -> tuple[Recording, ...]:
        period, recorder = self.about.period_s, self.recorder
        return (
            recorder.error_ratio(period),
            recorder.coverage(period),
            recorder.burn_rate(period, covered=True),
            recorder.period(period),
            recorder.remaining(period),
        )


def _windows(pairs: tuple[Pair, ...]) -> set[int]:
    return {window for one in pairs for window in (one.long_s, one.short_s)}
