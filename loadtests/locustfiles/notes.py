"""What is played otherwise than by Locust, though nothing is refused: noted by its place."""

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.environment.bundle import Module

_VERIFIED = "verify is passed over: TLS is always verified; `ca` of targets.yaml names an authority of your own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A place in the source, and what to know of it."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}: {self.text}"


def notes_of(modules: Sequence[Module], variables: Collection[str]) -> list[Note]:
    """Return the notes on a locustfile's modules; `variables` are those that its sessions see."""
    found: dict[str, Note] = {}
    for module in modules:
        nodes = [one for one in ast.walk(module.tree) if isinstance(one, ast.expr | ast.stmt | ast.keyword)]
        for node in sorted(nodes, key=lambda one: one.lineno):
            for text in _of_node(node, variables):
                found.setdefault(text, Note(file=str(module.file), line=node.lineno, text=text))
    return list(found.values())


def _of_node(node: ast.expr | ast.stmt | ast.keyword, variables: Collection[str]) -> Iterator[str]:
    if isinstance(node, ast.keyword) and node.arg == "verify" and _is_false(node.value):
        yield _VERIFIED
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Attribute) and target.attr == "verify" and _is_false(node.value):
                yield _VERIFIED
            if isinstance(target, ast.Name) and target.id in ("min_wait", "max_wait"):
                yield f"{target.id} is of before Locust 1.0, which now passes over it: wait_time = between(1, 5)"
    elif isinstance(node, ast.Call | ast.Subscript) and (name := _variable(node)) and name not in variables:
        yield f"the variable {name} isn't seen where sessions are played: variables: [{name}]"


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _variable(node: ast.Call | ast.Subscript) -> str | None:
    """Return the environment variable that is read by its literal name."""
    named: ast.expr | None
    if isinstance(node, ast.Subscript):
        named, read = node.slice, ast.unparse(node.value) in ("os.environ", "environ")
    else:
        named = node.args[0] if node.args else None
        read = ast.unparse(node.func) in ("os.getenv", "getenv", "os.environ.get", "environ.get")
    return named.value if read and isinstance(named, ast.Constant) and isinstance(named.value, str) else None
