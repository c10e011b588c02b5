"""The profiles of a plan: how long a run plays the peak, and so what it can prove (docs/decisions/0027).

The ramp is the warm-up: all that is judged is at the peak, so that the time of the run is no cause of a difference.
The drain outlasts the 10 s after which a request without a reply counts as hanging. What each profile can prove
follows from its judged time, the rate and `assumed_error_burst_s`: docs/your-own-shop.md has the table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from loadtests.demand.plan import Phase

SMOKE: Final = "smoke"
RELEASE: Final = "release"
PEAK: Final = "peak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A length of run; `when` says what it is for, `warm_up_s` is the way up to the peak and isn't judged."""

    name: str
    when: str
    warm_up_s: float
    judged_s: float
    drain_s: float

    @property
    def duration_s(self) -> float:
        """Length of the run, the drain included."""
        return self.warm_up_s + self.judged_s + self.drain_s

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Return the phases of a plan of this profile."""
        return (
            Phase(name="warm-up", kind="warm-up", duration_s=self.warm_up_s, level=(0.2, 1)),
            Phase(name="plateau", kind="plateau", duration_s=self.judged_s, level=(1, 1)),
            Phase(name="drain", kind="drain", duration_s=self.drain_s),
        )


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        one.name: one
        for one in (
            Profile(name=SMOKE, when="a pull request", warm_up_s=10, judged_s=155, drain_s=15),
            Profile(name=RELEASE, when="each release", warm_up_s=30, judged_s=855, drain_s=15),
            Profile(name=PEAK, when="before the holidays", warm_up_s=120, judged_s=7050, drain_s=30),
        )
    }
)
