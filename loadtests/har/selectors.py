"""CSS selectors for elements of a page: short, steady from one load of the page to the next, and checked on it."""

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from loadtests.har.words import is_id
from loadtests.storefronts.html import Element

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,60}")
_VALUE = re.compile(r"[\w./?&=%:@+~,#\[\] -]{1,120}")
_MADE = re.compile(r"\d{2}|[0-9a-f]{6}|(?=.*\d)(?=.*[A-Z])[A-Za-z0-9]{5,}$|__\w{5}$")
_WORDLESS = frozenset({"active", "first", "last", "odd", "even", "selected", "current", "row", "col", "container"})
_TELLING = ("name", "property", "itemprop", "data-testid", "rel")
_MOST_TRIED = 24
_MOST_ABOVE = 4


def selector_of(root: Element, element: Element) -> str | None:
    """Return a selector whose first element is `element`, None where none is short enough."""
    for css in islice(_candidates(element), _MOST_TRIED):
        found = root.select(css)
        if found and found[0].node is element.node:
            return css
    return None


def selector_of_kind(root: Element, element: Element, is_one: Callable[[Element], bool], least: int = 2) -> str | None:
    """Return a selector of `element` and others like it, all of which `is_one`, None where they can't be told."""
    for css in islice(_kinds(element), _MOST_TRIED):
        found = root.select(css)
        if len(found) >= least and all(map(is_one, found)) and any(one.node is element.node for one in found):
            return css
    return None


def selector_beside(root: Element, label: Element) -> str | None:
    """Return a selector of what stands beside a label, by the label's words where that is enough."""
    sibling, held = label.node.getnext(), quoted(label.text)
    if sibling is None:
        return None
    css = f"{label.node.tag}:contains({held}) + {sibling.tag}"
    found = root.select(css) if held is not None and label.node.tag in ("th", "td", "dt") else []
    return css if found and found[0].node is sibling else selector_of(root, Element(sibling))


def quoted(value: str) -> str | None:
    """Return a value as a selector holds it, None for one that it can't plainly hold."""
    return f'"{value}"' if _VALUE.fullmatch(value) else None


def _candidates(element: Element) -> Iterator[str]:
    node = element.node
    own = list(_own(node))
    yield from own
    yield from _classes(node)
    for above in _above(node):
        for outer in (*_own(above), *_classes(above)):
            yield f"{outer} {node.tag}"
            yield from (f"{outer} {css}" for css in own)
    yield str(node.tag)


def _kinds(element: Element) -> Iterator[str]:
    """Return selectors of elements like this one: by classes, its own and of those around it."""
    node = element.node
    yield from _classes(node)
    between: list[str] = []
    for above in _above(node):
        for outer in _classes(above):
            yield f"{outer} {' '.join([*reversed(between), node.tag])}"
            if between:
                yield f"{outer} {node.tag}"
        between.append(str(above.tag))


def _own(node: Any) -> Iterator[str]:  # noqa: ANN401 - lxml ships no types
    identity = node.get("id")
    if identity and _is_steady(identity):
        yield f"#{identity}"
    for name in _TELLING:
        value = node.get(name)
        if value and (held := quoted(value)) and not is_id(value):
            yield f"{node.tag}[{name}={held}]"
    yield from (f"{node.tag}[{name}]" for name in node.attrib if name.startswith("data-") and _PLAIN.fullmatch(name))


def _classes(node: Any) -> Iterator[str]:  # noqa: ANN401 - lxml ships no types
    found = [one for one in (node.get("class") or "").split() if _is_steady(one) and one not in _WORDLESS]
    yield from (f"{node.tag}.{one}" for one in found)
    if len(found) > 1:
        yield f"{node.tag}.{'.'.join(found[:2])}"


def _above(node: Any) -> Iterator[Any]:  # noqa: ANN401 - lxml ships no types
    for _ in range(_MOST_ABOVE):
        node = node.getparent()
        if node is None or node.tag in ("body", "html"):
            return
        yield node


def _is_steady(name: str) -> bool:
    return bool(_PLAIN.fullmatch(name)) and not _MADE.search(name)
