"""What is changed in a module, and what isn't: a change that no test could fail on would say nothing."""

import ast

import pytest

from scripts.benches.mutation.changes import changes_of

MODULE = b'''"""Text of no consequence: 1 < 2."""

LEAST: int = 3


@cached(7)
def judge(bad: int, name: str = "a") -> bool:
    """Return whether 1 is 1."""
    return not (bad + 1 < LEAST and name == f"{bad}") or max(bad, 2) > 2.5


def pairs(a: list[int]) -> object:
    return zip(a, a, strict=True)
'''


def test_operators_constants_and_conditions_are_changed_each_by_itself() -> None:
    found = {(one.before, one.after) for one in changes_of("judge.py", MODULE)}
    assert {
        ("3", "(4)"),
        ("bad + 1", "(bad - 1)"),
        ("bad + 1 < LEAST", "(bad + 1 <= LEAST)"),
        ("max", "(min)"),
        ("2.5", "(5.0)"),
        ('bad + 1 < LEAST and name == f"{bad}"', "(bad + 1 < LEAST or name == f'{bad}')"),
    } <= found


def test_texts_annotations_decorators_and_strictness_are_left_alone() -> None:
    lines = {one.line for one in changes_of("judge.py", MODULE)}
    assert lines == {3, 9}


@pytest.mark.parametrize("number", range(len(changes_of("judge.py", MODULE))))
def test_every_change_is_a_module_that_python_reads_and_is_another(number: int) -> None:
    changed = changes_of("judge.py", MODULE)[number].apply(MODULE)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(MODULE))
