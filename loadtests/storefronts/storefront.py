"""A storefront, ready to be played: its class, its journeys, and where it came from."""

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.demand.build import Offer
from loadtests.shopper.session import Session
from loadtests.shopper.session_errors import UNREADABLE
from loadtests.storefronts.cleaning import cleanups_of
from loadtests.storefronts.failures import file_of
from loadtests.storefronts.journey import Journey, journeys_of
from loadtests.storefronts.order import OUT_OF_STOCK, RefusedError
from loadtests.storefronts.shop import Given, NothingLeftError, Shop

_OURS = str(Path(__file__).parent)
DATA_EXHAUSTED = "data_exhausted"
SOLD_OUT = "sold_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Storefront:
    """How a kind of shop is browsed and bought from.

    `methods` names the HTTP method of each step where that is known: Locust's own tables name a step by both.
    `cleanups` are the methods that remove what a run created, by kind.
    """

    name: str
    shop: type[Shop]
    journeys: Mapping[str, Journey]
    methods: Mapping[str, str] = field(default_factory=dict)
    cleanups: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, name: str, shop: type[Shop], methods: Mapping[str, str] | None = None) -> "Storefront":
        """Return the storefront of a class; raises BadInput for journeys or cleanups that can't be told apart."""
        return cls(name=name, shop=shop, journeys=journeys_of(shop), methods=methods or {}, cleanups=cleanups_of(shop))

    @property
    def file(self) -> str:
        """The file that its code was read from, "" where that isn't known."""
        return file_of(self.shop)

    @property
    def sessions_to_count(self) -> int:
        """How many sessions of a journey show what one does in the mean."""
        return 3

    def begin(self, given: Given) -> None:
        """Do what a process does once before its first session; raises BadInput."""

    def end(self) -> None:
        """Do what a process does once after its last session."""

    @property
    def walk(self) -> Sequence[tuple[str, str]]:
        """How a real browser goes through its pages; empty where none can."""
        return self.shop.walk

    @property
    def buyers(self) -> frozenset[str]:
        """The journeys of those who mean to buy."""
        return frozenset(name for name, journey in self.journeys.items() if journey.buys)

    @property
    def customers(self) -> frozenset[str]:
        """The journeys of those who have an account."""
        return frozenset(name for name, journey in self.journeys.items() if journey.customer)

    @property
    def offer(self) -> Offer:
        """Its journeys for a mix; a flash drop is only in one where nothing else buys, or that names it."""
        drops = {name for name, journey in self.journeys.items() if journey.sold_out_ok}
        buying = sorted(self.buyers - drops or self.buyers, key=list(self.journeys).index)
        return Offer(
            buying=dict.fromkeys(buying, 1 / len(buying)) if buying else {},
            looking=tuple(name for name, journey in self.journeys.items() if not journey.buys),
            known=tuple(self.journeys),
            buyers=self.buyers,
        )

    def play(self, session: Session, given: Given) -> None:
        """Play the session's journey; a refusal that it doesn't take up ends it, and is what the session lacked."""
        journey = self.journeys[session.arrival.journey]
        shop = self.shop(session, given)
        try:
            shop.begin()
            getattr(shop, journey.method)()
        except NothingLeftError:
            session.lacked = DATA_EXHAUSTED
        except RefusedError as refused:
            session.lacked = refused.reason
        except SystemExit as ended:
            raise RuntimeError("the journey ends the process: take sys.exit() or exit() out of it") from ended
        except UNREADABLE as error:
            if isinstance(error, AttributeError) and error.obj is shop:  # no reply is to blame for a name it lacks
                raise
            session.unreadable(error, f"{last_place(error)}{type(error).__name__}: {error}")
        if journey.sold_out_ok and session.lacked in (DATA_EXHAUSTED, OUT_OF_STOCK):
            session.lacked = SOLD_OUT


def last_place(error: BaseException) -> str:
    """Return `file.py:12: ` for the storefront's line that an error came through last, "" for none."""
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_OURS)] or list(frames)
    return f"{Path(theirs[-1].filename).name}:{theirs[-1].lineno}: " if theirs else ""
