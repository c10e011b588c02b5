"""The stack's generated rules are fresh, and do what the arithmetic says, by promtool's own evaluation."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from scripts.benches.exporters.mutants import proven
from scripts.rules.stack import FOLDER, stack_rules
from tests.promtool import NEEDED, PROMTOOL

TESTS = sorted(path.name for path in (FOLDER / "tests").glob("*.yml"))  # as made: the first test compares both


@pytest.fixture(scope="module")
def made() -> Mapping[str, str]:
    return stack_rules()


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True, check=False)


def test_the_committed_rules_are_those_that_the_objectives_make(made: Mapping[str, str]) -> None:
    stale = [path for path, text in made.items() if not (FOLDER / path).exists() or (FOLDER / path).read_text() != text]
    assert stale == [], "make rules"
    there = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.yml")} - {"stack.yml"}
    assert there == set(made)


@NEEDED
def test_promtool_finds_nothing_to_say_of_the_rules(made: Mapping[str, str]) -> None:
    files = [str(FOLDER / path) for path in made if "/" not in path]
    done = promtool("check", "rules", *files)
    assert done.returncode == 0, done.stdout + done.stderr


@NEEDED
@pytest.mark.heavy
@pytest.mark.parametrize("name", TESTS)
def test_the_rules_do_what_the_arithmetic_says(name: str) -> None:
    done = promtool("test", "rules", str(FOLDER / "tests" / name))
    assert done.returncode == 0, done.stdout + done.stderr


@NEEDED
def test_the_quickest_tests_of_an_objectives_rules_hold(made: Mapping[str, str], tmp_path: Path) -> None:
    shipped = next(one for one in proven(made) if one.name == "objective-browse-server-latency")
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(shipped.rules))
    (tmp_path / "test.yml").write_text(yaml.safe_dump(shipped.tests[0]))
    done = promtool("test", "rules", str(tmp_path / "test.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
