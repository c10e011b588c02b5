"""The total of an order: what a shopper saw before it was placed, and what the shop named afterwards."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from loadtests.har.selectors import selector_beside, selector_of
from loadtests.har.slots import Place, leaves
from loadtests.har.sources import Source, data_of, page_of
from loadtests.har.visit import Request
from loadtests.har.words import words
from loadtests.storefronts.amounts import cents
from loadtests.storefronts.html import Element

_TOTALS = ("totalwithtax", "grandtotal", "totalinclvat", "totalincltax", "ordertotal", "totalcents", "totalamount",
           "totalprice", "amountdue", "total")  # fmt: skip
_SAYS_TOTAL = re.compile(
    r"^(order |grand |invoice )?(total|gesamt\w*|summe|amount due)\b(?!.*\b(items?|tax)\b)", re.IGNORECASE
)
_MONEY = re.compile(r"\d[\d.,'\u2019\u00a0\u202f ]*")
_LEAST_WHOLE = 500
_MOST_TRIED, _MOST_NODES = 2, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Where a total stands, and whether it is in whole cents there. `guessed` when that can't be told for sure."""

    source: Source
    cents: int
    is_cents: bool = False
    guessed: bool = False
    shown: str = ""


def total_before(requests: Sequence[Request], number: int, placed: Amount | None) -> Amount | None:
    """Return the total that the shopper saw last before the order; that which the order had, where one is."""
    seen = [
        amount for one in reversed(requests[:number]) for amount in sorted(totals_in(one), key=rank_of, reverse=True)
    ]
    if placed is not None:
        same = [amount for amount in seen if amount.cents == placed.cents]
        if same:
            return same[0]
    return seen[0] if seen else None


def rank_of(amount: Amount) -> tuple[int, int]:
    """Return what the likeliest total of one reply has most of: the shallowest in JSON, the largest on a page."""
    if amount.source.how == "json":
        return 0, -len(amount.source.path)
    return 0, amount.cents


def totals_in(one: Request) -> Iterator[Amount]:
    """Return what a reply says are totals."""
    value = data_of(one.last)
    if value is not None:
        yield from _totals_of_json(one, value)
    root = page_of(one.last)
    if root is not None:
        yield from _totals_of_html(one, root)


def _totals_of_json(one: Request, value: Any) -> Iterator[Amount]:  # noqa: ANN401 - JSON
    found: list[tuple[int, int, Place, str]] = []
    fractions = False
    for path, held in leaves(value):
        key = "".join(words(str(path[-1]))) if path else ""
        if "." in held and re.fullmatch(r"-?\d+\.\d+", held):
            fractions = fractions or any(one in key for one in ("total", "price", "amount"))
        if key in _TOTALS and not any(isinstance(part, int) for part in path) and re.fullmatch(r"\d+(\.\d+)?", held):
            found.append((len(path), _TOTALS.index(key), path, held))
    for _, _, path, held in sorted(found)[:1]:
        yield _amount_of(one, path, held, fractions=fractions)


def _amount_of(one: Request, path: Place, held: str, *, fractions: bool) -> Amount:
    key = words(str(path[-1]))
    named = bool({"cents", "minor"} & set(key))
    is_cents = named or ("." not in held and not fractions and int(held) >= _LEAST_WHOLE)
    source = Source(request=one.number, how="json", path=path, words=key)
    amount = int(held) if is_cents else cents(held)
    return Amount(
        source=source,
        cents=amount,
        is_cents=is_cents,
        guessed="." not in held and not named and not fractions,
        shown=held,
    )


def _totals_of_html(one: Request, root: Element) -> Iterator[Amount]:
    """Return the largest amount that the page calls a total: sums of a part of it aren't larger; the last of equals."""
    seen = list(enumerate(_amounts(root)))
    for _, (element, attribute, amount, label) in sorted(seen, key=lambda each: (-each[1][2], -each[0]))[:_MOST_TRIED]:
        css = selector_of(root, element) if label is None else selector_beside(root, label)
        if css is not None:
            source = Source(request=one.number, how="element", name=css, attribute=attribute, words=("total",))
            yield Amount(source=source, cents=amount, is_cents=bool(attribute))
            return


def _amounts(root: Element) -> Iterator[tuple[Element, str, int, Element | None]]:
    for element in root.select("[data-total-cents], [data-cents]"):
        name = "data-total-cents" if element.get("data-total-cents") else "data-cents"
        if element.get(name).isdigit() and ("total" in (element.get("id") + element.get("class") + name)):
            yield element, name, int(element.get(name)), None
    for node in islice(root.node.iter("th", "td", "dt", "span", "div", "strong", "p", "b", "label"), _MOST_NODES):
        element = Element(node)
        marks = {word for name in ("class", "id") for word in words(element.get(name))}
        text = element.text
        if "total" in marks and len(text) < 40 and _MONEY.search(text) and not len(node.xpath(".//*[2]")):  # noqa: PLR2004
            yield element, "", _cents(text), None
        elif len(text) < 40 and _SAYS_TOTAL.match(text) and not _MONEY.search(text):  # noqa: PLR2004 - a label
            sibling = node.getnext()
            if sibling is not None and _MONEY.search(Element(sibling).text):
                yield Element(sibling), "", _cents(Element(sibling).text), element


def _cents(text: str) -> int:
    try:
        return cents(text)
    except ValueError:
        return 0
