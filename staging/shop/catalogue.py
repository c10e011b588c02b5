"""What Twisted Threads sells: 24 T-shirts in five sizes and four colours."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

SIZES = ("s", "m", "l", "xl", "xxl")
COLOURS = ("black", "white", "navy", "moss")
WAREHOUSE = "warehouse"
STORES = ("store-leeds", "store-york", "store-bath", "store-hull")
LOCATIONS = (WAREHOUSE, *STORES)
FEATURED = 8

_NAMES = {
    "animals": ("Llama Drama", "Otterly Fine", "Pug Life", "Sheepish Grin", "Sloth Mode", "Whale Hello"),
    "food": ("Bean There", "Brew Can Do It", "Decaf Denial", "Kale Me Maybe", "Tea Rex", "Toast Office"),
    "work": ("Byte Me", "Fully Booked", "Loading Please Wait", "Monday Again", "Reply All", "Works On Mine"),
    "home": ("Knit Happens", "Moth To Lamp", "Nap Champion", "Purrfectly Late", "Sofa So Good", "Thread Lightly"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """One size and colour of a style."""

    sku: str
    style: str
    size: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Style:
    """A T-shirt's design; every size and colour costs the same."""

    style: str
    name: str
    category: str
    price_cents: int
    featured: bool

    @cached_property
    def skus(self) -> tuple[Sku, ...]:
        """Return the style's SKUs, named `<style>-<size>-<colour>`."""
        return tuple(
            Sku(sku=f"{self.style}-{size}-{colour}", style=self.style, size=size, colour=colour)
            for size, colour in product(SIZES, COLOURS)
        )


class Catalogue:
    """The styles, found by key and by SKU; `drop` is sold apart from the others, where there is one."""

    def __init__(self, styles: tuple[Style, ...], drop: Style | None = None) -> None:
        self.styles: Mapping[str, Style] = {style.style: style for style in styles}
        self.categories = tuple(dict.fromkeys(style.category for style in styles))
        self.drop = drop
        self._by_sku = {sku.sku: style for style in (*styles, *([drop] if drop else [])) for sku in style.skus}

    def find(self, style: str) -> Style | None:
        """Return a style by its key, the drop's too."""
        if self.drop is not None and style == self.drop.style:
            return self.drop
        return self.styles.get(style)

    def find_sku(self, sku: str) -> Style | None:
        """Return the style that a SKU belongs to."""
        return self._by_sku.get(sku)


def twisted_threads(*, with_drop: bool = False) -> Catalogue:
    """Return the catalogue, the same each time."""
    named = [(category, name) for category, names in _NAMES.items() for name in names]
    styles = tuple(_style(number, category, name) for number, (category, name) in enumerate(named))
    drop = Style(
        style="moonlitmile", name="Moonlit Mile", category="drop", price_cents=2999, featured=False
    )  # no page but the drops' leads to it
    return Catalogue(styles, drop if with_drop else None)


def _style(number: int, category: str, name: str) -> Style:
    return Style(
        style=name.replace(" ", "").lower(),
        name=name,
        category=category,
        price_cents=1499 + number * 7 % 6 * 200,
        featured=number % 3 == 0,
    )
