"""The changes that are tried on a module: another operator, another constant, a condition turned round."""

import ast
import hashlib
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
_NAMES = {"min": "max", "max": "min", "any": "all", "all": "any", "ceil": "floor", "floor": "ceil"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of a module's source: what stands at a place, and what is put there; `place` is in bytes."""

    file: str
    line: int
    code: str
    before: str
    after: str
    place: tuple[int, int]

    @property
    def key(self) -> str:
        """What `equivalent.yaml` knows it by, wherever its line stands."""
        return hashlib.sha256(f"{self.file}\n{self.code}\n{self.before}\n{self.after}".encode()).hexdigest()[:16]

    def apply(self, source: bytes) -> bytes:
        """Return the source with it."""
        first, last = self.place
        return source[:first] + self.after.encode() + source[last:]


def changes_of(file: str, source: bytes) -> tuple[Change, ...]:
    """Return all changes of a module, in its order; raises SyntaxError."""
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found = []
    for node, after in _all(tree):
        if node.end_lineno is None or node.end_col_offset is None:
            continue
        place = (starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset)
        found.append(
            Change(
                file=file,
                line=node.lineno,
                code=lines[node.lineno - 1].decode().strip(),
                before=source[slice(*place)].decode(),
                after=after,
                place=place,
            )
        )
    return tuple(sorted(dict.fromkeys(found), key=lambda one: one.place))


def _all(node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """Return the expressions of what runs, with what each may become: no annotation, decorator or text.

    Nor zip's `strict`, which guards against lengths that differ by no input but by a mistake in the code.
    """
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return
    if isinstance(node, ast.expr):
        for other in _others(node):
            yield node, f"({ast.unparse(other)})"
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params"} or isinstance(node, ast.JoinedStr):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _all(child)


def _others(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARISONS:
            yield _with(node, ops=[_COMPARISONS[type(operator)]()])
        case ast.BinOp(op=operator) if type(operator) in _ARITHMETIC:
            yield _with(node, op=_ARITHMETIC[type(operator)]())
        case ast.BoolOp(op=ast.And()):
            yield _with(node, op=ast.Or())
        case ast.BoolOp(op=ast.Or()):
            yield _with(node, op=ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.IfExp(test=test):
            yield _with(node, test=ast.UnaryOp(op=ast.Not(), operand=test))
        case _:
            yield from _other_values(node)


def _other_values(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(value=not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value=value + 1)
        case ast.Constant(value=float(value)):
            yield ast.Constant(value=2 * value or 1.0)
        case ast.Name(id=name) if name in _NAMES:
            yield ast.Name(id=_NAMES[name])
        case ast.Attribute(value=ast.Name(id="math" | "np"), attr=name) if name in _NAMES:
            yield _with(node, attr=_NAMES[name])


def _with(node: ast.expr, **fields: object) -> ast.expr:
    changed = copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed
