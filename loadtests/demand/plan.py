"""The plan, document `plan.yaml`: the demand to replay, checked strictly (docs/contracts.md)."""

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar, Final, Literal, Self

import yaml
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from loadtests.demand.curve import Curve, Piece
from loadtests.demand.think_time import Positive, ThinkTime
from slo import yaml_text
from slo.documents import Document, read_yaml

FORMAT: Final = "peakproof/plan/v1"
MAX_DURATION_S = 24 * 3600
MAX_SESSIONS = 10_000_000
MAX_RATE_PER_S = 10_000
_KINDS = ("reference", "warm-up", "ramp", "plateau", "drain")  # in the order they must come
_ONCE = ("reference", "warm-up", "drain")
_HEADER = """\
# The demand a run replays, made by `peakproof plan build`; docs/contracts.md says what each key means.
# level is relative to peak_sessions_per_s; a phase lasts duration_s and replays represents_s seconds of a real day.
"""


def is_name(text: str) -> bool:
    """Whether a text may name a plan, a phase or a journey."""
    return re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", text) is not None


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must not hold a control character")
    return text


def _dns_label(text: str) -> str:
    if not is_name(text):
        raise ValueError("must be a DNS label of 1 to 40 characters: a-z, 0-9 and inner hyphens")
    return text


# How arrivals are spaced along the curve: a Poisson process, or evenly, for measuring the generator itself.
Spacing = Literal["poisson", "regular"]
# Which assets are fetched beside the pages: none, those of the shop's own origin, or those of its CDN too.
# YAML reads a plain off as false.
Assets = Annotated[
    Literal["off", "shop", "all"],
    BeforeValidator(
        lambda value: "off" if value is False else value, json_schema_input_type=Literal["off", "shop", "all", False]
    ),
]
# Which event streams a session opens: none, or that of its order's status.
Streams = Annotated[
    Literal["off", "orders"],
    BeforeValidator(
        lambda value: "off" if value is False else value, json_schema_input_type=Literal["off", "orders", False]
    ),
]
Name = Annotated[str, AfterValidator(_dns_label)]
StepName = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_printable)]
Level = Annotated[float, Field(ge=0, le=100)]


class _Part(Document):
    """A part of the plan: no "1" for 1 and no true for 1."""

    model_config = ConfigDict(strict=True)


class Demand(_Part):
    """How the peak rate was derived, so that it can be checked."""

    source: str = Field(min_length=1, max_length=500)
    forecast_orders_per_hour: Positive
    factor: Positive
    orders_per_session: Positive
    peak_sessions_per_s: Positive

    @field_validator("peak_sessions_per_s")
    @classmethod
    def _agrees(cls, value: float, info: ValidationInfo) -> float:
        given = info.data
        if not {"forecast_orders_per_hour", "factor", "orders_per_session"} <= given.keys():
            return value  # their own errors are reported
        expected = given["forecast_orders_per_hour"] * given["factor"] / 3600 / given["orders_per_session"]
        if not math.isclose(value, expected, rel_tol=0.01):
            raise ValueError(
                f"must be within 1 % of forecast_orders_per_hour * factor / 3600 / orders_per_session = {expected:.6g}"
            )
        return value


class Phase(_Part):
    """A stretch of the run; `level` is relative to the peak, at its start and its end, and missing in the drain."""

    RENAMED = MappingProxyType({"plays_s": "duration_s", "stands_for_s": "represents_s"})

    name: Name
    kind: Literal["reference", "warm-up", "ramp", "plateau", "drain"]
    duration_s: float = Field(ge=0.1, le=MAX_DURATION_S)
    represents_s: Positive | None = None
    level: Annotated[tuple[Level, Level], Field(strict=False)] | None = Field(default=None, validate_default=True)

    @field_validator("level")
    @classmethod
    def _fits_kind(cls, value: tuple[float, float] | None, info: ValidationInfo) -> tuple[float, float] | None:
        kind = info.data.get("kind")
        if kind == "drain" and value is not None:
            raise ValueError("a drain has no level: nobody arrives in it")
        if kind is not None and kind != "drain" and value is None:
            raise ValueError(f"a {kind} needs a level: [at its start, at its end]")
        if kind == "plateau" and value is not None and not max(value) > 0:
            raise ValueError("a plateau's level must be above 0")
        return value


class CartLines(_Part):
    """How many different products a cart holds, drawn uniformly from `min` to `max`."""

    min: int = Field(ge=1, le=50)
    max: int = Field(ge=1, le=50)

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("min", 0):
            raise ValueError(f"must be at least min = {info.data['min']}")
        return value


class Limits(_Part):
    """Limits of the load generator: an arrival above `open_sessions` is dropped and counted.

    With `connections` all sessions share that many to the shop, and a request that finds none free waits; without it
    each session opens its own, as a browser does.
    """

    open_sessions: int = Field(ge=1, le=1_000_000)
    connections: int | None = Field(default=None, ge=1, le=1_000_000)


class Visits(_Part):
    """How often a session of one journey makes each step when nothing is refused, and how many orders it attempts.

    Counted by `peakproof try`.
    """

    steps: Mapping[StepName, Positive] = Field(min_length=1)
    orders: float = Field(default=0.0, ge=0, le=1000)


class NotJudged(_Part):
    """An objective that a run of this plan is too short to prove, and why."""

    objective: Annotated[str, Field(min_length=1, max_length=63)]
    because: Annotated[str, Field(min_length=1, max_length=500)]


class Plan(_Part):
    """A valid plan; times are seconds from the run's start, rates sessions a second."""

    RENAMED: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"design_effect_prior": "assumed_error_burst_s: the longest error burst that a PASS is to rule out, in seconds"}
    )

    format: Literal["peakproof/plan/v1"]
    name: Name
    seed: int = Field(ge=0, lt=2**53)
    spacing: Spacing = "poisson"
    demand: Demand
    phases: Annotated[tuple[Phase, ...], Field(strict=False)]
    journeys: Mapping[str, float]
    visits: Mapping[Name, Visits] = Field(default_factory=dict)
    mix_note: str = Field(default="", max_length=1000)
    think_time: ThinkTime
    cart_lines: CartLines
    assets: Assets = "off"
    streams: Streams = "off"
    trace_sampling: float = Field(default=1.0, ge=0, le=1)
    limits: Limits
    assumed_error_burst_s: float = Field(default=1.0, gt=0, le=60)
    not_judged: Annotated[tuple[NotJudged, ...], Field(strict=False)] = ()

    @field_validator("phases")
    @classmethod
    def _possible(cls, phases: tuple[Phase, ...], info: ValidationInfo) -> tuple[Phase, ...]:
        _check_order(phases)
        _check_compression(phases)
        _check_size(phases, info.data.get("demand"))
        return phases

    @field_validator("journeys")
    @classmethod
    def _known_shares(cls, shares: Mapping[str, float]) -> Mapping[str, float]:
        for name, share in shares.items():
            if not is_name(name):
                raise ValueError(f"{name!r} is no journey's name: 1 to 40 of a-z, 0-9 and inner hyphens")
            if not 0 <= share <= 1:
                raise ValueError(f"the share of {name} must be from 0 to 1, not {share:g}")
        total = math.fsum(shares.values())
        if abs(total - 1) > 1e-6:  # noqa: PLR2004 - what rounding to six digits leaves
            raise ValueError(f"shares must sum to 1, not {total:.6g}")
        return shares

    @field_validator("not_judged")
    @classmethod
    def _named_once(cls, value: tuple[NotJudged, ...]) -> tuple[NotJudged, ...]:
        names = [item.objective for item in value]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]} is named twice")
        return value

    @property
    def duration_s(self) -> float:
        """Length of the run, the drain included."""
        return math.fsum(phase.duration_s for phase in self.phases)

    @property
    def compression(self) -> float:
        """Seconds of a real day that one second of the run represents, in the phases that say so; 1 when none does."""
        return next((p.represents_s / p.duration_s for p in self.phases if p.represents_s is not None), 1.0)

    def starts_s(self) -> tuple[float, ...]:
        """Return when each phase begins, and last when the run ends: one more than there are phases."""
        return tuple(math.fsum(p.duration_s for p in self.phases[:n]) for n in range(len(self.phases) + 1))

    @property
    def arrivals_end_s(self) -> float:
        """When the drain begins: the last moment of an arrival."""
        return self.starts_s()[-2]

    def judged_span(self) -> tuple[float, float]:
        """Return the judged span: from the end of the warm-up to the end of the last plateau."""
        ends = dict(zip((phase.kind for phase in self.phases), self.starts_s()[1:], strict=True))
        return ends["warm-up"], ends["plateau"]

    def curve(self) -> Curve:
        """Return the planned arrival rate over the whole duration."""
        peak = self.demand.peak_sessions_per_s
        starts = self.starts_s()
        return Curve(
            pieces=tuple(
                Piece(start_s=start, end_s=end, start_rate=peak * level[0], end_rate=peak * level[1])
                for phase, (start, end) in zip(self.phases, pairwise(starts), strict=True)
                for level in (phase.level or (0.0, 0.0),)
            )
        )

    def expected_events(self, steps_of_journey: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
        """Return the requests expected in the judged span by step, given a session's visits of each step by journey.

        Counts the sessions that arrive in the span as if all their steps fell into it. Sessions that straddle its end
        are over-counted and those that straddle its start left out; the two cancel but for the difference in rate.
        Raises ValueError when a journey of the plan isn't described.
        """
        start_s, end_s = self.judged_span()
        curve = self.curve()
        sessions = curve.expected_arrivals(end_s) - curve.expected_arrivals(start_s)
        events: dict[str, float] = {}
        for journey, share in self.journeys.items():
            if share and journey not in steps_of_journey:
                raise ValueError(f"the steps of journey {journey} are not given")
            for step, visits in steps_of_journey.get(journey, {}).items():
                events[step] = events.get(step, 0.0) + sessions * share * visits
        return events

    def to_yaml(self) -> str:
        """Return the document, the same text for the same plan; what is unset is left out."""
        data = self.model_dump(mode="json", exclude_none=True)
        optional = {key for key in ("mix_note", "not_judged", "visits") if not data[key]}
        defaults = {"spacing": self.spacing == "poisson", "assets": self.assets == "off"}
        defaults["streams"] = self.streams == "off"
        optional |= {key for key, is_default in defaults.items() if is_default}
        data = {key: value for key, value in data.items() if key not in optional}
        body = yaml.dump(
            {key: _laid_out(key, value) for key, value in data.items()},
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            default_flow_style=False,
            width=10_000,
        )
        return f"{_HEADER}{body}"

    def with_seed(self, seed: int) -> Self:
        """Return the same demand with another seed."""
        return self.model_validate({**self.model_dump(), "seed": seed})


def read_plan(path: Path) -> Plan:
    """Read the plan at `path`; raises BadInput that lists every error."""
    return read_yaml(path, Plan)


def _check_order(phases: tuple[Phase, ...]) -> None:
    kinds: list[str] = [phase.kind for phase in phases]
    for kind in ("warm-up", "plateau", "drain"):
        if kind not in kinds:
            raise ValueError(f"a plan needs a {kind}")
    for kind in _ONCE:
        if kinds.count(kind) > 1:
            raise ValueError(f"a plan has at most one {kind}")
    for before, after in pairwise(phases):
        if _KINDS.index(after.kind) < _KINDS.index(before.kind):
            raise ValueError(
                f"{after.name} ({after.kind}) comes after {before.name} ({before.kind});"
                f" the order is {', '.join(_KINDS)}"
            )
    names = [phase.name for phase in phases]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two phases are named {twice[0]}")


def _check_compression(phases: tuple[Phase, ...]) -> None:
    ratios = [(phase.name, phase.represents_s / phase.duration_s) for phase in phases if phase.represents_s is not None]
    for (first, expected), (other, ratio) in pairwise(ratios):
        if not math.isclose(ratio, expected, rel_tol=1e-6):
            raise ValueError(
                "represents_s / duration_s must be the same in every phase that has it,"
                f" but is {expected:g} in {first} and {ratio:g} in {other}"
            )


def _check_size(phases: tuple[Phase, ...], demand: Demand | None) -> None:
    duration_s = math.fsum(phase.duration_s for phase in phases)
    if duration_s > MAX_DURATION_S:
        raise ValueError(f"the phases last {duration_s:g} s together; at most {MAX_DURATION_S} s are allowed")
    if demand is None:
        return  # its own errors are reported
    levels = [(phase.duration_s, phase.level or (0.0, 0.0)) for phase in phases]
    rate = demand.peak_sessions_per_s * max(max(level) for _, level in levels)
    if rate > MAX_RATE_PER_S:
        raise ValueError(f"the highest rate is {rate:g} sessions/s; at most {MAX_RATE_PER_S} are allowed")
    sessions = demand.peak_sessions_per_s * math.fsum(duration_s * sum(level) / 2 for duration_s, level in levels)
    if sessions < 1:
        raise ValueError(f"only {sessions:.3g} sessions are planned; at least 1 is needed")
    if sessions > MAX_SESSIONS:
        raise ValueError(f"{sessions:.0f} sessions are planned; at most {MAX_SESSIONS} are allowed")


class _Inline(dict[str, object]):
    """A mapping to be written on one line."""


class _Dumper(yaml_text.Dumper):
    """The safe dumper, which knows what stands on one line."""


_Dumper.add_representer(
    _Inline, lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data, flow_style=True)
)
_Dumper.add_representer(
    tuple, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=True)
)
_Dumper.add_representer(
    float,
    lambda dumper, value: dumper.represent_int(int(value)) if value.is_integer() else dumper.represent_float(value),
)


def _laid_out(key: str, value: object) -> object:
    """`value` with small mappings on one line each; `demand` is argued with and keeps a line a number."""
    if isinstance(value, list):
        return [_laid_out("", item) for item in value]
    if isinstance(value, dict) and key != "demand":
        return _Inline({name: tuple(item) if isinstance(item, list) else item for name, item in value.items()})
    return value
