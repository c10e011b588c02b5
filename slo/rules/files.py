"""The files of `peakproof rules build`: rules, and beside them the tests of promtool that prove them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from slo.rules.build import Built, ObjectiveRules, Pace
from slo.rules.model import Group
from slo.rules.objective_scenarios import scenarios
from slo.rules.period_scenario import quarter_s, whole_period
from slo.rules.recordings import LONG_STEP_S
from slo.rules.rule_tests import rule_tests
from slo.rules.scenarios import of_cases
from slo.rules.scope import Scope
from slo.rules.write import Links, prometheus_rule, rule_file

TESTS, OPERATOR = "tests", "operator"
DEFAULT_INTERVAL_S = 60
"""Prometheus' own evaluation_interval, for a group that sets none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFiles:
    """What is written: by its path below the folder, its text; for Prometheus' operator only when it is wanted."""

    scope: Scope
    links: Links
    pace: Pace
    operator: bool = False

    def of(self, built: Built, worries: Iterable[Group] = ()) -> Mapping[str, str]:
        """Return the files of objectives and of the exporters' alerts."""
        texts: dict[str, str] = {}
        for rules in built.objectives:
            texts.update(self._objective(rules))
        for group in worries:
            texts.update(self._worries(group))
        return texts

    def _objective(self, rules: ObjectiveRules) -> dict[str, str]:
        name, scrape_s = f"objective-{rules.objective.name}", round(self.pace.scrape_interval_s)
        paces = (("", False, self.pace.interval_s), ("_slow", True, self.pace.slow_interval_s))
        tests = {
            f"{TESTS}/{name}{suffix}_test.yml": rule_tests(
                scenarios(rules, slow=slow), [f"../{name}.yml"], every_s, scrape_s
            )
            for suffix, slow, every_s in paces
        }
        if period := whole_period(rules):
            path = f"{TESTS}/{name}_period_test.yml"
            tests[path] = rule_tests(period, [f"../{name}.yml"], quarter_s(rules), LONG_STEP_S)
        return {**self._rules(name, rules.groups()), **tests}

    def _worries(self, group: Group) -> dict[str, str]:
        name = group.name.removeprefix("peakproof-").removesuffix(f"-{self.scope.environment}")
        every_s = group.interval_s or DEFAULT_INTERVAL_S
        tests = rule_tests(
            of_cases(group, self.scope, every_s), [f"../{name}.yml"], every_s, round(self.pace.scrape_interval_s)
        )
        return {**self._rules(name, (group,)), f"{TESTS}/{name}_test.yml": tests}

    def _rules(self, name: str, groups: tuple[Group, ...]) -> dict[str, str]:
        resource = f"peakproof-{name}-{self.scope.environment}".lower().replace("_", "-")
        texts = {f"{name}.yml": rule_file(groups, self.scope, self.links)}
        if self.operator:
            texts[f"{OPERATOR}/{name}.yml"] = prometheus_rule(resource, groups, self.scope, self.links)
        return texts
