"""How many connections the sessions of a plan hold: what a worker needs descriptors and local ports for."""

from dataclasses import dataclass

from loadtests.demand.plan import Plan
from loadtests.environment.hosts import CDN
from loadtests.environment.targets import Environment
from loadtests.shopper.assets import CONNECTIONS
from loadtests.shopper.push_events import STREAMS


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionBudget:
    """The most connections of a plan in an environment, over all workers.

    At most `sessions` are open at once. Each holds `per_session` connections of its own, `per_session_to_shop` of them
    to the host of `base_url` and the others to the declared hosts; with `shared` connections, which all sessions use
    together, only its event stream is its own.
    """

    sessions: int
    per_session: int
    per_session_to_shop: int
    shared: int | None

    @classmethod
    def of(cls, plan: Plan, environment: Environment) -> "ConnectionBudget":
        """Return what the sessions of `plan` hold where `environment` takes them."""
        sessions = min(plan.limits.open_sessions, environment.ceiling.open_sessions)
        streams = STREAMS[plan.streams]
        hosts = [label for label in environment.loaded if label != CDN or plan.assets == "all"]
        if (shared := plan.limits.connections) is not None:
            return cls(
                sessions=sessions,
                per_session=streams,
                per_session_to_shop=streams,
                shared=shared * len(hosts),
            )
        each = {label: 1 if plan.assets == "off" or environment.http2_to(label) else CONNECTIONS for label in hosts}
        return cls(
            sessions=sessions,
            per_session=sum(each.values()) + streams,
            per_session_to_shop=each[None] + streams,
            shared=None,
        )

    def opened_per_s(self, sessions_per_s: float) -> float:
        """Return how many connections to the shop that many new sessions a second open; shared ones stay open."""
        return 0.0 if self.shared is not None else sessions_per_s * self.per_session_to_shop
