"""`run.json` as one type, `RunDocument`: what a run was, how it ended, and what its workers reported of the load.

`loadtests.results.run_json` writes it, and the judge, the audit and the report read it. Reading is tolerant: a key that
is missing is None, which is never good news, and a key that isn't known is kept. A value of another type is refused.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import ConfigDict, Field

from slo.boot_time import BootTime
from slo.documents import Count, Ns, WrittenDocument, validate
from slo.objectives.indicators import Window

FORMAT: Final = "peakproof/run/v1"


class _Part(WrittenDocument):
    """A part of the document; unknown keys are kept, for the document is written again after a late ledger."""

    model_config = ConfigDict(extra="allow")


class PlanFacts(_Part):
    """Which plan was played."""

    name: str | None = None
    sha256: str | None = None


class DestinationFacts(_Part):
    """The addresses that one host was resolved to, and the widest kind among them."""

    addresses: tuple[str, ...] | None = None
    kind: str | None = Field(None, examples=["loopback", "private", "public"])
    through_proxy: bool | None = None


class DestinationsFacts(_Part):
    """Where the requests of the run went, by host; `kind` is that of the host which takes the load."""

    hosts: dict[str, DestinationFacts] | None = None
    kind: str | None = Field(None, examples=["loopback", "private", "public"])
    proxy: DestinationFacts | None = None


class ProxyFacts(_Part):
    """The proxy that the environment was reached through; `straight` are the hosts reached without it."""

    url: str | None = None
    straight: tuple[str, ...] | None = None
    resolves_names: bool | None = None


class EnvironmentFacts(_Part):
    """The environment, and how it was reached.

    `shares_addresses` maps each production environment with the same addresses to those addresses.
    """

    name: str | None = None
    base_url: str | None = None
    fingerprint: dict[str, Any] | None = None
    production_fingerprint: dict[str, Any] | None = None
    destinations: DestinationsFacts | None = None
    proxy: ProxyFacts | None = None
    shares_addresses: dict[str, tuple[str, ...]] | None = None


class ShopRecordsFacts(_Part):
    """The user's file of shop records: the name of its copy, and which of the records it has."""

    file: str | None = Field(None, examples=["shop_records/mine.py"])
    declares: tuple[str, ...] | None = Field(None, examples=[["orders", "payments", "stock"]])


class SeenRelease(_Part):
    """The release that the shop named from some moment on; None when it named none."""

    at: Ns | None = None
    release: str | None = None


class ReleaseFacts(_Part):
    """The release before and after the run, those that were expected, and each change of the answer."""

    before: str | None = None
    after: str | None = None
    expected: tuple[str, ...] | None = None
    seen: tuple[SeenRelease, ...] | None = None


class PermissionFacts(_Part):
    """The permission to load production that the run rests on."""

    who: str | None = None
    why: str | None = None
    granted_at: str | None = Field(None, description="RFC 3339")
    until: str | None = Field(None, description="RFC 3339")
    plan_sha256: str | None = None
    silences: str | None = Field(None, description="the environment, as its alerts name it, that may be silenced")


class AlertSilenceFacts(_Part):
    """The silence of the run in Alertmanager: alerts whose label `environment` is `environment` notified nobody.

    It ends by itself at `ends_at`; `ended_at` is when the run ended it, None when it couldn't.
    """

    id: str | None = None
    environment: str | None = None
    starts_at: Ns | None = None
    ends_at: Ns | None = None
    ended_at: Ns | None = None
    ended_before: tuple[str, ...] | None = Field(None, description="silences of runs that had died, ended by this one")


class AnnotationFacts(_Part):
    """The run's mark in Grafana; `why_not` is why there is none, or why its end wasn't written."""

    id: int | None = None
    why_not: str | None = None


class LeaseFacts(_Part):
    """The lease on the environment; `took_over` is the stale lease that it replaced, and why that was stale."""

    file: str | None = None
    took_over: str | None = None


class Judged(_Part):
    """The judged window as planned, cut at the end of the load."""

    starts_at: Ns | None = None
    ends_at: Ns | None = None


class Phase(_Part):
    """One phase as it was played; `release` is the one it ran on, where releases were changed on purpose."""

    name: str | None = None
    kind: str | None = Field(None, examples=["reference", "warm-up", "ramp", "plateau", "drain"])
    starts_at: Ns | None = None
    ends_at: Ns | None = None
    release: str | None = None

    @property
    def window(self) -> Window | None:
        """Return when it was played, None when that isn't known or it holds no time."""
        if self.starts_at is None or self.ends_at is None or self.ends_at <= self.starts_at:
            return None
        return Window(starts_at=self.starts_at, ends_at=self.ends_at)


class PlanRevision(_Part):
    """A change of the rate while the plan was played.

    `not_taken` are the workers that did not confirm it in time; `struck_started` counts, by worker, the sessions that
    the change removed from the plan and the worker had started already.
    """

    number: Count | None = None
    at_s: float | None = Field(None, description="seconds after the start of the load")
    factor: float | None = Field(None, description="the multiple of the plan from then on; 0 is a pause")
    why: str | None = None
    at: Ns | None = None
    not_taken: tuple[str, ...] | None = None
    struck_started: dict[str, Count] | None = None


class AccountFacts(_Part):
    """How every planned arrival ended: the parts sum to `planned`."""

    planned: Count | None = None
    completed: Count | None = None
    failed: Count | None = None
    cut_off: Count | None = None
    dropped: dict[str, Count] | None = None
    lost: dict[str, Count] | None = None
    not_due: Count | None = None


class RequestCounts(_Part):
    """The requests that the workers reported: as many as there are request records.

    `accepted_5xx` are replies of status 5xx that the storefront accepts, so that they are no error.
    """

    sent: Count | None = None
    errors: Count | None = None
    accepted_5xx: Count | None = None


class OrderCounts(_Part):
    """The orders of the ledgers by outcome."""

    attempted: Count | None = None
    accepted: Count | None = None
    refused: Count | None = None
    unknown: Count | None = None


class AssetFacts(_Part):
    """Which assets were fetched, and how many were left out by reason."""

    fetched: str | None = Field(None, examples=["off", "shop", "all"])
    left_out: dict[str, Count] | None = Field(None, examples=[{"other_host": 1, "too_many": 1, "ceiling_requests": 1}])


class PoolFacts(_Part):
    """What was given out of one file of accounts or test data, over all workers.

    `lacked` is how often none was free, and `short_peak` about how many more would have been in use at once then;
    `locked` were out of use at the end.
    """

    use: str | None = Field(None, examples=["shared", "exclusive", "once"])
    rows: Count | None = None
    given: Count | None = None
    in_use_peak: Count | None = None
    lacked: Count | None = None
    short_peak: Count | None = None
    locked: Count | None = None


class Lag(_Part):
    """How late requests were sent, in seconds: the worst worker's quantiles."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class HubStall(_Part):
    """How late the event loop ran what was due, in seconds: the worst worker's."""

    p99: float | None = None
    max: float | None = None


class Descriptors(_Part):
    """How many descriptors a worker had open at most, and how many it may have."""

    peak: Count | None = None
    limit: Count | None = None


class ClockOffset(_Part):
    """A worker's clock less its master's, give or take the uncertainty, from so many round trips."""

    offset_s: float | None = None
    uncertainty_s: float | None = None
    pings: Count | None = None


class LiveFacts(_Part):
    """How many of the workers' changes didn't reach the live view."""

    gaps: int | None = None


class WorkerFacts(_Part):
    """One worker, and what arrived of it; `…_expected` is what the worker reported last.

    `uploaded` is whether its files came over the network, `ledger_brought` whether its ledger was completed since.
    """

    name: str | None = None
    arrivals: Count | None = None
    parts_expected: Count | None = None
    parts_received: Count | None = None
    ledger_rows_expected: Count | None = None
    ledger_rows_received: Count | None = None
    uploaded: bool | None = None
    lost: bool | None = None
    open_sessions_peak: Count | None = None
    rss_peak_bytes: Count | None = None
    ledger_brought: bool | None = None


class HookFailure(_Part):
    """A listener that raised, its last error, and how often."""

    hook: str | None = None
    error: str | None = None
    count: Count | None = None


class StorefrontFailure(_Part):
    """A line of the storefront's file that raised in a journey; `unreadable` when it couldn't read a reply."""

    journey: str | None = None
    place: str | None = Field(None, examples=["mine.py:41"])
    error: str | None = Field(None, examples=["KeyError"])
    unreadable: bool | None = None
    count: Count | None = None


class CanaryFacts(_Part):
    """How many sessions left a canary in their data, and how many replies showed one another's."""

    sessions: Count | None = None
    shown: Count | None = None


class AnswersFacts(_Part):
    """How many samples there are in the raw answers of Prometheus that were stored for the verdict."""

    samples: Count | None = None


class RecorderFacts(_Part):
    """The spans that were recorded, and those that were lost at the recorder or before it."""

    spans: Count | None = None
    dropped: Count | None = Field(None, description="all that are lost, the rejected among them")
    rejected: dict[str, Count] | None = Field(
        None, description="spans that were invalid, by reason", examples=[{"bad_times": 2}]
    )
    refused: dict[str, Count] | None = Field(
        None, description="requests refused whole, by what was wrong", examples=[{"content type text/plain": 3}]
    )


class BrowserFacts(_Part):
    """What the one real browser beside the load saw; `why_not_more` is what stopped it before the run's end."""

    program: str | None = None
    pages: Count | None = None
    failed: Count | None = None
    requests_blocked: Count | None = None
    requests_held: Count | None = None
    why_not_more: str | None = None


class RunDocument(_Part):
    """`run.json`; what is missing is None, and None is never good news."""

    format: Annotated[str | None, Field(json_schema_extra={"const": FORMAT})] = None
    run: str | None = None
    peakproof: str | None = None
    plan: PlanFacts | None = None
    inputs: dict[str, str] | None = Field(None, description="the SHA-256 of each copied input by its name")
    seed: int | None = None
    not_played: tuple[str, ...] | None = Field(None, description="the storefront's journeys that the plan leaves out")
    shared_connections: Count | None = None
    environment: EnvironmentFacts | None = None
    shop_records: ShopRecordsFacts | None = None
    command: str | None = None
    release: ReleaseFacts | None = None
    permission: PermissionFacts | None = None
    lease: LeaseFacts | None = None
    alert_silence: AlertSilenceFacts | None = None
    annotation: AnnotationFacts | None = None
    workers_refused: tuple[str, ...] | None = Field(None, description="as they named themselves")
    started_at: Ns | None = None
    ended_at: Ns | None = None
    ended_since_boot: BootTime | None = Field(None, description="`ended_at` by a clock that nothing sets back")
    clock_step_s: float | None = Field(
        None, description="by how much the machine's wall clock was set between the run's start and `ended_at`"
    )
    ended: str | None = Field(None, examples=["completed", "stopped", "aborted", "failed"])
    ended_because: str | None = None
    phases: tuple[Phase, ...] | None = None
    judged: Judged | None = None
    plan_revisions: tuple[PlanRevision, ...] | None = None
    account: AccountFacts | None = None
    requests: RequestCounts | None = None
    orders: OrderCounts | None = None
    assets: AssetFacts | None = None
    undeclared_hosts: dict[str, Count] | None = Field(
        None,
        description="how often pages and redirects led to hosts that aren't declared, by origin; none was contacted",
        examples=[{"https://fonts.example": 12}],
    )
    data_pools: dict[str, PoolFacts] | None = Field(None, description="accounts and test data, by the pool's name")
    canaries: CanaryFacts | None = None
    scheduling_lag_s: Lag | None = None
    hub_stall_s: HubStall | None = None
    descriptors: dict[str, Descriptors | None] | None = None
    master_silent_s: dict[str, Count | None] | None = Field(
        None, description="by worker: the longest time in which nothing of its master reached it"
    )
    clock_offsets: dict[str, ClockOffset | None] | None = None
    generator_cpu: dict[str, float | None] | None = Field(
        None, description="by worker: the ratio of one core that it used in its busiest 5 s"
    )
    workers: tuple[WorkerFacts, ...] | None = None
    hook_failures: tuple[HookFailure, ...] | None = None
    storefront_failures: tuple[StorefrontFailure, ...] | None = None
    live: LiveFacts | None = None
    notes: tuple[str, ...] | None = Field(None, description="what couldn't be kept of what a verdict rests on")
    page_gaps: tuple[str, ...] | None = Field(None, description="what only the pages lack; no verdict rests on it")
    answers: AnswersFacts | None = None
    recorder: RecorderFacts | None = None
    browser: BrowserFacts | None = None
    versions: dict[str, str | None] | None = None
    platform: str | None = None

    @property
    def judged_window(self) -> Window | None:
        """Return the judged window as far as it was played; None when it is unknown or was never reached."""
        start, end = (self.judged.starts_at, self.judged.ends_at) if self.judged else (None, None)
        if start is None or end is None:
            return None
        end = end if self.ended_at is None else min(end, self.ended_at)
        return Window(starts_at=start, ends_at=end) if end > start else None

    @property
    def release_tested(self) -> str | None:
        """Return the release under test: the plateau's, where releases were changed on purpose, else the one before."""
        tested = [phase.release for phase in self.phases or () if phase.kind == "plateau" and phase.release]
        return tested[-1] if tested else self.release.before if self.release else None

    def updated(self, part: Self) -> Self:
        """Return this document with what is set in `part` in the place of its own."""
        return self.model_copy(update={name: getattr(part, name) for name in part.model_fields_set})

    def to_json(self) -> dict[str, Any]:
        """Return the object that `run.json` holds: the keys that were set or read, null where a value isn't known."""
        return self.model_dump(mode="json", exclude_unset=True)


def parse_run(data: Mapping[str, Any], where: str = "run.json") -> RunDocument:
    """Read the object of `run.json`; raises BadInput when a value has the wrong type."""
    return validate(data, RunDocument, where)
