"""The requests that a locustfile's source spells: their names, or their methods and paths with {holes}."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.environment.bundle import Module
from loadtests.locustfiles.step_names import without_ids
from slo.web_addresses import parts_of

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_CLIENTS = frozenset({"client"})
_PLACE = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?[sdr]|\{[^{}]*\}")
# Functions that write what they are given, and no more.
_WRITES = frozenset({"str", "int", "quote", "quote_plus"})
_ARGUMENTS = {"request": 1, "rest": 1, "rest_": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """A request as the source spells it: None is what only a run knows."""

    line: int
    method: str | None
    route: str | None
    name: str | None
    absolute: str | None = None

    @property
    def step(self) -> str | None:
        """The step that it is recorded as; None where only a run knows."""
        if self.name is not None:
            return self.name or None
        return None if self.method is None or self.route is None else f"{self.method} {without_ids(self.route)}"


def spelled(modules: Sequence[Module]) -> list[Spelled]:
    """Return the requests of a locustfile's modules, in the order of the source."""
    found = [_request(node) for module in modules for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return sorted((one for one in found if one is not None), key=lambda one: one.line)


def routes_of(modules: Sequence[Module]) -> frozenset[str]:
    """Return every path with a hole that a text of the source spells, wherever it stands."""
    found = set()
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call):
                text = _text(node)
                if text is not None and (route := _route(text)) is not None and "{" in route:
                    found.add(route)
    return frozenset(route for route in found if re.sub(r"\{[^{}]*\}|/", "", route))


def _request(node: ast.Call) -> Spelled | None:
    function = node.func
    if not isinstance(function, ast.Attribute):
        return None
    owner = function.value
    of_client = isinstance(owner, ast.Attribute | ast.Name) and (
        (owner.attr if isinstance(owner, ast.Attribute) else owner.id) in _CLIENTS
    )
    place = _ARGUMENTS.get(function.attr, 0)
    if not (of_client and function.attr in {*_METHODS, "request"}) and function.attr not in ("rest", "rest_"):
        return None
    given = {one.arg: one.value for one in node.keywords if one.arg}
    url = node.args[place] if len(node.args) > place else given.get("url")
    asked = function.attr.upper() if place == 0 else _constant(node.args[0] if node.args else given.get("method"))
    text = None if url is None else _text(url)
    name = _constant(given.get("name"))
    absolute = text if text is not None and re.match(r"https?://[^{]", text) else None
    return Spelled(
        line=node.lineno,
        method=asked,
        route=None if text is None else _route(text),
        name=name if "name" not in given or name else "",
        absolute=absolute,
    )


def _constant(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _route(text: str) -> str | None:
    """Return the path of a text without its query; None for what is none."""
    if re.match(r"https?://", text):
        text = parts_of(text).path or "/"
    text = re.sub(r"^\{[^{}]*\}(?=/)", "", text)  # the address that a path is put behind
    bare = text.partition("?")[0].partition("#")[0]
    if not bare.startswith("/") or bare.startswith("//") or " " in bare:
        return None
    return "/".join(_one_hole(part) for part in bare.split("/"))


def _one_hole(part: str) -> str:
    """Return a part of a path with one hole where it has several in a row."""
    return re.sub(r"(\{[^{}]*\})(?:\{[^{}]*\})+", r"\1", part)


def _text(node: ast.expr) -> str | None:
    """Return a text with a {hole} for each value that is put into it; None for what is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(one) or "" if isinstance(one, ast.Constant) else _hole(one) for one in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left), _text(node.right)
        return None if left is None and right is None else f"{_or_hole(left, node.left)}{_or_hole(right, node.right)}"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return _filled(_text(node.left))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _filled(_text(node.func.value))
    return None


def _filled(text: str | None) -> str | None:
    return None if text is None else _PLACE.sub(lambda hole: _named(hole[0]), text)


def _named(hole: str) -> str:
    name = hole.strip("{}").partition(":")[0].partition("!")[0]
    return "{" + (name if hole[0] == "{" and name.isidentifier() else "id") + "}"


def _or_hole(text: str | None, node: ast.expr) -> str:
    return _hole(node) if text is None else text


def _hole(node: ast.AST) -> str:
    """Return a {hole} that is called as what is put into it."""
    if isinstance(node, ast.FormattedValue):
        return _hole(node.value)
    if isinstance(node, ast.Name):
        return "{" + node.id + "}"
    if isinstance(node, ast.Attribute):
        return "{" + node.attr + "}"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        return "{" + node.slice.value + "}" if node.slice.value.isidentifier() else "{id}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _WRITES and node.args:
        return _hole(node.args[0])
    return "{id}"
