"""The number of an order: in the JSON, the page or the address that a shop answers it with."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from loadtests.har.asking import changes, named, places_order
from loadtests.har.selectors import selector_of
from loadtests.har.slots import leaves
from loadtests.har.sources import LAST_WORD, Source, data_of, page_of
from loadtests.har.visit import Request
from loadtests.har.words import words
from loadtests.storefronts.html import Element

_NUMBERS = frozenset({"id", "number", "code", "reference", "no", "nr", "increment", "display"})
_SAYS_ORDER = re.compile(
    r"(?:order|bestell|auftrags?|commande|pedido|purchase)[\s-]*(?:number|nummer|nr\.?|no\.?|id|reference|code)?"
    r"[\s:#]*(?:is\s+)?#?\s*([A-Z]{0,6}-?\d[\w-]{2,30}|[A-Z0-9]{6,32})\b",
    re.IGNORECASE,
)
_NEXT = 3
_MOST_SEEN = 20


def number_of(requests: Sequence[Request], number: int, used: frozenset[Source]) -> tuple[int, Source | None]:
    """Return which reply has the order's number, and where: that of the request itself, or of one soon after."""
    for one in requests[number : number + 1 + _NEXT]:
        if one.number > number and changes(one) and places_order(one) == 0:
            continue
        places = list(_numbers_in(one))
        known = {source.place for source in used}
        again = (each for each in places if each.place in known)
        found = next(again, places[0] if places else None)
        if found is not None:
            return one.number, found
    return number, None


def _numbers_in(one: Request) -> Iterator[Source]:
    yield from _numbers_of_json(one)
    yield from _numbers_of_html(one)
    if one.hops or one.kind == "page":
        parts = [part for part in urlsplit(one.last.url).path.split("/") if part]
        for place, part in enumerate(parts):
            if place and "order" in words(parts[place - 1]) + words(parts[place - 1].rstrip("s")) and _is_number(part):
                yield Source(request=one.number, how="address", path=(place - len(parts),), words=("order", "id"))


def _is_number(text: str) -> bool:
    return bool(text) and len(text) <= 64 and any(map(str.isdigit, text)) and " " not in text  # noqa: PLR2004


def _numbers_of_json(one: Request) -> Iterator[Source]:
    ranked: list[tuple[int, int, int, Source]] = []
    about = bool({"order", "orders"} & set(named(one)))
    for path, value in leaves(data_of(one.last)):
        keys = [part for part in path if isinstance(part, str)]
        if not keys or not value or len(value) > 64:  # noqa: PLR2004 - no number of an order
            continue
        last, above = words(keys[-1]), [word for key in keys[:-1] for word in words(key)]
        if last[-1:] == () or last[-1] not in _NUMBERS:
            continue
        of_order = "order" in last[:-1] or "order" in words(keys[-2] if len(keys) > 1 else "")
        if of_order or (about and len(path) == 1) or ("order" in above and len(keys) <= 2):  # noqa: PLR2004
            source = Source(request=one.number, how="json", path=path, words=("order", *last))
            explicit = 0 if "order" in last else 1
            ranked.append((len(path), explicit, len(ranked), source))
    yield from (source for *_, source in sorted(ranked, key=lambda each: each[:3]))


def _numbers_of_html(one: Request) -> Iterator[Source]:
    root = page_of(one.last)
    if root is None:
        return
    for element in root.select("[data-order], [data-order-id], [data-order-number]")[:_MOST_SEEN]:
        name = next(
            one for one in ("data-order", "data-order-id", "data-order-number") if element.get(one) or one[-1:] == "r"
        )
        css = selector_of(root, element)
        if css and _is_number(element.get(name)):
            yield Source(request=one.number, how="element", name=css, attribute=name, words=("order", "id"))
    said = _SAYS_ORDER.search(root.text)
    if said is not None and any(map(str.isdigit, said[1])):
        yield from _around(one, root, said[1])


def _around(one: Request, root: Element, number: str) -> Iterator[Source]:
    """Return the innermost element that holds a number: alone, or as its last word."""
    holders = [Element(node) for node in root.node.iter() if isinstance(node.tag, str) and number in Element(node).text]
    holders = [each for each in holders if each.node.tag not in ("title", "script", "style", "head", "html")]
    for element in sorted(holders[-_MOST_SEEN:], key=lambda each: len(each.text)):
        css, found = selector_of(root, element), element.text.split()
        if css is None:
            continue
        if element.text == number:
            yield Source(request=one.number, how="element", name=css, words=("order", "id"))
            return
        if found[-1].strip("#.!:") == number:
            yield Source(request=one.number, how="element", name=css, end=LAST_WORD, words=("order", "id"))
            return
