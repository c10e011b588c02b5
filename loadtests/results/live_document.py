"""`live.json` (`peakproof/live/v1`): the live snapshot of a run, written once a second, read by every live view."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from slo.documents import Count, Ns, WrittenDocument, read_text, validate_json

MAX_BYTES = 4 << 20
Amount = Annotated[float, Field(ge=0)]


class _Part(WrittenDocument):
    """A part of the snapshot: a number isn't a text, and a flag isn't a number."""

    model_config = ConfigDict(strict=True)


class Planned(_Part):
    """What the plan, with its revisions, asks for."""

    sessions_per_s: Amount
    sessions_total: Count


class Achieved(_Part):
    """What was done: rates over the last 10 s, totals since the start."""

    sessions_per_s: float
    requests_per_s: float
    sessions_total: Count
    requests_total: Count
    open_sessions: Count


class LatencyQuantiles(_Part):
    """Latency from the scheduled start over the last 10 s, in s; null without a request."""

    p50: Amount | None
    p95: Amount | None
    p99: Amount | None


class Exemplar(_Part):
    """One request whose trace is kept, and what it took from the scheduled start, in s."""

    trace_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    value: Amount
    at: Ns


class Errors(_Part):
    """Failed requests, by step and error; `exemplars` are the latest of each whose trace is kept."""

    total: Count
    per_s: float
    by_step: dict[str, dict[str, Count]]
    exemplars: dict[str, dict[str, Exemplar]] = Field(default_factory=dict)


class Orders(_Part):
    """Order attempts by outcome, and the accepted ones a minute over the last 10 s."""

    attempted_total: Count
    accepted_total: Count
    refused_total: Count
    unknown_total: Count
    per_minute: float


class LatencyHistogram(_Part):
    """Cumulative counts by upper bound in s, as Prometheus wants them, with the latest exemplar that fell into each.

    The limits of the step's objectives are among the bounds, and the counts at them are exact.
    """

    buckets: dict[str, Count]
    sum: Amount
    count: Count
    exemplars: dict[str, Exemplar] = Field(default_factory=dict, description="by the bucket's upper bound")


class Step(_Part):
    """One step's requests."""

    requests_total: Count
    errors_total: Count
    latency: LatencyHistogram


class Lag(_Part):
    """How late requests left over the last 10 s, in s."""

    p99: Amount | None


class Objective(_Part):
    """An objective followed while the run goes on; `certain_breach`: it will be missed whatever comes."""

    name: str
    bad: Count
    total: Count
    certain_breach: bool


class Criterion(_Part):
    """A criterion over windows as the last window shows it, for eyes alone: the verdict counts each from the records.

    `value` is the share of its requests that took too long or failed, or of what comes a minute the share of the plan
    that came; null before the first window. `beyond_s` is how many seconds ended with a window beyond the limit.
    """

    name: str
    says: str
    value: float | None
    limit: float
    beyond: bool
    beyond_s: Count
    enforce: bool


class LiveDocument(_Part):
    """The state of a run that is being played."""

    format: Literal["peakproof/live/v1"] = "peakproof/live/v1"
    sequence: Count
    gaps: int = Field(description="workers' changes that never arrived")
    at: Ns
    run: str
    started_at: Ns
    phase: str
    state: str = Field(examples=["starting", "running", "draining", "ended"])
    elapsed_s: float
    left_s: float
    planned: Planned
    achieved: Achieved
    latency_s: LatencyQuantiles
    errors: Errors
    orders: Orders
    steps: dict[str, Step]
    lag_s: Lag
    generator_cpu: Amount | None = Field(description="the busiest worker's, as a ratio of a core")
    dropped_total: Count
    workers: Count
    objectives: list[Objective]
    criteria: list[Criterion] = Field(default_factory=list)
    factor: Amount = Field(1.0, description="the multiple of the plan that is played")
    paused: bool = False
    message: str = Field("", description="the answer to the last requested change of the plan")
    refused_workers: list[str] = Field(default_factory=list, description="workers without the token of the run")

    @property
    def is_over(self) -> bool:
        """Whether this is the last snapshot of the run."""
        return self.state == "ended"


def read_live(path: Path) -> LiveDocument:
    """Read the snapshot at `path`; raises BadInput when it is missing, too large, or not a snapshot."""
    return validate_json(read_text(path, MAX_BYTES), LiveDocument, path)
