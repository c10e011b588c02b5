"""What the command and the trial's process send each other: one job in, a line for each thing that happens out.

Nothing in a line is secret: what is shown of requests and replies is masked before it is sent.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, RootModel, TypeAdapter

from loadtests.demand.plan import Visits
from loadtests.results.ledger import OutcomeWord
from slo.documents import Document

Kind = Literal["shop", "storefront", "ceiling", "refused", "stuck"]


class TrialJob(Document):
    """What the trial's process is given on its standard input.

    `directory` is a run directory, `worker` what it is called in there, `first` the number of its first session. A
    step may take `step_s`, and the storefront's code `code_s` between two of them; `hang` is where a hang is written.
    At most one request goes out in `every_s`, and a session may make so many `requests`.
    """

    directory: Path
    worker: str
    first: int
    journeys: tuple[str, ...]
    sessions: int
    step_s: float
    code_s: float
    hang: Path
    every_s: float = 1.0
    requests: int = 200


class SessionBegan(Document):
    """A session of a journey begins: the `nth` of `of`."""

    kind: Literal["session"] = "session"
    journey: str
    session: int
    nth: int
    of: int


class StepPlayed(Document):
    """A request was answered, or wasn't; `leads_to` is the path that a redirect leads to."""

    kind: Literal["step"] = "step"
    step: str
    method: str
    path: str
    status: int
    time_s: float
    bytes: int
    error: str | None = None
    leads_to: str | None = None


class Accepted(Document):
    """The error of a step is an answer: the storefront knows it as a refusal."""

    kind: Literal["accepted"] = "accepted"
    step: str
    error: str


class OrderSeen(Document):
    """An order in the ledger: its attempt (`outcome` None), or its outcome."""

    kind: Literal["order"] = "order"
    outcome: OutcomeWord | None = None
    reason: str | None = None
    order_id: str | None = None


class CodePlace(Document):
    """A line of the storefront's file."""

    file: str
    line: int
    function: str
    source: str = ""


class Exchange(Document):
    """A request and what came back, masked and cut; `status` 0 is no answer."""

    step: str
    method: str
    path: str
    headers: Mapping[str, str] = Field(default_factory=dict)
    body: str | None = None
    status: int = 0
    error: str | None = None
    reply_body: str = ""
    reply_bytes: int = 0


class Failure(Document):
    """What ended a session: the shop's answer, the storefront's own mistake, a ceiling, or code that never ended."""

    kind: Literal["failure"] = "failure"
    what: Kind
    message: str
    places: tuple[CodePlace, ...] = ()
    exchange: Exchange | None = None


class SessionEnded(Document):
    """A session is over: how often it made each step, its orders, and whether it says how the journey goes."""

    kind: Literal["ended"] = "ended"
    journey: str
    session: int
    steps: Mapping[str, int]
    orders: int
    accepted: int
    took_s: float
    lacked: str | None = None
    failed: bool = False


class JourneyEnded(Document):
    """A journey is played: each session that counts was reported."""

    kind: Literal["journey"] = "journey"
    journey: str


class TrialEnded(Document):
    """The trial is over: what was counted, the orders of all sessions, and why a journey wasn't counted.

    `directory` holds the ledger and the records, for an audit.
    """

    kind: Literal["tried"] = "tried"
    directory: Path
    visits: Mapping[str, Visits]
    orders: Mapping[str, int]
    not_counted: Mapping[str, str]
    stopped: str | None = None


Event = Annotated[
    SessionBegan | StepPlayed | Accepted | OrderSeen | Failure | SessionEnded | JourneyEnded | TrialEnded,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class TryEvent(RootModel[Event]):
    """A line of `peakproof try --json`."""
