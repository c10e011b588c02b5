"""The rules that a run's own Prometheus evaluates: those of the run's objectives, and of the exporters that it scrapes.

They record what the dashboards show of objectives, and raise alerts that go nowhere. No verdict rests on them.

How much of a window is covered is counted by what was recorded: the rules of a Prometheus that lasts look at it each
minute or each five minutes of the clock, and a run may be over before the first of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from exporters.alerts import health
from slo.objectives.objective import Objective
from slo.rules import names
from slo.rules.build import ObjectiveRules, Pace, build
from slo.rules.model import Group, Recording
from slo.rules.promql import duration
from slo.rules.scope import Scope
from slo.rules.write import rule_file

# Short enough for a run of minutes; the budget's rules read days, of which there are none yet.
PACE = Pace(scrape_interval_s=1, interval_s=5, slow_interval_s=15)
_SOURCE = "run"


def run_rules(objectives: Iterable[Objective], exported: Iterable[str], environment: str) -> Mapping[str, str]:
    """Return the text of the rules by file name; what has none, Prometheus can't read."""
    scope = Scope(environment=environment)
    built = build(objectives, scope, pace=PACE)
    files: dict[str, tuple[Group, ...]] = {
        f"objective-{rules.objective.name}.yml": tuple(_covered(group, rules) for group in rules.groups())
        for rules in built.objectives
    }
    files |= {f"exporter-{subject}.yml": (_health(subject, scope),) for subject in exported}
    return {name: rule_file(groups, scope) for name, groups in files.items()}


def _covered(group: Group, rules: ObjectiveRules) -> Group:
    """Return a group of an objective's rules whose coverage is counted by what was recorded."""
    counted = rules.recorder.recorded(names.events(rules.recorder.base_s))
    windows = (*(pair.long_s for pair in rules.pairs), rules.about.period_s)
    known = {
        names.coverage(window_s): f"clamp_max(count_over_time({counted}[{duration(window_s)}])"
        f" * {PACE.interval_s} / {window_s}, 1)"
        for window_s in windows
    }
    changed = (
        replace(rule, expr=known[rule.record]) if isinstance(rule, Recording) and rule.record in known else rule
        for rule in group.rules
    )
    return replace(group, rules=tuple(changed))


def _health(subject: str, scope: Scope) -> Group:
    return Group(
        name=f"peakproof-{subject}-{scope.environment}",
        rules=health.alerts(subject, (_SOURCE,), scope),
        interval_s=PACE.interval_s,
    )
