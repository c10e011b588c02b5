"""A service level objective as everything else sees it, whichever format it was written in."""

from dataclasses import dataclass

from slo.objectives.indicators import Availability, Latency, Sessions


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

    @property
    def journeys(self) -> tuple[str, ...]:
        """Return the journeys whose sessions are its events, none where requests are."""
        source = self.indicator.source
        return source.journeys if isinstance(source, Sessions) else ()

    @property
    def counted(self) -> tuple[str, ...]:
        """Return what a plan counts its events by: steps, or the `sessions_of` journeys."""
        return self.steps or tuple(map(sessions_of, self.journeys))


def sessions_of(journey: str) -> str:
    """Return the name under which a plan's expected events hold the sessions of a journey."""
    return f"sessions of {journey}"
