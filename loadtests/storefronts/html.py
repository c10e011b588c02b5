"""Values out of HTML: elements by CSS selectors, and forms as a browser would send them."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from cssselect import HTMLTranslator, SelectorError
from lxml import etree
from lxml import html as lxml_html

MAX_BYTES = 4 << 20
_BUTTONS = frozenset({"submit", "image", "reset", "button", "file"})
_TRANSLATOR = HTMLTranslator()
Fields = tuple[tuple[str, str], ...]


class HtmlError(ValueError):
    """A page that can't be read, or a form that isn't one; the message says what is wrong."""


class Element:
    """One element of a page."""

    __slots__ = ("node",)

    def __init__(self, node: Any) -> None:  # noqa: ANN401 - lxml ships no types
        self.node = node

    @property
    def text(self) -> str:
        """Its text and that of what is inside it, with single spaces."""
        return " ".join(str(self.node.text_content()).split())

    def get(self, attribute: str, default: str = "") -> str:
        """Return an attribute, `default` when it has none."""
        value = self.node.get(attribute)
        return default if value is None else str(value)

    def __getitem__(self, attribute: str) -> str:
        """Return an attribute; raises LookupError when it has none."""
        value = self.node.get(attribute)
        if value is None:
            raise LookupError(f"no attribute {attribute}")
        return str(value)

    def select(self, css: str) -> "list[Element]":
        """Return the elements inside it that match a CSS selector; raises ValueError for no selector."""
        return [Element(one) for one in _selector(css)(self.node)]


class Form:
    """A form with its fields as the page has them, hidden ones among them; `submit` of a shop sends it.

    `action` is where it goes to, as the page has it; empty is the page itself. Buttons aren't sent unless a field is
    named like one.
    """

    __slots__ = ("action", "fields", "method")

    def __init__(self, element: Element) -> None:
        form = element.node
        if form.tag != "form":
            raise HtmlError(f"is no form but <{form.tag}>")
        self.action = element.get("action").strip()
        self.method = "POST" if element.get("method").strip().lower() == "post" else "GET"
        self.fields: Fields = tuple(_fields_of(form))

    def filled(self, values: Mapping[str, object]) -> Fields:
        """Return what is sent with `values`: each in the place of the page's own, or added; None leaves one out."""
        kept = [(name, value) for name, value in self.fields if name not in values]
        for name, value in values.items():
            if isinstance(value, Sequence) and not isinstance(value, str):
                kept += [(name, str(one)) for one in value]
            elif value is not None:
                kept.append((name, str(value)))
        return tuple(kept)


def _fields_of(form: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - lxml ships no types
    """Return what a browser would send of a form that was not touched: HTML, 4.10.21.4, without its buttons."""
    for one in form.iter("input", "select", "textarea"):
        name = one.get("name")
        if not name or "disabled" in one.attrib:
            continue
        if one.tag == "select":
            yield from ((name, value) for value in _chosen(one))
        elif one.tag == "textarea":
            yield name, str(one.text_content())
        elif (kind := one.get("type", "text").lower()) in ("checkbox", "radio"):
            if "checked" in one.attrib:
                yield name, one.get("value", "on")
        elif kind not in _BUTTONS:
            yield name, one.get("value", "")


def _chosen(select: Any) -> list[str]:  # noqa: ANN401 - lxml ships no types
    options = [one for one in select.iter("option") if "disabled" not in one.attrib]
    chosen = [one for one in options if "selected" in one.attrib]
    if "multiple" not in select.attrib:
        chosen = chosen[-1:] or options[:1]
    return [one.get("value", " ".join(str(one.text_content()).split())) for one in chosen]


def document(body: bytes) -> Element:
    """Read a page; raises HtmlError for none, or one over 4 MiB."""
    if len(body) > MAX_BYTES:
        raise HtmlError(f"the page has {len(body)} bytes; at most {MAX_BYTES} are read")
    try:
        text = body.decode("utf-8", errors="replace").replace("\0", "\ufffd")
        return Element(lxml_html.document_fromstring(text, parser=lxml_html.HTMLParser(huge_tree=False)))
    except (etree.LxmlError, ValueError) as error:
        raise HtmlError("the page has no HTML") from error


@lru_cache(maxsize=512)
def _selector(css: str) -> etree.XPath:
    # Not lxml.cssselect: its `:contains` calls a function of Python's, which an expression finds only the first time.
    try:
        return etree.XPath(_TRANSLATOR.css_to_xpath(css))
    except SelectorError as error:
        raise ValueError(f"not a CSS selector: {css!r}: {error}") from error
