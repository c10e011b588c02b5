"""A change is noticed when a test fails on it or never ends, and survives when every test passes."""

import sys
from pathlib import Path

import pytest

from scripts.benches.mutation.trial import Outcome, check_noticed, times_of, try_change

MODULE = Path("limits_of_trials.py")
TEST = """
import importlib

def test_the_limit_is_three():
    assert importlib.import_module("limits_of_trials").limit() == 3
"""


@pytest.fixture
def tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # it is changed within the second that bytecode tells apart
    MODULE.write_text("def limit():\n    return 3\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = heavy\n")
    (tmp_path / "test_limits.py").write_text(TEST)
    return ["test_limits.py"]


@pytest.mark.parametrize(
    ("source", "most_s", "outcome"),
    [
        (b"def limit():\n    return 4\n", 60.0, "killed"),
        (b"def limit():\n    return 2 + 1\n", 60.0, "survived"),
        (b"def limit(:\n", 60.0, "killed"),
        (b"while True: pass\n", 0.3, "too long"),
    ],
)
def test_what_the_tests_make_of_a_change(tests: list[str], source: bytes, most_s: float, outcome: Outcome) -> None:
    assert try_change(tests, MODULE, source, {}, most_s) == outcome
    assert MODULE.read_text().endswith("return 3\n")


def test_tests_that_fail_before_anything_is_changed_are_refused(tests: list[str], tmp_path: Path) -> None:
    assert list(times_of(tests, tmp_path)) == ["test_limits.py::test_the_limit_is_three"]
    MODULE.write_text("def limit():\n    return 5\n")
    with pytest.raises(RuntimeError, match="pytest ended with 1"):
        times_of(tests, tmp_path)


def test_tests_that_never_import_the_changed_module_are_refused(tests: list[str]) -> None:
    check_noticed(tests, MODULE)
    with pytest.raises(RuntimeError, match=r"another\.py: none of the tests imports it"):
        check_noticed(tests, Path("another.py"))
