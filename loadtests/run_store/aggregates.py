"""`aggregates.json` (`peakproof/aggregates/v1`): what is kept of a run for years, when its records are gone."""

from typing import Annotated, Any, Final

from pydantic import Field

from slo.documents import Count, Ns, WrittenDocument
from slo.findings import Fact

FORMAT: Final = "peakproof/aggregates/v1"


class Latency(WrittenDocument):
    """Quantiles of the latency from the schedule over `requests`, in seconds.

    A request that failed or was cut off counts as slower than every reply: null is a quantile at such a request, or one
    of no request at all. Never a good value.
    """

    requests: Count
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None


class StepAggregate(WrittenDocument):
    """One step's requests in the judged window: how many, how many of them bad (failed or cut off), how slow."""

    step: str
    bad: Count
    latency: Latency


class MinuteAggregate(WrittenDocument):
    """The requests of an objective's steps that were due in one minute, counted from the judged window's start."""

    minute: Count
    bad: Count = Field(description="failed or cut off; whether they were slow is in the quantiles")
    latency: Latency


class ObjectiveAggregate(WrittenDocument):
    """One objective as it was judged, with the latency of its steps where it is about requests."""

    name: str
    outcome: str = Field(examples=["met", "missed", "undecided", "not_judged", "no_data"])
    indicator: str | None = Field(None, examples=["availability", "latency"])
    source: str | None = Field(None, examples=["records", "sessions", "prometheus"])
    steps: tuple[str, ...] = ()
    threshold_s: float | None = None
    target: float | None = None
    events: Count | None = None
    bad: Count | None = None
    design_effect: float | None = None
    latency: Latency | None = None
    by_minute: tuple[MinuteAggregate, ...] = ()


class ReleaseIdentity(WrittenDocument):
    """How the tested release is known: the image that the environment declares, and what the probe answered."""

    image: str | None = Field(None, description="the fingerprint's `image_digest` or `image`")
    release: str | None = Field(None, description="what the release probe or --release named")

    @property
    def handed_on(self) -> str | None:
        """What a switch command is given to put it up again: the image where there is one, else the release."""
        return self.image or self.release


class Aggregates(WrittenDocument):
    """What is kept of one run: what it was, its verdict, and its figures in the judged window.

    `changed` says what changed while it was played, empty where nothing did. `invalid` are the reasons for which it
    isn't valid. The hashes are of the inputs as they were given.
    """

    format: Annotated[str, Field(json_schema_extra={"const": FORMAT})] = FORMAT
    run: str
    peakproof: str | None = None
    started_at: Ns | None = None
    ended_at: Ns | None = None
    ended: str | None = None
    outcome: str | None = Field(None, examples=["PASS", "FAIL", "INCONCLUSIVE"], description="null: never judged")
    headline: str | None = None
    about: str | None = None
    identity: ReleaseIdentity = ReleaseIdentity()
    plan: str | None = None
    plan_sha256: str | None = None
    objectives_sha256: str | None = None
    environment: str | None = None
    base_url: str | None = None
    fingerprint: dict[str, Fact] = Field(default_factory=dict)
    changed: tuple[str, ...] = ()
    invalid: tuple[str, ...] = ()
    judged_from: Ns | None = None
    judged_to: Ns | None = None
    sessions_started: Count | None = None
    orders_accepted: Count | None = None
    objectives: tuple[ObjectiveAggregate, ...] = ()
    steps: tuple[StepAggregate, ...] = ()

    @property
    def latency_objectives(self) -> dict[str, ObjectiveAggregate]:
        """Those objectives that are about the latency of requests, by name."""
        return {one.name: one for one in self.objectives if one.indicator == "latency"}

    def to_json(self) -> dict[str, Any]:
        """Return the object that `aggregates.json` holds."""
        return self.model_dump(mode="json")
