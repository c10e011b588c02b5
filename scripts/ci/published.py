"""What is told to a host, the same for each: what was played, what it means, where its objectives stand."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scripts.ci.conclusion import Conclusion
from scripts.ci.finished import Finished, Point
from scripts.ci.job import Job
from scripts.ci.objective_lines import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """All that a host is told; `folder` is where files for it lie, `notes` what has to be known beside."""

    name: str
    finished: Finished
    conclusion: Conclusion
    job: Job
    places: Mapping[str, Place]
    folder: Path
    notes: tuple[str, ...] = ()

    @property
    def placed(self) -> tuple[tuple[Point, Place], ...]:
        """The objectives that aren't met and stand in the repository, the worst first."""
        points = sorted(self.finished.points, key=lambda one: one.level != "failure")
        return tuple((one, self.places[one.objective]) for one in points if one.objective in self.places)
