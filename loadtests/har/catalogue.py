"""Which lists of a reply are a catalogue's, so that each shopper picks another thing of them."""

from collections.abc import Sequence
from typing import Any

from loadtests.har.slots import Place
from loadtests.har.sources import data_of
from loadtests.har.visit import Request
from loadtests.har.words import CATALOGUE, singular, words

_NOT_CATALOGUE = frozenset(
    {"cart", "carts", "basket", "order", "orders", "payment", "shipping", "country", "countries", "region", "regions"}
    | {"method", "methods", "option", "address", "addresses", "checkout", "currency", "currencies", "provider"}
)
_GENERIC = frozenset({"edge", "node", "item", "result", "hit", "listing", "search", "find", "list", "data"})


def picks_of(request: Request, path: Place) -> list[int]:
    """Return which places of a JSON path are one of many things of a catalogue."""
    value, picked = data_of(request.last), []
    for place, part in enumerate(path):
        if isinstance(part, int) and isinstance(value, list) and _is_catalogue(path[:place], value):
            picked.append(place)
        value = _within(value, part)
    return picked


def thing_words(request: Request, path: Place) -> tuple[str, ...]:
    """Return what one of a list's things at `path` is called: one of `products.edges` is a product."""
    for part in reversed(path):
        if isinstance(part, str) and (named := [singular(word) for word in words(part)]) and named[-1] not in _GENERIC:
            return (named[-1],)
    value: Any = data_of(request.last)
    for part in path:
        value = _within(value, part)
    keys: Sequence[str] = list(value) if isinstance(value, dict) else []
    return ("product",) if any(words(key)[:1] == ("product",) for key in keys) else ("item",)


def _is_catalogue(above: Place, found: list[Any]) -> bool:
    if len(found) < 2 or not all(isinstance(one, dict) for one in found):  # noqa: PLR2004 - one is no choice
        return False
    keys = [part for part in above if isinstance(part, str)]
    last = next((singular(words(key)[-1]) for key in reversed(keys) if words(key)), "product")
    return last in CATALOGUE and not _NOT_CATALOGUE & {word for key in keys for word in words(key)}


def _within(value: Any, part: str | int) -> Any:  # noqa: ANN401 - JSON
    try:
        return value[part]
    except (LookupError, TypeError):
        return None
