"""A query as the tree of promql-parser, which is called here alone: where it would panic, the query is refused."""

import re

import promql_parser as ast

_STRING_OR_COMMENT = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*", re.DOTALL)
_DURATIONS = re.compile(r"\[[^\]]*\]|\boffset\b[-+\s]*[^\s)]+", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9][0-9.]*(?:e[-+]?[0-9]+)?|\binf\b|\bnan\b", re.IGNORECASE)
_DEEPEST = 150
_INNER = re.compile(r"[(+*/%^<>-]|[=!]=|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_MOST_INNER = 2_000  # the parser recurses on the C stack: 8,000 terms end the process
_LONGEST = 999_999_999 * 86_400.0  # s, Python's longest; Prometheus' own is 292 years, in whatever unit


def parsed(query: str) -> ast.Expr:
    """Return the tree of a query; raises ValueError with the parser's own words, RecursionError when it is too deep.

    It is, where more than 150 nodes are inside each other: `a - b - c` is three of them. Whoever follows one recurses.
    So is a query of more than 2,000 operators and opening brackets, however they stand: it isn't parsed.
    """
    plain = _STRING_OR_COMMENT.sub('""', query)
    if len(_INNER.findall(plain)) > _MOST_INNER:
        raise RecursionError("nested too deep")
    for durations in _DURATIONS.findall(plain):
        for number in _NUMBER.findall(durations):
            if not _is_duration(number):
                raise ValueError(f"a duration of {number[:40]} is out of range")
    try:
        tree = ast.parse(query)
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # PyO3's; it can't be imported, and is no Exception
            raise
        raise ValueError(f"the parser fails on it: {error}") from None
    _check_depth(tree)
    return tree


def parts_of(node: ast.Expr) -> list[ast.Expr]:
    """Return what is directly inside a node of a tree, in the order of the query but for a call's arguments, last."""
    named = (getattr(node, name, None) for name in ("expr", "lhs", "rhs", "vector_selector", "param"))
    return [*(one for one in named if isinstance(one, ast.Expr)), *getattr(node, "args", ())]


def _check_depth(tree: ast.Expr) -> None:
    level, depth = [tree], 1
    while level := [inside for node in level for inside in parts_of(node)]:
        depth += 1
        if depth > _DEEPEST:
            raise RecursionError("nested too deep")


def _is_duration(number: str) -> bool:
    try:
        return float(number) < _LONGEST
    except ValueError:  # such as 1.2.3, for the parser to refuse
        return True
