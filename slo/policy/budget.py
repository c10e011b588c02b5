"""The error-budget policy: what is left of each objective's budget over its own window, and what may be released.

Source: Google, The Site Reliability Workbook (2018), appendix B, "Example Error Budget Policy": a service that has
spent its budget of the window makes no release but for what mends it.
"""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slo.documents import BadInput, Document
from slo.formatting import percent
from slo.objectives.selectors import parse_selector
from slo.web_addresses import normal

Decision = Literal["ship", "care", "freeze", "no data"]
WORDS = {"ship": "ship", "care": "ship with care", "freeze": "freeze", "no data": "no data"}
_WORST_FIRST: tuple[Decision, ...] = ("freeze", "no data", "care", "ship")


def _address(text: str) -> str:
    scheme, _, rest = text.partition("://")
    if scheme.lower() not in {"http", "https"} or not rest or "@" in rest or not text.isprintable() or " " in text:
        raise ValueError("expected an address such as http://prometheus:9090, without a password in it")
    return normal(text).rstrip("/")


def _matchers(text: str) -> str:
    parse_selector(f"any_total{{{text}}}")
    return text


def address(text: str) -> str:
    """Return a Prometheus' address that a command was given; raises BadInput for what is none."""
    try:
        return _address(text)
    except ValueError as error:
        raise BadInput(f"--prometheus: {error}") from error


class BudgetPolicy(Document):
    """When to ship with care, and when to freeze, by what is left of an objective's error budget.

    With `prometheus` the gate asks it, and a freeze is a finding; `matcher` selects its series of production, such as
    environment="production". `min_coverage` is the share of the window that must
    hold data; less is no data.
    """

    prometheus: Annotated[str, AfterValidator(_address)] | None = None
    matcher: Annotated[str, Field(max_length=500), AfterValidator(_matchers)] = ""
    care_below: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.25
    freeze_below: Annotated[float, Field(ge=-10, le=1)] = 0.0
    min_coverage: Annotated[float, Field(strict=True, gt=0, le=1)] = 0.9

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.freeze_below > self.care_below:
            raise ValueError("freeze_below must not be above care_below")
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was counted of an objective since its window began, or in `no_data` why it isn't known.

    `events` and `bad` are of the share `coverage` of the time that has passed, which is the share `elapsed` of the
    whole window: 1 where that is a rolling one.
    """

    events: float = 0.0
    bad: float = 0.0
    coverage: float = 0.0
    elapsed: float = 1.0
    no_data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLeft:
    """One objective's error budget: what is left of it, below 0 where more was spent, None where it isn't known."""

    objective: str
    target: float
    window: str
    left: float | None
    events: float
    bad: float
    coverage: float
    elapsed: float
    decision: Decision
    because: str


def decide(objective: str, target: float, window: str, spent: Spent, policy: BudgetPolicy) -> BudgetLeft:
    """Return what is left of an objective's budget and what follows; nothing that is missing counts as unspent."""
    left = None if spent.no_data or spent.events <= 0 else _left(spent, target)
    return BudgetLeft(
        objective=objective,
        target=target,
        window=window,
        left=left,
        events=spent.events,
        bad=spent.bad,
        coverage=spent.coverage,
        elapsed=spent.elapsed,
        decision=_decision(left, spent, policy),
        because=_because(left, window, spent, policy),
    )


def worst(decisions: tuple[Decision, ...]) -> Decision:
    """Return what holds for all objectives together: a freeze is a fact, whatever isn't known of the others."""
    return next((one for one in _WORST_FIRST if one in decisions), "no data")


def _left(spent: Spent, target: float) -> float:
    """Return the share left of the whole window's budget, had it as many events an hour as so far."""
    budget = (1 - target) * spent.events / (spent.coverage * spent.elapsed)
    return round(1 - spent.bad / budget, 9)


def _decision(left: float | None, spent: Spent, policy: BudgetPolicy) -> Decision:
    if left is None or not math.isfinite(left):
        return "no data"
    if left <= policy.freeze_below:
        return "freeze"  # more data of the same window would only add to what is spent
    if spent.coverage < policy.min_coverage:
        return "no data"
    return "care" if left < policy.care_below else "ship"


def _because(left: float | None, window: str, spent: Spent, policy: BudgetPolicy) -> str:
    if left is None:
        return spent.no_data or "nothing was counted in its window"
    said = f"{percent(max(0.0, left))} of its {window} budget is left"
    if left < 0:
        said = f"its {window} budget is overspent: {1 - left:.3g} times of it"
    if spent.elapsed < 1:
        said += f", with {percent(1 - spent.elapsed)} of the time to go"
    if spent.coverage < policy.min_coverage:
        covers, wanted = percent(spent.coverage), percent(policy.min_coverage)
        said += (
            f"; data covers {covers} of the time, and {wanted} is needed: keep it longer"
            " (--storage.tsdb.retention.time), or lower budget.min_coverage"
        )
    return said
