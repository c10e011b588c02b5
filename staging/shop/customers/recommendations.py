"""What is recommended to a customer: styles that are like those they ordered."""

from collections import Counter
from collections.abc import Iterable

from staging.shop.catalogue import FEATURED, Catalogue, Style
from staging.shop.orders import Order

MOST_ORDERS = 50
_PART = 3


def recommended(catalogue: Catalogue, orders: Iterable[Order]) -> tuple[list[Style], list[str]]:
    """Return styles for who made these orders, the best first, and the ordered styles that they are like.

    Every line is compared with every style, by category and by the parts of their names: the more a customer has
    ordered, the more work the page is. A customer without orders sees what everybody sees.
    """
    ordered = [style for order in orders for line in order.lines if (style := catalogue.find_sku(line.sku))]
    if not ordered:
        return sorted((s for s in catalogue.styles.values() if s.featured), key=lambda s: s.style)[:FEATURED], []
    scores = Counter[str]()
    for one in ordered:
        for style in catalogue.styles.values():
            scores[style.style] += _likeness(one, style)
    known = {style.style for style in ordered}
    best = sorted(
        catalogue.styles.values(), key=lambda style: (style.style in known, -scores[style.style], style.style)
    )
    return best[:FEATURED], sorted(known & catalogue.styles.keys())


def _likeness(one: Style, other: Style) -> int:
    return 10 * (one.category == other.category) + len(_parts(one.name) & _parts(other.name))


def _parts(name: str) -> frozenset[str]:
    folded = name.lower()
    return frozenset(folded[start : start + _PART] for start in range(len(folded) - _PART + 1))
