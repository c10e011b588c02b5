"""OpenSLO's SLO: what share of an indicator's events, or of time, must be good.

Source: https://openslo.com/specification#slo, with its notes on objectives and on composite SLOs.
"""

import re
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, model_validator

from slo.burn_rates import period_s
from slo.objectives.openslo.alerts import PolicyItem
from slo.objectives.openslo.parts import Description, Duration, Object, Operator, Part, Reference, Target, TargetPercent
from slo.objectives.openslo.sli import InlineSli

_MINUTE_S = 60


def _start_time(value: object) -> object:
    """Take a moment as YAML reads one, or as text, without a time zone."""
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else value
    if not isinstance(text, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text):
        raise ValueError("expected a date and a time without time zone, such as 2020-01-21 12:30:00")
    datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the specification gives the zone apart
    return text


def _time_zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError("expected a name of the IANA time zone database, such as Europe/Berlin") from None


def _slice_window(value: object) -> object:
    """Take minutes as a number."""
    return f"{value}m" if isinstance(value, int) and not isinstance(value, bool) else value


class _Calendar(Part):
    start_time: Annotated[str, BeforeValidator(_start_time)]
    time_zone: Annotated[str, AfterValidator(_time_zone)]

    @property
    def first(self) -> datetime:
        """When the first period starts."""
        return datetime.fromisoformat(self.start_time).replace(tzinfo=ZoneInfo(self.time_zone))


class _TimeWindow(Part):
    duration: Duration
    is_rolling: StrictBool = False
    calendar: _Calendar | None = None

    @model_validator(mode="after")
    def _rolling_or_not(self) -> "_TimeWindow":
        if self.is_rolling and self.calendar is not None:
            raise ValueError("isRolling: true and calendar exclude each other")
        if not self.is_rolling and self.calendar is None:
            raise ValueError("expected isRolling: true, or a calendar")
        return self


class Threshold(Part):
    """One of the objectives of an SLO."""

    display_name: str | None = None
    op: Operator | None = None
    value: Annotated[float, Field(strict=True)] | None = None
    target: Target | None = None
    target_percent: Annotated[TargetPercent, Field(strict=True)] | None = None
    time_slice_target: Annotated[float, Field(gt=0, le=1, strict=True)] | None = None
    time_slice_window: Annotated[Duration, BeforeValidator(_slice_window)] | None = None
    indicator: InlineSli | None = None
    indicator_ref: Reference | None = None
    composite_weight: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_target(self) -> "Threshold":
        if (self.target is None) == (self.target_percent is None):
            raise ValueError("expected exactly one of target and targetPercent")
        if self.composite_weight not in (None, 1.0):
            raise ValueError(
                "compositeWeight multiplies the burn rate of a composite's budget, and a run judges each objective by"
                " itself: leave it out"
            )
        return self

    @property
    def ratio(self) -> float:
        """The target as a ratio."""
        return self.target if self.target is not None else round((self.target_percent or 0.0) / 100, 12)

    @property
    def slice_s(self) -> int | None:
        """The length of a slice."""
        return None if self.time_slice_window is None else period_s(self.time_slice_window)


class SloSpec(Part):
    """What must be good, of what, over which time."""

    description: Description = ""
    service: Annotated[str, Field(pattern=r"^[a-zA-Z0-9][-_.a-zA-Z0-9]{0,62}$")]
    indicator: InlineSli | None = None
    indicator_ref: Reference | None = None
    time_window: Annotated[list[_TimeWindow], Field(min_length=1, max_length=1)] | None = None
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"]
    objectives: Annotated[list[Threshold], Field(min_length=1, max_length=20)]
    alert_policies: list[PolicyItem] | None = None

    @model_validator(mode="after")
    def _one_indicator(self) -> "SloSpec":
        own = self.indicator is not None, self.indicator_ref is not None
        if all(own):
            raise ValueError("expected one of indicator and indicatorRef, not both")
        inside = [(one.indicator is not None) + (one.indicator_ref is not None) for one in self.objectives]
        if any(own) and any(inside):
            raise ValueError(
                "an indicator stands at the SLO or, of a composite, at each of its objectives, not at both"
            )
        if not any(own) and set(inside) != {1}:
            raise ValueError(
                "expected an indicator or an indicatorRef, or one of them at each objective of a composite"
            )
        return self

    @model_validator(mode="after")
    def _sliced(self) -> "SloSpec":
        for one in self.objectives:
            _check_slices(self.budgeting_method, one)
        return self


def _check_slices(method: str, one: Threshold) -> None:
    if method == "Occurrences":
        if one.time_slice_target is not None or one.time_slice_window is not None:
            raise ValueError("timeSliceTarget and timeSliceWindow belong to the budgeting methods of time slices")
        return
    if one.time_slice_window is None:
        raise ValueError(f"budgetingMethod {method} needs timeSliceWindow at each objective")
    if method == "Timeslices" and one.time_slice_target is None:
        raise ValueError("budgetingMethod Timeslices needs timeSliceTarget at each objective")
    if method == "RatioTimeslices" and one.time_slice_target is not None:
        raise ValueError("timeSliceTarget belongs to Timeslices; RatioTimeslices averages the slices' ratios")


class Slo(Object):
    """A service level objective."""

    kind: Literal["SLO"]
    spec: SloSpec
