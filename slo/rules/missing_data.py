"""Alerts that an objective isn't judged because its data are missing, the causes apart.

Of the four causes of missing data, one is no reason for alarm: a series of errors that was never born is 0 errors, as
long as the total is there. The others are the scrape down, the series renamed, and traffic that stopped.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from slo.burn_rates import DAY_S, Pair, Severity
from slo.objectives.sources import Counters
from slo.rules import names
from slo.rules.burn_alerts import About
from slo.rules.example_series import Example, target_of
from slo.rules.model import Alert
from slo.rules.promql import duration, job_matchers, number
from slo.rules.recordings import Recorder
from slo.rules.scope import Scope
from slo.rules.signals import Absent, Case, Level, Rate, Signal

_UP = "up"
_CAUSES: Mapping[str, tuple[str, Severity]] = MappingProxyType(
    {
        "scrape-down": (names.SCRAPE_DOWN, "page"),
        "series-missing": (names.SERIES_MISSING, "ticket"),
        "no-traffic": (names.NO_TRAFFIC, "page"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingData:
    """Makes the alerts of one objective whose fastest alert is that of `pair`."""

    source: Counters
    scope: Scope
    recorder: Recorder
    example: Example
    about: About
    pair: Pair

    @property
    def _up(self) -> str | None:
        """The selector of its targets' `up`; None where the objective doesn't say which job it reads."""
        jobs = job_matchers(self.source)
        return self.scope.selector(_UP, *jobs) if jobs else None

    def alerts(self) -> tuple[Alert, ...]:
        """Return the alerts; without a job in its selectors the scrape can't be told from the series."""
        down = () if self._up is None else (self._scrape_down(self._up),)
        return (*down, self._series_missing(), self._no_traffic())

    def _scrape_down(self, up: str) -> Alert:
        for_s, window = self.recorder.base_s, duration(self.recorder.base_s)
        return self._alert(
            "scrape-down",
            # Series that are pushed, or that carry the job of who made them, have no such target: they are measured.
            expr=f"(\n  sum({up})\n  or\n  vector(0)\n) == 0\nunless on ()\ncount({self.recorder.events.total})",
            for_s=for_s,
            says=(
                f"{self.about.title} isn't measured: none of its targets can be scraped.",
                "Whether it serves anybody is unknown: it is down or out of reach.",
                f"After {window} without a scrape the shortest window is empty, and no other alert can fire.",
            ),
            case=self._case(
                "scrape-down",
                (*self._target(Level(value=1), Level(value=0)), *self._traffic(Absent())),
                fires_after_s=for_s,
                fault_s=for_s + DAY_S // 48,
            ),
        )

    def _series_missing(self) -> Alert:
        for_s, window = self.pair.long_s, duration(self.pair.long_s)
        up = "" if self._up is None else f"\nand on ()\nsum({self._up}) > 0"
        return self._alert(
            "series-missing",
            expr=f"(\n  count({self.recorder.events.known})\n  or\n  vector(0)\n) == 0{up}",
            for_s=for_s,
            says=(
                f"{self.about.title} isn't measured: its series are gone.",
                (
                    "Its targets are scraped, but no series has the metric and labels that the objective names:"
                    " renamed, a bucket that isn't exposed, or not one such request since the service started."
                ),
                f"After {window} the fastest alert's window is empty; a service just started may have had no request.",
            ),
            case=self._case(
                "series-missing",
                (*self._target(Level(value=1), Level(value=1)), *self._traffic(Absent())),
                fires_after_s=for_s,
                fault_s=for_s + DAY_S // 48,
            ),
        )

    def _no_traffic(self) -> Alert:
        counted = self.recorder.recorded(names.counted(self.pair.long_s))
        window, enough = duration(self.pair.long_s), number(self.pair.min_events)
        return self._alert(
            "no-traffic",
            expr=f"{counted} == 0\nand\n{counted} offset 1d >= {enough}",
            for_s=0,
            says=(
                f"{self.about.title}: not one event in {window}.",
                "A day before there were enough to be judged. Something in front keeps requests away.",
                f"The fastest alert's window is empty; a day before it held the {enough} events that it needs.",
            ),
            case=self._case(
                "no-traffic",
                self._traffic(Rate(per_s=0)),
                fires_after_s=self.pair.long_s,
                fault_s=self.pair.long_s + DAY_S // 48,
                healthy_s=DAY_S,
            ),
        )

    def _alert(self, cause: str, *, for_s: int, expr: str, says: tuple[str, str, str], case: Case) -> Alert:
        """Return the alert of one cause, which `says` its summary, description and reason."""
        name, severity = _CAUSES[cause]
        summary, description, reason = says
        return Alert(
            name=name,
            expr=expr,
            for_s=for_s,
            severity=severity,
            summary=summary,
            description=description,
            reason=reason,
            runbook=names.NO_DATA_RUNBOOK,
            dashboard=self.about.dashboard,
            labels={**self.recorder.labels, names.CAUSE: cause},
            cases=(case,),
        )

    def _case(
        self,
        name: str,
        signals: tuple[Signal, ...],
        *,
        fires_after_s: float,
        fault_s: float,
        healthy_s: float = 600,
    ) -> Case:
        return Case(
            name=f"{self.about.name}-{name}",
            signals=signals,
            fires_after_s=fires_after_s,
            clears_after_s=0,
            fault_s=fault_s,
            healthy_s=healthy_s,
        )

    def _target(self, healthy: Level, faulty: Level) -> tuple[Signal, ...]:
        if self._up is None:
            return ()
        return (Signal(metric=_UP, labels=target_of(self.source.total), healthy=healthy, faulty=faulty),)

    def _traffic(self, faulty: Absent | Rate) -> tuple[Signal, ...]:
        per_s = round(1.5 * self.pair.min_events / self.pair.long_s, 6)
        return self.example.both(Rate(per_s=per_s), faulty)
