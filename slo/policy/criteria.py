"""Criteria over windows: limits beside the objectives that no stretch of the judged time may be beyond.

A criterion is about every window of `window_s` in the judged time, whichever second it begins at: what its requests
come to as a whole. It is advisory unless `enforce` is true, since a limit without statistics is passed by chance, too.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool

from slo.documents import Document
from slo.formatting import count, percent, seconds
from slo.objectives.indicators import Asked
from slo.objectives.openslo.parts import Name
from slo.objectives.sources import Clock

MAX_CRITERIA = 20
MAX_WINDOW_S = 3600
MIN_WINDOW_S = 5


def _whole_and_printable(text: str) -> str:
    if not text.isprintable() or not text:
        raise ValueError("expected a step's name without control characters")
    return text


Step = Annotated[str, Field(max_length=120), AfterValidator(_whole_and_printable)]
Steps = Annotated[tuple[Step, ...], Field(max_length=50)]


class _Criterion(Document):
    name: Name
    window_s: Annotated[int, Field(strict=True, ge=MIN_WINDOW_S, le=MAX_WINDOW_S)]
    enforce: StrictBool = False

    @property
    def _windows(self) -> str:
        return f"in any {seconds(self.window_s)}"


class _RateCriterion(_Criterion):
    under_plan_ratio: Annotated[float, Field(strict=True, gt=0, lt=1)]

    @property
    def limit(self) -> float:
        """The share of the plan below which it is breached."""
        return self.under_plan_ratio

    @property
    def _under(self) -> str:
        return f"a minute under {percent(self.under_plan_ratio)} of the plan {self._windows}"


def _of(steps: Sequence[str]) -> str:
    return f" of {', '.join(steps)}" if steps else ""


class LatencyCriterion(_Criterion):
    """The latency of some steps at a quantile must not be over `over_s`; a request that failed counts as over it."""

    kind: Literal["latency"]
    steps: Annotated[Steps, Field(min_length=1)]
    quantile: Annotated[float, Field(strict=True, ge=0.5, le=0.999)]
    over_s: Annotated[float, Field(gt=0, le=600)]
    clock: Clock = "scheduled"

    @property
    def limit(self) -> float:
        """The share of requests that may take longer than `over_s`: with more, the quantile is beyond it."""
        return round(1 - self.quantile, 9)

    @property
    def asked(self) -> Asked:
        """Which requests are bad, as objectives ask it."""
        return Asked(steps=self.steps, clock=self.clock, threshold_s=self.over_s)

    @property
    def says(self) -> str:
        """The criterion as a phrase."""
        return f"{self.shown_quantile} of {', '.join(self.steps)} over {seconds(self.over_s)} {self._windows}"

    @property
    def shown_quantile(self) -> str:
        """Such as p95 or p99.9."""
        return f"p{self.quantile * 100:.9g}"


class ErrorsCriterion(_Criterion):
    """The share of requests that failed must not be over `over_ratio`; of every step where none is named."""

    kind: Literal["errors"]
    steps: Steps = ()
    over_ratio: Annotated[float, Field(strict=True, gt=0, lt=1)]

    @property
    def limit(self) -> float:
        """The share of requests that may fail."""
        return self.over_ratio

    @property
    def asked(self) -> Asked:
        """Which requests are bad, as objectives ask it."""
        return Asked(steps=self.steps)

    @property
    def says(self) -> str:
        """The criterion as a phrase."""
        return f"errors{_of(self.steps)} over {percent(self.over_ratio)} {self._windows}"


class OrdersCriterion(_RateCriterion):
    """The orders accepted a minute must not be under a share of what the plan's sessions would place."""

    kind: Literal["orders"]

    @property
    def says(self) -> str:
        """The criterion as a phrase."""
        return f"orders {self._under}"


class RequestsCriterion(_RateCriterion):
    """The good replies a minute of some steps, or all, must not be under a share of what the plan would ask for."""

    kind: Literal["requests"]
    steps: Steps = ()

    @property
    def says(self) -> str:
        """The criterion as a phrase."""
        return f"good replies{_of(self.steps)} {self._under}"


RateCriterion = OrdersCriterion | RequestsCriterion
Criterion = Annotated[
    LatencyCriterion | ErrorsCriterion | OrdersCriterion | RequestsCriterion, Field(discriminator="kind")
]


def named_once(criteria: tuple[Criterion, ...]) -> tuple[Criterion, ...]:
    """Refuse a name that two criteria have."""
    names = [one.name for one in criteria]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two criteria are named {twice[0]}")
    return criteria


def events_for_one(limit: float) -> int:
    """Return how many requests a window must hold so that a single bad one is not over the limit."""
    return math.ceil(round(1 / limit, 9))


def strange_steps(criteria: tuple[Criterion, ...], known: Mapping[str, object]) -> list[str]:
    """Return a sentence for each criterion about steps that a plan doesn't make."""
    found = []
    for one in criteria:
        steps = () if isinstance(one, OrdersCriterion) else one.steps
        if strange := [step for step in steps if step not in known]:
            there = ", ".join(sorted(known))
            found.append(f"the criterion {one.name} is about {', '.join(strange)}; the plan's steps: {there}")
    return found


def few(limit: float, held: float) -> str:
    """Return what it means that a window holds few requests, empty where it holds enough."""
    enough = events_for_one(limit)
    if held >= enough:
        return ""
    return f"a window holds about {count(round(held))} requests, in which a single bad one is over the limit"
