"""What a visit puts into the cart: by which request, of which SKU, how many."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from loadtests.har.asking import CARTS, changes, named
from loadtests.har.selectors import selector_beside
from loadtests.har.slots import Place, Slot, leaves, slots_of
from loadtests.har.sources import Source, data_of, page_of
from loadtests.har.visit import Request
from loadtests.har.words import words
from loadtests.storefronts.html import Element

_SAYS_SKU = re.compile(r"(sku|upc|article( no\.?| number)?|item( no\.?| number)|artikelnummer):?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """What was put into the cart: by which request, its SKU as a place in a reply or as the request names it."""

    request: int
    sku: Source | Slot | None
    is_sku: bool
    quantity: Slot | None


def adds_to_cart(one: Request) -> bool:
    """Whether a request puts something into the cart."""
    about = set(named(one))
    if not changes(one) or {"remove", "delete", "coupon", "voucher", "complete", "payment", "shipping"} & about:
        return False
    if not CARTS & about and not {"add", "item"} <= about:
        return False
    return bool({"add", "line", "lines", "items"} & about) or _thing(list(slots_of(one.first))) is not None


def is_about_a_cart(one: Request) -> bool:
    """Whether a request begins a cart, or puts something into one."""
    return adds_to_cart(one) or bool(changes(one) and CARTS & set(named(one)))


def bought_in(requests: Sequence[Request]) -> Iterator[Bought]:
    """Return what each request puts into the cart."""
    for one in requests:
        if not adds_to_cart(one):
            continue
        slots = list(slots_of(one.first))
        quantity = next((slot for slot in slots if words(slot.name)[-1:] in (("quantity",), ("qty",))), None)
        by_sku = next((slot for slot in slots if "sku" in words(slot.name)), None)
        if by_sku is not None:
            yield Bought(request=one.number, sku=by_sku, is_sku=True, quantity=quantity)
            continue
        thing = _thing(slots)
        page = None if one.came_from is None else requests[one.came_from]
        source = _sku_beside(requests[: one.number], thing) or _sku_on(page) or _sku_in_cart(one)
        if source is not None:
            yield Bought(request=one.number, sku=source, is_sku=True, quantity=quantity)
        elif thing is not None:
            yield Bought(request=one.number, sku=thing, is_sku=False, quantity=quantity)


def _thing(slots: Sequence[Slot]) -> Slot | None:
    """Return the id of what is put into the cart: a variant's before a product's."""
    for wanted in ("variant", "offer", "product", "item", "merchandise"):
        for slot in slots:
            if wanted in words(slot.name) and words(slot.name)[-1] in ("id", "ids", wanted) and slot.value:
                return slot
    return next((slot for slot in reversed(slots) if slot.where == "path" and slot.value.isdigit()), None)


def _sku_beside(requests: Sequence[Request], thing: Slot | None) -> Source | None:
    """Return the SKU that stands beside the thing's id in the latest reply that holds both."""
    if thing is None:
        return None
    for one in reversed(requests):
        value = data_of(one.last)
        for path, held in leaves(value):
            if held == thing.value and path:
                beside = _at(value, path[:-1])
                if isinstance(beside, dict) and isinstance(beside.get("sku"), str) and beside["sku"]:
                    return Source(request=one.number, how="json", path=(*path[:-1], "sku"), words=("sku",))
    return None


def _at(value: Any, path: Place) -> Any:  # noqa: ANN401 - JSON
    for part in path:
        value = value[part]
    return value


def _sku_on(page: Request | None) -> Source | None:
    root = None if page is None else page_of(page.last)
    if root is None or page is None:
        return None
    for attribute, known in (("data-sku", "[data-sku]"), ("content", "meta[itemprop=sku]"), ("", "[itemprop=sku]")):
        if root.select(known):
            return Source(request=page.number, how="element", name=known, attribute=attribute, words=("sku",))
    for node in root.node.iter("th", "dt", "td", "span"):
        if _SAYS_SKU.fullmatch(Element(node).text):
            css = selector_beside(root, Element(node))
            if css is not None:
                return Source(request=page.number, how="element", name=css, words=("sku",))
    return None


def _sku_in_cart(one: Request) -> Source | None:
    for path, held in leaves(data_of(one.last)):
        if held and isinstance(path[-1], str) and words(path[-1])[-1:] == ("sku",):
            return Source(request=one.number, how="json", path=path, words=("sku",))
    return None
