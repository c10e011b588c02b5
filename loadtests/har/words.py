"""Names out of recordings: the words of a field's name, and what they say of its value."""

import re
from collections.abc import Collection, Sequence
from keyword import iskeyword

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_LOCALE = re.compile(r"[a-z]{2}([-_][a-z]{2})?", re.IGNORECASE)
# Parts of a path that say how it is asked and not for what.
_PREFIXES = frozenset(
    {"api", "apis", "rest", "store", "shop", "shopapi", "storefront", "ajax", "index.php", "ecommerce", "occ", "public"}
)
_VERSION = re.compile(r"v?\d{1,2}(\.\d{1,2})?")
_LONG = 16
CATALOGUE = frozenset(
    {
        "product",
        "item",
        "variant",
        "sku",
        "result",
        "hit",
        "categorie",
        "category",
        "collection",
        "drop",
        "edge",
        "node",
    }
    | {"article", "recommendation", "recommended", "listing", "tile", "size"}
)
AMOUNTS = frozenset({"quantity", "qty", "count", "amount", "limit", "offset", "page", "size", "take", "skip", "first"})


def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case: `shippingAddress[line_1]` has shipping, address, line, 1."""
    return tuple(found.lower() for found in _WORD.findall(name))


def singular(word: str) -> str:
    """Return a plural's singular, as far as paths and keys need it."""
    if word.endswith("ies") and len(word) > 4:  # noqa: PLR2004 - not "ties"
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def identifier(parts: Sequence[str], taken: Collection[str] = ()) -> str:
    """Return a variable's name of these words that isn't `taken`."""
    name = "_".join(re.sub(r"[^a-z0-9]", "", part.lower()) for part in parts if part)
    name = re.sub(r"__+", "_", name).strip("_") or "value"
    name = f"n{name}" if name[0].isdigit() else name
    name = f"{name}_" if iskeyword(name) else name
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found


def is_id(segment: str) -> bool:
    """Whether a part of a path names one thing of many: digits, a UUID, a long key with digits in it, `cart_01HX…`."""
    if segment.isdigit() or _UUID.fullmatch(segment):
        return True
    digits = sum(one.isdigit() for one in segment)
    if len(segment) >= _LONG and digits >= 3 and "-" not in segment:  # noqa: PLR2004 - words have none
        return True
    return bool(re.fullmatch(r"[A-Za-z0-9_-]+[_-]\d+", segment)) and len(segment) > 3  # noqa: PLR2004 - not "v-1"


def shown(text: str) -> str:
    """Return a recording's own words for a comment or the terminal: on one line, without what a terminal obeys."""
    return "".join(one if one.isprintable() else "…" for one in text)


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID."""
    return _UUID.fullmatch(text) is not None


def telling(path: str) -> list[str]:
    """Return the parts of a path that say what is asked for: without languages, versions and the like."""
    parts = [part for part in path.split("/") if part]
    while parts and (
        parts[0].lower().replace("-", "").replace("_", "") in _PREFIXES
        or _VERSION.fullmatch(parts[0])
        or (len(parts) > 1 and _LOCALE.fullmatch(parts[0]))
    ):
        parts = parts[1:]
    return parts
