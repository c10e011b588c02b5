"""The guard rails of a probe: what keeps it from being played, and what breaks it off.

A run has its environment to itself: while one holds the lease no probe is played, and one that is under way ends. The
kill URL ends probes too. A journey that buys is played where a module says so, and in production only with a
permission for its plan; of the environment's ceiling of orders the attempts of the last 24 hours are taken off.
"""

import time
from dataclasses import dataclass

import gevent

from loadtests.environment.resolved_environment import ResolvedEnvironment
from loadtests.environment.targets import Environment
from loadtests.guardrails.access import AccessFacts, check_allowed
from loadtests.guardrails.kill_switch import KillSwitch, says_stop
from loadtests.guardrails.lease import Place, holder
from loadtests.probe.messages import ProbeJob, SkipReason
from loadtests.results.inputs import Inputs
from loadtests.storefronts import Storefront
from slo.documents import BadInput
from slo.outcomes import EnvironmentLacks

_LEASE_EVERY_S = 1.0


class SkippedError(Exception):
    """No probe is played, or this one no longer; the message is why, for a person."""

    def __init__(self, reason: SkipReason, message: str) -> None:
        super().__init__(message)
        self.reason: SkipReason = reason


def place_of(asked: ProbeJob, environment: Environment) -> Place:
    """Return where a run's lease of the environment stands."""
    hosts = tuple(host.url for host in environment.hosts.values())
    return Place(folder=asked.leases, environment=asked.target, base_url=environment.base_url, hosts=hosts)


def check_free(place: Place) -> None:
    """Raise SkippedError while a run holds the environment."""
    if (run := holder(place)) is not None:
        raise SkippedError("run", f"{place.environment} is taken by {run}")


def check_kill(resolved: ResolvedEnvironment) -> None:
    """Raise SkippedError when the kill URL says stop, or doesn't answer: a probe couldn't be ended from outside."""
    url = resolved.environment.kill_url
    if url is None:
        return
    with resolved.http() as http:
        try:
            stops = says_stop(url, http)
        except EnvironmentLacks as error:
            raise SkippedError("kill_url", str(error)) from error
    if stops:
        raise SkippedError("kill_url", f"the kill URL {url} says stop")


def check_journey(asked: ProbeJob, storefront: Storefront) -> None:
    """Raise SkippedError for a journey that isn't there, or that buys where the module doesn't say so."""
    journey = storefront.journeys.get(asked.journey)
    place = f"probe.modules.{asked.module}"
    if journey is None:
        known = ", ".join(storefront.journeys)
        raise SkippedError("config", f"{place}.journey: {storefront.name} has no {asked.journey}; it has {known}")
    if journey.buys and not asked.buys:
        raise SkippedError("not_allowed", f"{place}: {asked.journey} buys; say buys: true, or name another journey")


def check_buying(asked: ProbeJob, inputs: Inputs, resolved: ResolvedEnvironment) -> AccessFacts:
    """Return what allows an order to be placed; raises SkippedError."""
    place = f"probe.modules.{asked.module}.permit"
    if inputs.production and asked.permit is None:
        raise SkippedError(
            "not_allowed",
            f"{place}: {asked.target} is production: a probe buys there only with a permission; write one with:"
            f" peakproof doctor --on {asked.target} --plan PLAN --permit FILE --who NAME --why REASON, and name both",
        )
    try:
        return check_allowed(inputs, asked.permit, resolved)
    except (BadInput, EnvironmentLacks) as error:
        raise SkippedError("not_allowed", f"{place}: {error}") from error


@dataclass(slots=True, kw_only=True)
class Watch:
    """Looks beside the session whether it may go on; `skipped` and `late` are why it may not."""

    ends_at_s: float
    skipped: SkippedError | None = None
    late: bool = False

    def why_stop(self) -> str | None:
        """Return why the session must end now, None while it goes on."""
        if self.skipped is not None:
            return str(self.skipped)
        if time.monotonic() >= self.ends_at_s:
            self.late = True
            return "the probe's time is over"
        return None

    def look(self, place: Place, resolved: ResolvedEnvironment) -> None:
        """Look for as long as nothing says stop; for a greenlet of its own."""
        environment = resolved.environment
        with resolved.http() as http:
            kill = None if environment.kill_url is None else KillSwitch(environment.kill_url, http)
            while self.skipped is None:
                self._look_once(place, kill)
                gevent.sleep(_LEASE_EVERY_S if kill is None else min(_LEASE_EVERY_S, environment.kill_poll_s))

    def _look_once(self, place: Place, kill: KillSwitch | None) -> None:
        if (run := holder(place)) is not None:
            self.skipped = SkippedError("run", f"{place.environment} is taken by {run}")
        elif kill is not None:
            kill.look()
            if kill.why_stop is not None:
                self.skipped = SkippedError("kill_url", kill.why_stop)
