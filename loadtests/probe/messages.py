"""What the process of a probe is given, and what it tells beside what a trial tells."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from loadtests.environment.target_fields import Label
from loadtests.environment.targets import Targets
from loadtests.trial.messages import (
    Accepted,
    Failure,
    JourneyEnded,
    OrderSeen,
    SessionBegan,
    SessionEnded,
    StepPlayed,
)
from slo.documents import Document

SkipReason = Literal["run", "kill_url", "not_allowed", "ceiling", "config", "late", "busy", "no_account", "process"]
StageName = Literal["resolve", "guards", "play"]


class ProbeJob(Document):
    """One probe of the environment `target`: the journey of `module`, which may place an order if it `buys`.

    `folder` keeps the directories and ledgers of probes that buy, `leases` is where runs hold their environments;
    `plan` and `permit` are files. It is over at `ends_at_s` of the machine's monotonic clock.
    """

    target: Label
    module: Label
    journey: str
    buys: bool
    targets: Targets
    plan: Path | None
    permit: Path | None
    folder: Path
    leases: Path
    scratch: Path
    ends_at_s: float


class JobFile(Document):
    """Where the `ProbeJob` stands: targets may be more than a pipe holds."""

    job: Path


class Stage(Document):
    """What the process does from now on."""

    kind: Literal["stage"] = "stage"
    name: StageName


class Resolved(Document):
    """The environment's hosts have addresses; it took so long."""

    kind: Literal["resolved"] = "resolved"
    took_s: float


class HostSeen(Document):
    """A host that the environment declares, as one connection of its own without a request found it.

    Times are Unix times; what couldn't be found out is None. `trusted` is None over plain http.
    """

    kind: Literal["host"] = "host"
    host: str
    connect_s: float | None = None
    tls_s: float | None = None
    trusted: bool | None = None
    not_before_s: float | None = None
    not_after_s: float | None = None


class Skipped(Document):
    """Nothing was played, or what was played was broken off: the shop is not to blame, and nothing is known of it."""

    kind: Literal["skipped"] = "skipped"
    reason: SkipReason
    message: str


class NotReached(Document):
    """The probe failed before its first request."""

    kind: Literal["not_reached"] = "not_reached"
    reason: Literal["dns"]
    message: str


class DeadlinePassed(Document):
    """The session was ended because the probe's time was over."""

    kind: Literal["deadline"] = "deadline"


ProbeEvent = Annotated[
    SessionBegan
    | StepPlayed
    | Accepted
    | OrderSeen
    | Failure
    | SessionEnded
    | JourneyEnded
    | Stage
    | Resolved
    | HostSeen
    | Skipped
    | NotReached
    | DeadlinePassed,
    Field(discriminator="kind"),
]
PROBE_EVENT: TypeAdapter[ProbeEvent] = TypeAdapter(ProbeEvent)
