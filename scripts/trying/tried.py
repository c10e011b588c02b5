"""What a trial is asked for, and what it found: told by its processes an event at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.demand.plan import Visits
from loadtests.results.run_directory import RunDirectory
from loadtests.trial.messages import Event, Failure, JourneyEnded, SessionEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialSetting:
    """What is tried: which journeys, how many sessions of each, and how long a step may take.

    `storefront` is the file that the user knows; what is played is its copy.
    """

    journeys: tuple[str, ...]
    sessions: int
    step_s: float
    permit: Path | None = None
    lease_folder: Path | None = None
    storefront: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a trial found: `counted` are each journey's sessions that show how it goes, `failures` what ended others.

    `refused` are the journeys that the shop refused every time, with why.
    """

    directory: RunDirectory
    counted: Mapping[str, tuple[SessionEnded, ...]]
    failures: Mapping[str, Failure]
    refused: Mapping[str, str]
    orders: Mapping[str, int]
    stopped: str | None = None

    def visits(self) -> dict[str, Visits]:
        """Return what was counted, of the journeys of which all that were asked for ended well."""
        whole = {name: sessions for name, sessions in self.counted.items() if sessions and name not in self.failures}
        return {name: _mean(sessions) for name, sessions in whole.items() if name not in self.refused}


def _mean(sessions: tuple[SessionEnded, ...]) -> Visits:
    steps = list(dict.fromkeys(step for one in sessions for step in one.steps))
    mean = {step: _mean_count([one.steps.get(step, 0) for one in sessions]) for step in steps}
    return Visits(steps=mean, orders=round(sum(one.orders for one in sessions) / len(sessions), 3))


def _mean_count(counts: Sequence[int]) -> float:
    """Return the mean; a thousandth more where it is whole though sessions differ: whole means that they are alike."""
    mean = round(sum(counts) / len(counts), 3)
    return mean if not mean.is_integer() or len(set(counts)) == 1 else mean + 0.001


@dataclass(slots=True, kw_only=True)
class Progress:
    """What the processes of a trial have told until now."""

    left: list[str]
    session: int = 0
    counted: dict[str, list[SessionEnded]] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, Failure):
            self.failures.setdefault(self.left[0], event)
        elif isinstance(event, SessionEnded):
            self.session = event.session + 1
            if not event.failed and event.lacked is None:
                self.counted.setdefault(event.journey, []).append(event)
            elif event.lacked is not None:
                self.refused[event.journey] = event.lacked
        elif isinstance(event, JourneyEnded):
            if self.counted.get(event.journey):
                self.refused.pop(event.journey, None)
            self.left.remove(event.journey)
