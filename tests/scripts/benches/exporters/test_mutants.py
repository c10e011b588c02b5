"""Changes to the shipped rules are noticed by their tests: a few here, many in scripts/benches/exporters/mutants.py."""

from collections import Counter

import pytest

from scripts.benches.exporters.mutants import Proven, proven, sample, survives
from scripts.benches.exporters.mutations import Document, Mutant, mutants
from scripts.rules.stack import stack_rules
from tests.promtool import NEEDED, PROMTOOL

NAME = "objective-checkout-server-availability"
# Kind and rule of a change, and what of the tests' names is enough to notice it.
SEEN_SOON = [
    ("threshold halved", "ErrorBudgetBurn 1h/5m", "burns-1h-5m"),
    ("label changed", "ErrorBudgetBurn 1h/5m", "burns-1h-5m"),
    ("guard dropped", "ErrorBudgetBurn 1h/5m", "too-few-events"),
    ("or-clause dropped", "objective:good_events:rate5m", "nothing-good-pages"),
    ("matcher dropped", "objective:events:rate5m", "another-environment"),
    ("for changed", "ObjectiveScrapeDown", "scrape-down"),
]


def of_name(document: Document, part: str) -> list[Document]:
    """Return the tests of a file whose name holds `part`."""
    return [test for test in document["tests"] if part in test["name"]]


@pytest.fixture(scope="module")
def shipped() -> Proven:
    return next(one for one in proven(stack_rules()) if one.name == NAME)


def changed(shipped: Proven, kind: str, rule: str) -> Mutant:
    return next(one for one in mutants(shipped.rules) if (one.kind, one.rule) == (kind, rule))


def test_there_are_many_changes_of_many_kinds(shipped: Proven) -> None:
    every = list(mutants(shipped.rules))
    kinds = Counter(one.kind for one in every)
    assert len(every) > 500
    assert len(kinds) > 25
    chosen = sample(every, 60)
    assert len(chosen) >= 50
    assert {one.kind for one in chosen} == set(kinds)


@NEEDED
@pytest.mark.parametrize(("kind", "rule", "seen_by"), SEEN_SOON)
def test_a_changed_rule_breaks_a_test(kind: str, rule: str, seen_by: str, shipped: Proven) -> None:
    tests = [{**one, "tests": some} for one in shipped.tests if (some := of_name(one, seen_by))]
    (quick, *_) = (one for one in tests if one["evaluation_interval"] == "30s")
    assert not survives(changed(shipped, kind, rule), [quick], str(PROMTOOL))
    unchanged = Mutant(kind="", rule="", change="", expr="", text="", position=0, document=shipped.rules)
    assert survives(unchanged, [quick], str(PROMTOOL))
