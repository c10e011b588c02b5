"""Changes of a JSON document that stays one: values replaced, moved and left out, keys called otherwise."""

import copy
import json
from random import Random
from typing import Any

_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 1.5, -0.0, 1e308, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**400),
    *("", " ", "0", "1", "-1", "1e999", "NaN", "x" * 300, "\0", "\x1b[2J", "\ud800", "ä", "\u202e", "../a", "a\nb"),
    *([], {}, [None], [[]], [{}], {"": None}, [0] * 300, "2026-02-30T25:00:00Z", "0001-01-01", "http://[::1"),
)
_DEEP = 400


def json_changed(random: Random, data: bytes) -> bytes | None:
    """Return a document with one node of it changed, of JSON lines in one of them.

    None where it is none, or where it is nested too deep for Python to copy or write.
    """
    try:
        document = _read(data)
        return _line_changed(random, data) if document is None else _written(random, _changed(random, document))
    except RecursionError:
        return None


def _line_changed(random: Random, data: bytes) -> bytes | None:
    lines = data.split(b"\n")
    number = random.randrange(len(lines))
    document = _read(lines[number])
    if document is None:
        return None
    lines[number] = _written(random, _changed(random, document))
    return b"\n".join(lines)


def _read(data: bytes) -> Any:
    """Return an object or a list, None for all else."""
    if data.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _written(random: Random, document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=bool(random.randrange(4))).encode("utf-8", "surrogatepass")


def _changed(random: Random, document: Any) -> Any:
    """Change one node, which is drawn; return the document."""
    places = list(_places(document))
    if not places:
        return _value(random)
    inside, key = places[random.randrange(len(places))]
    kind = random.randrange(8)
    if kind == 0:
        del inside[key]
    elif kind == 1:
        other, place = places[random.randrange(len(places))]
        inside[key] = copy.deepcopy(other[place])
    elif kind == 2 and isinstance(inside, dict):
        inside[str(_value(random))[:40]] = inside.pop(key)
    elif kind == 3 and isinstance(inside, list):
        inside.insert(key, inside[key])
    elif kind < 6:  # of its own type, which is read further
        alike = [one for one in _VALUES if type(one) is type(inside[key])]
        inside[key] = alike[random.randrange(len(alike))] if alike else _value(random)
    else:
        inside[key] = _value(random)
    return document


def _value(random: Random) -> Any:
    if random.randrange(60) == 0:
        deep: Any = []
        for _ in range(_DEEP):
            deep = [deep]
        return deep
    return _VALUES[random.randrange(len(_VALUES))]


def _places(document: Any) -> Any:
    """Yield each node but the outermost as what holds it and its key there."""
    left = [document]
    while left:
        inside = left.pop()
        for key in [*inside] if isinstance(inside, dict) else range(len(inside)):
            yield inside, key
            if isinstance(inside[key], dict | list):
                left.append(inside[key])
