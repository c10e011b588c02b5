"""Changes to the shipped rules are noticed by their tests: a few here, many in scripts/benches/exporters/mutants.py."""

from collections import Counter

import pytest

from scripts.benches.exporters.mutants import Proven, equivalent, proven, sample, survives
from scripts.benches.exporters.mutations import Document, Mutant, mutants
from scripts.rules.stack import example_rules, stack_rules
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


BY_CODE = """
apiVersion: openslo/v1
kind: SLO
metadata: {name: quick-edge}
spec:
  service: shop
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.95}]
  indicator:
    metadata: {name: quick-edge}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: prometheus, spec: {indicator: traefik, match: {job: edge}, within_s: 0.3}}}
        total: {metricSource: {type: prometheus, spec: {indicator: traefik, match: {job: edge}}}}
"""
# Of an exporter's alerts: file, kind and alert of a change, its last words, and which test sees it.
SEEN_OF_EXPORTERS = [
    ("inventory", "matcher dropped", "InventoryStockDrift", "place 2", "inventory-stock-drift"),
    ("releases", "matcher dropped", "ChangeFailureRateHigh", "place 1", "releases-change-failure-rate-high"),
    ("orders", "matcher dropped", "PaymentDeclinesSpike", "place 0", "payment-declines-chance-under"),
    ("orders", "matcher dropped", "PaymentDeclinesSpike", "place 2", "payment-declines-chance-over"),
    ("orders", "threshold halved", "PrintQueueStalled", "", "print-queue-stalled"),
    ("orders", "threshold halved", "NoOrders", "", "orders-none"),
    ("orders", "for changed", "PaymentDeclinesSpike", "None", "payment-declines-spike"),
]
# Of a histogram whose errors have buckets of their own: kind of a change of its good events, and which test sees it.
SEEN_OF_BUCKETS = [
    ("or for and", "nothing-good-ever"),
    ("or-clause dropped", "nothing-good-ever"),
    ("good is total", "bucket-not-exposed"),
    ("matcher dropped", "none-with-label"),
]


def of_name(document: Document, part: str) -> list[Document]:
    """Return the tests of a file whose name holds `part`."""
    return [test for test in document["tests"] if part in test["name"]]


@pytest.fixture(scope="module")
def shipped() -> Proven:
    return next(one for one in proven(stack_rules()) if one.name == NAME)


def changed(shipped: Proven, kind: str, rule: str) -> Mutant:
    return next(one for one in mutants(shipped.rules) if (one.kind, one.rule) == (kind, rule))


@pytest.mark.parametrize(
    ("expr", "places"),
    [
        ('a{e="x"} > 1', []),
        ('time() - a{e="x"} > 2 * b{e="x"}', [0, 1]),
        ('a{e="x"} > b{e="x"} or c{e="x"} == 0', [0, 1]),
        ('a{e="x"} unless b{e="x"} unless c{e="x"}', [1, 2]),
        ('a{e="x"} > 1 and c{e="x"} == 0', [0, 1]),
        ('(a{e="x"} > b{e="x"}) unless on (t) c{e="x"}', [0, 1]),
        ('max by (t) (a{e="x"}) > sum by (t) (b{e="x"})', []),
        ('absent(a{e="x"}) and b{e="x"}', []),
    ],
)
def test_a_dropped_matcher_changes_nothing_where_all_labels_are_matched(expr: str, places: list[int]) -> None:
    rule = {"alert": "A", "expr": expr, "labels": {}}
    dropped = [one for one in mutants({"groups": [{"rules": [rule]}]}) if one.kind == "matcher dropped"]
    assert [at for at, one in enumerate(dropped) if equivalent(one)] == places


def test_there_are_many_changes_of_many_kinds(shipped: Proven) -> None:
    every = list(mutants(shipped.rules))
    kinds = Counter(one.kind for one in every)
    assert len(every) > 500
    assert len(kinds) > 25
    chosen = sample(every, 60)
    assert len(chosen) == 60
    assert {one.kind for one in chosen} == set(kinds)
    assert [str(one) for one in sample(every, 60)] == [str(one) for one in chosen]
    assert {str(one) for one in sample(every, 60, seed=1)} != {str(one) for one in chosen}


@pytest.fixture(scope="module")
def of_exporters() -> dict[str, Proven]:
    return {one.name: one for one in proven(example_rules())}


@NEEDED
@pytest.mark.parametrize(("file", "kind", "alert", "change", "seen_by"), SEEN_OF_EXPORTERS)
def test_a_changed_alert_of_an_exporter_breaks_a_test(
    file: str, kind: str, alert: str, change: str, seen_by: str, of_exporters: dict[str, Proven]
) -> None:
    one = of_exporters[file]
    (test,) = (test for tests in one.tests for test in tests["tests"] if test["name"] == seen_by)
    quick = {**one.tests[0], "tests": [test]}
    of_kind = [found for found in mutants(one.rules) if (found.kind, found.rule) == (kind, alert)]
    (changed,) = (found for found in of_kind if f"{found.change}:".startswith(f"{change}:") or not change)
    assert not survives(changed, [quick], str(PROMTOOL))


@NEEDED
@pytest.mark.parametrize(("kind", "rule", "seen_by"), SEEN_SOON)
def test_a_changed_rule_breaks_a_test(kind: str, rule: str, seen_by: str, shipped: Proven) -> None:
    tests = [{**one, "tests": some} for one in shipped.tests if (some := of_name(one, seen_by))]
    (quick, *_) = (one for one in tests if one["evaluation_interval"] == "30s")
    assert not survives(changed(shipped, kind, rule), [quick], str(PROMTOOL))
    unchanged = Mutant(kind="", rule="", change="", expr="", text="", position=0, document=shipped.rules)
    assert survives(unchanged, [quick], str(PROMTOOL))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Proven:
    objectives = tmp_path_factory.mktemp("made") / "objectives.yaml"
    objectives.write_text(BY_CODE)
    return next(one for one in proven(stack_rules(objectives)) if one.name == "objective-quick-edge")


@NEEDED
@pytest.mark.parametrize(("kind", "seen_by"), SEEN_OF_BUCKETS)
def test_a_changed_rule_of_buckets_breaks_a_test(kind: str, seen_by: str, made: Proven) -> None:
    changes = [one for one in mutants(made.rules) if (one.kind, one.rule) == (kind, "objective:good_events:rate5m")]
    quick = {**made.tests[0], "tests": of_name(made.tests[0], seen_by)}
    assert changes
    assert not survives(changes[-1], [quick], str(PROMTOOL))
    unchanged = Mutant(kind="", rule="", change="", expr="", text="", position=0, document=made.rules)
    assert survives(unchanged, [quick], str(PROMTOOL))
