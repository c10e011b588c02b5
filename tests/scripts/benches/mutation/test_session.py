"""In one session of tests a change of a function is tried by those that reach its line; others are left."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.benches.mutation.changes import changes_of
from scripts.benches.mutation.session import Trials, in_session
from scripts.benches.mutation.trial import Outcome

MODULE = """\
LIMIT = 3


def cached():
    return LIMIT + 1


KEPT = cached()


def limit(wanted):
    if wanted > 2:
        return wanted * 2
    while wanted < 1:
        wanted = wanted + 1
    return LIMIT
"""
TEST = """
import limits_of_sessions as limits

def test_the_limit_is_three():
    assert limits.limit(1) == 3

def test_more_is_doubled():
    assert limits.limit(4) == 8

def test_none_is_one():
    assert limits.limit(0) == 3
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a module with its tests; what a session reads anew is as it was before for the tests that follow."""
    before = dict(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("limits_of_sessions", "test_limits_of_sessions"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = heavy\n")
    (tmp_path / "test_limits_of_sessions.py").write_text(TEST)
    path = Path("limits_of_sessions.py")
    path.write_text(MODULE)
    yield path
    for name in sys.modules.keys() - before.keys():
        del sys.modules[name]
    sys.modules.update(before)


def test_changes_of_functions_are_tried_and_others_left(module: Path) -> None:
    found: dict[str, Outcome | None] = {}

    def tried(trials: Trials) -> None:
        for change in changes_of(str(module), module.read_bytes()):
            limits = (60.0, 0.3) if change.line == 15 else (60.0,)
            found[f"{change.line}: {change.after}"] = trials.quick(change, *limits)
            if change.after == "(wanted - 1)":
                assert trials.quick(change, 0.3) == "too long"
        assert len(trials.reach.of(module, range(13, 14))) == 1

    in_session(["test_limits_of_sessions.py"], {str(module): module.read_bytes()}, tried)
    assert found["1: (4)"] is None, "a constant is read when its module is imported"
    assert found["5: (LIMIT - 1)"] is None, "what ran while it was imported may be kept"
    assert found["12: (wanted >= 2)"] == "survived"
    assert found["13: (wanted / 2)"] == "killed"
    assert found["15: (wanted - 1)"] == "too long"


def test_tests_that_fail_before_anything_is_changed_are_refused(module: Path) -> None:
    module.write_text(MODULE.replace("= 3", "= 5"))
    with pytest.raises(RuntimeError, match="the tests fail before anything is changed: they ended with 1"):
        in_session(["test_limits_of_sessions.py"], {str(module): module.read_bytes()}, lambda _: None)
