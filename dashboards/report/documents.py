"""The JSON documents of a run as the page reads them: every value may be missing, none may be of the wrong kind.

Unlike the rooms that write them, the page accepts keys it does not know: a newer run must still be readable.
"""

import json
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from slo.documents import BadInput, parse_yaml, read_text

MAX_BYTES = 16 << 20
Ns = Annotated[int, Field(ge=0, lt=1 << 63)]
Count = Annotated[int, Field(ge=0, lt=1 << 63)]


class Part(BaseModel):
    """A part of a document: frozen, finite numbers only, unknown keys left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Phase(Part):
    """One phase of the run as it was played."""

    name: str
    kind: str | None = None
    starts_at: Ns
    ends_at: Ns
    release: str | None = None


class Window(Part):
    """The time that is judged."""

    starts_at: Ns
    ends_at: Ns
    left_out: dict[str, Count] = {}


class Plan(Part):
    """Which plan was played."""

    name: str | None = None
    sha256: str | None = None


class Proxy(Part):
    """What was between."""

    url: str | None = None


class Environment(Part):
    """Where it was played."""

    name: str | None = None
    base_url: str | None = None
    proxy: Proxy | None = None
    fingerprint: dict[str, Any] | None = None


class Release(Part):
    """The release the shop said it was."""

    before: str | None = None
    after: str | None = None
    expected: list[str] | None = None


class Account(Part):
    """How every arrival of the plan ended."""

    planned: Count | None = None
    completed: Count | None = None
    failed: Count | None = None
    cut_off: Count | None = None
    dropped: dict[str, Count] | None = None
    lost: dict[str, Count] | None = None
    not_due: Count | None = None


class Lag(Part):
    """How late the generator was, in seconds."""

    p50: float | None = None
    p99: float | None = None
    max: float | None = None


class Worker(Part):
    """One worker and the parts it owes."""

    name: str
    arrivals: Count | None = None
    parts_expected: Count | None = None
    parts_received: Count | None = None
    lost: bool | None = None


class HookFailure(Part):
    """A hook that raised."""

    hook: str
    error: str | None = None
    count: Count | None = None


class Recorder(Part):
    """What the span recorder took and lost."""

    spans: Count | None = None
    dropped: Count | None = None


class Browser(Part):
    """The one real browser beside the load."""

    program: str | None = None
    pages: Count | None = None
    requests_blocked: Count | None = None
    requests_held: Count | None = None
    why_not_more: str | None = None


class Run(Part):
    """`run.json`."""

    run: str | None = None
    peakproof: str | None = None
    plan: Plan | None = None
    seed: int | None = None
    environment: Environment | None = None
    command: str | None = None
    started_at: Ns | None = None
    ended_at: Ns | None = None
    ended: str | None = None
    ended_because: str | None = None
    phases: list[Phase] | None = None
    judged: Window | None = None
    release: Release | None = None
    account: Account | None = None
    orders: dict[str, Count | None] | None = None
    scheduling_lag_s: Lag | None = None
    generator_cpu: dict[str, float | None] | None = None
    workers: list[Worker] | None = None
    hook_failures: list[HookFailure] | None = None
    recorder: Recorder | None = None
    browser: Browser | None = None
    versions: dict[str, str | None] | None = None
    notes: list[str] | None = None

    @property
    def release_tested(self) -> str | None:
        """The release under test: that of the plateau, where releases were changed on purpose, else the one seen."""
        tested = [phase.release for phase in self.phases or () if phase.kind == "plateau" and phase.release]
        return tested[-1] if tested else self.release.before if self.release else None


class Objective(Part):
    """One objective as it was judged."""

    name: str
    display_name: str | None = None
    source: str | None = None
    indicator: str | None = None
    steps: list[str] | None = None
    threshold_s: float | None = None
    target: float | None = None
    outcome: str
    events: Count | None = None
    bad: Count | None = None
    ratio_good: float | None = None
    design_effect: float | None = None
    design_effect_from: str | None = None
    bad_ratio_low: float | None = None
    bad_ratio_high: float | None = None
    alpha_pass: float | None = None
    budget_burn: float | None = None
    budget_spend_note: str | None = None
    observed_quantile_s: float | None = None
    observed_service_quantile_s: float | None = None
    needs: str | None = None
    because: str | None = None


class Finding(Part):
    """One reason for the outcome, or a note beside it."""

    kind: str
    severity: str
    subject: str | None = None
    message: str


class Cause(Part):
    """A span that grew, compared with the reference."""

    objective: str | None = None
    service: str
    span: str
    calls_per_trace_before: float | None = None
    calls_per_trace_now: float | None = None
    self_s_before: float | None = None
    self_s_now: float | None = None
    grew_s: float | None = None
    grew_low_s: float | None = None
    grew_high_s: float | None = None
    traces_before: Count | None = None
    traces_now: Count | None = None
    example_trace_ids: list[str] | None = None


class Verdict(Part):
    """`verdict.json`."""

    outcome: str
    exit_code: int
    headline: str | None = None
    decided_at: Ns | None = None
    judged: Window | None = None
    objectives: list[Objective] | None = None
    findings: list[Finding] | None = None
    causes: list[Cause] | None = None


class Example(Part):
    """One order that a check is about."""

    key: str | None = None
    order_id: str | None = None
    detail: str | None = None


class Check(Part):
    """One promise, and whether it was kept."""

    name: str
    outcome: str
    checked: Count | None = None
    broken: Count | None = None
    detail: str | None = None
    examples: list[Example] | None = None


class Audit(Part):
    """`audit.json`."""

    checked_at: Ns | None = None
    sources: dict[str, str] | None = None
    counts: dict[str, Count | None] | None = None
    checks: list[Check] | None = None


class PlannedPhase(Part):
    """A phase as the plan has it; `level` is relative to the peak."""

    name: str
    kind: str | None = None
    duration_s: float | None = None
    represents_s: float | None = None
    level: tuple[float, float] | None = None


class Demand(Part):
    """What demand the plan stands for."""

    source: str | None = None
    forecast_orders_per_hour: float | None = None
    factor: float | None = None
    orders_per_session: float | None = None
    peak_sessions_per_s: float | None = None


class ThinkTime(Part):
    """A shopper's pause between two clicks."""

    median_s: float | None = None
    max_s: float | None = None


class PlanFile(Part):
    """`plan.yaml`."""

    name: str | None = None
    demand: Demand | None = None
    phases: list[PlannedPhase] | None = None
    journeys: dict[str, float] | None = None
    mix_note: str | None = None
    think_time: ThinkTime | None = None


Model = TypeVar("Model", bound=Part)


def read_document(path: Path, model: type[Model]) -> Model:
    """Read JSON or YAML (by suffix) as `model`; raises BadInput when it can't be used, in one line without a path."""
    if not path.exists():
        raise BadInput("is not there")
    try:
        data = _parsed(path)
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the top"
        raise BadInput(f"can't be read: at {place}: {first['msg']}") from error


def _parsed(path: Path) -> Any:  # noqa: ANN401 - a document holds anything until it is validated
    try:
        text = read_text(path, MAX_BYTES)
        return parse_yaml(text, path) if path.suffix == ".yaml" else json.loads(text)
    except BadInput as error:
        raise BadInput(f"can't be read: {str(error).removeprefix(f'{path}: ')}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"can't be read: not JSON: {error}") from error
