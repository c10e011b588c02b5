"""YAML as version 1.2 has it: its core schema, bounded in depth and in what aliases multiply to.

`no`, `on`, `1:30` and `2026-12-01` are texts here, `010` is ten, and a key stands once in a mapping. Of version 1.1 one
thing is kept, for so many files use it: `<<` merges mappings.

Source: YAML 1.2.2, 10.3 (core schema), 3.2.1.1 and 3.2.1.3 (keys are unique, and equal by what they are read as).
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import yaml

MOST_DEEP: Final = 100
MOST_NODES: Final = 200_000
"""Nodes of all documents of a text, each alias counted as what it repeats."""
_INT, _FLOAT, _BOOL, _NULL, _MERGE, _TEXT = (
    f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "merge", "str")
)
_MOST_SHOWN = 80
_OPENS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_RESOLVED = (
    (_BOOL, r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (_NULL, r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    (_INT, r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        _FLOAT,
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN",
        "-+.0123456789",
    ),
    (_MERGE, r"<<", "<"),
)
_BASES = {"0o": 8, "0x": 16}


_Base: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # libyaml's is some ten times as fast


class _Loader(_Base):  # type: ignore[misc]
    """The safe loader, with the core schema in the place of version 1.1's."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text[2:], _BASES[text[:2]]) if text[:2] in _BASES else int(text)


for _tag, _pattern, _first in _RESOLVED:
    _Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})\\Z"), list(_first))
_Loader.add_constructor(_INT, _integer)


def _checked(construct: Callable[[_Loader, yaml.ScalarNode], Any]) -> Callable[[_Loader, yaml.ScalarNode], Any]:
    """Return a constructor of PyYAML's that refuses a text which is no value of its tag, in place of tripping on it."""

    def checked(loader: _Loader, node: yaml.ScalarNode) -> Any:  # noqa: ANN401 - whatever it makes
        try:
            return construct(loader, node)
        except (LookupError, AttributeError) as error:
            problem = f"no value of its tag, {node.tag}"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark) from error

    return checked


for _tag in (_BOOL, _FLOAT, "tag:yaml.org,2002:timestamp"):
    _Loader.add_constructor(_tag, _checked(_Base.yaml_constructors[_tag]))


class Dumper(yaml.SafeDumper):
    """The safe dumper; a text that either version would take for something else is written in quotes."""


for _tag, _pattern, _first in _RESOLVED:
    Dumper.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern})\\Z"), list(_first))


@dataclass(slots=True)
class _Open:
    """A collection that isn't closed yet: its anchor, the nodes in it, and of a mapping the keys so far."""

    anchor: str | None
    nodes: int = 1
    keys: dict[Any, Any] | None = None
    is_key: bool = True


@dataclass(slots=True)
class _Bounds:
    """Holds the events of a text against the bounds, before any node is made of them."""

    value_of: Callable[[yaml.ScalarEvent], Any]
    open: list[_Open] = field(default_factory=list)
    anchored: dict[str, int] = field(default_factory=dict)
    scalars: dict[str, yaml.ScalarEvent] = field(default_factory=dict)
    nodes: int = 0

    def check(self, event: yaml.Event) -> None:
        """Raise YAMLError for what is nested too deep, multiplies, or is a key for the second time."""
        if isinstance(event, yaml.ScalarEvent):
            self._check_key(event, event)
            self._add(1, event.anchor, event)
            if event.anchor is not None:
                self.scalars[event.anchor] = event
        elif isinstance(event, _OPENS):
            keys = dict[Any, Any]() if isinstance(event, yaml.MappingStartEvent) else None
            self.open.append(_Open(event.anchor, keys=keys))
            if len(self.open) > MOST_DEEP:
                raise _refused(f"nested deeper than the {MOST_DEEP} levels allowed", event)
        elif isinstance(event, _CLOSES):
            closed = self.open.pop()
            self._add(closed.nodes, closed.anchor, event)
        elif isinstance(event, yaml.AliasEvent):
            if (scalar := self.scalars.get(event.anchor or "")) is not None:
                self._check_key(scalar, event)
            self._add(self._repeated(event), None, event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.anchored.clear()
            self.scalars.clear()

    def _check_key(self, scalar: yaml.ScalarEvent, event: yaml.Event) -> None:
        """Raise YAMLError when a key has the value of one before: `a` and "a", 16 and 0x10 are one."""
        keys = self.open[-1].keys if self.open and self.open[-1].is_key else None
        if keys is None:
            return
        place: Any = event.start_mark
        before = keys.setdefault(self.value_of(scalar), place)
        if before is not place:
            name = scalar.value if len(scalar.value) <= _MOST_SHOWN else f"{scalar.value[:_MOST_SHOWN]}…"
            where = f"line {before.line + 1}, column {before.column + 1}"
            raise _refused(f"the key {name} stands twice in one mapping, first at {where}", event)

    def _repeated(self, event: yaml.AliasEvent) -> int:
        if any(one.anchor == event.anchor for one in self.open):
            raise _refused(f"*{event.anchor} stands inside of what it repeats", event)
        return self.anchored.get(event.anchor or "", 1)

    def _add(self, nodes: int, anchor: str | None, event: yaml.Event) -> None:
        if anchor is not None:
            self.anchored[anchor] = nodes
            self.scalars.pop(anchor, None)
        if self.open:
            self.open[-1].nodes += nodes
            self.open[-1].is_key = not self.open[-1].is_key
            self.nodes = self.open[-1].nodes
        if self.nodes > MOST_NODES or nodes > MOST_NODES:
            raise _refused(f"more than the {MOST_NODES} values allowed, aliases counted as what they repeat", event)


def _refused(problem: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]


def _value_of(loader: _Loader, scalar: Any) -> Any:  # noqa: ANN401 - yaml's events have two types of marks
    """Return what a scalar is read as; one of a tag that isn't the core schema's with its tag."""
    tag = scalar.tag
    if tag is None or tag == "!":
        tag = loader.resolve(yaml.ScalarNode, scalar.value, scalar.implicit)
    if tag in (_TEXT, _MERGE):
        return scalar.value
    if tag not in (_INT, _FLOAT, _BOOL, _NULL):
        return tag, scalar.value
    value = loader.construct_object(yaml.ScalarNode(tag, scalar.value, scalar.start_mark, scalar.end_mark))
    return ("nan",) if value != value else value  # noqa: PLR0124 - NaN alone differs from itself


def documents(text: str) -> Iterator[tuple[Any, yaml.Node]]:
    """Yield what each document of a text holds, and its nodes; an empty one yields nothing.

    Raises yaml.YAMLError, with the mark of the place where it is known, and ValueError for a number of too many digits.
    """
    events = _Loader(text)
    bounds = _Bounds(value_of=lambda scalar: _value_of(events, scalar))
    try:
        while events.check_event():
            bounds.check(events.get_event())
    finally:
        events.dispose()
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            yield loader.construct_document(node), node
    finally:
        loader.dispose()
