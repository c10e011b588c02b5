"""The multi-window, multi-burn-rate alerts of one objective, and the errors that make each of them fire alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from slo.burn_rates import EVIDENCE, Pair, detection_s, reset_s
from slo.rules import names
from slo.rules.example_series import Example
from slo.rules.model import Alert
from slo.rules.promql import duration, number
from slo.rules.recordings import RAW_UP_TO_S, Recorder
from slo.rules.signals import Case

HEALTHY_S = 600
_ENOUGH = 1.5
_MARGIN_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Errors that make one pair fire and no severer one; `per_s` is traffic that is enough when it fires."""

    error_ratio: float
    per_s: float
    fires_after_s: float
    clears_after_s: float
    fault_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an objective's alerts say of it."""

    name: str
    title: str
    target: str
    period_s: int
    dashboard: str | None


def fault_of(pair: Pair, pairs: Sequence[Pair], base_s: int) -> Fault:
    """Return the errors between this pair's threshold and the next severer one's, and when they make it fire."""
    severer = min((one.threshold for one in pairs if one.threshold > pair.threshold), default=1.0)
    error_ratio = round(pair.threshold**0.25 * severer**0.75, 6)
    smoothing_s = base_s if pair.long_s > RAW_UP_TO_S else 0
    fires_s = detection_s(pair.threshold, pair.long_s, error_ratio, smoothing_s)
    return Fault(
        error_ratio=error_ratio,
        per_s=round(_ENOUGH * pair.min_events / (HEALTHY_S + fires_s), 6),
        fires_after_s=fires_s,
        clears_after_s=reset_s(pair.threshold, pair.short_s, error_ratio),
        fault_s=math.ceil(max(fires_s, pair.short_s) / 60) * 60 + _MARGIN_S,
    )


def burn_alert(pair: Pair, pairs: Sequence[Pair], recorder: Recorder, example: Example, about: About) -> Alert:
    """Return the alert of one pair of windows."""
    long, short = duration(pair.long_s), duration(pair.short_s)
    fault = fault_of(pair, pairs, recorder.base_s)
    return Alert(
        name=names.BURN,
        expr=_expr(pair, recorder),
        for_s=0,
        severity=pair.severity,
        summary=f"{about.title} burns its error budget {number(pair.factor)} times too fast over {long}.",
        description=(
            f"At this rate {pair.share:.0%} of the budget of {duration(about.period_s)} is spent in {long}."
            f" Objective: {about.target} good. Errors go on: the last {short} burn as fast."
        ),
        reason=_reason(pair, about),
        runbook=names.BURN_RUNBOOK,
        dashboard=about.dashboard,
        labels={**recorder.labels, names.LONG_WINDOW: long, names.SHORT_WINDOW: short},
        cases=(
            Case(
                name=f"{about.name}-burns-{long}-{short}",
                signals=example.signals(fault.per_s, fault.error_ratio),
                fires_after_s=fault.fires_after_s,
                clears_after_s=fault.clears_after_s,
                fault_s=fault.fault_s,
                healthy_s=HEALTHY_S,
                # Where the floor makes factors equal, what is enough for this pair is enough for a faster one.
                alone=all(one.threshold != pair.threshold or one.long_s >= pair.long_s for one in pairs),
            ),
        ),
    )


def _expr(pair: Pair, recorder: Recorder) -> str:
    factor = number(pair.factor)
    return "\nand\n".join(
        (
            f"{recorder.recorded(names.burn_rate(pair.long_s))} > {factor}",
            f"{recorder.recorded(names.burn_rate(pair.short_s))} > {factor}",
            f"{recorder.recorded(names.counted(pair.long_s))} >= {number(pair.min_events)}",
        )
    )


def _reason(pair: Pair, about: About) -> str:
    long, short = duration(pair.long_s), duration(pair.short_s)
    floored = pair.factor * pair.long_s > pair.share * about.period_s * (1 + 1e-9)
    factor = "1, the floor: below it nothing is spent too fast" if floored else f"{pair.share:.0%} × period / {long}"
    return (
        f"Factor {number(pair.factor)} = {factor}; the last {short} so that it clears soon after the errors;"
        f" at least {number(math.ceil(pair.min_events))} events in {long}, of which {EVIDENCE} bad would reach it."
        " No for: the windows already say how long errors last."
    )
