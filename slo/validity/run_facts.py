"""run.json as far as it is judged: what is missing is None, and None is never good news."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from slo.documents import validate
from slo.objectives.indicators import Window


class _Facts(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Judged(_Facts):
    """The judged window as the run planned it."""

    starts_at: int | None = None
    ends_at: int | None = None


class Phase(_Facts):
    """One phase as it was played."""

    name: str | None = None
    kind: str | None = None
    starts_at: int | None = None
    ends_at: int | None = None


class SeenRelease(_Facts):
    """What the shop said its release was from some moment on; None when it didn't say."""

    at: int | None = None
    release: str | None = None


class Release(_Facts):
    """The release seen before, during and after, and those that may be."""

    before: str | None = None
    after: str | None = None
    expected: tuple[str, ...] | None = None
    seen: tuple[SeenRelease, ...] | None = None


class PlanRevision(_Facts):
    """A change of the rate while the plan was played; who took it too late, and had started what it struck."""

    at: int | None = None
    at_s: float | None = None
    factor: float | None = None
    not_taken: tuple[str, ...] | None = None
    struck_started: dict[str, int] | None = None


class Account(_Facts):
    """How every planned arrival ended."""

    planned: int | None = None
    completed: int | None = None
    failed: int | None = None
    cut_off: int | None = None
    dropped: dict[str, int] | None = None
    lost: dict[str, int] | None = None
    not_due: int | None = None


class RequestCounts(_Facts):
    """What the load generator says it sent."""

    sent: int | None = None


class OrderCounts(_Facts):
    """What the ledger says."""

    attempted: int | None = None
    accepted: int | None = None


class Lag(_Facts):
    """How late the generator itself was."""

    p99: float | None = None


class Stall(_Facts):
    """How long the generator stood still."""

    p99: float | None = None
    max: float | None = None


class Descriptors(_Facts):
    """How many descriptors a worker had open at most, and how many it may have."""

    peak: int | None = None
    limit: int | None = None


class ClockOffset(_Facts):
    """How far a worker's clock was from its master's, give or take the uncertainty."""

    offset_s: float | None = None
    uncertainty_s: float | None = None


class Live(_Facts):
    """How many of the workers' changes didn't reach the live view."""

    gaps: int | None = None


class Worker(_Facts):
    """One worker and what arrived of it."""

    name: str | None = None
    parts_expected: int | None = None
    parts_received: int | None = None
    ledger_rows_expected: int | None = None
    ledger_rows_received: int | None = None
    ledger_brought: bool | None = None
    streamed: bool | None = None
    lost: bool | None = None


class HookFailure(_Facts):
    """A listener that raised."""

    hook: str | None = None
    error: str | None = None
    count: int | None = None


class Recorder(_Facts):
    """The span recorder's counts."""

    spans: int | None = None
    dropped: int | None = None


class Browser(_Facts):
    """What the real browser beside the load saw."""

    pages: int | None = None
    why_not_more: str | None = None


class ProxyUsed(_Facts):
    """The proxy that the environment was reached through."""

    url: str | None = None
    resolves_names: bool | None = None


class EnvironmentFacts(_Facts):
    """How the environment was reached."""

    proxy: ProxyUsed | None = None


class RunFacts(_Facts):
    """run.json as far as it is judged; what is missing is None, and None is never good news."""

    run: str | None = None
    ended: str | None = None
    ended_because: str | None = None
    ended_at: int | None = None
    phases: tuple[Phase, ...] | None = None
    judged: Judged = Field(default_factory=Judged)
    release: Release = Field(default_factory=Release)
    plan_revisions: tuple[PlanRevision, ...] | None = None
    account: Account = Field(default_factory=Account)
    requests: RequestCounts = Field(default_factory=RequestCounts)
    orders: OrderCounts = Field(default_factory=OrderCounts)
    scheduling_lag_s: Lag = Field(default_factory=Lag)
    hub_stall_s: Stall = Field(default_factory=Stall)
    generator_cpu: dict[str, float | None] | None = None
    descriptors: dict[str, Descriptors | None] | None = None
    master_silent_s: dict[str, int | None] | None = None
    clock_offsets: dict[str, ClockOffset | None] | None = None
    live: Live = Field(default_factory=Live)
    workers: tuple[Worker, ...] | None = None
    hook_failures: tuple[HookFailure, ...] | None = None
    recorder: Recorder | None = None
    browser: Browser | None = None
    shared_connections: int | None = None
    environment: EnvironmentFacts = Field(default_factory=EnvironmentFacts)


def run_facts(data: Mapping[str, Any], where: str = "run.json") -> RunFacts:
    """Read run.json; a null part is a missing one. Raises BadInput when a value has the wrong type."""
    return validate({key: value for key, value in data.items() if value is not None}, RunFacts, where)


def judged_window(run: RunFacts) -> Window | None:
    """Return the judged window as far as it was played; None when it is unknown or was never reached."""
    start, end = run.judged.starts_at, run.judged.ends_at
    if start is None or end is None:
        return None
    end = end if run.ended_at is None else min(end, run.ended_at)
    return Window(starts_at=start, ends_at=end) if end > start else None
