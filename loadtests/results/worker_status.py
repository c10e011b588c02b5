"""`worker-<name>.json` (`peakproof/worker/v1`): what a worker last reported of itself, written once a second."""

from typing import Annotated, Any, Final

from pydantic import Field

from loadtests.results.run_directory import RunDirectory
from slo.documents import WrittenDocument, read_json

FORMAT: Final = "peakproof/worker/v1"


class Taken(WrittenDocument):
    """A revision that the worker took: when it arrived (ns), and how many of the struck sessions had been started."""

    number: int
    heard_at: int
    struck: int


class PoolStatus(WrittenDocument):
    """What a worker gave out of one file of accounts or test data, and how.

    `rows` are those it may give out, `lacked` is how often none was free, and `short_peak` about how many more would
    have been in use then; `locked` are out of use.
    """

    use: str
    rows: int
    given: int
    in_use_peak: int
    lacked: int
    short_peak: int
    locked: int


class CanaryStatus(WrittenDocument):
    """How many sessions left a canary in their data, and how many replies showed one another's."""

    sessions: int
    shown: int


class StorefrontFailure(WrittenDocument):
    """A line of the storefront's file that raised, and how often; `unreadable` when it couldn't read a reply."""

    journey: str
    place: str = Field(examples=["mine.py:41"])
    error: str = Field(examples=["KeyError"])
    unreadable: bool
    count: int


class WorkerStatus(WrittenDocument):
    """The state of a worker. `ended` is null while it runs, and of a worker that was killed."""

    format: Annotated[str, Field(json_schema_extra={"const": FORMAT})] = FORMAT
    name: str
    index: int
    workers: int
    arrivals: int
    next_arrival: int | None
    given_out: int | None = Field(None, description="arrival numbers up to this one are known to the worker")
    revisions: tuple[Taken, ...] = ()
    at: int | None = Field(None, description="ns since the epoch")
    ended: str | None
    because: str | None
    requests: int
    errors: int
    accepted_5xx: int | None = Field(None, description="replies of status 5xx that the storefront accepts")
    orders: dict[str, int] | None = None
    parts: dict[str, int] = Field(description="closed parts by kind")
    lag_s: dict[str, float | None]
    hub_stall_s: dict[str, float | None] | None = None
    descriptors: dict[str, int | None] | None = None
    master_silent_s: int | None = Field(None, description="the longest time without a message of the master")
    clock_offset: dict[str, int | float] | None = Field(None, description="the worker's clock less the master's")
    uploaded: bool | None = Field(None, description="whether what it writes is uploaded to the master")
    cpu_peak: float | None
    open_sessions_peak: int
    rss_peak_bytes: int
    hook_failures: list[dict[str, Any]]
    storefront_failures: tuple[StorefrontFailure, ...] = ()
    assets_left_out: dict[str, int] | None = None
    undeclared_hosts: dict[str, int] | None = Field(
        None, description="how often pages and redirects led to hosts that aren't declared, by origin"
    )
    data_pools: dict[str, PoolStatus] | None = Field(None, description="of accounts and test data, by name")
    canaries: CanaryStatus | None = None
    spans: dict[str, int] | None
    pid: int | None = None

    @property
    def lost(self) -> bool:
        """Whether it ended without reporting how."""
        return self.ended is None


def read_workers(directory: RunDirectory) -> tuple[WorkerStatus, ...]:
    """Read the last status of every worker; raises BadInput."""
    return tuple(read_json(path, WorkerStatus) for path in directory.workers())
