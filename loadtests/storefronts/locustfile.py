"""A locustfile as a storefront: each of its users is a journey, and the users' weights are the mix."""

import math
from dataclasses import dataclass
from pathlib import Path

from loadtests.demand.build import Offer, rounded_shares
from loadtests.environment.storefront_targets import Locustfile
from loadtests.environment.targets import Environment
from loadtests.locustfiles import loading, playing
from loadtests.locustfiles.loading import Played, load_locustfile
from loadtests.locustfiles.notes import notes_of
from loadtests.locustfiles.routes import spelled
from loadtests.locustfiles.visit import Turns
from loadtests.shopper.session import Session
from loadtests.storefronts.journey import Journey
from loadtests.storefronts.shop import Given, Shop
from loadtests.storefronts.storefront import Storefront

_LEAST_COUNTED, _MOST_COUNTED = 3, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LocustStorefront(Storefront):
    """A storefront whose sessions are users of a locustfile; `hosts` are the declared hosts of the journeys' paths."""

    played: Played
    bases: dict[str | None, str]
    hosts: dict[str, str | None]
    turns: Turns

    @property
    def file(self) -> str:
        """The locustfile."""
        return self.played.file

    @property
    def sessions_to_count(self) -> int:
        """As many as play each task once, within reason."""
        tasks = max(len(user.tasks) for user in self.played.users.values())
        return min(_MOST_COUNTED, max(_LEAST_COUNTED, math.ceil(tasks / self.played.declared.tasks_per_session)))

    @property
    def shares(self) -> dict[str, float]:
        """The users' weights by journey, as shares of the sessions that sum to 1."""
        weights = {name: float(user.weight) for name, user in self.played.users.items()}
        if not math.fsum(weights.values()):
            weights = dict.fromkeys(weights, 1.0)
        total = math.fsum(weights.values())
        return rounded_shares({name: weight / total for name, weight in weights.items()})

    @property
    def offer(self) -> Offer:
        """Its journeys for a mix, by their weights."""
        shares = self.shares
        buying = {name: share for name, share in shares.items() if name in self.buyers}
        total = math.fsum(buying.values()) or 1.0
        return Offer(
            buying={name: share / total for name, share in buying.items()},
            looking=tuple(name for name in shares if name not in buying),
            known=tuple(self.journeys),
            buyers=self.buyers,
            shares=shares,
        )

    @property
    def spelled_steps(self) -> tuple[str, ...]:
        """The steps that the source spells, in its order: what else there is shows in a try."""
        return tuple(dict.fromkeys(step for one in spelled(self.played.bundle.modules) if (step := one.step)))

    @property
    def notes(self) -> tuple[str, ...]:
        """What someone who knows Locust must hear of how this file is played."""
        fixed = [user for user in self.played.users.values() if user.fixed_count]
        lines = [
            f"{user.__name__}.fixed_count is no share of the sessions: its weight ({user.weight:g}) is, until the"
            " plan's journeys say otherwise"
            for user in fixed
        ]
        lines += [
            f"{user.__name__}.host: {user.host} is no declared host: its paths go to base_url"
            for user in self.played.users.values()
            if user.host and str(user.host).rstrip("/") not in {one.rstrip("/") for one in self.bases.values()}
        ]
        away = {one.absolute for one in spelled(self.played.bundle.modules) if one.absolute is not None}
        lines += [
            f"{url}: no declared host: no session goes there" for url in sorted(away) if not self._is_declared(url)
        ]
        return (*lines, *(str(one) for one in notes_of(self.played.bundle.modules, self.played.declared.variables)))

    def _is_declared(self, url: str) -> bool:
        return any(url == base or url.startswith(f"{base.rstrip('/')}/") for base in self.bases.values())

    def begin(self, given: Given) -> None:
        """Tell the locustfile that a process begins; raises BadInput."""
        loading.begin(self.played, given.settings)

    def end(self) -> None:
        """Tell the locustfile that the process ends; raises BadInput."""
        loading.end(self.played)

    def play(self, session: Session, given: Given) -> None:
        """Play the session's user."""
        playing.play(self.played, session, self.bases, self.hosts, self.turns if given.each_in_turn else None)


def load_locust_storefront(environment: Environment, declared: Locustfile, copy: Path | None) -> LocustStorefront:
    """Load a locustfile, or the copy of it, for an environment; raises BadInput: what can't be played, and where."""
    played = load_locustfile(declared, environment.base_url, copy)
    bases = dict(environment.loaded)
    labels = {url.rstrip("/"): label for label, url in bases.items()}
    journeys = {
        name: Journey(name=name, method=user.__name__, buys=name in played.buyers)
        for name, user in played.users.items()
    }
    hosts = {name: labels.get(str(user.host).rstrip("/")) for name, user in played.users.items()}
    return LocustStorefront(
        name=Path(declared.locustfile).stem, shop=Shop, journeys=journeys, played=played, bases=bases, hosts=hosts,
        turns=Turns(),
    )  # fmt: skip
