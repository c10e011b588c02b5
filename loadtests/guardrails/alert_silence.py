"""The silence of a run: for as long as it plays, alerts of its environment, and of no other, notify nobody.

It names one label exactly, is bounded by the plan's length, and says which run it belongs to. A run that was killed
leaves it to the next run on the environment, which holds the lease by then: whatever names another run is a dead one's.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from loadtests.environment.notice_targets import ALERT_LABEL
from loadtests.environment.targets import Environment
from loadtests.guardrails.alertmanager import Alertmanager, Matcher, Silence
from slo.outcomes import EnvironmentLacks

CREATED_BY = "peakproof"
MARGIN_S = 900.0  # until the load begins, its last sessions, and the last scrapes
_COMMENT = re.compile(r"Peakproof run (?P<run>\S+) loads (?P<base_url>\S+):")


def check_may_be_silenced(
    name: str, environment: Environment, productions: Mapping[str, Environment], permitted: str | None, *,
    production: bool,
) -> None:  # fmt: skip
    """Raise EnvironmentLacks for a silence that would reach production's alerts and isn't permitted by name.

    `productions` are the other environments that are production; `permitted` is what the permission lets be silenced.
    """
    if environment.alertmanager_url is None:
        return
    alerts = environment.alerts_of(name)
    if production:
        if permitted != alerts:
            raise EnvironmentLacks(
                f"{name} is production: its alerts are silenced only with a permission that says silences: {alerts};"
                " write it again with: peakproof doctor --permit, or leave alertmanager_url out"
            )
        return
    same = [other for other, one in productions.items() if one.alerts_of(other) == alerts]
    if same:
        raise EnvironmentLacks(
            f"{name}: alerts of {ALERT_LABEL}={alerts!r} are those of {same[0]}, which is production, and are not"
            f" silenced for {name}; set alert_environment to what its own alerts carry"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Silencing:
    """What one run silences: the alerts of `alerts`, where the load goes to `base_url`."""

    run: str
    base_url: str
    alerts: str

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """The one label that an alert must carry to be silenced."""
        return (Matcher.exactly(ALERT_LABEL, self.alerts),)

    @property
    def comment(self) -> str:
        """What it says to people, and to the next run."""
        return f"Peakproof run {self.run} loads {self.base_url}: its alerts are of a load test, and end with the run"

    def run_of(self, silence: Silence) -> str | None:
        """Return the run on this environment that a silence belongs to; None for anybody else's silence."""
        found = _COMMENT.match(silence.comment)
        if silence.created_by != CREATED_BY or silence.matchers != self.matchers or found is None:
            return None
        return found["run"] if found["base_url"] == self.base_url else None

    def begin(self, alertmanager: Alertmanager, now: int, planned_s: float) -> "Begun":
        """Make the silence, then end those of runs that had died; raises EnvironmentLacks."""
        ends_at = now + round((planned_s + MARGIN_S) * 1e9)
        made = alertmanager.silence(self.matchers, now, ends_at, created_by=CREATED_BY, comment=self.comment)
        dead = tuple(self._ended(alertmanager, lambda run: run != self.run))
        return Begun(id=made, starts_at=now, ends_at=ends_at, ended_before=dead)

    def end(self, alertmanager: Alertmanager) -> None:
        """End every silence of this run, known by its name: the answer to its making may have been lost."""
        list(self._ended(alertmanager, lambda run: run == self.run))

    def _ended(self, alertmanager: Alertmanager, whose: Callable[[str], bool]) -> Iterator[str]:
        for silence in alertmanager.silences():
            run = self.run_of(silence)
            if run is not None and not silence.is_over and whose(run):
                alertmanager.end(silence.id)
                yield silence.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A silence that was made: its id, its bounds (ns), and the silences of dead runs that were ended with it."""

    id: str
    starts_at: int
    ends_at: int
    ended_before: tuple[str, ...]
