"""Names of steps: short, by what is asked for, the same for the same kind of request."""

import re
from collections.abc import Sequence

from loadtests.har.entries import Entry
from loadtests.har.operations import operation_of
from loadtests.har.visit import Request
from loadtests.har.words import is_id, singular, telling, words

_LONGEST = 40
_ORDER = "checkout"
_ONE = frozenset({"handle", "slug", "sku", "id", "product_id", "productid"})
_SEARCH = frozenset({"q", "query", "search", "s", "term", "keyword", "keywords", "text"})
_SLUG = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*(\.html?)?", re.IGNORECASE)
_THINGS = {
    "product": "product", "products": "product", "p": "product", "dp": "product", "item": "product", "c": "category",
    "category": "category", "categories": "category", "collection": "category", "collections": "category",
}  # fmt: skip


def step_names(
    requests: Sequence[Request],
    by_id: frozenset[str],
    products: frozenset[int | None] = frozenset(),
    order: int | None = None,
) -> list[str]:
    """Return a name for each request; `by_id` holds the parts of paths that are values out of replies.

    The pages numbered in `products` are those from which something was put into the cart. The request numbered `order`
    places the order: it is the step `checkout`, as the objectives have it.
    """
    names: list[str] = []
    known: dict[str, tuple[str, str]] = {}
    if order is not None:
        known[_ORDER] = requests[order].method, "/".join(_parts(requests[order].first, by_id))
    for one in requests:
        parts = _parts(one.first, by_id)
        shape = one.method, "/".join(parts)
        name = _ORDER if one.number == order else _name(one.first, parts)
        name = "product" if one.number in products and one.kind == "page" and one.method == "GET" else name
        if name == _ORDER and order not in (None, one.number):
            name = f"{name}-page" if one.method == "GET" else f"{name}-form"
        for candidate in _candidates(name, one, parts):
            if known.setdefault(candidate, shape) == shape:
                names.append(candidate)
                break
    return names


def _candidates(name: str, one: Request, parts: Sequence[str]) -> list[str]:
    longer = "-".join(part for part in parts if part != "*")[-_LONGEST:].strip("-")
    method = one.method.lower()
    numbered = [f"{name}-{number}" for number in range(2, 1000)]
    return [name, *([longer] if longer else []), f"{name}-{method}", *numbered]


def _parts(entry: Entry, by_id: frozenset[str]) -> list[str]:
    if operation := operation_of(entry):
        return [operation.name]
    return ["*" if _is_one_of_many(part, by_id) else part.lower() for part in telling(entry.parts.path)]


def _is_one_of_many(part: str, by_id: frozenset[str]) -> bool:
    return is_id(part) or part in by_id


def _name(entry: Entry, parts: list[str]) -> str:
    if operation := operation_of(entry):
        return operation.name[:_LONGEST]
    if entry.method == "GET" and any(name.lower() in _SEARCH for name, _ in entry.query):
        return "search"
    if not parts or parts == ["*"]:
        return "home"
    above = next((part for part in reversed(parts[:-1]) if part != "*"), "")
    if entry.method == "GET" and above in _THINGS and (parts[-1] == "*" or _SLUG.fullmatch(parts[-1])):
        return _THINGS[above]  # /products/blue-tee
    named = [part for part in parts if part != "*"]
    last = named[-1] if named else "home"
    last = singular(last) if parts[-1] == "*" or _asks_for_one(entry) else last
    verb = {"DELETE": "remove"}.get(entry.method, "")
    return _plain(
        "-".join(filter(None, (_two(named) if last in ("add", "update", "remove", "submit") else last, verb)))
    )


def _asks_for_one(entry: Entry) -> bool:
    """Whether a query names one thing of a list: `/products?handle=blue-tee`."""
    return entry.method == "GET" and bool(_ONE & {name.lower() for name, _ in entry.query})


def _two(named: Sequence[str]) -> str:
    return "-".join(named[-2:])


def _plain(name: str) -> str:
    found = "-".join(words(re.sub(r"\.(html?|php|aspx?|jsp|json|do)$", "", name)))
    return found[:_LONGEST].strip("-") or "step"
