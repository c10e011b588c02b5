"""A service level objective as everything else sees it, whichever format it was written in."""

from dataclasses import dataclass
from datetime import datetime

from slo.objectives.indicators import Availability, Latency, Threshold
from slo.objectives.slices import Slices
from slo.objectives.sources import Counters, CounterSums, Queries, Readings, Sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One service level objective: what share of which events, or of which slices of time, must be good.

    `window` is the period of its budget, `calendar` whether that begins with the calendar's, counted from
    `calendar_from` where the document says so; `notifies` are the names of the targets that its alert policies
    notify. `production_events_per_day` is how many such events production has, None where it isn't declared.
    """

    name: str
    display_name: str
    description: str
    service: str
    indicator: Availability | Latency | Threshold
    target: float
    window: str
    slices: Slices | None = None
    calendar: bool = False
    calendar_from: datetime | None = None
    notifies: tuple[str, ...] = ()
    production_events_per_day: float | None = None

    @property
    def budget(self) -> float:
        """Return the bad ratio allowed."""
        return budget_of(self.target)

    @property
    def steps(self) -> tuple[str, ...]:
        """Return the steps whose requests are its events."""
        return self.indicator.source.steps

    @property
    def journeys(self) -> tuple[str, ...]:
        """Return the journeys whose sessions are its events, none where requests are."""
        source = self.indicator.source
        return source.journeys if isinstance(source, Sessions) else ()

    @property
    def are_requests_its_events(self) -> bool:
        """Whether each event is a request, and no session, slice or answer."""
        if self.slices is not None and self.slices.are_events:
            return False
        return not isinstance(self.indicator.source, Queries | Readings | Sessions)

    @property
    def read_by(self) -> str:
        """Return how its events are read, in words."""
        source = self.indicator.source
        if isinstance(source, Counters | CounterSums):
            return "read exactly from its counters"
        if isinstance(source, Queries | Readings):
            return "evaluated by Prometheus"
        return "read from the load generator's records"

    @property
    def counted(self) -> tuple[str, ...]:
        """Return what a plan counts its events by: steps, the `sessions_of` journeys, slices, or answers."""
        if self.slices is not None and self.slices.are_events:
            return (self.slices.noun,)
        if isinstance(self.indicator.source, Queries | Readings):
            return (f"answers to {self.name}",)
        return self.steps or tuple(map(sessions_of, self.journeys))


def budget_of(target: float) -> float:
    """Return the bad ratio that a target allows, without the rounding error of the subtraction."""
    return round(1.0 - target, 12)


def sessions_of(journey: str) -> str:
    """Return the name under which a plan's expected events hold the sessions of a journey."""
    return f"sessions of {journey}"
