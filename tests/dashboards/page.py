"""A page as a browser would read it, without one."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path


@dataclass(kw_only=True)
class Element:
    """One start tag with its attributes."""

    tag: str
    attributes: dict[str, str]


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self.texts: list[str] = []
        self.styles: list[str] = []
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag=tag, attributes={key: value or "" for key, value in attrs}))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        (self.styles if self._in_style else self.texts).append(data)


@dataclass(kw_only=True)
class Read:
    """What a page holds: elements, styles, and its words with every run of blanks as one."""

    elements: list[Element]
    styles: str
    text: str
    tags: set[str] = field(default_factory=set)


def read_page(path: Path) -> Read:
    parser = _Parser()
    parser.feed(path.read_text(encoding="utf-8"))
    parser.close()
    return Read(
        elements=parser.elements,
        styles="".join(parser.styles),
        text=" ".join(" ".join(parser.texts).split()),
        tags={element.tag for element in parser.elements},
    )


def dead_links(page: Read) -> list[str]:
    """Return the links that lead to no place on the page."""
    ids = {element.attributes["id"] for element in page.elements if "id" in element.attributes}
    links = [element.attributes["href"] for element in page.elements if element.tag == "a"]
    return [link for link in links if link[0] != "#" or link[1:] not in ids]
