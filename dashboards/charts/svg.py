"""Vega-Lite specs drawn as SVG that can stand inside a page: no script, no link, colours from the page's CSS.

The drawing is made here, not in the browser: the page then needs no script at all, opens where scripts are
forbidden (mail, CI artefacts), and prints as it looks. What is lost is zooming; hints are native `<title>`s.
"""

import re
import xml.etree.ElementTree as ET
from typing import Any

import vl_convert
from markupsafe import Markup

from dashboards.formatting import plain

Spec = dict[str, Any]
MAX_LABEL = 60
_SVG = "{http://www.w3.org/2000/svg}"
_ELEMENTS = frozenset({"svg", "g", "path", "line", "rect", "text", "tspan", "defs", "clipPath", "circle"})
_ATTRIBUTES = frozenset(
    {"clip-path", "d", "dx", "dy", "height", "id", "points", "transform", "viewBox", "width", "x", "x2", "y", "y2"}
    | {"fill", "fill-opacity", "font-size", "font-weight", "opacity", "text-anchor"}
    | {"stroke", "stroke-dasharray", "stroke-linecap", "stroke-opacity", "stroke-width"}
)
_NUMBER = re.compile(r"-?\d+\.\d{2,}(?:e-?\d+)?")
_CLIP = re.compile(r"(url\(#)?(clip\d+)(\)?)")
_HINTS = "hints"


def draw(spec: Spec, name: str, label: str) -> Markup:
    """Return `spec` as an inline SVG with `label` as its accessible name; `name` keeps its ids apart."""
    drawn = vl_convert.vegalite_to_svg(_printable(spec))
    root = ET.fromstring(drawn)  # noqa: S314 - our own renderer's output, which escapes every text
    _keep_what_is_known(root, _Ids(name))
    for key in ("width", "height"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-label", plain(label))
    ET.register_namespace("", _SVG.strip("{}"))
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - rebuilt from allowed elements and attributes


def _printable(value: Any) -> Any:  # noqa: ANN401 - any part of a spec
    """Return `value` with every string free of what XML can't hold."""
    match value:
        case str():
            return plain(value)
        case dict():
            return {key: _printable(part) for key, part in value.items()}
        case list() | tuple():
            return [_printable(part) for part in value]
        case _:
            return value


class _Ids:
    """New ids for the renderer's, which count on from the drawing before and would meet on one page."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._given: dict[str, str] = {}

    def of(self, value: str) -> str:
        """Return an `id` or a `url(#id)` with the new id in it."""
        found = _CLIP.fullmatch(value)
        if not found:
            return value
        return f"{found[1] or ''}{self._given.setdefault(found[2], f'{self._name}-{len(self._given)}')}{found[3]}"


def _keep_what_is_known(parent: ET.Element, ids: _Ids, *, hints: bool = False) -> None:
    hint = parent.get("aria-label") if hints else None
    parent.attrib = {key: _rewritten(key, value, ids) for key, value in parent.items() if key in _ATTRIBUTES and value}
    for child in list(parent):
        tag = child.tag.removeprefix(_SVG)
        classes = child.get("class", "")
        if tag not in _ELEMENTS or _invisible(child, tag):
            parent.remove(child)
            continue
        _keep_what_is_known(child, ids, hints=hints or classes.endswith(f" {_HINTS}_marks"))
    if hint and not len(parent):
        parent.set("class", "hint")
        ET.SubElement(parent, f"{_SVG}title").text = hint


def _invisible(element: ET.Element, tag: str) -> bool:
    if element.get("display") == "none":
        return True
    return tag == "path" and element.get("class") in ("background", "foreground") and not element.get("stroke")


def _rewritten(key: str, value: str, ids: _Ids) -> str:
    """Return an attribute's value with ids of this drawing, and coordinates to a tenth of a pixel."""
    if key in ("id", "clip-path"):
        return ids.of(value)
    if key.endswith("opacity"):
        return value
    return _NUMBER.sub(lambda match: f"{float(match[0]):.1f}".removesuffix(".0"), value)
