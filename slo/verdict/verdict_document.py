"""`verdict.json` (`peakproof/verdict/v1`): the written form of a `Verdict`, and what its readers parse it into."""

from datetime import date
from enum import Enum
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from slo.documents import Count, Ns, WrittenDocument
from slo.findings import Fact
from slo.objectives.indicators import Window
from slo.outcomes import Outcome
from slo.verdict.policy_lines import policy_lines
from slo.verdict.verdict import Verdict

FORMAT: Final = "peakproof/verdict/v1"
Day = Annotated[str, BeforeValidator(lambda value: value.isoformat() if isinstance(value, date) else value)]
Word = Annotated[str, BeforeValidator(lambda value: value.value if isinstance(value, Enum) else value)]


class JudgedTime(WrittenDocument):
    """The judged time, null where the run had none, and the requests outside of it by phase."""

    starts_at: Ns | None = None
    ends_at: Ns | None = None
    left_out: dict[str, Count] = Field(default_factory=dict)

    @property
    def window(self) -> Window | None:
        """The judged time as a window, None where the run had none."""
        if self.starts_at is None or self.ends_at is None or self.ends_at <= self.starts_at:
            return None
        return Window(starts_at=self.starts_at, ends_at=self.ends_at)


class ObjectiveEntry(WrittenDocument):
    """One objective and its judgement; ratios, seconds, effective counts after the design effect."""

    name: str
    outcome: str = Field(examples=["met", "missed", "undecided", "not_judged", "no_data"])
    display_name: str | None = None
    source: str | None = Field(None, examples=["records", "sessions", "prometheus"])
    indicator: str | None = Field(None, examples=["availability", "latency"])
    steps: tuple[str, ...] | None = None
    journeys: tuple[str, ...] | None = Field(None, description="whose sessions are its events, where requests aren't")
    events_are: str | None = Field(None, examples=["requests", "sessions", "slices of 60 s", "answers over 60 s"])
    read_by: str | None = Field(None, description="whether counters were read, or Prometheus evaluated a query")
    threshold_s: float | None = None
    target: float | None = None
    events: Count | None = None
    bad: Count | None = None
    left_out: Count | None = None
    ratio_good: float | None = None
    design_effect: float | None = None
    design_effect_from: str | None = Field(
        None, examples=["measured over 20 blocks and over sessions", "assumed error bursts of 1 s"]
    )
    design_effect_miss: float | None = Field(None, description="what being shown missed rests on")
    design_effect_miss_from: str | None = None
    effective_events: float | None = None
    effective_bad: float | None = None
    bad_ratio_low: float | None = None
    bad_ratio_high: float | None = None
    alpha_fail: float | None = None
    alpha_pass: float | None = None
    planned_events: float | None = Field(None, description="the total a miss was judged on, of an aborted run")
    survives_error_burst_s: float | None = Field(
        None, description="the longest error burst for which it would still be shown met"
    )
    last_third_bad_ratio: float | None = Field(None, description="where that alone is over the budget beyond doubt")
    budget_burn: float | None = None
    budget_spend_note: str | None = None
    production_spend: float | None = Field(
        None, description="the share of production's error budget that a peak like this would spend"
    )
    observed_quantile_s: float | None = Field(None, description="latency at the target quantile, from the schedule")
    observed_quantile_at_least_s: float | None = Field(
        None, description="the same, where a request that was cut off counts with what it had waited until then"
    )
    observed_service_quantile_s: float | None = Field(None, description="the latency from the actual send")
    needs: str | None = None
    because: str | None = None

    @property
    def quantile_or_least_s(self) -> float | None:
        """Return the latency at the target quantile or, where it isn't known, the least that it can be."""
        return self.observed_quantile_at_least_s if self.observed_quantile_s is None else self.observed_quantile_s


class FindingEntry(WrittenDocument):
    """One reason for the outcome, or a note beside it; `change` is what would settle or mend it."""

    kind: str = Field(examples=["objective", "audit", "validity", "cause", "criterion", "budget", "cleanup"])
    severity: Word = Field(examples=["fail", "inconclusive", "note"])
    message: str
    subject: str | None = None
    change: str | None = None
    known: bool | None = Field(None, description="false where the finding is that something isn't known")
    facts: dict[str, Fact] | None = None


class CheckEntry(WrittenDocument):
    """One check of the audit or of the run's validity."""

    kind: str = Field(examples=["audit", "validity"])
    name: str
    status: str = Field(examples=["good", "bad", "unknown", "left out"])
    message: str | None = None


class CauseEntry(WrittenDocument):
    """A span whose self time grew since the reference phase, at the same level; means over traces, winsorised."""

    service: str
    span: str
    objective: str | None = None
    calls_per_trace_before: float | None = None
    calls_per_trace_now: float | None = None
    self_s_before: float | None = None
    self_s_now: float | None = None
    grew_s: float | None = None
    grew_low_s: float | None = Field(None, description="the least that it grew by, at 95 % for all causes at once")
    p_value: float | None = Field(None, description="of the permutation test over blocks, adjusted for all names")
    traces_before: Count | None = None
    traces_now: Count | None = None
    blocks_before: Count | None = Field(None, description="blocks of 10 s that hold those traces")
    blocks_now: Count | None = None
    example_trace_ids: tuple[str, ...] | None = None


class AboutEntry(WrittenDocument):
    """What was judged: a release on an environment with its fingerprint; null and empty are not known."""

    line: str = Field(description="all of it in one line")
    release: str | None = None
    environment: str | None = None
    fingerprint: dict[str, Fact] | None = None
    production_fingerprint: dict[str, Fact] | None = None


class BreachEntry(WrittenDocument):
    """A time whose windows are beyond a criterion's limit; seconds since the judged time began."""

    starts_at: Ns
    ends_at: Ns
    from_s: float | None = None
    to_s: float | None = None
    value: float | None = Field(None, description="the worst window's share of bad requests, or of the plan")
    said: str | None = None


class CriterionEntry(WrittenDocument):
    """One criterion over windows and its evaluation; ratios are shares of requests, or of the plan."""

    name: str
    outcome: str = Field(examples=["held", "breached", "unknown"])
    says: str
    kind: str | None = Field(None, examples=["latency", "errors", "orders", "requests"])
    enforced: bool | None = None
    window_s: float | None = None
    limit: float | None = None
    windows: Count | None = None
    unknown_windows: Count | None = None
    value: float | None = Field(None, description="the worst known window's")
    breaches: tuple[BreachEntry, ...] | None = Field(None, description="the first twenty")
    breached_s: float | None = None
    level: float | None = Field(None, description="outside of what was breached")
    dispersion: float | None = Field(None, description="variance of its windows over that of independent requests")
    chance_by_noise: float | None = Field(None, description="of a breach in one run at this level, by chance alone")
    quiet_limit: float | None = Field(None, description="the limit that one run in a hundred would breach by chance")
    because: str | None = None
    noise: str | None = None


class WaiverEntry(WrittenDocument):
    """What became of one waiver."""

    waives: str
    owner: str
    reason: str
    expires: Day
    status: str = Field(examples=["waived", "unused", "expired", "refused"])
    message: str | None = None


class PolicyEntry(WrittenDocument):
    """What the team decided beside the objectives, and what came of it; `lines` say it."""

    mode: str = Field(examples=["enforce", "advisory"])
    on_inconclusive: str | None = Field(None, examples=["block", "warn"])
    waivers: tuple[WaiverEntry, ...] = ()
    lines: tuple[str, ...] = ()


class VerdictDocument(WrittenDocument):
    """The judgement of one run."""

    format: Annotated[str, Field(json_schema_extra={"const": FORMAT})] = FORMAT
    outcome: Word = Field(examples=["PASS", "FAIL", "INCONCLUSIVE"])
    exit_code: int = Field(
        examples=[int(one.exit_code) for one in Outcome], description="0 also where the policy is advisory"
    )
    run: str | None = None
    about: AboutEntry | None = None
    unverified: Word | None = Field(
        None, description="judged though nothing shows that the evidence is whole: what it would be", examples=["PASS"]
    )
    headline: str | None = None
    decided_at: Ns | None = None
    judged: JudgedTime | None = None
    objectives: tuple[ObjectiveEntry, ...] | None = None
    findings: tuple[FindingEntry, ...] | None = None
    checks: tuple[CheckEntry, ...] | None = None
    causes: tuple[CauseEntry, ...] | None = None
    not_shown: tuple[str, ...] | None = Field(None, description="of a PASS: what it doesn't show")
    criteria: tuple[CriterionEntry, ...] | None = None
    policy: PolicyEntry | None = None


def verdict_document(verdict: Verdict) -> VerdictDocument:
    """Return the written form of `verdict`."""
    window = verdict.judged
    return VerdictDocument(
        run=verdict.run,
        about=AboutEntry.model_validate(verdict.about, from_attributes=True),
        outcome=verdict.outcome.value,
        exit_code=int(verdict.exit_code),
        unverified=None if verdict.unverified is None else verdict.unverified.value,
        headline=verdict.headline,
        decided_at=verdict.decided_at,
        judged=JudgedTime(
            starts_at=None if window is None else window.starts_at,
            ends_at=None if window is None else window.ends_at,
            left_out=dict(verdict.left_out),
        ),
        objectives=tuple(ObjectiveEntry.model_validate(one, from_attributes=True) for one in verdict.objectives),
        findings=tuple(FindingEntry.model_validate(one, from_attributes=True) for one in verdict.findings),
        checks=tuple(CheckEntry.model_validate(one, from_attributes=True) for one in verdict.checks),
        causes=tuple(CauseEntry.model_validate(one, from_attributes=True) for one in verdict.causes),
        not_shown=verdict.not_shown,
        criteria=tuple(CriterionEntry.model_validate(one, from_attributes=True) for one in verdict.criteria),
        policy=PolicyEntry(
            mode=verdict.mode,
            on_inconclusive=verdict.on_inconclusive,
            waivers=tuple(WaiverEntry.model_validate(one, from_attributes=True) for one in verdict.waivers),
            lines=policy_lines(verdict),
        ),
    )
