"""A second recording of the same visit, by another shopper: which values are the shop's own, and which vary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from loadtests.har.addresses import shown_path
from loadtests.har.flow import Key
from loadtests.har.operations import operation_of
from loadtests.har.slots import slots_of
from loadtests.har.visit import Request
from loadtests.har.words import is_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What two recordings share: values of the first by whether the second has the same.

    `varying` holds the second one's. `only_first` and `only_second` are requests that the other hasn't.
    """

    varying: Mapping[Key, str] = field(default_factory=dict)
    constant: frozenset[Key] = frozenset()
    pairs: tuple[tuple[int, int], ...] = ()
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()


def align(first: Sequence[Request], second: Sequence[Request]) -> Alignment:
    """Return which values of the first recording the second one has, too."""
    mine, theirs = [_shape(one) for one in first], [_shape(one) for one in second]
    blocks = SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks()
    pairs = [(block.a + step, block.b + step) for block in blocks for step in range(block.size)]
    varying: dict[Key, str] = {}
    constant: set[Key] = set()
    for here, there in pairs:
        others = {(slot.where, slot.place): slot.value for slot in slots_of(second[there].first)}
        for slot in slots_of(first[here].first):
            other = others.get((slot.where, slot.place))
            key: Key = (first[here].number, slot.where, slot.place)
            if other == slot.value:
                constant.add(key)
            elif other is not None:
                varying[key] = other
    seen, met = {here for here, _ in pairs}, {there for _, there in pairs}
    return Alignment(
        varying=varying,
        constant=frozenset(constant),
        pairs=tuple(pairs),
        only_first=tuple(_named(one) for place, one in enumerate(first) if place not in seen),
        only_second=tuple(_named(one) for place, one in enumerate(second) if place not in met),
    )


def _shape(one: Request) -> tuple[object, ...]:
    """Return what the same request of two visits has in common; the last part of a long path may be a name."""
    operation = operation_of(one.first)
    if operation is not None:
        return one.method, operation.name
    parts = [part for part in one.first.parts.path.split("/") if part]
    shape = ["*" if is_id(part) else part for part in parts]
    if len(shape) > 1 and one.method == "GET" and "-" in shape[-1]:
        shape[-1] = "*"
    return one.method, one.kind, tuple(shape), tuple(sorted({name for name, _ in one.first.query}))


def _named(one: Request) -> str:
    return f"{one.method} {shown_path(one.first.parts.path)}"
