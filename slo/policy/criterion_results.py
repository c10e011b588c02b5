"""The result of each criterion over windows: held, breached or unknown, with its figures and sentences."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from slo.findings import Finding, Severity
from slo.formatting import count, percent, seconds
from slo.objectives.indicators import Window
from slo.policy.chance import Chance
from slo.policy.criteria import Criterion, ErrorsCriterion, LatencyCriterion, OrdersCriterion, RateCriterion, few
from slo.policy.windows import MAX_STRETCHES, Evaluated, Seconds, Stretch, counted, evaluate

CriterionOutcome = Literal["held", "breached", "unknown"]
Quantiles = Callable[[LatencyCriterion, Sequence[Window]], Sequence[float | None]]
_NS = 1_000_000_000
_MAX_QUANTILES = 5
_RARELY, _SELDOM = 0.01, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """A time whose windows are beyond the limit: its ends, and the value of its worst window as people read it."""

    starts_at: int
    ends_at: int
    from_s: float
    to_s: float
    value: float
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionResult:
    """One criterion's evaluation; `says` is what it forbids, `chance_by_noise` how often luck alone would breach it.

    `value` is the worst window's share of bad requests, or of the plan, and `limit` the share allowed, or wanted.
    `breached_s` is how long breaches lasted together, and `breaches` the first twenty of them.
    """

    name: str
    kind: str
    says: str
    enforced: bool
    outcome: CriterionOutcome
    window_s: int
    limit: float
    windows: int
    unknown_windows: int
    value: float | None
    breaches: tuple[Breach, ...]
    breached_s: int
    level: float | None
    dispersion: float | None
    chance_by_noise: float | None
    quiet_limit: float | None
    because: str
    noise: str

    @property
    def finding(self) -> Finding | None:
        """The finding that it makes: enforced, a breach fails and what isn't known is inconclusive; else a note."""
        if self.outcome == "held":
            return None
        severity = Severity.NOTE
        change = "" if self.outcome == "breached" else "run longer, or lengthen its window_s"
        if self.enforced:
            severity = Severity.FAIL if self.outcome == "breached" else Severity.INCONCLUSIVE
        word = "" if self.enforced else " (advisory)"
        return Finding(
            kind="criterion",
            severity=severity,
            subject=self.name,
            message=f"{self.says}: {self.outcome}{word}: {self.because}",
            change=change,
            known=self.outcome != "unknown",
            facts={"limit": self.limit, "value": self.value, "breached_s": self.breached_s},
        )


def evaluate_criteria(
    criteria: Sequence[Criterion],
    counts: Mapping[str, Seconds | str],
    window: Window | None,
    quantiles: Quantiles,
) -> tuple[CriterionResult, ...]:
    """Evaluate each criterion on its counts by second, or on the sentence that says why there are none."""
    return tuple(_result(one, counts.get(one.name, "nothing was counted"), window, quantiles) for one in criteria)


def distrusted(results: Sequence[CriterionResult], why: str | None) -> tuple[CriterionResult, ...]:
    """Return results of a run that isn't valid: what came too seldom may have been lost, so it isn't known."""
    if why is None:
        return tuple(results)
    return tuple(
        _replaced(one, f"the run isn't valid: {why}") if one.kind in ("orders", "requests") else one for one in results
    )


def _replaced(result: CriterionResult, because: str) -> CriterionResult:
    kept = {name: getattr(result, name) for name in CriterionResult.__slots__}
    return CriterionResult(**{**kept, "outcome": "unknown", "because": because})


def _result(
    criterion: Criterion, counts: Seconds | str, window: Window | None, quantiles: Quantiles
) -> CriterionResult:
    if isinstance(counts, str) or window is None:
        why = counts if isinstance(counts, str) else "the run has no judged time"
        return _built(criterion, None, (), why)
    found = evaluate(criterion, counts)
    if not found.windows:
        had = seconds(window.duration_s)
        return _built(criterion, None, (), f"the judged time of {had} is shorter than its window")
    return _built(criterion, found, tuple(_breaches(criterion, found, window, quantiles)), None)


def _built(
    criterion: Criterion, found: Evaluated | None, breaches: tuple[Breach, ...], why: str | None
) -> CriterionResult:
    chance = None if found is None else found.chance
    outcome: CriterionOutcome = "held"
    if found is None or (found.unknown and not found.breached):
        outcome = "unknown"
    elif found.breached:
        outcome = "breached"
    return CriterionResult(
        name=criterion.name,
        kind=criterion.kind,
        says=criterion.says,
        enforced=criterion.enforce,
        outcome=outcome,
        window_s=criterion.window_s,
        limit=criterion.limit,
        windows=0 if found is None else found.windows,
        unknown_windows=0 if found is None else found.unknown,
        value=None if found is None else found.value,
        breaches=breaches,
        breached_s=0 if found is None else counted(found.stretches),
        level=None if chance is None else chance.level,
        dispersion=None if chance is None else chance.dispersion,
        chance_by_noise=None if chance is None else chance.ratio,
        quiet_limit=None if chance is None else chance.quiet_limit,
        because=why or _because(criterion, found, breaches),
        noise=_noise(criterion, chance),
    )


def _breaches(criterion: Criterion, found: Evaluated, window: Window, quantiles: Quantiles) -> Iterator[Breach]:
    stretches = found.stretches[:MAX_STRETCHES]
    worst = [_window(window, one.worst_from_s, criterion.window_s) for one in stretches[:_MAX_QUANTILES]]
    measured: Sequence[float | None] = []
    if isinstance(criterion, LatencyCriterion) and worst:
        measured = quantiles(criterion, worst)
    for number, one in enumerate(stretches):
        latency = measured[number] if number < len(measured) else None
        yield Breach(
            starts_at=window.starts_at + one.from_s * _NS,
            ends_at=window.starts_at + one.to_s * _NS,
            from_s=float(one.from_s),
            to_s=float(one.to_s),
            value=one.value,
            said=_said(criterion, one, latency),
        )


def _window(judged: Window, from_s: int, length_s: int) -> Window:
    start = judged.starts_at + from_s * _NS
    return Window(starts_at=start, ends_at=start + length_s * _NS)


def _said(criterion: Criterion, stretch: Stretch, latency_s: float | None) -> str:
    """Return the worst window's value and by how much it is beyond the limit."""
    if isinstance(criterion, LatencyCriterion):
        share = f"{percent(stretch.value)} of its requests took longer or failed"
        if latency_s is None:
            return share
        more = seconds(latency_s - criterion.over_s)
        return f"{criterion.shown_quantile} {seconds(latency_s)}, {more} over the limit; {share}"
    if isinstance(criterion, ErrorsCriterion):
        return f"{percent(stretch.value)} failed, {stretch.value / criterion.limit:.3g} times the limit"
    noun = "orders" if isinstance(criterion, OrdersCriterion) else "good replies"
    return f"{percent(stretch.value)} of the planned {noun}, {percent(criterion.limit - stretch.value)} too few"


def _because(criterion: Criterion, found: Evaluated | None, breaches: tuple[Breach, ...]) -> str:
    if found is None:
        return "nothing was counted"
    if breaches:
        worst = max(breaches, key=lambda one: -one.value if isinstance(criterion, RateCriterion) else one.value)
        when = f"from {worst.from_s:.0f} to {worst.to_s:.0f} s of the judged time"
        more = len(found.stretches) - 1
        others = f"; {count(more)} more, {count(counted(found.stretches))} s in all" if more else ""
        return f"{worst.said}, {when}{others}"
    if found.unknown:
        noun = "windows hold no request, or a single bad one among too few"
        if isinstance(criterion, RateCriterion):
            noun = "windows are too short for one of what the plan wants"
        return f"{count(found.unknown)} of {count(found.windows)} {noun}"
    assert found.value is not None  # noqa: S101 - a window that is known has a value
    return f"{_worst(criterion, found.value)}{_resolution(criterion, found.held)}"


def _worst(criterion: Criterion, value: float) -> str:
    if isinstance(criterion, LatencyCriterion):
        allowed = f"{percent(criterion.limit)} may be"
        return f"in the worst window {percent(value)} took over {seconds(criterion.over_s)}, {allowed}"
    if isinstance(criterion, ErrorsCriterion):
        return f"in the worst window {percent(value)} failed"
    return f"in the worst window {percent(value)} of the plan came"


def _resolution(criterion: Criterion, held: float) -> str:
    said = "" if isinstance(criterion, RateCriterion) else few(criterion.limit, held)
    return f"; {said}" if said else ""


def _noise(criterion: Criterion, chance: Chance | None) -> str:
    """Return how often luck alone would breach it in a run like this one."""
    if chance is None:
        return "how often chance alone would breach it can't be told"
    level = _level(criterion, chance.level)
    is_under = isinstance(criterion, RateCriterion)
    if chance.level < criterion.limit if is_under else chance.level > criterion.limit:
        return f"this run's level itself, {level}, is beyond the limit"
    often = (
        "in under 1 % of runs like this" if chance.ratio < _RARELY else f"in {percent(chance.ratio)} of runs like this"
    )
    told = f"at this run's level, {level}, chance alone would breach it {often}"
    if chance.ratio < _SELDOM or isinstance(criterion, LatencyCriterion):
        return told
    return f"{told}; a limit of {percent(chance.quiet_limit)} would be breached in 1 %"


def _level(criterion: Criterion, level: float) -> str:
    if isinstance(criterion, LatencyCriterion):
        return f"{percent(level)} over {seconds(criterion.over_s)}"
    return f"{percent(level)} failed" if isinstance(criterion, ErrorsCriterion) else f"{percent(level)} of the plan"
