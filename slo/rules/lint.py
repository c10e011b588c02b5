"""What is wrong with objectives as alerts: what can't fire, isn't exposed, isn't kept, or costs too much."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from slo.burn_rates import WINDOWS, NoPair, Pair
from slo.findings import Severity
from slo.objectives.objective import Objective
from slo.objectives.sources import Counters
from slo.rules.build import ObjectiveRules, Pace
from slo.rules.model import Recording
from slo.rules.promql import duration, same_family, telling_matchers
from slo.rules.recordings import RAW_UP_TO_S
from slo.rules.scope import Scope

MAX_SAMPLES = 50_000_000
"""How many samples one query may load: Prometheus' default of --query.max-samples."""
_RAW_QUERIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lint:
    """One thing to know about an objective; `message` is a sentence without its full stop."""

    objective: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposed:
    """What a Prometheus or an exposition holds: `count` says how many series a selector selects."""

    where: str
    count: Callable[[str], int]


def lint(
    objectives: Iterable[Objective],
    scope: Scope,
    pace: Pace,
    *,
    retention_s: int | None = None,
    exposed: Exposed | None = None,
) -> tuple[Lint, ...]:
    """Return the findings: FAIL is to be mended, INCONCLUSIVE couldn't be looked at, NOTE is worth knowing."""
    return tuple(
        Lint(objective=objective.name, severity=severity, message=message)
        for objective in objectives
        if isinstance(objective.indicator.source, Counters) and objective.slices is None
        for severity, message in _findings(objective, scope, pace, retention_s, exposed)
    )


Found = Iterator[tuple[Severity, str]]


def _findings(
    objective: Objective, scope: Scope, pace: Pace, retention_s: int | None, exposed: Exposed | None
) -> Found:
    try:
        rules = ObjectiveRules.of(objective, scope, pace, None)
    except ValueError as error:
        yield Severity.FAIL, f"no rule can be made of it: {error}"
        return
    yield from _never_fire(rules)
    yield from _floored(rules)
    if retention_s is not None:
        yield from _forgotten(rules, retention_s)
    yield _recorded(rules)
    if exposed is not None:
        yield from _not_exposed(rules, exposed)
        yield from _read(rules, exposed)


def _never_fire(rules: ObjectiveRules) -> Found:
    for one in rules.found:
        if isinstance(one, NoPair):
            yield Severity.NOTE, f"no alert over {duration(one.long_s)}: {one.reason}"
    if not rules.of_severity("page"):
        yield Severity.FAIL, "no page can fire, whatever happens: choose a higher target or a shorter period"


def _floored(rules: ObjectiveRules) -> Found:
    for window in WINDOWS:
        factor = window.share * rules.about.period_s / window.long_s
        if factor < 1 and any(isinstance(one, Pair) and one.long_s == window.long_s for one in rules.found):
            burn = f"{window.share:.0%} of its budget in {duration(window.long_s)} is a burn rate of {factor:.3g}"
            yield Severity.NOTE, f"{burn}, which can be sustained: its alert takes 1"


def _forgotten(rules: ObjectiveRules, retention_s: int) -> Found:
    windows = {one.long_s: f"the alert over {duration(one.long_s)}" for one in rules.pairs}
    windows[rules.about.period_s] = "the budget that is left"
    for window, what in windows.items():
        if window > retention_s:
            yield Severity.FAIL, f"{what} reads {duration(window)}, and Prometheus keeps {duration(retention_s)}"


def _recorded(rules: ObjectiveRules) -> tuple[Severity, str]:
    every = [rule for group in rules.groups() for rule in group.rules]
    recorded = sum(isinstance(rule, Recording) for rule in every)
    return Severity.NOTE, f"its rules record {recorded} series and hold {len(every) - recorded} alerts"


def _not_exposed(rules: ObjectiveRules, exposed: Exposed) -> Found:
    events, source = rules.recorder.events, rules.source
    if not exposed.count(events.total):
        yield Severity.INCONCLUSIVE, f"{exposed.where} has no series of {events.total}"
    elif same_family(source) and not exposed.count(events.known):
        labels = ", ".join(f'le="{one.value}"' if one.label == "le" else one.label for one in telling_matchers(source))
        yield Severity.FAIL, f"{exposed.where} has no {source.good.metric} with {labels}: not exposed, or renamed"
    elif not exposed.count(events.good):
        yield Severity.INCONCLUSIVE, f"{exposed.where} has no series of {events.good}: nothing good yet, or renamed"


def _read(rules: ObjectiveRules, exposed: Exposed) -> Found:
    events = rules.recorder.events
    series = max(exposed.count(one) for one in (events.good, events.total))
    samples = round(series * min(RAW_UP_TO_S, max(one.long_s for one in rules.pairs)) / rules.pace.scrape_interval_s)
    if samples * _RAW_QUERIES > MAX_SAMPLES:
        loads = f"its longest query of counters loads {samples * _RAW_QUERIES:,} samples of {series:,} series"
        allowed = f"Prometheus allows {MAX_SAMPLES:,} by default: narrow its selectors"
        yield Severity.FAIL, f"{loads}, and {allowed}"
