"""The budget's window is played through in a few evaluations, and no other window of it says the same."""

import re
import subprocess
from itertools import product
from pathlib import Path

import pytest
import yaml

from slo.rules import names
from slo.rules.build import Pace, build
from slo.rules.files import RuleFiles
from slo.rules.scope import Scope
from slo.rules.write import Links
from tests.promtool import NEEDED, PROMTOOL
from tests.slo.rules.conftest import Make

SCOPE, PACE = Scope(environment="staging"), Pace()
PERIOD_TEST = "tests/objective-checkout_period_test.yml"


def files(make: Make, window: str, target: float = 0.99) -> dict[str, str]:
    built = build([make(window=window, target=target)], SCOPE, pace=PACE)
    return dict(RuleFiles(scope=SCOPE, links=Links(), pace=PACE).of(built))


def passes(folder: Path, texts: dict[str, str], path: str) -> bool:
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    done = subprocess.run([str(PROMTOOL), "test", "rules", str(folder / path)], capture_output=True, check=False)
    return done.returncode == 0


@NEEDED
@pytest.mark.parametrize(("window", "others"), [("28d", ("560h", "56d")), ("13h", ("26h",))])
def test_every_other_window_of_the_budget_breaks_its_test(
    window: str, others: tuple[str, ...], objective: Make, tmp_path: Path
) -> None:
    texts = files(objective, window)
    rules = texts["objective-checkout.yml"]
    places = [one.span() for one in re.finditer(rf"(?<=\[){window}(?=[\]:])", rules)]
    assert passes(tmp_path, texts, PERIOD_TEST)
    assert len(places) == 3
    for (begins, ends), other in product(places, others):
        changed = rules[:begins] + other + rules[ends:]
        assert not passes(tmp_path, {**texts, "objective-checkout.yml": changed}, PERIOD_TEST), (other, begins)


@NEEDED
@pytest.mark.parametrize(("window", "target"), [("1Y", 0.9999), ("7h", 0.3)])
def test_it_passes_for_a_period_of_any_length_and_any_target(
    window: str, target: float, objective: Make, tmp_path: Path
) -> None:
    assert passes(tmp_path, files(objective, window, target), PERIOD_TEST)


@pytest.mark.parametrize("window", ["13h", "28d", "365d"])
def test_it_takes_five_evaluations_and_no_more_samples_than_promtool_reads(window: str, objective: Make) -> None:
    document = yaml.safe_load(files(objective, window)[PERIOD_TEST])
    (test,) = document["tests"]
    (ends,) = {check["eval_time"] for check in test["promql_expr_test"]}
    seconds = {"m": 60, "h": 3600, "d": 86_400}
    every_s, ends_s = (int(text[:-1]) * seconds[text[-1]] for text in (document["evaluation_interval"], ends))
    assert ends_s == 5 * every_s
    for series in test["input_series"]:
        samples = sum(int(times) + 1 for times in re.findall(r"\+0x(\d+)", series["values"]))
        assert 0 < samples <= 5000


@pytest.mark.parametrize(("window", "alone"), [("1d", [True, False]), ("28d", [True, True, True, True])])
def test_where_factors_are_equal_the_faster_alert_fires_with_the_slower(
    window: str, alone: list[bool], objective: Make
) -> None:
    (rules,) = build([objective(window=window)], SCOPE, pace=PACE).objectives
    burning = [alert for group in rules.groups() for alert in group.alerts if alert.name == names.BURN]
    assert [case.alone for alert in burning for case in alert.cases] == alone


@pytest.mark.parametrize("window", ["1d", "1h"])
def test_an_objective_of_a_day_or_less_has_rules_and_tests_too(window: str, objective: Make) -> None:
    made = files(objective, window)
    assert {"objective-checkout.yml", "tests/objective-checkout_slow_test.yml"} <= set(made)
    assert (PERIOD_TEST in made) == (window == "1d")
